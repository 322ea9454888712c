"""Everything around one desk: its lives one after the other, its market, venue, platform and callers, in simulated time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random
from typing import Any

from shared.desk.shell import Desk
from shared.errors import DeskError
from shared.model import TimeInForce
from shared.venues.venue import Offers, OrderReport
from tests.simulation.faults import Faults, Profile, dice_of
from tests.simulation.judge import Judge
from tests.simulation.line import Line
from tests.simulation.loop import SimLoop, close
from tests.simulation.platform import Crash, Doom, LifeAlarm, LifeSql, SimD1
from tests.simulation.prices import BAR_MS, TICK_MS, Market
from tests.simulation.terms import Terms, terms_of
from tests.simulation.venue import SimVenue

WALL_MS = 1_699_999_980_000
MARKET_MS = 1_104_537_600_000
SYMBOLS = ("AAA", "BBB", "CCC")
FEE_SYMBOL = "FEE"
CASH = Decimal(100_000)


class Life:
    """One life of the object: all that is in memory, gone with it."""

    def __init__(self, world: World, before: Life | None) -> None:
        self.world = world
        self.doom = Doom()
        self.sql: LifeSql = LifeSql(self, before.sql if before else None, world.judge.catch_up)
        self.line = Line(self)
        self.desk = Desk(
            self.sql,
            LifeAlarm(self),
            world.d1,
            world,
            self.line,
            name="alpha",
            token=lambda: f"token-{world.key()}",
            elsewhere=lambda _: self.line,
            ceiling="live",
        )
        self.tasks: set[asyncio.Task[None]] = set()

    def end(self) -> None:
        """Nothing of it goes on."""
        self.doom.dead = True
        for task in list(self.tasks):
            if not task.done():
                close(task.get_coro(), Crash)  # type: ignore[arg-type]


class World:
    """One run's world. `step` is the number of the step that is being taken; its luck is `dice` and that of the faults."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        luck = dice_of(seed, "world")
        self.loop = SimLoop()  # type: ignore[abstract]
        self.dice = luck
        self.faults = Faults(Profile.of(luck), dice_of(seed, "faults"))
        self.mode = luck.choice(("paper", "paper", "demo", "live"))
        # a venue that is not of paper lives in our own time
        self.market_ms = MARKET_MS if self.mode == "paper" else WALL_MS
        self.market = Market((*SYMBOLS, FEE_SYMBOL), dice_of(seed, "market"), self.market_ms)
        self.terms: dict[str, Terms] = terms_of((*SYMBOLS, FEE_SYMBOL), dice_of(seed, "terms"))
        self.far = luck.choice((20, 200, 1_000))
        self.offers = _offers(luck)
        fee_asset = luck.choice(("USD", "USD", "USD", "FEE"))
        self.venue = SimVenue(self.market, self.faults, self.offers, fee_asset, CASH)
        self.venue.parts = luck.choice((0.0, 0.2, 0.6))
        self.venue.told = self._push
        self.venue_away = False
        self.cron_away_ms = 0
        self.clock_off_ms = 0
        self.trace: list[str] | None = None
        self.refusals: Counter[str] = Counter()
        self.crashes = 0
        self.levels: list[dict[str, Any]] = []
        self.confirm = ""
        self._keys = 0
        self._alarms = 0
        self._bars_done = 0
        self.judge = Judge(self)
        self.d1 = SimD1(self)
        self.life = Life(self, None)
        self.loop.after(TICK_MS, self._move)
        # a moment after the minute's last price, so that its bar is closed
        self.loop.after(BAR_MS + 1_000, self._minute)

    # the clock of the desk
    def now_ms(self) -> int:
        return WALL_MS + self.loop.now_ms + self.clock_off_ms

    def key(self) -> int:
        self._keys += 1
        return self._keys

    def note(self, text: str) -> None:
        """One line of the trace, if one is kept."""
        if self.trace is not None:
            self.trace.append(f"{self.loop.now_ms / 1000:9.3f}  {text}")

    def latency(self) -> int:
        return self.faults.dice.randint(1, self.far)

    async def wait(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)

    def step(self, name: object, calm: bool) -> Random:
        """From now on the luck is that of this step."""
        self.dice = dice_of(self.seed, name)
        self.faults.dice = dice_of(self.seed, f"faults {name}")
        self.faults.calm = calm
        return self.dice

    def run(self, ms: int) -> None:
        """Lets simulated time pass; ends early when the judge has seen enough."""
        self.loop.run_until(self.loop.now_ms + ms, self._watch)

    def _watch(self) -> bool:
        if self.life.doom.dead:
            self.faults.counts["crash"] += 1
            self.note(f"crash   at {self.life.doom.where}")
            self.reborn()
        return bool(self.judge.wrongs)

    def reborn(self) -> None:
        """Memory is gone; another life stands on what was stored."""
        before = self.life
        before.end()
        self.crashes += 1
        self.life = Life(self, before)
        self.judge.catch_up()

    def call(self, method: str, then: Callable[[dict[str, Any]], None] | None = None, **body: Any) -> None:
        """Calls a method of the desk, and goes on at once; `then` is given the answer."""
        desk = self.life.desk
        target = desk if hasattr(desk, method) else desk.read
        self.spawn(method, lambda: getattr(target, method)(body), then)

    def spawn(self, name: str, work: Callable[[], Awaitable[Any]], then: Callable[[Any], None] | None = None) -> None:
        """Runs `work` in this life beside all else."""
        life = self.life

        async def run() -> None:
            try:
                answer = await work()
            except DeskError as error:
                self.refusals[error.error_code] += 1
                self.note(f"answer  {name}: {error.error_code}")
                if error.error_code in ("log_broken", "log_unreadable"):
                    self.judge.wrong(f"{name}: {error.detail}")
            except Crash:
                return
            except Exception as bug:  # noqa: BLE001 - what the desk lets out is what is looked for
                self.judge.wrong(f"{name} raised {type(bug).__name__}: {bug}", bug)
            else:
                if then is not None:
                    then(answer)

        task = self.loop.create_task(run())
        life.tasks.add(task)
        task.add_done_callback(lambda done: self._ended(life, done))

    def _ended(self, life: Life, task: asyncio.Task[None]) -> None:
        life.tasks.discard(task)
        bug = task.exception()
        if bug is not None and not life.doom.dead:
            self.judge.wrong(f"a task ended with {bug!r}")

    # what happens by itself
    def arm(self, at_ms: int) -> None:
        self._alarms += 1
        wait = max(0, at_ms - self.now_ms())
        if self.faults.strike("alarm_late"):
            wait += self.faults.dice.randint(100, 60_000)
        self.loop.after(wait, self._fire, self._alarms)

    def _fire(self, number: int) -> None:
        if number == self._alarms and not self.faults.strike("alarm_lost"):
            self.spawn("alarm", lambda: self.life.desk.engine.fire())

    def _move(self) -> None:
        self.market.move(self.market_ms + self.loop.now_ms)
        if self.faults.strike("jump"):
            self.market.jump(self.faults.dice.choice(SYMBOLS), self.faults.dice.uniform(-0.15, 0.15))
        self.venue.go_on()
        if self.loop.now_ms % 15_000 < TICK_MS and self.cron_away_ms < self.loop.now_ms:
            self.heartbeat()
        self.loop.after(TICK_MS, self._move)

    def heartbeat(self) -> None:
        quotes = [self.market.quote(symbol, self.now_ms()) for symbol in self.market.symbols]
        self.call("heartbeat", self._watch_levels, quotes=quotes)

    def _watch_levels(self, answer: dict[str, Any]) -> None:
        self.levels = answer["levels"]

    def _minute(self) -> None:
        self.loop.after(BAR_MS, self._minute)
        if self.cron_away_ms >= self.loop.now_ms:
            return
        self.bars()
        self.call("tick")

    def bars(self, again: int = 0) -> None:
        """Brings the bars that the desk has not confirmed yet, and some that it has."""
        upto = len(self.market.closed)
        candles = [bar.wire() for bar in self.market.closed[max(0, self._bars_done - again) : upto]]

        def done(_: dict[str, Any]) -> None:
            self._bars_done = max(self._bars_done, upto)

        self.call("bars", done, candles=candles)

    def _push(self, report: OrderReport) -> None:
        """The venue tells of an order by itself."""
        if not self.life.desk.engine._awake or self.faults.strike("push_lost"):
            return
        wait = self.latency()
        if self.faults.strike("push_late"):
            wait += self.faults.dice.randint(500, 20_000)
        self.loop.after(wait, self._deliver, report, self.life)
        if self.faults.strike("push_twice"):
            self.loop.after(wait + self.latency(), self._deliver, report, self.life)

    def _deliver(self, report: OrderReport, to: Life) -> None:
        async def book() -> None:
            engine = self.life.desk.engine
            state = engine.ready()
            ours = {order.venue_order_id for order in state.orders.values()}
            if not self.offers.client_ids and report.venue_order_id not in ours:
                # whose it is cannot be told yet
                return
            self.note(f"push    {report.client_id[:6]} {report.status} {len(report.fills)} fills")
            engine.book(report)

        if to is self.life:
            # the stream of a life that is over ended with it
            self.spawn("push", book)


def _offers(luck: Random) -> Offers:
    return Offers(
        client_ids=luck.random() < 0.8,
        resting_stops=luck.random() < 0.5,
        oco=luck.random() < 0.5,
        post_only=luck.random() < 0.7,
        times_in_force=frozenset(TimeInForce) if luck.random() < 0.7 else frozenset({TimeInForce.GTC}),
    )
