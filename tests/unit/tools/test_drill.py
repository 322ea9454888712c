"""The drill goes through all its steps, and says which one did not happen."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

import httpx
import pytest
from rich.console import Console

from shared.model.alert import Alert, Severity
from tools.dev import webhooks
from tools.dev.receiver import Received
from tools.drill import Api, Drill
from tools.failure import ToolError

pytestmark = pytest.mark.native

ORDER_ID = f"{5:032x}"


class FakeDesk:
    """As much of the API as a drill asks: the order fills at the third look, and the breaker trips three looks later."""

    def __init__(self, receiver: FakeReceiver) -> None:
        self.receiver = receiver
        self.status, self.positions, self.looks, self.seq = "active", 0, 0, 40
        self.fills = self.trips = self.refuses = self.alerts = self.sells = True
        self.after_resume = "active"
        self.asked: list[tuple[str, Any]] = []
        self.keys: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1/desks/drill").strip("/")
        if path == "v1/candles":
            assert dict(request.url.params) == {"venue": "us", "symbol": "AAPL", "interval": "1d", "limit": "1"}
        if request.method == "GET":
            return httpx.Response(200, json=self._get(path))
        body = json.loads(request.content)
        self.asked.append((path, body))
        self.keys.append(request.headers["idempotency-key"])
        status, answer = getattr(self, f"_{path}")(body)
        return httpx.Response(status, json=answer)

    def _get(self, path: str) -> dict[str, Any]:
        self.looks += 1
        if path == "v1/candles":
            return {"items": [{"close": "22.50"}]}
        if path.startswith("orders/"):
            if self.fills and self.looks % 3 == 0:
                self.positions = 1
            filled = "4000" if self.positions else "0"
            value = "90000" if self.positions else "0"
            return {"order": {"status": "sent", "filled_qty": filled, "filled_value": value, "reason": ""}}
        if path == "protections":
            return self._protections()
        if path == "journal":
            item = {"seq": 41, "at_ms": 0, "kind": "halted", "body": {"code": "max_drawdown", "reason": "too low"}}
            long = {"code": "max_drawdown", "reason": "no white space" + "x" * 90}
            tripped = {"seq": 42, "at_ms": 0, "kind": "protection_tripped", "body": long}
            return {"items": [tripped, item, {**item, "seq": 40, "kind": "before"}], "as_of_seq": self.seq}
        return self._view()

    def _view(self) -> dict[str, Any]:
        if self.status == "halted" and self.sells and self.looks % 3 == 0:
            self.positions = 0
        return {
            "desk": "drill",
            "venue": "us",
            "status": self.status,
            "halt_code": "max_drawdown",
            "reductions": {},
            "currency": "USD",
            "equity": "99000",
            "cash": "99000",
            "market_ms": 5,
            "open_positions": self.positions,
            "drawdown_bps": 12,
            "seq": self.seq,
        }

    def _protections(self) -> dict[str, Any]:
        if self.trips and self.looks % 3 == 0:
            self._halted("max_drawdown")
        names = {"drawdown_bps": 30, "status": self.status, "since_ms": 70}
        return {**names, "halt_code": "max_drawdown", "halt_reason": "equity is too low"}

    def _halted(self, code: str) -> None:
        self.status = "halted"
        if self.alerts:
            self.receiver.hear(code)

    def _orders(self, body: dict[str, Any]) -> tuple[int, Any]:
        if self.status == "halted" and self.refuses:
            return 422, {"code": "halted", "detail": "the desk is halted"}
        return 201, {"order": {"client_id": ORDER_ID}}

    def _halt(self, body: dict[str, Any]) -> tuple[int, Any]:
        self._halted("asked")
        return 200, {"status": "halted"}

    def _resume(self, body: dict[str, Any]) -> tuple[int, Any]:
        if "confirm" in body:
            self.status = self.after_resume
            return 200, {"status": self.after_resume}
        return 200, {"confirm": "token"}


class FakeReceiver:
    def __init__(self) -> None:
        self.got: list[Received] = []

    def hear(self, code: str, desk: str = "drill") -> None:
        for channel in webhooks.CHANNELS:
            alert = Alert(
                id=ORDER_ID,
                desk=desk,
                severity=Severity.CRITICAL,
                code="halted",
                dedupe_key="k",
                title=f"halted by {code}",
                at_ms=70,
            )
            self.got.append(Received(channel, alert))

    def wait(self, wanted: Any, within_s: float) -> list[Received] | None:
        return self.got if wanted(self.got) else None


class Rehearsal:
    def __init__(self) -> None:
        self.receiver = FakeReceiver()
        self.desk = FakeDesk(self.receiver)
        self.out = StringIO()
        client = httpx.Client(base_url="http://edge", transport=httpx.MockTransport(self.desk))
        console = Console(file=self.out, width=80, color_system=None)
        self.drill = Drill(Api(client, "drill"), self.receiver, console, within_s=0.5)  # type: ignore[arg-type]

    def run(self) -> str:
        self.drill.run()
        return self.out.getvalue()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.drill.POLL_S", 0)


@pytest.fixture
def rehearsal() -> Rehearsal:
    return Rehearsal()


def test_every_step_happens_in_its_order_and_is_told(rehearsal: Rehearsal) -> None:
    told = rehearsal.run()
    steps: tuple[str, ...] = (
        "Buy AAPL",
        "filled: 4,000 at 22.50",
        "drawdown 30 bps",
        "HALTED by max_drawdown",
        "refused: 422 halted",
    )
    steps += ("pager got it: halted by max_drawdown", "chat got it", "sold", "step one", "step two", "the journal says")
    places = [told.index(step) for step in steps]
    assert places == sorted(places)
    assert "before" not in told, "only what this drill caused"
    assert [path for path, _ in rehearsal.desk.asked] == ["orders", "orders", "resume", "resume"]
    assert rehearsal.desk.asked[0][1]["qty"] == "4000"
    assert rehearsal.desk.asked[-1][1] == {"confirm": "token"}
    assert len(set(rehearsal.desk.keys)) == 4


def test_what_an_earlier_drill_left_is_cleared_away_first(rehearsal: Rehearsal) -> None:
    rehearsal.desk.status, rehearsal.desk.positions = "active", 1
    rehearsal.run()
    paths = [path for path, _ in rehearsal.desk.asked]
    assert paths == ["halt", "resume", "resume", "orders", "orders", "resume", "resume"]
    assert rehearsal.desk.asked[0][1]["flatten"] is True


def test_every_heading_has_something_below_it(rehearsal: Rehearsal) -> None:
    rehearsal.desk.status = "halted"
    lines = [line.strip() for line in rehearsal.run().splitlines() if line.strip()]
    headings = [at for at, line in enumerate(lines) if re.match(r"\d+\. ", line)]
    assert "Resume what was halted before" in lines[headings[0]]
    assert not {at + 1 for at in headings} & {*headings, len(lines)}


def test_no_cell_is_split_at_80_columns(rehearsal: Rehearsal) -> None:
    lines = rehearsal.run().splitlines()
    assert max(map(len, lines)) <= 80
    for whole in ("99,000.00 USD", "12 bps", "protection_tripped"):
        assert any(whole in line for line in lines), whole


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("fills", "for a fill"),
        ("trips", "for the halt"),
        ("refuses", "not 422 halted"),
        ("alerts", "did not reach pager and chat"),
        ("sells", "what is held to be sold"),
    ],
)
def test_a_step_that_does_not_happen_in_time_ends_the_drill(rehearsal: Rehearsal, missing: str, told: str) -> None:
    setattr(rehearsal.desk, missing, False)
    with pytest.raises(ToolError, match=told):
        rehearsal.run()


def test_a_desk_that_is_not_active_after_the_resume_ends_the_drill(rehearsal: Rehearsal) -> None:
    rehearsal.desk.after_resume = "reducing"
    with pytest.raises(ToolError, match="reducing after the resume"):
        rehearsal.run()


def test_an_alert_of_before_or_of_another_desk_does_not_count(rehearsal: Rehearsal) -> None:
    rehearsal.desk.alerts = False
    rehearsal.receiver.hear("max_drawdown", desk="stocks")
    with pytest.raises(ToolError, match="did not reach"):
        rehearsal.run()


def test_without_a_desk_there_is_a_remedy() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = httpx.Client(base_url="http://edge", transport=httpx.MockTransport(gone))
    with pytest.raises(ToolError, match="start `make dev` first"):
        Api(client, "drill").get()
