"""What an HTTP endpoint can keep and do. Plain data, importable without an HTTP library.

That of one system depends on its template and options: ``abilities`` says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from wrapctl.empty import Empty
from wrapctl.model import Lock, Verb
from wrapctl.rows import FROM_CRM, TO_CRM
from wrapctl.targets.http_rows.options import HttpTarget, write_path
from wrapctl.targets.http_rows.template import PLACEHOLDERS, TIMESTAMP, Member, Slot, kept_fields
from wrapctl.targets.interface import Capabilities, Fold

_FOLDS: Mapping[Verb, Fold] = MappingProxyType(
    {
        Verb.CREATE_ROW: Fold("create row"),
        Verb.UPDATE_ROW: Fold("update row"),
        Verb.DEACTIVATE_ROW: Fold("deactivate row"),
        Verb.DELETE_ROW: Fold("delete row"),
    }
)

CAPABILITIES = Capabilities(
    name="http",
    title="HTTP endpoint",
    code_fields=Empty(),
    queue_fields=Empty(),
    verbs=_FOLDS,
    locks=MappingProxyType(dict.fromkeys(_FOLDS, Lock.COMPARE)),
    row_fields=MappingProxyType(
        {
            field: f"where the template says `{{{placeholder}}}`"
            for placeholder, field in PLACEHOLDERS.items()
            if field != TIMESTAMP
        }
    ),
    directions=frozenset({TO_CRM, FROM_CRM}),
    # An endpoint need not be able to look rows up by their keys.
    rows_per_request=0,
)


def abilities(options: HttpTarget, members: tuple[Member, ...]) -> Capabilities:
    """Return what one system's place can keep and do."""
    fields = kept_fields(members)
    verbs, locks = dict(_FOLDS), dict(CAPABILITIES.locks)
    if "active" not in fields:
        del verbs[Verb.DEACTIVATE_ROW]
    if "{key}" not in write_path(options):
        del verbs[Verb.DELETE_ROW]
    if options.send_only:
        verbs = {Verb.CREATE_ROW: verbs[Verb.CREATE_ROW]}
        locks = {Verb.CREATE_ROW: Lock.SENT}
    elif options.etag:
        locks = dict.fromkeys(locks, Lock.CONDITIONAL)
        # `If-None-Match: *`.
        locks[Verb.CREATE_ROW] = Lock.UNIQUE
    rules = {"status", "when"} & fields
    return replace(
        CAPABILITIES,
        verbs=MappingProxyType(verbs),
        locks=MappingProxyType(locks),
        row_fields=MappingProxyType(_lands(members)),
        directions=CAPABILITIES.directions if rules else frozenset({TO_CRM}),
    )


def _lands(members: tuple[Member, ...]) -> dict[str, str]:
    lands: dict[str, str] = {}
    for member in members:
        for piece in member.pieces:
            if isinstance(piece, Slot) and piece.field != TIMESTAMP:
                lands.setdefault(piece.field, f"`{member.name}`")
    return lands
