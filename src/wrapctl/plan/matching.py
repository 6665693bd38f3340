"""Find the live object of everything that is declared, in rounds; no state file, so nothing to lose.

Rounds: pinned id, exact name, ``previously``, then the same name but for case or Unicode form. What is claimed in
one round is gone for the later ones. More than one candidate either way blocks those concerned and nobody else.
Objects that a platform keeps although they are out of use (*dormant*) are looked at last: by exact name and by
``previously``, for what has found nothing in use. A pin may name one.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Declared:
    """What identifies one declared object. ``exact`` ones are never matched by a similar name (tombstones)."""

    key: str
    name: str
    id: str | None = None
    previously: Sequence[str] = ()
    exact: bool = False


@dataclass(slots=True)
class Matches:
    """Who was found for whom.

    ``ids``: key → live id. ``blocked``: key → why. ``candidates``: blocked key → the live ids concerned.
    ``held``: live ids that belong to a blocked question; nobody may claim, change or remove them.
    """

    ids: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    candidates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)

    @property
    def keys_by_id(self) -> dict[str, str]:
        """Live id → key."""
        return {live_id: key for key, live_id in self.ids.items()}


def fold(name: str) -> str:
    """Return ``name`` without its case and Unicode form: what two spellings of one name have in common."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def match(
    declared: Iterable[Declared], live: Iterable[tuple[str, str]], *, dormant: Iterable[str] = ()
) -> Matches:
    """Match ``declared`` to ``live`` (id, name); equal inputs in any order give equal matches.

    ``dormant``: ids of live objects that are out of use.
    """
    return _Matching(sorted(declared, key=lambda one: one.key), dict(live), set(dormant)).run()


class _Matching:
    def __init__(self, declared: list[Declared], live: dict[str, str], dormant: set[str]) -> None:
        self.live = live
        self.dormant = dormant
        self.free = set(live) - dormant
        self.open = {one.key: one for one in declared}
        self.found = Matches()

    def run(self) -> Matches:
        self._pins()
        self._names()
        self._round(self._previous_names, "`previously` names")
        self._round(self._similar_names, "names that differ only in case or Unicode form from")
        if self.dormant:
            self._wake()
        return self.found

    def _wake(self) -> None:
        """Find the dormant object of what is not in use. A tombstone has nothing to do with one: it is spent."""
        self.free = self.dormant & set(self.live) - set(self.found.ids.values()) - self.found.held
        self.open = {key: one for key, one in self.open.items() if not one.exact}
        self._names(replaced=False)
        self._round(self._previous_names, "`previously` names")

    def _claim(self, key: str, live_id: str) -> None:
        self.found.ids[key] = live_id
        self.free.discard(live_id)
        del self.open[key]

    def _block(self, key: str, reason: str, ids: Iterable[str]) -> None:
        concerned = tuple(sorted(ids))
        self.found.blocked[key] = reason
        self.found.candidates[key] = concerned
        self.found.held.update(concerned)
        self.free.difference_update(concerned)
        self.open.pop(key, None)

    def _pins(self) -> None:
        by_id: dict[str, list[Declared]] = defaultdict(list)
        for one in list(self.open.values()):
            if one.id is not None:
                by_id[one.id].append(one)
        for live_id, wanting in by_id.items():
            if len(wanting) > 1:
                keys = ", ".join(one.key for one in wanting)
                for one in wanting:
                    self._block(one.key, f"{keys} pin the same id {live_id}", [live_id])
            elif live_id in self.live:
                self._claim(wanting[0].key, live_id)
            elif wanting[0].exact:
                del self.open[wanting[0].key]  # a tombstone whose object is gone is spent, not wrong
            else:
                self._block(
                    wanting[0].key,
                    f"the pinned id {live_id} is not live, or not visible to this client: correct or remove `id`",
                    [],
                )

    def _names(self, *, replaced: bool = True) -> None:
        """``replaced``: an exact match beside a former name of the same object is a question."""
        by_name = self._free_by(lambda name: name)
        wanting: dict[str, list[Declared]] = defaultdict(list)
        for one in self.open.values():
            if one.name in by_name:
                wanting[one.name].append(one)
        taken = {live_id for name in wanting for live_id in by_name[name]}
        for name, ones in wanting.items():
            ids = by_name[name]
            if len(ids) > 1 or len(ones) > 1:
                self._ambiguous(ones, ids, f"the exact name {_quoted(name)}")
                continue
            one = ones[0]
            older = [
                live_id
                for former in one.previously
                for live_id in by_name.get(former, ())
                if replaced and live_id not in taken
            ]
            if older:
                both = ", ".join(f"{_quoted(self.live[i])} (id {i})" for i in (ids[0], *older))
                self._block(one.key, f"both live: {both}; remove `previously` or pin `id`", [ids[0], *older])
            else:
                self._claim(one.key, ids[0])

    def _round(self, candidates: Callable[[], dict[str, list[str]]], how: str) -> None:
        wanted = candidates()
        claims: dict[str, list[str]] = defaultdict(list)
        for key, ids in wanted.items():
            for live_id in ids:
                claims[live_id].append(key)
        # Candidates and claimants form small clusters; a cluster of one and one is a match.
        for key, ids in wanted.items():
            if len(ids) == 1 and len(claims[ids[0]]) == 1:
                self._claim(key, ids[0])
        for key, ids in wanted.items():
            if key in self.open:
                rivals = sorted({rival for live_id in ids for rival in claims[live_id]})
                named = ", ".join(f"{_quoted(self.live[live_id])} (id {live_id})" for live_id in sorted(ids))
                also = f"; wanted by {', '.join(rivals)}" if len(rivals) > 1 else ""
                self._block(key, f"ambiguous: {how} {named}{also}; pin `id`", ids)

    def _previous_names(self) -> dict[str, list[str]]:
        by_name = self._free_by(lambda name: name)
        found = {}
        for key, one in self.open.items():
            ids = sorted({live_id for former in one.previously for live_id in by_name.get(former, ())})
            if ids:
                found[key] = ids
        return found

    def _similar_names(self) -> dict[str, list[str]]:
        if all(one.exact for one in self.open.values()):
            return {}
        by_form = self._free_by(fold)
        found = {}
        for key, one in self.open.items():
            if not one.exact and (ids := by_form.get(fold(one.name))):
                found[key] = sorted(ids)
        return found

    def _ambiguous(self, ones: list[Declared], ids: list[str], what: str) -> None:
        named = ", ".join(sorted(ids))
        keys = ", ".join(one.key for one in ones)
        for one in ones:
            self._block(
                one.key, f"ambiguous: {what} is declared by {keys} and live as {named}; pin `id`", ids
            )

    def _free_by(self, form: Callable[[str], str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for live_id in sorted(self.free):
            found[form(self.live[live_id])].append(live_id)
        return found


def _quoted(name: str) -> str:
    return f'"{name}"'
