"""Run the sandbox as a process: `python -m tests.sandbox --port 0 --seed 7 --script faults.json`.

Its first line of output is JSON: `url`, `port`, `key`, `secret`, `control_key`. It ends when its standard input does,
or at a signal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

from aiohttp import web

from tests.sandbox.exchange import CLIENT, Exchange
from tests.sandbox.faults import Script
from tests.sandbox.keys import Key
from tests.sandbox.server import HOST, Server, wall_ms
from tests.sandbox.setup import Setup


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--seed", type=int, help="what liquidity, walks and probabilities are drawn from (7)")
    parser.add_argument("--setup", type=Path, help="JSON file: instruments, prices, cash, fees, … (docs/venues.md)")
    parser.add_argument("--script", type=Path, help="JSON file with the rules of faults")
    parser.add_argument("--journal", type=Path, help="file that takes every row of the journal as well")
    parser.add_argument("--stay", action="store_true", help="go on when standard input ends")
    return parser.parse_args(argv)


async def serve(exchange: Exchange, key: Key, options: argparse.Namespace) -> None:
    """Until it is told to stop."""
    control_key = secrets.token_urlsafe(16)
    # a hanging answer is cancelled with its caller, and must not hold up the end
    runner = web.AppRunner(
        Server(exchange, control_key).app(), handler_cancellation=True, shutdown_timeout=0.1, access_log=None
    )
    await runner.setup()
    site = web.TCPSite(runner, HOST, options.port)
    await site.start()
    port = runner.addresses[0][1]
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if not options.stay:
        threading.Thread(target=_until_the_end, args=(loop, stopped), daemon=True).start()
    told = {"url": f"http://{HOST}:{port}", "port": port, "key": key.key, "secret": key.secret}
    sys.stdout.write(json.dumps({**told, "control_key": control_key}) + "\n")
    sys.stdout.flush()
    await stopped.wait()
    await runner.cleanup()


def _until_the_end(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Who started it holds the other end of standard input: gone, so is the sandbox."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stopped.set)


def main(argv: list[str] | None = None) -> int:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    options = arguments(argv)
    setup = Setup.parse(options.setup.read_bytes()) if options.setup else Setup()
    if options.seed is not None:
        setup = setup.model_copy(update={"seed": options.seed})
    key = Key(secrets.token_urlsafe(12), secrets.token_urlsafe(24), CLIENT, frozenset(setup.rights))
    exchange = Exchange(setup, wall_ms, key, options.journal)
    if options.script:
        exchange.faults.add(Script.parse(options.script.read_bytes()).rules)
    asyncio.run(serve(exchange, key, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
