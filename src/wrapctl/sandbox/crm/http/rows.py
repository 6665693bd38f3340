"""The operations on rows: any JSON objects, each under its key."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

from wrapctl.sandbox.crm.call import Refusal, answer
from wrapctl.sandbox.crm.world import CREATE, DELETE, READ, UPDATE
from wrapctl.sandbox.front import Reply
from wrapctl.sandbox.objects import dumps
from wrapctl.sandbox.planting import derived
from wrapctl.sandbox.settings import HttpSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.crm.call import Call
    from wrapctl.sandbox.crm.tx import OrgTx
    from wrapctl.sandbox.objects import Json, Org, Row

PATH = "/crm/rows"
TABLE = "rows"
KEY, ETAG = "key", "etag"
# Kept beside the members of a row, and never shown: every write counts, also one that changes nothing.
VERSION = "$version"


def settings_of(org: Org) -> HttpSettings:
    """Return the endpoint's settings, which must be those of a plain one."""
    if not isinstance(org.settings, HttpSettings):
        raise TypeError(f"{org.name} is no plain HTTP endpoint")
    return org.settings


def _needs(call: Call, right: str) -> None:
    if not call.may(right):
        raise Refusal(403, text=f"The client may not {right} rows.")


def _etag(body: Json) -> str:
    return f'"{sha256(dumps(body).encode()).hexdigest()[:16]}"'


def _shown(body: Json) -> Json:
    return {name: value for name, value in body.items() if name != VERSION}


def _one(call: Call, body: Json, status: int = 200) -> Reply:
    headers = [("ETag", _etag(body))] if settings_of(call.org).etags else []
    if status == 201:
        headers.append(("Location", f"{PATH}/{quote(body[KEY], safe='')}"))
    return answer(_shown(body), status, headers)


# Reading.


def list_rows(call: Call) -> Reply:
    """GET /crm/rows: a page, by key."""
    _needs(call, READ)
    settings = settings_of(call.org)
    limit = call.query.get("limit", str(settings.page_size))
    if not (limit.isascii() and limit.isdigit() and int(limit)):
        raise Refusal(400, text="limit must be a positive number")
    size = min(int(limit), settings.page_cap)
    after = _decoded(call.query.get("cursor", ""))
    with call.read() as tx:
        bodies = sorted((row.json for row in tx.rows(TABLE)), key=lambda body: str(body[KEY]))
    left = [body for body in bodies if after is None or body[KEY] > after]
    page = left[:size]
    shown = [_shown(body) | ({ETAG: _etag(body)} if settings.etags else {}) for body in page]
    more = {"next": base64.urlsafe_b64encode(page[-1][KEY].encode()).decode()} if len(left) > size else {}
    return answer({"rows": shown} | more)


def _decoded(cursor: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(cursor).decode() if cursor else None
    except ValueError:
        raise Refusal(400, text="the cursor is not one of this endpoint's") from None


def get_row(call: Call, key: str) -> Reply:
    """GET /crm/rows/{key}."""
    _needs(call, READ)
    with call.read() as tx:
        row = _row(tx, key, true=False)
    if row is None:
        raise Refusal(404)
    if settings_of(call.org).etags and call.arrival.header("If-None-Match") == _etag(row.json):
        return answer(None, 304, [("ETag", _etag(row.json))])
    return _one(call, row.json)


# Writing. The same idempotency key has one answer.


def post_row(call: Call) -> Reply:
    """POST /crm/rows: a new row, under its key or one that it is given."""
    return _once(call, lambda tx: _posted(call, tx))


def put_row(call: Call, key: str) -> Reply:
    """PUT /crm/rows/{key}: the whole row, new or not."""
    return _once(call, lambda tx: _put(call, tx, key))


def patch_row(call: Call, key: str) -> Reply:
    """PATCH /crm/rows/{key}: some members; null takes one off."""
    return _once(call, lambda tx: _patched(call, tx, key))


def delete_row(call: Call, key: str) -> Reply:
    """DELETE /crm/rows/{key}."""
    return _once(call, lambda tx: _deleted(call, tx, key))


def _once(call: Call, write: Callable[[OrgTx], Reply]) -> Reply:
    key = call.arrival.header("Idempotency-Key")
    if not key:
        with call.write() as tx:
            return write(tx)
    name = f"{call.org.name}\n{call.visit.asker.client}\n{key}"
    asked = sha256(f"{call.arrival.method}\n{call.arrival.path}\n".encode() + call.arrival.data).hexdigest()
    with call.write() as tx:
        kept = tx.con.execute("select doc from queries where id = ?", (name,)).fetchone()
        if kept is not None:
            was, status, text, headers = json.loads(kept[0])
            if was != asked:
                raise Refusal(422, text="This Idempotency-Key was used for another request.")
            return Reply(status, text.encode(), [*map(tuple, headers), ("Idempotency-Replayed", "true")])
        reply = write(tx)
        doc = dumps([asked, reply.status, reply.text.decode(), reply.headers])
        tx.con.execute("insert into queries (id, org, doc) values (?, ?, ?)", (name, call.org.name, doc))
        return reply


def _posted(call: Call, tx: OrgTx) -> Reply:
    _needs(call, CREATE)
    given = _body(call)
    key = given.get(KEY, str(uuid4()))
    if not isinstance(key, str) or not key:
        raise Refusal(422, text="key must be a text")
    row = _row(tx, key)
    # Where rows are only sent, sending one again is all that a client can do.
    if row is not None and settings_of(call.org).read_back:
        raise Refusal(409, text=f"There is a row with the key {key!r}.")
    return _one(call, _store(call, tx, {KEY: key} | given, row), 201)


def _put(call: Call, tx: OrgTx, key: str) -> Reply:
    row = _row(tx, key)
    _needs(call, UPDATE if row else CREATE)
    _conditions(call, row)
    given = _body(call)
    if given.get(KEY, key) != key:
        raise Refusal(422, text="The key in the body is not the key of the address.")
    return _one(call, _store(call, tx, {KEY: key} | given, row), 200 if row else 201)


def _patched(call: Call, tx: OrgTx, key: str) -> Reply:
    _needs(call, UPDATE)
    row = _row(tx, key)
    if row is None:
        raise Refusal(404)
    _conditions(call, row)
    given = _body(call)
    if given.get(KEY, key) != key:
        raise Refusal(422, text="The key of a row does not change.")
    merged = {name: value for name, value in (_shown(row.json) | given).items() if value is not None}
    return _one(call, _store(call, tx, merged, row))


def _deleted(call: Call, tx: OrgTx, key: str) -> Reply:
    _needs(call, DELETE)
    row = _row(tx, key)
    if row is None:
        raise Refusal(404)
    _conditions(call, row)
    tx.remove(row)
    return answer(None, 204)


def _conditions(call: Call, row: Row | None) -> None:
    if not settings_of(call.org).etags:
        return
    wanted, unwanted = call.arrival.header("If-Match"), call.arrival.header("If-None-Match")
    if unwanted == "*" and row is not None:
        raise Refusal(412, text="The row is there already.")
    held = _etag(row.json) if row else ""
    tags = [tag.strip() for tag in wanted.split(",")]
    if wanted and (row is None or (wanted != "*" and held not in tags)):
        raise Refusal(412, text="The row was changed: its ETag is another one.")


def _body(call: Call) -> Json:
    kind = call.arrival.header("Content-Type").partition(";")[0].strip().lower()
    if kind not in {"application/json", "application/merge-patch+json"}:
        raise Refusal(415)
    try:
        given = call.json()
    except ValueError:
        raise Refusal(400, text="The body is not valid JSON.") from None
    if not isinstance(given, dict):
        raise Refusal(400, text="A row is a JSON object.")
    return {name: value for name, value in given.items() if name not in {ETAG, VERSION}}


def _store(call: Call, tx: OrgTx, body: Json, before: Row | None = None) -> Json:
    settings = settings_of(call.org)
    if missing := [name for name in settings.required if body.get(name) is None]:
        raise Refusal(422, text=f"The row lacks {', '.join(missing)}.")
    for name, value in body.items():
        if settings.text_max and isinstance(value, str) and len(value) > settings.text_max:
            raise Refusal(422, text=f"{name} is longer than {settings.text_max} characters.")
    if words := tx.refusal_of(body):
        raise Refusal(422, text=words)
    return _saved(tx, body, before)


def _row(tx: OrgTx, key: str, *, true: bool = True) -> Row | None:
    return tx.row(TABLE, derived(tx.org.name, "row", key), true=true)


def _saved(tx: OrgTx, body: Json, before: Row | None) -> Json:
    version = before.json[VERSION] + 1 if before else tx.milliseconds
    stored = {KEY: body[KEY]} | body | {VERSION: version}
    tx.put(TABLE, derived(tx.org.name, "row", body[KEY]), body[KEY], stored)
    return stored


class Keeper:
    """Rows as somebody at the endpoint's own UI handles them: any members, ``key`` is the key."""

    def add(self, tx: OrgTx, given: Json) -> None:
        """Add a row."""
        if not isinstance(given.get(KEY), str) or _row(tx, given[KEY]) is not None:
            raise ValueError(f"{tx.org.name}: a new row needs a key of its own, not {given.get(KEY)!r}")
        _saved(tx, given, None)

    def change(self, tx: OrgTx, row: Row, given: Json) -> None:
        """Change members of a row; None takes one off."""
        merged = {name: value for name, value in (row.json | given).items() if value is not None}
        _saved(tx, merged | {KEY: row.json[KEY]}, row)

    def remove(self, tx: OrgTx, row: Row) -> None:
        """Remove a row."""
        tx.remove(row)
