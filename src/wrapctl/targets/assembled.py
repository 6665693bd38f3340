"""One target out of an org's platform and the CRM systems that keep its mappings: the engine sees no other.

The platform rules: what it cannot read, or refuses for good, ends a run as it does alone. A CRM system that cannot
be read is *not read* (``Live.unread``) instead of an error, and one that refuses this client is closed for the rest
of the run: an org whose CRM is down still has its platform side planned and applied.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from wrapctl.empty import Empty
from wrapctl.errors import RateLimited, TargetError, Unauthorized, Unreachable
from wrapctl.model import Identity, Live
from wrapctl.plan.units import Unit
from wrapctl.targets.interface import (
    Capabilities,
    Evidence,
    Outcome,
    Reader,
    Result,
    Target,
    Traffic,
    Want,
    Writer,
)
from wrapctl.targets.together import each

_Asked = Mapping[str, "frozenset[str] | None"]

_OF_ALL = (Unreachable, Unauthorized, RateLimited)
"""What one request of a connection met, every other would."""

_NOBODY = Identity("", "")


@dataclass(frozen=True, slots=True)
class _Part:
    """One CRM connection: what its requests are told by, and the systems whose rows it keeps."""

    name: str
    target: Target
    systems: tuple[str, ...]


class Assembled:
    """A platform and the targets of its CRM systems.

    ``crm`` maps each system to what keeps its rows, one object for all systems of a connection; ``names`` maps a
    system to what its connection is called, "" where the platform itself keeps the rows.
    """

    def __init__(self, platform: Target, crm: Mapping[str, Target], names: Mapping[str, str]) -> None:
        self._platform = platform
        self._parts = tuple(_parts(crm, names))
        systems: dict[str, Capabilities] = {}
        for part in self._parts:
            can = part.target.capabilities
            # What a place can do may hang on its own options: a connection may tell its systems apart.
            systems.update({system: can.systems.get(system, can) for system in part.systems})
        self._capabilities = replace(platform.capabilities, systems=MappingProxyType(systems))

    @property
    def capabilities(self) -> Capabilities:
        """The platform's, with those of each system."""
        return self._capabilities

    @property
    def traffic(self) -> Traffic:
        """What was sent so far, everywhere; requests to a CRM carry the name of their connection."""
        own = self._platform.traffic
        total = own.copy()
        for part in self._parts:
            more = part.target.traffic
            if more is not own:  # what keeps its rows inside of the platform shares its connection
                total.add(more, f"{part.name} " if part.name else "")
        return total

    def reader(self) -> Reader:
        """A reader of everything."""
        return _Reader(
            self._platform.reader(), tuple((one.systems, one.target.reader()) for one in self._parts)
        )

    def writer(self) -> Writer:
        """A writer of everything; a system that it closes stays closed as long as it lives."""
        writers: dict[str, Writer] = {}
        for part in self._parts:
            writers.update(dict.fromkeys(part.systems, part.target.writer()))
        return _Writer(self._platform.writer(), writers)

    def evidence(self) -> Evidence | None:
        """The platform's; rows that it keeps itself are in it, those of other systems are in none."""
        return self._platform.evidence()

    def close(self) -> None:
        """Give back all sockets, whichever of them fails; the platform's last, because parts may share them."""
        with contextlib.ExitStack() as closing:
            closing.callback(self._platform.close)
            for part in self._parts:
                closing.callback(part.target.close)


def _parts(crm: Mapping[str, Target], names: Mapping[str, str]) -> Iterator[_Part]:
    systems: dict[int, list[str]] = {}
    for system in sorted(crm):
        systems.setdefault(id(crm[system]), []).append(system)
    for together in systems.values():
        yield _Part(names.get(together[0], ""), crm[together[0]], tuple(together))


class _Reader:
    """Reads the platform and every connection side by side."""

    def __init__(self, platform: Reader, parts: tuple[tuple[tuple[str, ...], Reader], ...]) -> None:
        self._platform = platform
        self._parts = parts

    def identity(self) -> Identity:
        """The platform's organization."""
        return self._platform.identity()

    def read(self, want: Want) -> Live:
        """All of what is wanted of the platform; of each system its rows, or why they could not be read.

        Raises:
            TargetError: the platform could not be read.
        """
        if not want.rows:
            return self._platform.read(want)
        asked: list[tuple[Reader | None, _Asked]] = [(None, Empty())]
        for systems, reader in self._parts:
            rows = {system: want.rows[system] for system in systems if system in want.rows}
            if rows:
                asked.append((reader, rows))

        def ask(one: tuple[Reader | None, _Asked]) -> Live:
            reader, rows = one
            return self._platform.read(replace(want, rows=rows)) if reader is None else _rows(reader, rows)

        live, *others = each(ask, asked, workers=len(asked))
        crm, unread = dict(live.crm), dict(live.unread)
        for part in others:
            crm.update(part.crm)
            unread.update(part.unread)
        for system in want.rows:
            if system not in crm and system not in unread:
                unread[system] = "nothing keeps rows of this system"
        # What is not read is never half there.
        return replace(live, crm={one: crm[one] for one in crm if one not in unread}, unread=unread)


def _rows(reader: Reader, rows: _Asked) -> Live:
    """Read the rows of systems on one connection, together; where that fails for one of them, each alone."""
    try:
        return reader.read(Want(rows=rows))
    except TargetError as error:
        if len(rows) == 1 or isinstance(error, _OF_ALL):
            why = f"{error.message} ({error.hint})" if error.hint else error.message
            return Live(_NOBODY, unread=dict.fromkeys(rows, why))
    alone = [_rows(reader, {system: keys}) for system, keys in rows.items()]
    return Live(
        _NOBODY,
        crm={system: found for one in alone for system, found in one.crm.items()},
        unread={system: why for one in alone for system, why in one.unread.items()},
    )


class _Writer:
    """Writes each unit where it belongs. Units may come from several threads."""

    def __init__(self, platform: Writer, writers: Mapping[str, Writer]) -> None:
        self._platform = platform
        self._writers = writers
        self._closed: dict[str, str] = {}

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        """Send one unit; a unit of rows is of one system.

        A fatal answer of a CRM ends the writing there and nowhere else: what would follow is answered without being
        sent.
        """
        system = unit.changes[0].system
        if not system:
            return self._platform.write(unit, fresh)
        writer = self._writers.get(system)
        if writer is None:
            return _unsent(unit, Result.REFUSED, f"nothing keeps rows of {system}", "plan again")
        if system in self._closed:
            why = f"nothing more goes to {system} in this run: {self._closed[system]}"
            return _unsent(unit, Result.BUSY, why, "run again: what is left is in the next plan")
        outcomes = writer.write(unit, fresh)
        for outcome in outcomes:
            if outcome.fatal:
                self._closed.setdefault(
                    system, outcome.message or str(outcome.answer or "it refuses this client")
                )
        return tuple(replace(outcome, fatal=False) for outcome in outcomes)


def _unsent(unit: Unit, result: Result, why: str, hint: str) -> tuple[Outcome, ...]:
    return tuple(Outcome(change.id, result, message=f"not sent: {why}", hint=hint) for change in unit.changes)
