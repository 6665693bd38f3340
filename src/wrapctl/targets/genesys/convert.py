"""Between Genesys bodies and wrapctl's normal form. Pure; every rule here makes a plan after an apply empty.

Contract sections 5 (codes), 7 (queues), 8 (outbound mapping), 10 (divisions).
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

from wrapctl.errors import IncompleteRead
from wrapctl.model import ALL_DIVISIONS, Division, Fields, LiveCode, LiveQueue, Value
from wrapctl.targets.genesys.capabilities import CAPABILITIES
from wrapctl.targets.genesys.options import PROMPTS, TIMED_PROMPTS

Body = Mapping[str, object]
NO_BODY: Body = MappingProxyType({})

_PROMPT_BY_WORD = {prompt.upper().replace("-", "_"): prompt for prompt in PROMPTS}
_WORD_BY_PROMPT = {prompt: word for word, prompt in _PROMPT_BY_WORD.items()}
_MEDIA = {"call": "voice", "callback": "callback", "chat": "chat", "email": "email", "message": "message"}


def required(body: Body, key: str, what: str) -> str:
    """Return a text member that the platform always sends.

    Raises:
        IncompleteRead: it is not there, so the rest cannot be trusted either.
    """
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise IncompleteRead(
            f"the platform sent a {what} without {key}", hint="run again; if it stays, report it"
        )
    return value


def member(body: Body, key: str) -> Body:
    """Return an object member, empty where it is absent or null."""
    value = body.get(key)
    return value if isinstance(value, dict) else NO_BODY


# ── codes ──────────────────────────────────────────────────────────────────────────────────────────────────


def live_code(body: Body, divisions: Mapping[str, str]) -> LiveCode:
    """Return a code in normal form. ``divisions`` names division ids, for bodies that carry only the id.

    A description that is absent or null is ``""``; a division is its name, ``*`` for all divisions. A code
    without a division is in all of them: that is where one without lands when it is created (section 5).
    """
    name = required(body, "name", "wrap-up code")
    division = member(body, "division")
    division_id = division.get("id") or ALL_DIVISIONS
    division_name = division.get("name") or divisions.get(str(division_id)) or division_id
    description = body.get("description")
    fields: dict[str, Value] = {
        "name": name,
        "description": description if isinstance(description, str) else "",
        "division": ALL_DIVISIONS if division_id == ALL_DIVISIONS else str(division_name),
    }
    return LiveCode(required(body, "id", "wrap-up code"), name, fields, reserved=is_reserved(name))


def is_reserved(name: str) -> bool:
    """Whether the name belongs to the platform (section 5: ``ININ-…``)."""
    return any(fnmatchcase(name, pattern) for pattern in CAPABILITIES.reserved)


def is_deleted(body: Body) -> bool:
    """Whether a listing shows something that was softly deleted."""
    return str(body.get("state", "")).lower() == "deleted"


def code_request(fields: Fields, division_id: str | None, rest: Body) -> dict[str, object]:
    """Return the body of a create or an update: ``fields``, and members of the live code that nobody here knows."""
    request: dict[str, object] = dict(rest)
    request["name"] = fields["name"]
    if fields.get("description") is not None:
        request["description"] = fields["description"]
    if division_id is not None:
        request["division"] = {"id": division_id}
    return request


_KNOWN = frozenset(
    {
        "id",
        "name",
        "description",
        "division",
        "dateCreated",
        "dateModified",
        "createdBy",
        "modifiedBy",
        "selfUri",
    }
)


def unknown_members(body: Body) -> dict[str, object]:
    """Return the members of a code that section 5 does not list: an update must carry them on."""
    return {key: value for key, value in body.items() if key not in _KNOWN}


# ── queues ─────────────────────────────────────────────────────────────────────────────────────────────────


def live_queue(body: Body) -> LiveQueue:
    """Return a queue in normal form. ``media`` are those that the body has settings for, None when it has none."""
    division = member(body, "division").get("name")
    media = member(body, "mediaSettings")
    served = sorted(word for key, word in _MEDIA.items() if isinstance(media.get(key), dict))
    return LiveQueue(
        id=required(body, "id", "queue"),
        name=required(body, "name", "queue"),
        division=division if isinstance(division, str) else None,
        after_call_work=after_call_work(body),
        media=tuple(served) if media else None,
    )


def after_call_work(queue: Body) -> dict[str, Value]:
    """Return ``prompt`` and ``timeout_ms`` of a queue.

    The timeout only counts with a timed prompt: with the others the server may fill in a default or answer 0
    (section 7). A prompt that wrapctl does not know survives in lower case.
    """
    settings = member(queue, "acwSettings")
    prompt = settings.get("wrapupPrompt")
    if not isinstance(prompt, str) or not prompt:
        return {}
    found: dict[str, Value] = {"prompt": _PROMPT_BY_WORD.get(prompt.upper(), prompt.lower())}
    timeout = settings.get("timeoutMs")
    if (
        found["prompt"] in TIMED_PROMPTS
        and isinstance(timeout, (int, float))
        and not isinstance(timeout, bool)
    ):
        found["timeout_ms"] = int(timeout)
    return found


def prompt_word(prompt: str) -> str:
    """Return the platform's word for a prompt."""
    return _WORD_BY_PROMPT.get(prompt, prompt.upper())


# ── outbound ───────────────────────────────────────────────────────────────────────────────────────────────


def flags(value: object) -> tuple[str, ...]:
    """Return outbound flags in normal form: lower case with hyphens, sorted, each once (section 8).

    Raises:
        IncompleteRead: the value is not a list of words.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise IncompleteRead("the platform sent outbound flags that are not a list of words")
    return tuple(sorted({item.lower().replace("_", "-") for item in value}))


def flag_words(tokens: tuple[Value, ...]) -> list[str]:
    """Return the platform's words for outbound flags."""
    return [str(token).upper().replace("-", "_") for token in tokens]


def mapping(body: Body) -> dict[str, tuple[str, ...]]:
    """Return the flags of every code id in the mapping, those of deleted codes included."""
    entries = body.get("mapping")
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise IncompleteRead("the platform sent an outbound mapping that is not a map")
    return {str(code_id): flags(value) for code_id, value in entries.items()}


# ── divisions ──────────────────────────────────────────────────────────────────────────────────────────────


def division(body: Body) -> Division:
    """Return a division with its counts, None where the platform gave none."""
    counts = {str(key).replace("_", "").upper(): value for key, value in member(body, "objectCounts").items()}
    return Division(
        id=required(body, "id", "division"),
        name=required(body, "name", "division"),
        codes=_count(counts.get("WRAPUPCODE")),
        queues=_count(counts.get("QUEUE")),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
