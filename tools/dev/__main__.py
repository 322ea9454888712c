"""Starts the desk on recorded markets and shows how it does. Ctrl-C stops it; the next start goes on from there."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.live import Live

from tools import vendor
from tools.dev import credentials, desks, leftovers, status, webhooks
from tools.dev.alerts import Teller
from tools.dev.options import Options
from tools.dev.player import Player
from tools.failure import run_main, say, warn
from tools.replay import Market, ReplayServer, markets_for
from tools.stack import Stack
from tools.strategies import broken

LINE_EVERY_S = 5.0
TABLE_EVERY_S = 1.0
REFUSALS_SHOWN = 10


def main() -> int:
    """0 after Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="make dev", description=__doc__)
    parser.epilog = (
        "Settings from the environment: PORT, STATE_DIR, REPLAY_SPEED (bars a second), DATASET (a folder), ALERT_PORT."
    )
    parser.parse_args()
    options = Options.read(os.environ)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    began = time.monotonic()
    with ExitStack() as cleanup:
        player = start(options, cleanup)
        say(f"Ready after {time.monotonic() - began:.1f} s: {player.stack.url}   (Ctrl-C stops)")
        for line in broken():
            warn(f"{line}; a desk that asks for it trades without it")
        watch_sources(stop)
        play(player, options, stop)
        say("stopping")
    say(f"stopped; the next start goes on from here ({options.state_dir})")
    return 0


def start(options: Options, cleanup: ExitStack) -> Player:
    """Everything up and the first tick done; what was started is ended by `cleanup`."""
    say("reading the markets")
    markets = markets_for(options.dataset)
    for market in markets:
        tell(market)
    replay = ReplayServer(markets, options.state_dir / "replay.json")
    cleanup.callback(replay.stop)
    replay_url = replay.start()
    stack = Stack(
        options.state_dir / "workers",
        port=options.port,
        vars={"cron": desks.cron_vars(markets, replay_url) | webhooks.cron_vars(options.alert_port)},
        secrets={
            "router": {"KEY_PEPPER": credentials.pepper(options.state_dir)},
            "cron": webhooks.cron_secrets(options.state_dir),
        },
    )
    say("starting five workers")
    stack.start()
    cleanup.callback(stack.stop)
    cleanup.callback(keep_log, stack, options.state_dir / "workers.log")
    for name in stack.apply_migrations():
        say(f"  migration {name} applied")
    leftovers.free(stack)
    waited = leftovers.waited(stack)
    credentials.ensure(options.state_dir, stack)
    say(f"API keys: {shown_path(options.state_dir / 'credentials.json')}")
    player = Player(stack, replay, [market.venue for market in markets])
    player.fire()
    # after the first tick, which would have to share the one thread with them
    if waited:
        leftovers.resend(stack, waited)
        say(f"jobs that waited at the last stop go on: {len(waited)}")
    return player


def shown_path(path: Path) -> Path:
    """Short, where it lies below the folder that one stands in."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def tell(market: Market) -> None:
    """What will be played, and what was refused of it."""
    say(f"  {market.venue}: {len(market.instruments)} symbols, {len(market.closes):,} bars to play")
    for note in market.notes:
        say(f"    {note}")
    for refusal in market.refusals[:REFUSALS_SHOWN]:
        say(f"    refused {refusal}")
    if market.refused > REFUSALS_SHOWN:
        say(f"    and {market.refused - REFUSALS_SHOWN:,} more rows refused; the rest plays")


def play(player: Player, options: Options, stop: threading.Event) -> None:
    """Bar after bar until told to stop; at the end of the markets the desk stays up."""
    key = credentials.ensure(options.state_dir, player.stack)["viewer"]
    headers = {"Authorization": f"Bearer {key}"}
    with (
        httpx.Client(base_url=player.stack.url, headers=headers, timeout=30) as client,
        shown(client, player) as show,
    ):
        while not stop.is_set():
            # after the last bar the trigger fires once a minute, as in production
            due = time.monotonic() + (60.0 if player.ended else 1 / options.speed)
            player.play_bar()
            while not stop.is_set() and (left := due - time.monotonic()) > 0:
                show()
                stop.wait(min(left, TABLE_EVERY_S))
            show()


@contextmanager
def shown(client: httpx.Client, player: Player) -> Iterator[Show]:
    """A live table on a terminal, a line every few seconds elsewhere."""
    if not sys.stdout.isatty():
        yield Show(client, player, LINE_EVERY_S, None)
        return
    with Live(console=Console(), auto_refresh=False) as live:
        yield Show(client, player, TABLE_EVERY_S, live)


class Show:
    """Reads the status and shows it, at most every so many seconds."""

    def __init__(self, client: httpx.Client, player: Player, every_s: float, live: Live | None) -> None:
        self._client, self._player, self._every_s, self._live = client, player, every_s, live
        self._next = 0.0
        self._tell = Teller(player.stack)

    def __call__(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every_s
        self._tell()
        found = status.read(self._client, self._player.stack, self._player.clocks())
        if self._live:
            self._live.update(found.table(), refresh=True)
        else:
            say(found.line())


def keep_log(stack: Stack, path: Path) -> None:
    """What the workers logged, one line each, for after the stop."""
    path.write_text("".join(f"{entry.level} {entry.message}\n" for entry in stack.logs()))


def watch_sources(stop: threading.Event) -> None:
    """Copies `shared` into the workers again whenever it changes, so that no stale copy is ever deployed from here."""

    def newest() -> float:
        return max(path.stat().st_mtime for path in Path("shared").rglob("*.py"))

    def watch() -> None:
        seen = newest()
        while not stop.wait(2.0):
            now = newest()
            if now > seen:
                seen = now
                vendor.vendor_all()
                say("shared/ has changed and was copied into the workers; restart to run it")

    threading.Thread(target=watch, name="sources", daemon=True).start()


if __name__ == "__main__":
    run_main(main)
