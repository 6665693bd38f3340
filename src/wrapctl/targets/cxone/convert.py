"""Between CXone bodies and wrapctl's normal form. Pure; every rule here makes a plan after an apply empty.

Contract sections 3 (batches), 4 (dispositions), 5 (skills, after-call work, unavailable codes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from wrapctl.errors import IncompleteRead
from wrapctl.model import Fields, LiveCode, LiveQueue, Value

Body = Mapping[str, object]
NO_BODY: Body = MappingProxyType({})

NONE, DISPOSITION, AUTOMATIC = 1, 2, 3
"""``acwTypeId`` (section 5)."""

_MEDIA = {
    1: "email",
    3: "chat",
    4: "voice",
    5: "voicemail",
    6: "work-item",
    7: "sms",
    8: "social",
    9: "digital",
}


def identifier(body: Body, *keys: str) -> str:
    """Return an id as text, empty when none of ``keys`` holds one; numbers may come as text (section 4)."""
    for key in keys:
        number = whole(body.get(key))
        if number is not None:
            return str(number)
    return ""


def whole(value: object) -> int | None:
    """Return a number that may come as text, None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value.strip())
    return None


def text(body: Body, key: str) -> str:
    """Return a text member, empty where it is absent or null."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


def named(body: Body, key: str, what: str) -> str:
    """Return a name that the platform always sends.

    Raises:
        IncompleteRead: it is not there, so the rest cannot be trusted either.
    """
    name = text(body, key)
    if not name:
        raise IncompleteRead(
            f"the platform sent a {what} without {key}", hint="run again; if it stays, report it"
        )
    return name


# ── dispositions ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Classification:
    """What a disposition decides about a contact. Rows carry a business unit; preview ones are their own."""

    id: int
    name: str
    preview: bool = False


def classification(body: Body) -> Classification:
    """Return a classification.

    Raises:
        IncompleteRead: it has no id or no name.
    """
    number = whole(body.get("classificationId"))
    if number is None:
        raise IncompleteRead("the platform sent a classification without an id")
    name = named(body, "classificationName", "classification")
    return Classification(number, name, body.get("isPreviewDisposition") is True)


def classifications_named(
    known: Iterable[Classification], name: str, *, preview: bool
) -> tuple[Classification, ...]:
    """Return the classifications of that name: those made for this kind of disposition, where there are some."""
    found = tuple(one for one in known if one.name == name)
    fitting = tuple(one for one in found if one.preview == preview)
    return fitting or found


def live_code(body: Body, names: Mapping[int, str]) -> LiveCode:
    """Return a disposition in normal form. ``names``: what classifications are called, by id.

    Notes that are absent are ``""``, and so is no classification None. One that nobody names keeps its number.
    """
    name = named(body, "dispositionName", "disposition")
    number = classification_id(body)
    fields: dict[str, Value] = {
        "name": name,
        "description": text(body, "notes"),
        "classification": None if number is None else names.get(number, f"#{number}"),
        "preview": body.get("isPreviewDisposition") is True,
        "active": body.get("isActive") is not False,
    }
    return LiveCode(identifier(body, "dispositionId"), name, fields)


def classification_id(body: Body) -> int | None:
    """Return the raw id of a disposition's classification; 0 is as good as none."""
    return whole(body.get("classificationId")) or None


def create_request(fields: Fields, classification_number: int | None) -> dict[str, object]:
    """Return an item of a batch. The classification is always said: left out, the server takes 1 (section 4)."""
    return {
        "dispositionName": fields["name"],
        "isPreviewDisposition": fields.get("preview") is True,
        "classificationId": classification_number,
    }


def update_request(fields: Fields, classification_number: int | None) -> dict[str, object]:
    """Return the body of an update: all five members, since what becomes of omitted ones is not known (section 4)."""
    return {
        "dispositionName": fields["name"],
        "classificationId": classification_number,
        "isPreviewDisposition": fields.get("preview") is True,
        "isActive": fields.get("active") is not False,
        "notes": fields.get("description") or "",
    }


@dataclass(frozen=True, slots=True)
class Made:
    """What a batch says of one of its items; ``id`` is empty where it says none."""

    id: str
    success: bool
    error: str = ""


def batch_results(body: Body) -> tuple[Made, ...]:
    """Return what a batch says of its items. A failed one may bear any id (section 3)."""
    found = body.get("dispositionResults")
    results = []
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            success = one.get("success") is True
            number = identifier(one, "dispositionId")
            results.append(Made(number if success and number != "0" else "", success, text(one, "error")))
    return tuple(results)


# ── skills ─────────────────────────────────────────────────────────────────────────────────────────────────


def unwrapped(body: Body) -> Body:
    """Return a skill that some versions send in an array of one (contract, ``Skill``)."""
    inner = body.get("skills")
    if isinstance(inner, list) and len(inner) == 1 and isinstance(inner[0], dict):
        return inner[0]
    return body


def live_queue(body: Body, states: Mapping[int, str]) -> LiveQueue:
    """Return a skill in normal form; digital ones are skills like all others. ``states`` names unavailable codes."""
    media = _MEDIA.get(whole(body.get("mediaTypeId")) or 0)
    return LiveQueue(
        id=identifier(body, "skillId"),
        name=named(body, "skillName", "skill"),
        after_call_work=after_call_work(body, states),
        media=None if media is None else (media,),
        active=body.get("isActive") is not False,
    )


def after_call_work(skill: Body, states: Mapping[int, str]) -> dict[str, Value]:
    """Return ``prompt``, ``timeout_ms`` and ``state`` of a skill, as far as it has them.

    State and time count with a disposition or automatic wrap-up only; a time of 0 is none.
    """
    kind = whole(skill.get("acwTypeId"))
    if kind == NONE:
        return {"prompt": "none"}
    if kind == DISPOSITION:
        found: dict[str, Value] = {
            "prompt": "mandatory" if skill.get("requireDisposition") is True else "optional"
        }
    elif kind == AUTOMATIC:
        found = {"prompt": "automatic"}
    else:
        return {}
    seconds = whole(skill.get("maxSecondsACW"))
    if seconds:
        found["timeout_ms"] = seconds * 1000
    state = whole(skill.get("stateIdACW"))
    if state:
        found["state"] = text(skill, "stateNameACW") or states.get(state, f"#{state}")
    return found


def nameless_states(skills: Iterable[Body]) -> bool:
    """Whether some skill carries the id of its state without the name."""
    return any(whole(skill.get("stateIdACW")) and not text(skill, "stateNameACW") for skill in skills)


def acw_members(skill: Body, wanted: Fields, state_id: int | None) -> dict[str, object]:
    """Return the members of a PUT that set after-call work: always the whole combination.

    The server checks them together (section 5), so that what is not ``wanted`` goes as it was read. ``state_id`` is
    the unavailable code that ``wanted`` names, None when it names none.
    """
    prompt = wanted.get("prompt") or after_call_work(skill, {}).get("prompt")
    if prompt == "none":
        return {"acwTypeId": NONE, "requireDisposition": False, "stateIdACW": None}
    members: dict[str, object] = {}
    if prompt in {"optional", "mandatory"}:
        members |= {"acwTypeId": DISPOSITION, "requireDisposition": prompt == "mandatory"}
    elif prompt == "automatic":
        members["acwTypeId"] = AUTOMATIC
    timeout = wanted.get("timeout_ms")
    seconds = timeout // 1000 if isinstance(timeout, int) else whole(skill.get("maxSecondsACW"))
    if seconds is not None:
        members["maxSecondsACW"] = seconds
    state = state_id if state_id is not None else whole(skill.get("stateIdACW"))
    if state:
        members["stateIdACW"] = state
    return members


@dataclass(frozen=True, slots=True)
class Assigned:
    """One disposition on a skill."""

    id: str
    name: str


def assigned(bodies: object) -> tuple[Assigned, ...]:
    """Return the dispositions of a skill in the order that agents see.

    ``priority`` inside a skill is ``displayOrder`` in its own listing. Equal ones stay as they came.

    Raises:
        IncompleteRead: it is no list of dispositions.
    """
    if bodies is None:
        return ()
    if not isinstance(bodies, list) or not all(isinstance(one, dict) for one in bodies):
        raise IncompleteRead("the platform sent dispositions of a skill that are not a list")
    found: dict[str, Assigned] = {}
    for one in sorted(bodies, key=_priority):
        number = identifier(one, "dispositionId")
        if not number:
            raise IncompleteRead("the platform sent a disposition of a skill without an id")
        found.setdefault(number, Assigned(number, text(one, "dispositionName") or number))
    return tuple(found.values())


def _priority(body: Body) -> int:
    for key in ("priority", "displayOrder"):
        number = whole(body.get(key))
        if number is not None:
            return number
    return 0


def assignments(ids: Sequence[str]) -> list[dict[str, int]]:
    """Return the whole list of a skill for a PUT, with priorities from 1 (section 5)."""
    return [{"dispositionId": int(one), "priority": place} for place, one in enumerate(ids, 1)]


# ── unavailable codes ──────────────────────────────────────────────────────────────────────────────────────

STATE_IDS = ("id", "unavailableCodeId", "outStateId", "OutStateId")
"""How an unavailable code's id is called, by version (section 5)."""

_STATE_NAMES = ("name", "unavailableCode", "outStateName", "OutStateName")
_STATE_ACW = ("isACW", "isAcw", "IsAcw", "IsACW")


@dataclass(frozen=True, slots=True)
class State:
    """An unavailable code; ``usable`` as the state of after-call work."""

    id: int
    name: str
    usable: bool


def state(body: Body) -> State:
    """Return an unavailable code, whatever its version calls the members.

    Raises:
        IncompleteRead: it has no id or no name.
    """
    number = identifier(body, *STATE_IDS)
    name = next((text(body, key) for key in _STATE_NAMES if text(body, key)), "")
    if not number or not name:
        raise IncompleteRead("the platform sent an unavailable code without an id or a name")
    flags = [body[key] for key in _STATE_ACW if key in body]
    active = body.get("isActive", body.get("IsActive", True))
    return State(int(number), name, usable=active is not False and (not flags or flags[0] is True))
