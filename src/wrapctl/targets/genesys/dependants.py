"""What else names a code or a queue in a Genesys Cloud org: Architect's dependency tracking (contract section 10).

It covers flows and scripts, not everything that may hold an id. While its index is being built, its answers are parts
(206): what they lack is unknown, not unused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from wrapctl.errors import Forbidden, IncompleteRead, TargetError
from wrapctl.targets.genesys.api import Api
from wrapctl.targets.genesys.convert import Body
from wrapctl.targets.interface import Dependant, Dependants

BUILD: Final = "/api/v2/architect/dependencytracking/build"
CONSUMERS: Final = "/api/v2/architect/dependencytracking/consumingresources"
PERMISSION: Final = "architect:dependencyTracking:view"
TYPES: Final = {"code": "ACDWRAPUPCODE", "queue": "QUEUE"}
MOST: Final = 100
"""So many objects are asked about in one run, a request for each; of others nothing is known."""

_PAGE: Final = 100
_MOST_PAGES: Final = 100
_READY: Final = "OPERATIONAL"
_STALE: Final = "OPERATIONALNEEDSREBUILD"


def read(api: Api, objects: Mapping[str, frozenset[str]]) -> Mapping[str, Dependants]:
    """Return what names each object.

    Raises:
        Interrupted: the run was asked to stop.
    """
    wanted = [(TYPES[kind], one) for kind in sorted(objects) for one in sorted(objects[kind])]
    if not wanted:
        return {}
    try:
        trouble, usable = _index(api)
    except TargetError as error:
        trouble, usable = _why(error), False
    if not usable:
        return {one: _unknown(trouble) for _, one in wanted}
    asked = wanted[:MOST]
    answers = api.each(partial(_of, api, trouble), asked, "dependencies")
    found = {one: answer for (_, one), answer in zip(asked, answers, strict=True)}
    left = _unknown(f"no more than {MOST} objects are asked about at a time")
    return {one: found.get(one, left) for _, one in wanted}


def _index(api: Api) -> tuple[str, bool]:
    """Return why the index is not whole (nothing when it is), and whether it is worth asking.

    Raises:
        TargetError: its state was not read.
    """
    value = api.get(BUILD).value
    body = value if isinstance(value, dict) else {}
    state = str(body.get("status") or "unknown")
    failed = body.get("failedObjects")
    if state == _READY:
        number = len(failed) if isinstance(failed, list) else 0
        return (f"Architect could not index {number} of its objects", True) if number else ("", True)
    if state == _STALE:
        return "Architect's index of dependencies needs to be rebuilt", True
    return f"Architect's index of dependencies is not ready (it is {state})", False


def _of(api: Api, trouble: str, asked: tuple[str, str]) -> Dependants:
    object_type, object_id = asked
    entities: list[Body] = []
    try:
        for number in range(1, _MOST_PAGES + 1):
            query = (("id", object_id), ("objectType", object_type), ("pageNumber", str(number)))
            reply = api.part(CONSUMERS, (*query, ("pageSize", str(_PAGE))))
            if reply.status == 206:
                return _known(entities, "Architect's index of dependencies is being rebuilt (206)")
            page, last = _page(reply.value, number)
            entities += page
            if last:
                return _known(entities, trouble)
    except TargetError as error:
        return _known(entities, _why(error))
    return _known(entities, "the list of what names it never ends")


def _page(value: object, number: int) -> tuple[list[Body], bool]:
    """Return the entities of a page, and whether it is the last.

    Raises:
        IncompleteRead: it is no page.
    """
    body = value if isinstance(value, dict) else {}
    entities, count = body.get("entities"), body.get("pageCount")
    if not isinstance(entities, list) or not all(isinstance(one, dict) for one in entities):
        raise IncompleteRead(f"GET {CONSUMERS}: the answer is not a page of a listing")
    more = number < count if isinstance(count, int) else len(entities) == _PAGE
    return entities, not entities or not more


def _known(entities: list[Body], why: str) -> Dependants:
    """Return each thing once, whatever number of its versions name the object; what was deleted names nothing."""
    versions: dict[tuple[str, str], list[Body]] = {}
    for one in entities:
        if one.get("id") and one.get("deleted") is not True:
            versions.setdefault((str(one.get("type") or ""), str(one["id"])), []).append(one)
    known = sorted(_dependant(kind, one, bodies) for (kind, one), bodies in versions.items())
    return Dependants(tuple(known), complete=not why, why=why)


def _dependant(kind: str, object_id: str, bodies: list[Body]) -> Dependant:
    told = sorted({str(body["version"]) for body in bodies if body.get("version")})
    detail = [kind]
    if told:
        detail.append(f"version{'s' if len(told) > 1 else ''} {', '.join(told)}")
    if any(body.get("stateUnknown") is True for body in bodies):
        detail.append("of which Architect does not know whether it is still there")
    name = next((str(body["name"]) for body in bodies if body.get("name")), object_id)
    return Dependant(_word(kind), object_id, name, ", ".join(detail))


def _word(kind: str) -> str:
    if kind.endswith("FLOW"):
        return "flow"
    return "script" if kind == "COMPOSERSCRIPT" else kind.lower()


def _unknown(why: str) -> Dependants:
    return Dependants(complete=False, why=why)


def _why(error: TargetError) -> str:
    if isinstance(error, Forbidden):
        return f"this client may not ask what depends on it: give its role {PERMISSION}"
    return f"what depends on it was not read: {error.message}"
