"""Which of a desk's events a person has to know of, and in what words. Pure, and never fails: the outbox must not stand
still for a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.alerts.rows import Filed
from shared.desk import events as ev
from shared.desk.log import Record
from shared.model import exact, ids
from shared.model.alert import MAX_KEY, MAX_RESOLVES, MAX_TITLE, MAX_VALUE, Alert, Severity, plain

MAX_WORDS = 1000


class Words(NamedTuple):
    """`key` is the same for what is no news the second time; empty: each event is news."""

    severity: Severity
    title: str
    detail: str = ""
    context: Mapping[str, str | int] = MappingProxyType({})
    key: str = ""


class Told(NamedTuple):
    """The alerts of some events, and `halts`: the dedupe keys of those halts that no resume has ended yet."""

    filed: list[Filed]
    halts: list[str]


def tell(desk: str, happened: Sequence[tuple[Record, ev.Event]], halts: Sequence[str] = ()) -> Told:
    """What the events have to say, in their order; a resume names the halts, `halts` among them, that it ends."""
    filed, standing = [], list(halts)
    for record, event in happened:
        alert = notice(desk, record, event)
        if alert is None:
            continue
        if isinstance(event, ev.Halted) and alert.dedupe_key not in standing:
            standing.append(alert.dedupe_key)
        elif isinstance(event, ev.Resumed):
            alert = alert.model_copy(update={"resolves": tuple(standing[-MAX_RESOLVES:])})
            standing = []
        filed.append(Filed(alert, record.seq))
    return Told(filed, standing[-MAX_RESOLVES:])


def notice(desk: str, record: Record, event: ev.Event) -> Alert | None:
    """The alert of one event of the log, the same however often it is asked for; None for what is everyday."""
    say = _WORDS.get(type(event))
    if say is None:
        return None
    words = say(event)
    context: dict[str, str | int] = {name: _value(each) for name, each in words.context.items()}
    key = f"{desk}:{event.kind}:{words.key or record.seq}"
    return Alert(
        id=ids.digest("alert", desk, record.seq),
        desk=desk,
        severity=words.severity,
        code=event.kind,
        dedupe_key=plain(key, MAX_KEY),
        title=plain(words.title, MAX_TITLE) or event.kind,
        detail=plain(words.detail, MAX_WORDS),
        context={**context, "seq": record.seq},
        at_ms=max(record.at_ms, 0),
    )


def _value(value: str | int) -> str | int:
    return plain(value, MAX_VALUE) if isinstance(value, str) else value


def _halted(event: ev.Halted) -> Words:
    # no key: every halt has to be heard
    about: dict[str, str | int] = {"by": event.by, "cause": event.code, "flatten": "yes" if event.flatten else "no"}
    if event.hold_until_ms:
        about["hold_until_ms"] = event.hold_until_ms
    return Words(Severity.CRITICAL, f"halted by {event.by}: {event.reason}", event.reason, about)


def _reduced(event: ev.Reduced) -> Words:
    about: dict[str, str | int] = {"by": event.by, "cause": event.code}
    if event.until_ms is not None:
        about |= {"until_ms": event.until_ms, "clock": str(event.clock)}
    return Words(Severity.WARNING, f"no entries ({event.code}): {event.reason}", event.reason, about, event.code)


def _venue_lost(event: ev.VenueLost) -> Words:
    return Words(Severity.WARNING, "the venue does not answer", event.detail, {"since_ms": event.since_ms}, "venue")


def _difference(event: ev.DifferenceFound) -> Words:
    about: dict[str, str | int] = {
        "difference": event.id,
        "kind": event.difference,
        "subject": event.subject,
        "ours": event.ours,
        "theirs": event.theirs,
    }
    title = f"{event.difference} of {event.subject}: {event.ours} here, {event.theirs} at the venue"
    return Words(Severity.WARNING, title, event.detail, about, event.id)


def _fill_found(event: ev.FillFound) -> Words:
    about: dict[str, str | int] = {
        "fill_id": event.fill_id,
        "instrument": event.instrument,
        "side": event.side.value,
        "qty": exact.text(event.qty),
        "price": exact.text(event.price),
    }
    title = f"a fill of {event.instrument} that no order of ours asked for"
    return Words(Severity.WARNING, title, event.explanation, about, event.fill_id)


def _armed(event: ev.Armed) -> Words:
    about: dict[str, str | int] = {"by": event.by, "until_ms": event.until_ms}
    return Words(Severity.WARNING, f"armed by {event.by}", event.reason, about)


def _adjusted(event: ev.LedgerAdjusted) -> Words:
    what = event.asset or event.instrument or "nothing"
    amount = event.amount if event.asset else event.qty
    about: dict[str, str | int] = {"by": event.by, "of": what, "amount": exact.text(amount)}
    return Words(Severity.WARNING, f"the ledger of {what} was adjusted by {event.by}", event.reason, about)


def _unknown(event: ev.OrderUnknown) -> Words:
    about: dict[str, str | int] = {"order": event.client_id, "cause": event.reason}
    return Words(Severity.INFO, f"an order is in doubt: {event.reason}", "", about, event.reason)


def _resolved(event: ev.DifferenceResolved) -> Words:
    about: dict[str, str | int] = {"difference": event.id, "by": event.by}
    return Words(Severity.INFO, f"a difference was resolved: {event.how}", event.reason, about)


def _by(title: str) -> Callable[[Any], Words]:
    def say(event: ev.Resumed | ev.Disarmed) -> Words:
        return Words(Severity.INFO, f"{title} by {event.by}", event.reason, {"by": event.by})

    return say


def _lifted(event: ev.ReductionLifted) -> Words:
    return Words(Severity.INFO, f"entries again ({event.code}): {event.reason}", event.reason, {"cause": event.code})


def _back(_: ev.VenueBack) -> Words:
    return Words(Severity.INFO, "the venue answers again")


_WORDS: dict[type[ev.Event], Callable[[Any], Words]] = {
    ev.Halted: _halted,
    ev.Reduced: _reduced,
    ev.VenueLost: _venue_lost,
    ev.DifferenceFound: _difference,
    ev.FillFound: _fill_found,
    ev.Armed: _armed,
    ev.LedgerAdjusted: _adjusted,
    ev.OrderUnknown: _unknown,
    ev.DifferenceResolved: _resolved,
    ev.Resumed: _by("resumed"),
    ev.Disarmed: _by("disarmed"),
    ev.ReductionLifted: _lifted,
    ev.VenueBack: _back,
}
