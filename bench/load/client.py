"""The load generator, a process of its own: reads a plan from stdin, plays it, writes one sample a line to stdout."""

from __future__ import annotations

import argparse
import asyncio
import sys
import uuid
from typing import Any

import aiohttp

from bench.load.plan import TIMEOUT_S, Plan, Sample, Step, steps
from shared.jsontext import read_json


class Generator:
    """Every step has its own task that sleeps until its time: whoever waits for an answer keeps nobody else waiting."""

    def __init__(self, plan: Plan, session: aiohttp.ClientSession) -> None:
        self._plan = plan
        self._session = session
        self._run = uuid.uuid4().hex[:8]
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def play(self) -> list[Sample]:
        """A sample for each step."""
        loop = asyncio.get_running_loop()
        todo = steps(self._plan)
        self._answers = {each.after: loop.create_future() for each in todo if each.after is not None}
        start = loop.time() + 0.5
        return list(await asyncio.gather(*(self._step(number, step, start) for number, step in enumerate(todo))))

    async def _step(self, number: int, step: Step, start: float) -> Sample:
        loop = asyncio.get_running_loop()
        due = start + step.at_s
        await asyncio.sleep(due - loop.time())
        late_ms = (loop.time() - due) * 1000
        before = {} if step.after is None else await self._answers[step.after]
        path, body = self._request(step, before)
        status, answer = (0, {"code": "skipped"}) if not path else await self._ask(path, body, step, number)
        if number in self._answers:
            self._answers[number].set_result(answer)
        code = "" if status in (200, 201) else str(answer.get("code", "unreadable"))
        ms = (loop.time() - due) * 1000
        return Sample(at_s=step.at_s, kind=step.kind, ms=ms, late_ms=late_ms, status=status, code=code)

    def _request(self, step: Step, before: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Path and body; no path where what it follows was refused."""
        desk = f"/v1/desks/{step.desk}"
        if step.kind == "place":
            ticket = {"instrument": self._plan.instrument, "side": "buy", "kind": "limit", "qty": "1"}
            return f"{desk}/orders", {**ticket, "limit_price": "90.00"}
        if step.kind == "cancel":
            client_id = before.get("order", {}).get("client_id")
            return (f"{desk}/orders/{client_id}/cancel" if client_id else ""), {}
        if step.kind == "halt":
            return f"{desk}/halt", {"reason": "load"}
        if step.kind == "resume":
            return f"{desk}/resume", {"reason": "load"}
        return (f"{desk}/resume" if "confirm" in before else ""), {"confirm": before.get("confirm", "")}

    async def _ask(self, path: str, body: dict[str, Any], step: Step, number: int) -> tuple[int, dict[str, Any]]:
        key = self._plan.admin if step.kind in ("resume", "confirm") else self._plan.trader
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"load-{self._run}-{number}"}
        try:
            async with self._session.post(self._plan.url + path, json=body, headers=headers) as answer:
                found = read_json(await answer.read())
                return answer.status, found if isinstance(found, dict) else {}
        except TimeoutError:
            return 0, {"code": "timeout"}
        except aiohttp.ClientError as error:
            return 0, {"code": type(error).__name__}


async def play(plan: Plan) -> list[Sample]:
    """All of the plan, with as many connections as it takes."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
    ) as session:
        return await Generator(plan, session).play()


def main() -> int:
    """Plays what stands on stdin."""
    argparse.ArgumentParser(prog="python -m bench.load.client", description=__doc__).parse_args()
    for sample in asyncio.run(play(Plan.model_validate_json(sys.stdin.read()))):
        sys.stdout.write(sample.model_dump_json() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
