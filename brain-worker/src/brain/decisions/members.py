"""Who sits in a committee, also where one of them is lost: asked for, and not there to speak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import count


def members(there: Collection[str], lost: Iterable[str] = (), known: Collection[str] = ()) -> list[str]:
    """The keys of those that are `there` and of the `lost`, which only their names are known of: the keys that were `known` of such
    a name, so that what was learnt of it stays, and others in their stead as long as there are fewer of them than are lost.
    """
    found = set(there)
    for name, times in sorted(Counter(lost).items()):
        own = {key for key in known if key.startswith(f"{name}@") and key not in there}
        stand_ins = (f"{name}@0:{at}" for at in count())
        while len(own) < times:
            own.add(next(stand_ins))
        found |= own
    return sorted(found)
