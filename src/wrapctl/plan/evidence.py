"""What is known of the codes that a plan takes away or renames, beside their state: for the reader and the guard.

None of it is in a digest: the same changes are the same plan, however often their codes are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wrapctl.empty import Empty
from wrapctl.targets.interface import Dependant, Dependants, Use


@dataclass(frozen=True, slots=True)
class About:
    """What is known of one live code.

    ``uses``: how often it was chosen, by queue; None where that was not asked for or is not told. ``dependants``: what
    else names it on the platform, None where that was not asked for. ``here``: what names it in the state that the
    plan was made from.
    """

    uses: tuple[Use, ...] | None = None
    dependants: Dependants | None = None
    here: tuple[Dependant, ...] = ()

    @property
    def contacts(self) -> int:
        """How many contacts it was chosen for, on all queues."""
        return sum(use.conversations for use in self.uses or ())


@dataclass(frozen=True, slots=True)
class PlanEvidence:
    """What stands beside the changes of a plan: live id of a code → what is known of it.

    ``days``: of so many days, up to ``until`` (ISO 8601), are the uses; 0 where nobody asked. ``no_usage`` says why
    there are none although somebody asked. ``queues`` names the queues of the uses.
    """

    days: int = 0
    until: str = ""
    no_usage: str = ""
    codes: Mapping[str, About] = Empty()
    queues: Mapping[str, str] = Empty()


@dataclass(frozen=True, slots=True)
class Recent:
    """What ``limits.deletes.max_recent_uses`` is measured with: live id of a code → contacts in the last ``days``.

    ``contacts`` is None where they are not known, and ``why`` says why.
    """

    days: int
    contacts: Mapping[str, int] | None = None
    why: str = ""


def as_data(evidence: PlanEvidence) -> dict[str, object]:
    """Return it as plain data."""
    return {
        "days": evidence.days,
        "until": evidence.until,
        "no_usage": evidence.no_usage,
        "codes": {one: _about_data(about) for one, about in sorted(evidence.codes.items())},
        "queues": dict(sorted(evidence.queues.items())),
    }


def _about_data(about: About) -> dict[str, object]:
    found = about.dependants
    return {
        "uses": None if about.uses is None else [_use_data(use) for use in about.uses],
        "dependants": None
        if found is None
        else {
            "known": [_dependant_data(one) for one in found.known],
            "complete": found.complete,
            "why": found.why,
        },
        "here": [_dependant_data(one) for one in about.here],
    }


def _use_data(use: Use) -> dict[str, object]:
    return {
        "queue": use.queue,
        "conversations": use.conversations,
        "handle_ms": use.handle_ms,
        "acw_ms": use.acw_ms,
        "worked": use.worked,
    }


def _dependant_data(one: Dependant) -> dict[str, object]:
    return {"kind": one.kind, "id": one.id, "name": one.name, "detail": one.detail}


def from_data(data: Mapping[str, Any]) -> PlanEvidence:
    """Return what plain data says.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    if not data:
        return PlanEvidence()
    return PlanEvidence(
        days=int(data["days"]),
        until=str(data["until"]),
        no_usage=str(data["no_usage"]),
        codes={str(one): _about(str(one), told) for one, told in data["codes"].items()},
        queues={str(one): str(name) for one, name in data["queues"].items()},
    )


def _about(code: str, told: Mapping[str, Any]) -> About:
    uses, found = told["uses"], told["dependants"]
    return About(
        uses=None if uses is None else tuple(Use(code=code, **use) for use in uses),
        dependants=None
        if found is None
        else Dependants(_dependants(found["known"]), bool(found["complete"]), str(found["why"])),
        here=_dependants(told["here"]),
    )


def _dependants(told: list[Mapping[str, str]]) -> tuple[Dependant, ...]:
    return tuple(Dependant(**one) for one in told)
