"""The Desk object. Placeholder: a counter in SQL."""

from workers import DurableObject


class Desk(DurableObject):
    """One per account."""

    def __init__(self, ctx, env):  # noqa: ANN
        super().__init__(ctx, env)
        self.memory = 0
        ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS n (v INTEGER)")

    async def bump(self):  # noqa: ANN
        """Count in SQL and in memory."""
        self.memory += 1
        sql = self.ctx.storage.sql
        sql.exec("INSERT INTO n VALUES (1)")
        row = sql.exec("SELECT count(*) AS c FROM n").one()
        return [row["c"] if isinstance(row, dict) else row.c, self.memory]
