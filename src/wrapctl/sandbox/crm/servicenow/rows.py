"""The operations on wrap-up codes: the bulk upsert of the Wrap Up API, and the Table API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from wrapctl.sandbox.crm.call import Refusal, answer, units
from wrapctl.sandbox.crm.servicenow import queries, table
from wrapctl.sandbox.crm.servicenow.table import LENGTHS, TABLE, TRANSLATIONS, settings_of
from wrapctl.sandbox.crm.world import CREATE, DELETE, READ, UPDATE

if TYPE_CHECKING:
    from wrapctl.sandbox.crm.call import Call
    from wrapctl.sandbox.crm.tx import OrgTx
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json

MESSAGES = {
    "all": "All wrap up codes created successfully.",
    "some": "Some wrap up codes created successfully. Validation errors occurred while creating others",
    "none": "No wrap up codes created. Validation errors occurred",
}


def _needs(call: Call, right: str) -> None:
    if not call.may(right):
        raise Refusal(403, text="Operation Failed", code="ACL Exception failed due to security constraints")


def _body(call: Call) -> Json:
    try:
        given: Any = call.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refusal(400, text="Exception while reading request", code="The payload is not valid JSON.")
    return given


# The Wrap Up API. It names a code by its label.


def upsert_codes(call: Call) -> Reply:
    """POST /api/now/wrapup/code: 207 when some were refused.

    The contract has no place for what was refused: those codes are missing from ``created_wrap_up_codes``, and the
    message says why, label by label.
    """
    _needs(call, CREATE)
    given = _body(call).get("codes")
    if not isinstance(given, list) or not given:
        raise Refusal(400, text="Invalid request", code="codes is required and must be an array")
    settings = settings_of(call.org)
    stored: list[Json] = []
    refused: list[str] = []
    with call.write() as tx:
        for one in given:
            if wrong := _wrong(one) or tx.refusal_of(one):
                label = str(one.get("code") or "") if isinstance(one, dict) else ""
                refused.append(f"{label}: {wrong}")
                continue
            body, was_there = _upserted(tx, one)
            if settings.updated_listed or not was_there:
                stored.append(table.wrap_up_code(body, settings.language))
    outcome = "all" if not refused else "some" if len(refused) < len(given) else "none"
    message = MESSAGES[outcome]
    if refused:
        message += f": {'; '.join(refused)}" if settings.refusals == "message" else "."
    if outcome == "none" and settings.all_refused == 400:
        raise Refusal(400, text="Invalid request", code=message)
    result = {"message": message, "result_map": {"created_wrap_up_codes": stored}, "success": not refused}
    return answer({"result": result}, 207 if refused else 200)


def get_code(call: Call, code_id: str) -> Reply:
    """GET /api/now/wrapup/code/{code_id}: 400 for one that is not there, since no other status is documented."""
    _needs(call, READ)
    with call.read() as tx:
        row = tx.row(TABLE, code_id)
    if row is None:
        raise Refusal(400, text="Wrap up code not found.", code=f"No wrap up code with the sys_id {code_id}")
    shown = table.wrap_up_code(row.json, settings_of(call.org).language)
    result = {"message": "Wrap up code found.", "result_map": {"wrap_up_code": shown}, "success": True}
    return answer({"result": result})


def _wrong(one: object) -> str:
    if not isinstance(one, dict):
        return "A wrap up code must be an object."
    if not isinstance(one.get("code"), str) or not one["code"].strip():
        return "The code is required."
    for name, most in LENGTHS.items():
        if one.get(name) is not None and not isinstance(one[name], str):
            return f"The {name} must be a string."
        if units(one.get(name) or "") > most:
            return f"The {name} exceeds the maximum length of {most} characters."
    if not isinstance(one.get("active", True), bool):
        return "The active flag must be a boolean."
    translations = one.get("translations") or []
    if not isinstance(translations, list) or not all(isinstance(item, dict) for item in translations):
        return "The translations must be an array of objects."
    for item in translations:
        language = item.get("language")
        if not isinstance(language, str) or len(language) != 2:
            return "The language of a translation must have two letters."
        if not isinstance(item.get("code"), str) or not item["code"].strip():
            return f"The code of the translation to {language} is required."
        if one.get("description") and not item.get("description"):
            return f"The description of the translation to {language} is required."
        if any(units(str(item.get(name) or "")) > most for name, most in LENGTHS.items()):
            return f"The translation to {language} exceeds the maximum length."
    return ""


def _upserted(tx: OrgTx, one: Json) -> tuple[Json, bool]:
    """Create a code, or change what was given of it; return it, and whether it was there."""
    given: Json = {name: one[name] for name in ("code", "description", "active") if one.get(name) is not None}
    held = next((row.json for row in tx.holders_of_name("row", one["code"])), None)
    before = held[TRANSLATIONS] if held else {}
    translations = {
        item["language"]: [item["code"], item.get("description") or ""]
        for item in one.get("translations") or []
    }
    given[TRANSLATIONS] = before | translations
    if held is not None:
        return table.put(tx, held, held | given), True
    return table.add(tx, table.new(tx, given | {"external": True})), False


# The Table API. Every value is a text.


def list_rows(call: Call) -> Reply:
    """GET /api/now/table/interaction_wrap_up_code."""
    _needs(call, READ)
    settings = settings_of(call.org)
    with call.read() as tx:
        rows = [row.json for row in tx.rows(TABLE)]
    ignored = settings.invalid_query == "ignored"
    rows = queries.chosen(rows, call.query.get("sysparm_query", ""), ignored=ignored)
    offset = _number(call, "sysparm_offset", 0)
    limit = min(_number(call, "sysparm_limit", 10000), settings.page_cap) or settings.page_cap
    names = [name.strip() for name in call.query.get("sysparm_fields", "").split(",") if name.strip()]
    # They are counted before the ACLs take theirs away, so that a page may be short.
    page = [row for row in rows[offset : offset + limit] if row["code"] not in settings.hidden]
    shown = [table.record(row) for row in page]
    if names:
        shown = [{name: row[name] for name in names if name in row} for row in shown]
    headers = [("X-Total-Count", str(len(rows)))]
    if links := _links(call, offset, limit, len(rows)):
        headers.append(("Link", links))
    return answer({"result": shown}, 200, headers)


def patch_row(call: Call, sys_id: str) -> Reply:
    """PATCH: unknown columns are passed over, long texts are cut, and nobody is told. No condition is looked at."""
    _needs(call, UPDATE)
    given = table.coerced(_body(call))
    with call.write() as tx:
        row = tx.row(TABLE, sys_id, true=True)
        if row is None:
            raise Refusal(404)
        before = row.json
        after = before | given
        others = [one for one in tx.holders_of_name("row", after["code"]) if one.id != sys_id]
        words = tx.refusal_of(after)
        if words or (others and settings_of(call.org).unique_codes):
            rule = words or "Wrap up code must be unique"
            text = f"Operation against file '{TABLE}' was aborted by Business Rule '{rule}'"
            raise Refusal(403, text="Operation Failed", code=text)
        stored = table.put(tx, before, after)
    return answer({"result": table.record(stored)})


def delete_row(call: Call, sys_id: str) -> Reply:
    """DELETE: no condition is looked at."""
    _needs(call, DELETE)
    with call.write() as tx:
        row = tx.row(TABLE, sys_id, true=True)
        if row is None:
            raise Refusal(404)
        tx.remove(row)
    return answer(None, 204)


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    # What is no number is passed over, as the platform does.
    return int(text) if text.isascii() and text.isdigit() else default


def _links(call: Call, offset: int, limit: int, total: int) -> str:
    rest = {key: value for key, value in call.query.items() if key not in {"sysparm_limit", "sysparm_offset"}}

    def link(start: int, name: str) -> str:
        query = urlencode(rest | {"sysparm_limit": limit, "sysparm_offset": start})
        return f'<{call.host}{call.arrival.path}?{query}>;rel="{name}"'

    if total <= limit:
        return ""
    found = [link(0, "first")]
    if offset:
        found.append(link(max(0, offset - limit), "prev"))
    if offset + limit < total:
        found.append(link(offset + limit, "next"))
    return ",".join([*found, link((total - 1) // limit * limit, "last")])
