"""Edits by somebody else: what an administrator clicks together in the platform's own UI meanwhile.

An edit is plain data, so that it can be sent to another process or stored as a fault. Objects are named by name
or id. ``by`` is a user's number; they see everything and write at once, whatever lag the readers have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapctl.sandbox.cxone import dispositions, members, skills
from wrapctl.sandbox.cxone.tx import CLASSIFICATION, DISPOSITION, SKILL, UNAVAILABLE_CODE
from wrapctl.sandbox.objects import changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.cxone.tx import OrgTx
    from wrapctl.sandbox.objects import Json

SOMEBODY = "2000"
SET_OF_DISPOSITION = {
    "dispositionName",
    "classificationId",
    "isPreviewDisposition",
    "isActive",
    "notes",
    "systemOutcome",
}


def _one(tx: OrgTx, kind: str, wanted: object) -> Json:
    row = tx.truth(kind, str(wanted))
    if row is not None:
        return row.json
    found = [item for item in tx.holders_of_name(kind, str(wanted)) if item.name == wanted]
    if not found:
        raise LookupError(f"{tx.org.name} has no {kind} {wanted!r}")
    return found[0].json


def _classification(tx: OrgTx, wanted: object) -> int | None:
    return None if wanted is None else int(_one(tx, CLASSIFICATION, wanted)["classificationId"])


def _settled(tx: OrgTx, given: Json) -> Json:
    """Return members of a disposition's PUT; ``name``, ``classification`` and ``active`` are said shortly."""
    settled = dict(given)
    for short, member in (
        ("name", "dispositionName"),
        ("active", "isActive"),
        ("preview", "isPreviewDisposition"),
    ):
        if short in settled:
            settled[member] = settled.pop(short)
    if "classification" in settled:
        settled["classificationId"] = _classification(tx, settled.pop("classification"))
    if unknown := sorted(set(settled) - SET_OF_DISPOSITION):
        raise ValueError(f"a disposition has no {', '.join(unknown)}")
    return settled


def _add_disposition(tx: OrgTx, edit: Json) -> None:
    """``name``, ``classification`` (None), ``notes``, ``active``, ``preview``; ``skills`` that get it, at their ends."""
    given = {key: value for key, value in edit.items() if key not in {"op", "by", "skills"}}
    settled = {"classificationId": None, "isPreviewDisposition": False} | _settled(tx, given)
    body = dispositions.create(tx, settled)
    if {"notes", "isActive"} & set(settled):
        _write(tx, body, settled)
    for skill in edit.get("skills", ()):
        _append(tx, skill, body["dispositionId"])


def _write(tx: OrgTx, body: Json, settled: Json) -> None:
    """Change some members, whatever the settings say about those that a PUT leaves out."""
    after = body | settled
    name = str(after["dispositionName"])
    number = int(after["dispositionId"])
    if any(int(row.id) != number for row in tx.holders_of_name(DISPOSITION, name)):
        raise ValueError(f"a disposition named {name!r} is there already")
    tx.put(DISPOSITION, number, name, after)
    tx.audit("Update", "Disposition", (str(number), name), changed(body, after))


def _update_disposition(tx: OrgTx, edit: Json) -> None:
    """``disposition``, ``set``: {name, classification, notes, active, preview} or the platform's own members."""
    _write(tx, _one(tx, DISPOSITION, edit["disposition"]), _settled(tx, edit["set"]))


def _rename_disposition(tx: OrgTx, edit: Json) -> None:
    _update_disposition(tx, edit | {"set": {"name": edit["name"]}})


def _deactivate(tx: OrgTx, edit: Json) -> None:
    _update_disposition(tx, edit | {"set": {"active": False}})


def _reactivate(tx: OrgTx, edit: Json) -> None:
    _update_disposition(tx, edit | {"set": {"active": True}})


def _append(tx: OrgTx, skill: object, disposition_id: int) -> None:
    before = _one(tx, SKILL, skill)
    held = before["dispositions"]
    last = max((one["priority"] for one in held), default=0)
    added = {"dispositionId": disposition_id, "priority": last + 1}
    skills.store(tx, before, before | {"dispositions": [*held, added]})


def _set_skill_dispositions(tx: OrgTx, edit: Json) -> None:
    """``skill``, ``dispositions``: the whole list, in order, by name or id."""
    before = _one(tx, SKILL, edit["skill"])
    ids = [_one(tx, DISPOSITION, wanted)["dispositionId"] for wanted in edit["dispositions"]]
    after = [{"dispositionId": number, "priority": place} for place, number in enumerate(ids, 1)]
    skills.store(tx, before, before | {"dispositions": after})


def _update_skill(tx: OrgTx, edit: Json) -> None:
    """``skill``, ``set``: any members, as a GET shows them; ``acw_state`` names an unavailable code; None removes one."""
    before = _one(tx, SKILL, edit["skill"])
    given = dict(edit["set"])
    if "acw_state" in given:
        state = given.pop("acw_state")
        given["stateIdACW"] = None if state is None else _one(tx, UNAVAILABLE_CODE, state)["id"]
    kept = {*skills.NULLABLE, *members.ALWAYS}
    after = {key: value for key, value in (before | given).items() if value is not None or key in kept}
    skills.store(tx, before, after)


def _rename_skill(tx: OrgTx, edit: Json) -> None:
    _update_skill(tx, edit | {"set": {"skillName": edit["name"]}})


def _run_skill(tx: OrgTx, edit: Json) -> None:
    """``skill``, ``running``: starts or stops an outbound skill."""
    _update_skill(tx, edit | {"set": {"isRunning": bool(edit["running"])}})


def _rename_unavailable_code(tx: OrgTx, edit: Json) -> None:
    body = _one(tx, UNAVAILABLE_CODE, edit["unavailable_code"])
    tx.put(UNAVAILABLE_CODE, int(body["id"]), str(edit["name"]), body | {"name": edit["name"]})


EDITS: dict[str, Callable[[OrgTx, Json], None]] = {
    "add_disposition": _add_disposition,
    "update_disposition": _update_disposition,
    "rename_disposition": _rename_disposition,
    "deactivate": _deactivate,
    "reactivate": _reactivate,
    "set_skill_dispositions": _set_skill_dispositions,
    "update_skill": _update_skill,
    "rename_skill": _rename_skill,
    "run_skill": _run_skill,
    "rename_unavailable_code": _rename_unavailable_code,
}
