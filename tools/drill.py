"""Trips a real breaker on the running desk and shows what happens: the halt, the refusal, the alert, and the way back.

Start `make dev` in another terminal first. The desk `drill` trades only here, and its drawdown is so tight that the
recorded market trips it within a few bars.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools.dev import credentials, webhooks
from tools.dev.options import Options
from tools.dev.receiver import Received, Receiver
from tools.dev.status import market_time, money, state_of
from tools.failure import ToolError, run_main

T = TypeVar("T")
DESK = "drill"
SYMBOL = "AAPL"
SPEND = Decimal(90_000)
POLL_S = 0.2
WITHIN_S = 120.0
ENDED = "is `make dev` playing? At the end of its market nothing trips any more: remove STATE_DIR to play it anew"


class Api:
    """The desk's own HTTP API, as an admin has it. Every change carries a key of this very run."""

    def __init__(self, client: httpx.Client, desk: str) -> None:
        self._client = client
        self._run = f"drill-{time.time_ns() // 1_000_000}"
        self._count = 0
        self.desk = desk

    def get(self, path: str = "", **params: str | int) -> Any:
        """The answer below the desk's own path, or below `/` where the path begins with one."""
        return self._answer(self._asked("GET", path, params=params))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a change."""
        return self._answer(self.try_post(path, body))

    def try_post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """A change that may be refused."""
        self._count += 1
        return self._asked("POST", path, json=body, headers={"Idempotency-Key": f"{self._run}-{self._count}"})

    def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._client.request(
                method, path if path.startswith("/") else f"/v1/desks/{self.desk}{path and '/' + path}", **more
            )
        except httpx.HTTPError as error:
            raise ToolError(f"{self._client.base_url}: does not answer ({error}); start `make dev` first") from None

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_success:
            return response.json()
        problem = response.json()
        hint = "; DATASET has no such desk" if problem.get("code") == "desk_not_open" else ""
        raise ToolError(f"{response.request.method} {response.request.url.path}: {problem.get('detail')}{hint}")


@dataclass
class Drill:
    """One drill. Each step says what it does, waits for what must follow, and raises ToolError where that does not come."""

    api: Api
    receiver: Receiver
    console: Console
    within_s: float
    symbol: str = SYMBOL
    steps: int = 0
    began: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """All of it, in the order in which it would happen one day."""
        self.show()
        self.be_ready()
        first_seq = int(self.api.get()["seq"])
        self.buy()
        halted = self.trip()
        self.refused()
        self.alerted(halted)
        self.flattened()
        self.resume()
        self.journal(first_seq)
        self.show()

    def say(self, what: str, detail: str = "", mark: str = "[green]✓[/]") -> None:
        """One line, with the time since the drill began."""
        took = f"{time.monotonic() - self.began:6.1f} s"
        self.console.print(f"[dim]{took}[/]  {mark} {what}" + (f"  [dim]{escape(detail)}[/]" if detail else ""))

    def step(self, title: str) -> None:
        """The next heading."""
        self.steps += 1
        self.console.print(f"\n[bold]{self.steps}. {title}[/]")

    def show(self) -> None:
        """The desk in a table, no wider than 80 characters."""
        view = self.api.get()
        state, colour = state_of(view)
        clock = f"market [bold]{market_time(view['market_ms'] or 0)}[/]   {view['desk']} is [{colour}]{state}[/]"
        table = Table(title=clock, title_justify="left")
        for name in ("equity", "cash", "held", "drawdown"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_row(
            f"{money(view['equity'])} {view['currency']}",
            money(view["cash"]),
            str(view["open_positions"]),
            _bps(view.get("drawdown_bps")),
        )
        self.console.print(table)

    def be_ready(self) -> None:
        """What an earlier drill left behind is cleared away in the way that a person would."""
        if self.api.get()["open_positions"]:
            self.step("Clear away what is held")
            self.api.post("halt", {"reason": "a drill begins flat", "flatten": True})
            self.flattened()
        if self.api.get()["status"] == "halted":
            self.resume("Resume what was halted before, in two steps")
        status, _ = state_of(self.api.get())
        if status != "active":
            self.wait("the desk becomes active", lambda: self.api.get()["status"] == "active", status)

    def buy(self) -> None:
        """Places the order that the breaker will be tripped by, and waits for its fill."""
        self.step(f"Buy {self.symbol} for nearly all there is")
        venue = self.api.get()["venue"]
        instrument = f"{venue}:{self.symbol}"
        (bar,) = self.api.get("/v1/candles", venue=venue, symbol=self.symbol, interval="1d", limit=1)["items"]
        qty = int(SPEND / Decimal(bar["close"]))
        ticket = {"instrument": instrument, "side": "buy", "kind": "market", "qty": str(qty)}
        order = self.api.post("orders", ticket)["order"]
        self.say(f"placed: buy {qty:,} at the market", f"order {order['client_id']}")

        def filled() -> Any:
            now = self.api.get(f"orders/{order['client_id']}")["order"]
            if now["status"] in ("rejected", "cancelled", "expired"):
                raise ToolError(f"the order was {now['status']}: {now['reason']}")
            return now if Decimal(now["filled_qty"]) > 0 else None

        found = self.wait("a fill", filled, ENDED)
        price = Decimal(found["filled_value"]) / Decimal(found["filled_qty"])
        self.say(f"filled: {Decimal(found['filled_qty']):,f} at {price:,.2f}", "the open of the next bar")

    def trip(self) -> Any:
        """Waits until the recorded market has moved far enough; what the desk says of itself then."""
        self.step("Wait for the market to trip the breaker")
        told = ""

        def halted() -> Any:
            nonlocal told
            now = self.api.get("protections")
            if _bps(now["drawdown_bps"]) != told and now["status"] != "halted":
                told = _bps(now["drawdown_bps"])
                self.say(f"drawdown {told}", f"market {market_time(self.api.get()['market_ms'])}", "[yellow]·[/]")
            return now if now["status"] == "halted" else None

        found = self.wait("the halt", halted, ENDED)
        self.say(f"[red bold]HALTED[/] by [bold]{found['halt_code']}[/]", found["halt_reason"])
        return found

    def refused(self) -> None:
        """An entry is refused from now on."""
        self.step("Try to buy more")
        venue = self.api.get()["venue"]
        ticket = {"instrument": f"{venue}:{self.symbol}", "side": "buy", "kind": "market", "qty": "1"}
        answer = self.api.try_post("orders", ticket)
        code = answer.json().get("code")
        if answer.is_success or code != "halted":
            raise ToolError(f"an entry on a halted desk was answered {answer.status_code} {code}, not 422 halted")
        self.say(f"refused: {answer.status_code} [bold]{code}[/]", answer.json()["detail"])

    def alerted(self, halted: Mapping[str, Any]) -> None:
        """The alert reaches both channels, signed."""
        self.step("Wait for the alert")

        def mine(got: Sequence[Received]) -> list[Received]:
            since = halted["since_ms"]
            return [
                each
                for each in got
                if (each.alert.desk, each.alert.code) == (self.api.desk, "halted") and each.alert.at_ms >= since
            ]

        def everywhere(got: list[Received]) -> bool:
            return {each.channel for each in mine(got)} >= set(webhooks.CHANNELS)

        got = self.receiver.wait(everywhere, self.within_s)
        if got is None:
            raise ToolError(
                f"the alert did not reach {' and '.join(webhooks.CHANNELS)} within {self.within_s:g} s; GET /v1/alerts says why"
            )
        for each in {each.channel: each for each in mine(got)}.values():
            self.say(
                f"[bold]{each.channel}[/] got it: {escape(each.alert.title)}", f"{each.alert.severity}, signature good"
            )

    def flattened(self) -> None:
        """What was held is sold at the next bar."""
        self.wait("what is held to be sold", lambda: not self.api.get()["open_positions"], ENDED)
        self.say("what was held is sold", f"cash {money(self.api.get()['cash'])}")

    def resume(self, title: str = "Resume, in two steps") -> None:
        """Two steps, with a reason."""
        self.step(title)
        asked = self.api.post("resume", {"reason": "the drill is over"})
        self.say("step one: a reason, answered by a token for five minutes")
        now = self.api.post("resume", {"confirm": asked["confirm"]})
        if now["status"] != "active":
            raise ToolError(f"the desk is {now['status']} after the resume: see its protections")
        self.say("step two: the token; the desk is [green]active[/]")

    def journal(self, since_seq: int) -> None:
        """What the log says of it, oldest first, once the outbox has brought it."""
        self.step("What the journal says")
        wanted = int(self.api.get()["seq"])
        self.wait("the journal", lambda: int(self.api.get("journal", limit=1)["as_of_seq"]) >= wanted, "is D1 there?")
        table = Table()
        for name in ("seq", "wall time", "event"):
            table.add_column(name, no_wrap=True)
        table.add_column("what", overflow="fold")
        for event in reversed(self.api.get("journal", limit=500)["items"]):
            if event["seq"] > since_seq:
                at = time.strftime("%H:%M:%S", time.localtime(event["at_ms"] / 1000))
                table.add_row(str(event["seq"]), at, event["kind"], escape(_words(event["body"])))
        self.console.print(table)

    def wait(self, what: str, condition: Callable[[], T | None], hint: str) -> T:
        """Asks until it holds; ToolError when it does not in time."""
        deadline = time.monotonic() + self.within_s
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise ToolError(f"waited {self.within_s:g} s for {what}: {hint}")
            time.sleep(POLL_S)
        return found


def _bps(value: int | None) -> str:
    return "-" if value is None else f"{value} bps"


def _words(body: Mapping[str, Any]) -> str:
    """The few fields of an event that a person looks for."""
    inner = body.get("order") or body.get("fill") or body
    names = ("code", "by", "reason", "side", "qty", "price", "instrument", "peak", "until_ms")
    words = [f"{name}={inner[name]}" for name in names if inner.get(name) not in (None, "")]
    return "  ".join([*words, f"order={inner['client_id'][:8]}"] if inner.get("client_id") else words)


def main() -> int:
    """0 when every step happened; 1, and what did not, otherwise."""
    summary, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(prog="make drill", description=summary + more)
    parser.add_argument(
        "--within", type=float, default=WITHIN_S, metavar="S", help="seconds each step may take (default: %(default)g)"
    )
    parser.epilog = "PORT, STATE_DIR and ALERT_PORT are those of `make dev`."
    within_s = parser.parse_args().within
    options = Options.read(os.environ)
    key = credentials.held(options.state_dir)["admin"]
    headers = {"Authorization": f"Bearer {key}"}
    console = Console(highlight=False, width=None if os.isatty(1) else 140)
    with ExitStack() as cleanup:
        client = cleanup.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{options.port}", headers=headers, timeout=30)
        )
        receiver = Receiver(options.alert_port, webhooks.signing_secret(options.state_dir))
        receiver.start()
        cleanup.callback(receiver.stop)
        drill = Drill(Api(client, DESK), receiver, console, within_s)
        drill.run()
        console.print(
            f"\n[green bold]The drill is over[/] after {time.monotonic() - drill.began:.1f} s: everything stopped as it should."
        )
    return 0


if __name__ == "__main__":
    run_main(main)
