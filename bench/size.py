"""The upload of every worker, as the deploy's dry run weighs it."""

from __future__ import annotations

from bench.report import Row, Verdict
from tools import deploy


def measure(_quick: bool) -> list[Row]:
    """Compressed; a paid plan takes 10 MB, a free one 3 MB."""
    return [
        Row(
            f"upload of {size.worker}, compressed",
            f"{size.gzip_kib / 1024:.2f} MiB",
            goal="<= 10 MiB",
            ratio=f"{size.share_of(deploy.FREE_LIMIT_KIB):.0f} % of 3 MB",
            verdict=Verdict.of(size.gzip_kib <= deploy.PAID_LIMIT_KIB),
        )
        for size in deploy.measure_all("staging")
    ]
