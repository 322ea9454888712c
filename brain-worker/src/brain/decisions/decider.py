"""From the signals of a close to what is proposed: score -> bias -> committee -> policy -> sizing.

Without a configuration every strategy decides for itself and the desk says how much.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from brain.bar import Bar
from brain.decisions import explain, policy
from brain.decisions.bias import Biases
from brain.decisions.committee import VERSION, Committee, Heard, Tally
from brain.decisions.decision import Decision, proposed
from brain.decisions.evidence import NONE, Evidence
from brain.decisions.explain import Why
from brain.decisions.learning import Outcomes
from brain.decisions.members import members as seated
from brain.decisions.policy import Case
from brain.decisions.regimes import Regimes
from brain.decisions.score import Scores, cut, key_of
from brain.decisions.sizing import Sizer
from shared.errors import Invalid
from shared.model import Action, Interval, Outcome, Side, Signal, symbol_of
from shared.model.decision import COMMITTEE, DecisionConfig
from shared.model.ids import params_id, signal_id

REMEDY = "drop the state (send null): what was decided on is learnt again"
_DOES_NOT_FIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Decider:
    """Of one desk. `members` are the keys of its strategies (`name@version:params`): without them whoever speaks is one. `lost` are
    the names of those that cannot speak: what was learnt of them stays, and a committee without them enters nothing, since nobody
    knows that they would not have voted against it.

    The same calls give the same decisions and the same state, whatever order the signals of a close come in.
    """

    def __init__(
        self,
        config: DecisionConfig | None,
        venue: str,
        interval_ms: int,
        members: Collection[str] = (),
        lost: Sequence[str] = (),
    ) -> None:
        self._config = config
        self._venue = venue
        self._interval = next(each for each in Interval if each.ms == interval_ms)
        self._there, self._lost = frozenset(members), tuple(lost)
        self._failed: dict[str, set[str]] = {}
        self._settings = DecisionConfig() if config is None else config
        self._params = params_id(self._settings.wire())
        self._fresh()

    def _fresh(self, known: Collection[str] = ()) -> None:
        settings, interval_ms = self._settings, self._interval.ms
        self._members = seated(self._there, self._lost, known)
        self._scores = Scores(settings.score)
        self._biases = Biases(settings.bias, interval_ms)
        self._regimes = Regimes()
        self._outcomes = Outcomes()
        self._sizer = Sizer(settings)
        self._committee: Committee | None = None
        if settings.committee is not None:
            self._committee = Committee(settings.committee, interval_ms, self._members)
        self._seen: dict[str, int] = {}
        self._told: Evidence = NONE

    @property
    def is_plain(self) -> bool:
        """Whether every strategy decides for itself, so that a close without signals teaches nothing."""
        return self._config is None

    def lose(self, strategy: str, symbol: str) -> None:
        """It has failed there (an empty symbol: everywhere), and from now on says nothing: as good as `lost`."""
        self._failed.setdefault(symbol, set()).add(strategy)

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        """Realised outcomes, each counted once by its id. They must have closed before the next close that is decided on."""
        for outcome in self._outcomes.fresh(outcomes):
            if self._committee is not None:
                self._committee.learn(outcome)

    def decide(
        self, close_ms: int, signals: Sequence[Signal], bars: Mapping[str, Bar], evidence: Evidence = NONE
    ) -> list[Decision]:
        """What to propose at a close, from what was said on its `bars` (by symbol); later closes come later.

        `evidence` may bring what is known already. A symbol's bars that were decided on before only tell what strategies that are
        new say on them.
        """
        if self._config is None:
            return [proposed(signal) for signal in signals]
        self._biases.pass_to(close_ms)
        if evidence is not self._told:
            self._biases.hear(evidence.events)
            self._regimes.hear(evidence.regimes)
            self._told = evidence
        ordered = sorted(signals, key=lambda each: (each.instrument, key_of(each), each.id))
        said: dict[str, list[Heard]] = {}
        for signal, score in zip(ordered, self._scores.take(ordered), strict=True):
            said.setdefault(symbol_of(signal.instrument), []).append(Heard(signal, score))
        found: list[Decision] = []
        for symbol in sorted(bars.keys() | said.keys()):
            found += self._of(symbol, close_ms, said.get(symbol, []), bars.get(symbol))
        return found

    def _of(self, symbol: str, close_ms: int, said: Sequence[Heard], bar: Bar | None) -> list[Decision]:
        new = bar is not None and close_ms > self._seen.get(symbol, -1)
        if bar is not None and new:
            self._seen[symbol] = close_ms
            self._biases.take(symbol, bar)
            self._sizer.take(symbol, bar)
        if not said and (self._committee is None or not self._committee.holds(symbol)):
            return []
        bias = self._biases.weight * self._biases.of(symbol, close_ms)
        if self._committee is None:
            return [self._alone(symbol, close_ms, each, bias) for each in said]
        self._committee.hear(symbol, said)
        tally = self._committee.tally(symbol, close_ms, said, bias)
        counted = _counted(said, tally, self._committee.config.enter_at)
        if bar is not None and new and tally.verdict is not None:
            counted.append(self._together(self._committee, symbol, close_ms, tally, bar, said))
        return counted

    def _alone(self, symbol: str, close_ms: int, heard: Heard, bias: float) -> Decision:
        signal = heard.signal
        score = cut(heard.score + bias)
        case = Case(
            symbol=symbol,
            strategy=signal.strategy,
            action=signal.action,
            close_ms=close_ms,
            score=score,
            bias=self._biases.of(symbol, close_ms),
            regime=self._regimes.of(symbol, close_ms),
            numbers=signal.evidence,
        )
        return self._judged(case, signal, explain.weighed(heard, score, bias))

    def _together(
        self, committee: Committee, symbol: str, close_ms: int, tally: Tally, bar: Bar, said: Sequence[Heard]
    ) -> Decision:
        enters = tally.verdict is Action.ENTER
        lead = tally.lead.signal if tally.lead is not None and enters else None
        signal = self._signal(symbol, close_ms, tally, bar, lead)
        case = Case(
            symbol=symbol,
            strategy=COMMITTEE,
            action=signal.action,
            close_ms=close_ms,
            score=tally.total,
            bias=self._biases.of(symbol, close_ms),
            dissent=tally.dissent,
            regime=self._regimes.of(symbol, close_ms),
            numbers=signal.evidence if lead is None else lead.evidence,
        )
        rests_on = tuple(each.signal.id for each in said) or (signal.id,)
        missing = {*self._lost, *self._failed.get("", ()), *self._failed.get(symbol, ())}
        if enters and missing:
            return Decision(None, rests_on, "member_lost", explain.voted(tally), signal, _cannot(missing), own=True)
        found = self._judged(case, signal, explain.voted(tally), rests_on)
        if not enters:
            committee.left(symbol)
        elif found.proposal is not None:
            committee.entered(symbol, close_ms, tally)
        return found

    def _judged(self, case: Case, signal: Signal, why: Why, said: tuple[str, ...] = ()) -> Decision:
        if case.action is Action.EXIT:
            return proposed(signal, why, said=said)
        ruling = policy.judge(self._settings.policy, case)
        why |= explain.ruled(ruling)
        ids = said or (signal.id,)
        if ruling.code:
            return Decision(None, ids, ruling.code, why, signal, f"row {ruling.row} of the policy", bool(said))
        sized = self._sizer.size(case.symbol, self._outcomes.of.get(case.strategy), ruling.factor)
        why |= explain.sized(sized)
        if sized.code:
            return Decision(None, ids, sized.code, why, signal, "there is no size for it", bool(said))
        return proposed(signal, why, sized.size, said)

    def _signal(self, symbol: str, close_ms: int, tally: Tally, bar: Bar, lead: Signal | None) -> Signal:
        """The committee's own, with the levels of its leading member."""
        action, side = (Action.EXIT, Side.SELL) if lead is None else (Action.ENTER, Side.BUY)
        instrument = f"{self._venue}:{symbol}"
        return Signal(
            id=signal_id(COMMITTEE, VERSION, self._params, instrument, close_ms, action.value, side.value),
            strategy=COMMITTEE,
            version=VERSION,
            params=self._params,
            instrument=instrument,
            interval=self._interval,
            bar_close_ms=close_ms,
            action=action,
            side=side,
            score=min(1.0, abs(tally.total)),
            reason="committee",
            evidence={
                "total": tally.total,
                "agree": float(tally.agree),
                "quorum": float(tally.quorum),
                "dissent": tally.dissent,
                "bias": tally.bias,
            },
            price=bar.close,
            stop_distance=None if lead is None else lead.stop_distance,
            target_distance=None if lead is None else lead.target_distance,
            trail_distance=None if lead is None else lead.trail_distance,
        )

    def state(self) -> dict[str, Any] | None:
        """All that was learnt, as JSON; None without a configuration. Each stage names the settings that it belongs to."""
        if self._config is None:
            return None
        stages = {
            "scores": self._scores.state(),
            "biases": self._biases.state(),
            "sizes": self._sizer.state(),
            "committee": self._committee and self._committee.state(),
        }
        return {
            **{name: [self._of_settings(name), kept] for name, kept in stages.items()},
            "regimes": self._regimes.state(),
            "outcomes": self._outcomes.state(),
            "seen": dict(sorted(self._seen.items())),
        }

    def _of_settings(self, stage: str) -> str:
        """What a stage's state depends on: with other settings it begins anew, while policy and votes may change at will."""
        settings = self._settings
        of: dict[str, Any] = {
            "scores": settings.score and settings.score.wire(),
            "biases": settings.bias and settings.bias.frame and settings.bias.frame.wire(),
            "sizes": settings.sizing and settings.sizing.kind == "volatility" and settings.sizing.wire(),
            "committee": settings.committee is not None,
        }
        return params_id({stage: of[stage]})

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Becomes what `state()` described; None: nothing learnt. `Invalid` for what does not fit; then nothing is learnt."""
        self._fresh()
        if state is None or self._config is None:
            return
        try:
            self._restore(state)
        except _DOES_NOT_FIT as error:
            self._fresh()
            raise Invalid.field("state.decisions", type(error).__name__, "does not fit", REMEDY) from None

    def _restore(self, state: Mapping[str, Any]) -> None:
        def kept(stage: str) -> Any:
            settings, found = state[stage]
            return found if settings == self._of_settings(stage) else None

        committee = kept("committee")
        if self._committee is not None and committee is not None:
            self._fresh(committee["weights"]["of"])
            self._committee.restore(committee)
        if (scores := kept("scores")) is not None:
            self._scores.restore(scores, self._members)
        if (biases := kept("biases")) is not None:
            self._biases.restore(biases)
        if (sizes := kept("sizes")) is not None:
            self._sizer.restore(sizes)
        self._regimes.restore(state["regimes"])
        self._outcomes.restore(state["outcomes"])
        self._seen = {str(symbol): int(close_ms) for symbol, close_ms in state["seen"].items()}


def _counted(said: Sequence[Heard], tally: Tally, enter_at: float) -> list[Decision]:
    """The members' signals: each is a vote, and no proposal by itself."""
    if not said:
        return []
    why = explain.voted(tally)
    detail = f"{tally.total:.6g} of {enter_at:.6g}, {tally.agree} of {tally.quorum} agree"
    return [Decision(None, (each.signal.id,), "voted", why, each.signal, detail) for each in said]


def _cannot(vote: Collection[str]) -> str:
    told = ", ".join(sorted(vote))
    return f"{told} cannot vote, and could have been against it; mend it, or take it out of the strategies"
