"""Serve recorded markets on their own: `python -m tools.replay --speed 2`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from tools.replay.datasets import markets_for
from tools.replay.errors import ReplayError
from tools.replay.generator import generated_market
from tools.replay.market import Market
from tools.replay.server import ReplayServer

log = logging.getLogger("replay")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.replay", description=__doc__)
    parser.add_argument("--port", type=int, default=8790, help="port on 127.0.0.1; 0 takes any free one (%(default)s)")
    parser.add_argument("--dataset", type=Path, help="a folder of *.csv[.gz] to play instead of the built-in markets")
    parser.add_argument("--generate", type=int, metavar="N", help="also play N made-up symbols as venue gen")
    parser.add_argument("--seed", type=int, default=1, help="what the made-up symbols are drawn from (%(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="bars a second; 0 stands still (%(default)s)")
    parser.add_argument("--state", type=Path, help="file that keeps the clocks; without it every start begins anew")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Serve until Ctrl-C; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = arguments(argv)
    try:
        markets = markets_for(options.dataset)
        if options.generate:
            markets.append(generated_market(options.generate, seed=options.seed))
        for market in markets:
            describe(market)
        serve(ReplayServer(markets, options.state), [market.venue for market in markets], options)
    except ReplayError as error:
        log.error("%s", error)
        return 1
    return 0


def describe(market: Market) -> None:
    """Log what is played, and every row that is not."""
    log.info("venue %s: %d instruments, %d steps", market.venue, len(market.instruments), len(market.closes))
    for line in (*market.notes, *market.refusals):
        log.warning("%s", line)
    if market.refused > len(market.refusals):
        log.warning("and %d more rows refused", market.refused - len(market.refusals))


def serve(server: ReplayServer, venues: list[str], options: argparse.Namespace) -> None:
    """Step every venue `speed` times a second until interrupted."""
    log.info("replay venues at %s (Ctrl-C stops)", server.start(options.port))
    try:
        while True:
            time.sleep(1 / options.speed if options.speed > 0 else 3600)
            if options.speed > 0:
                for venue in venues:
                    server.step(venue)
    except KeyboardInterrupt:
        log.info("stopped")
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
