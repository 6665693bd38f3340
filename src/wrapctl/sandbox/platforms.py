"""The platforms that the sandbox emulates, seen without HTTP: what an org is, what it holds, who edits it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from wrapctl.sandbox.objects import Actor, dumps
from wrapctl.sandbox.settings import SETTINGS, CrmSettings

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from wrapctl.sandbox.objects import Json, Org, OrgTx


class MakeTx(Protocol):
    """Makes the platform's own OrgTx."""

    def __call__(
        self,
        con: sqlite3.Connection,
        org: Org,
        *,
        seq: int,
        actor: Actor,
        clock: Callable[[], float],
        lag: int = 0,
        divisions: tuple[str, ...] | None = None,
        correlation: str = "",
    ) -> OrgTx:
        """Return one org inside one transaction."""
        ...


class Platform(Protocol):
    """What ``sandbox/<platform>/world.py``, or ``sandbox/crm/<platform>/world.py``, defines."""

    MEMBERS: frozenset[str]
    PRESETS: Mapping[str, tuple[str, ...]]
    EDITS: Mapping[str, Callable[[Any, Json], None]]
    SOMEBODY: str
    tx: MakeTx

    def organization(self, name: str, given: Json) -> tuple[str, Json, list[Json]]:
        """Return id, body and divisions of a seed's org."""
        ...

    def division_id(self, org: Org, wanted: str) -> str:
        """Return the id of a division by its name or id, or raise ValueError."""
        ...

    def plant(self, con: sqlite3.Connection, org: Org, given: Json) -> None:
        """Plant what a seed's org holds."""
        ...

    def state(self, con: sqlite3.Connection, org: Org) -> Json:
        """Return everything that the org really holds."""
        ...


def of(name: str) -> Platform:
    """Return a platform, or raise ValueError."""
    if name not in SETTINGS:
        raise ValueError(f"unknown platform {name!r}: one of {', '.join(SETTINGS)}")
    folder = f"crm.{name}" if issubclass(SETTINGS[name], CrmSettings) else name
    platform: Platform = import_module(f"wrapctl.sandbox.{folder}.world").PLATFORM
    return platform


def check_edit(edit: Json) -> None:
    """Refuse an edit of an unknown kind where it is written down, not when it fires."""
    _known(edit, {op: None for name in SETTINGS for op in of(name).EDITS})


def perform(
    con: sqlite3.Connection,
    org: Org,
    edit: Json,
    *,
    seq: int,
    clock: Callable[[], float],
    correlation: str = "",
) -> None:
    """Perform an edit as somebody else in the platform's UI, who sees everything and writes at once."""
    platform = of(org.platform)
    _known(edit, platform.EDITS)
    actor = Actor("user", str(edit.get("by", platform.SOMEBODY)))
    platform.EDITS[edit["op"]](
        platform.tx(con, org, seq=seq, actor=actor, clock=clock, correlation=correlation), edit
    )


def _known(edit: Json, known: Mapping[str, object]) -> None:
    if edit.get("op") not in known:
        raise ValueError(f"unknown edit {dumps(edit)}: op is one of {', '.join(known)}")
