"""What stands behind the desk's methods: waking, one way to run a command, timers, effects and the outbox."""

from __future__ import annotations

from collections.abc import Callable

from shared import log
from shared.alerts.bell import ring
from shared.clock import Clock
from shared.config import Mode
from shared.desk import chores, commands, deadman, gatekeeper, looking, schema
from shared.desk import events as ev
from shared.desk.alarms import Alarms
from shared.desk.effects import Effects
from shared.desk.idempotency import Answer, Answers
from shared.desk.line import Line, PaperTrading
from shared.desk.log import broken
from shared.desk.market import Market
from shared.desk.outbox import Outbox
from shared.desk.session import Draft, Session
from shared.desk.state import DeskState
from shared.desk.timers import Timers, backoff_ms
from shared.errors import NotFound
from shared.ports import Alarm, Database, JobQueue, Sql
from shared.venues.venue import OrderReport, Trading

_log = log.get("desk")
OUTBOX_AFTER_MS = 500


Elsewhere = Callable[[DeskState], Trading | None]
"""The venue of a desk that does not trade on paper; None where the worker is not set up for it."""


class Engine:
    """One desk's working parts. Nothing is loaded before the first call, so that what is wrong is answered to a caller.

    `alarms.runs` says what each timer runs: who brings a timer adds a line there.
    """

    def __init__(
        self,
        sql: Sql,
        alarm: Alarm,
        database: Database,
        clock: Clock,
        paper: PaperTrading,
        elsewhere: Elsewhere = lambda _: None,
        ceiling: Mode = "paper",
        jobs: JobQueue | None = None,
    ) -> None:
        self._sql = sql
        self._jobs = jobs
        self._paper = paper
        self._elsewhere = elsewhere
        self._awake = False
        self.clock = clock
        self.venue = Line(clock)
        self.market = Market(sql)
        self.session = Session(sql, self.market)
        self.timers = Timers(sql, alarm)
        self.answers = Answers(sql)
        self.effects = Effects(self.session, self.venue, self._run_commands)
        self.outbox = Outbox(self.session, database)
        self.looking = looking.Looking(self)
        self.gatekeeper = gatekeeper.Gatekeeper(self, database, ceiling)
        self.deadman = deadman.DeadManSwitch(self)
        self.chores = chores.Chores(self)
        self.alarms = Alarms(self.timers, clock, self.wake)
        self.faults = self.alarms.faults
        self.fire = self.alarms.fire
        self.alarms.runs |= {
            "settle": self.settle,
            "outbox": self.flush,
            "resume": self.chores.expire_resume,
            chores.TIMER: self.chores.prune,
            looking.TIMER: self.looking.look,
            deadman.TIMER: self.deadman.look,
            gatekeeper.TIMER: self.gatekeeper.check,
        }

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def wake(self) -> DeskState | None:
        """Loads once; what had no answer becomes unknown. `Halt` for a broken log, at every call anew."""
        if self._awake:
            return self.session.state
        schema.migrate(self._sql)
        self.market.load()
        self.session.load()
        self.timers.load()
        self.outbox.load()
        if self.outbox.watermark > self.session.head.seq:
            raise broken(self.session.head.seq + 1, f"D1 was given events up to {self.outbox.watermark}")
        if self.session.state is not None:
            self._configure()
            # the venue may have moved on since the last answer, whatever an order's status says
            self.effects.suspects = set(self.session.state.orders)
            self.decide(commands.Wake())
            if self.effects.suspects and not self.timers.has("settle"):
                self.timers.put("settle", self.now_ms)
            if self.outbox.lag and not self.timers.has("outbox"):
                self.timers.put("outbox", self.now_ms)
            self.venue.silent_ms = self.session.state.venue_silent_ms
            self._begin()
            self.timers.arm(anew=True)
        self._awake = True
        return self.session.state

    def ready(self) -> DeskState:
        """The state of an open desk; `NotFound` (`desk_not_open`) where there is none."""
        state = self.wake()
        if state is None:
            raise NotFound("the desk was never opened", code="desk_not_open")
        return state

    def _begin(self) -> None:
        """Neither the ledger nor the gate is taken on trust after a pause."""
        self.looking.begin()
        self.gatekeeper.begin()
        self.deadman.begin()
        self.timers.arm()

    async def before_entries(self) -> None:
        """What has to be known before anything may enlarge a position."""
        await self.looking.first()
        await self.gatekeeper.first()
        # a silence may have grown too long without another call
        if news := self.venue.news(self.session.state):
            self.decide(news)

    def _configure(self) -> None:
        state = self.session.state
        if state is None:
            return
        if state.trading.kind == "paper":
            self.venue.take(None, self._paper)
            self._paper.configure(state.paper, state.instruments, {state.currency: state.initial_cash})
        elif self.venue.venue is None:
            self.venue.take(self._elsewhere(state))
        self.session.offers = self.venue.offers
        self.market.step_ms = state.interval_ms

    def commit(self, draft: Draft, answer: Answer | None = None) -> None:
        """Stores the draft with the answer and the timers it calls for, in one transaction; then the alarm follows."""
        if not draft.lines and answer is None:
            return
        now_ms = self.now_ms
        stored = False

        def also() -> None:
            if answer is not None:
                self.answers.keep(answer, now_ms)
            if draft.lines and not self.timers.has("outbox"):
                self.timers.put("outbox", now_ms + OUTBOX_AFTER_MS)
            if not self.timers.has(chores.TIMER):
                self.timers.put(chores.TIMER, now_ms + chores.EVERY_MS)
            for event in (line.event for line in draft.lines):
                if isinstance(event, ev.ResumeRequested):
                    self.timers.put("resume", event.expires_ms)
                elif isinstance(event, ev.VenueLost | ev.VenueBack | ev.Resumed):
                    self.timers.put(looking.TIMER, now_ms)

        try:
            self.session.commit(draft, also)
            stored = True
        finally:
            if not stored:
                # the rows are gone with the transaction, so memory must forget them too
                self.timers.load()
        self.timers.arm()
        self._tell(draft)

    def _tell(self, draft: Draft) -> None:
        for event in (line.event for line in draft.lines):
            if isinstance(event, ev.Halted):
                _log.warning("desk_halted", extra={"by": event.by, "reason": event.reason})
            elif isinstance(event, ev.LimitsChanged | ev.InstrumentsListed | ev.DeskOpened):
                self._configure()
            if isinstance(event, ev.DeskOpened):
                self._begin()
            elif isinstance(event, ev.OrderAcknowledged) and event.by:
                # a person says that the venue has it: now the venue is asked
                self.effects.suspects.add(event.client_id)

    def decide(self, *told: commands.Command, known_fills: frozenset[str] = frozenset()) -> None:
        """Decides and stores commands about the desk itself in one transaction of their own."""
        draft = self.session.draft(self.now_ms)
        for command in told:
            draft.decide(command, known_fills=known_fills)
        self.commit(draft)

    def _run_commands(self, *told: commands.AboutOrder) -> None:
        """Decides and stores them in one transaction of their own: what the venue's answers go through."""
        draft = self.session.draft(self.now_ms)
        for command in told:
            known: frozenset[str] = frozenset()
            if isinstance(command, commands.Reported):
                known = self.session.store.known_fills(fill.fill_id for fill in command.report.fills)
            draft.decide(command, command.client_id, known)
        self.commit(draft)

    def book(self, report: OrderReport) -> int:
        """Takes the venue's report of one order over; the number of fills that were new."""
        before = self.session.head.seq
        self._run_commands(commands.Reported(report))
        self.effects.suspects.discard(report.client_id)
        new = (
            self.session.store.events(before, self.session.head.seq - before) if self.session.head.seq > before else []
        )
        return sum(1 for record in new if record.kind == ev.OrderFilled.kind)

    async def settle(self) -> bool:
        """Runs what is due in the world and sees to it that the rest is tried again."""
        done = False
        try:
            done = await self.effects.settle()
        finally:
            if done:
                self.timers.clear("settle")
            elif not self.timers.has("settle"):
                self.timers.put("settle", self.now_ms + backoff_ms(0))
            self.timers.arm()
        if news := self.venue.news(self.session.state):
            self.decide(news)
        return done

    async def flush(self) -> bool:
        """Empties the outbox as far as D1 lets it."""
        done = await self.outbox.flush()
        if done:
            self.timers.clear("outbox")
        elif not self.timers.has("outbox"):
            self.timers.put("outbox", self.now_ms + backoff_ms(0))
        self.timers.arm()
        await self._ring()
        return done

    async def _ring(self) -> None:
        """What cannot wait for the cron's next minute asks to be delivered now."""
        alert = self.outbox.urgent()
        if alert is None or self._jobs is None:
            return
        if not await ring(self._jobs, alert.id, f"desk:{alert.desk}", self.now_ms):
            self.faults["bell"] += 1
