"""The operations of the REST API that wrapctl uses, and how a query is read whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from wrapctl.errors import Answered, Forbidden, IncompleteRead, RateLimited
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Reply
from wrapctl.targets.interface import Event, Runtime

LIMIT = "REQUEST_LIMIT_EXCEEDED"
_LOCATOR = re.compile(r"[A-Za-z0-9_-]{1,200}")
_MOST_PAGES = 10_000

_MISSING = {
    "INVALID_TYPE": "create the custom object, or correct `target.object`; its API name ends in __c",
    "INVALID_FIELD": "add the field to the object and let the app's run-as user read and edit it, or name another "
    "one (or `none`: not kept) under `target.fields`",
}


class Api:
    """The operations over one session. Thread-safe. ``version`` is that of the REST API."""

    def __init__(self, session: Session, runtime: Runtime, *, version: str) -> None:
        self._session = session
        self._runtime = runtime
        self._base = f"/services/data/v{version}"

    @property
    def host(self) -> str:
        """The org's My Domain host."""
        return self._session.host

    def query(self, soql: str, title: str, *, most: int | None = None) -> list[dict[str, Any]] | None:
        """Return all records of a query, checked against its own total; None when there are more than ``most``.

        Raises:
            IncompleteRead: it contradicts itself, or leads to another host.
            TargetError: it was not read whole.
        """
        reply = self.send(Call("GET", f"{self._base}/query", query=(("q", soql),)))
        body = _page(reply)
        total = body["totalSize"]
        if most is not None and total > most:
            return None
        records: list[dict[str, Any]] = list(body["records"])
        seen: set[str] = set()
        while not body["done"]:
            locator = self._next(body.get("nextRecordsUrl"))
            if locator in seen or len(seen) >= _MOST_PAGES or not body["records"]:
                raise IncompleteRead(f"{title}: the pages of the query do not end")
            seen.add(locator)
            self._runtime.listen(Event("read", title, len(records), total))
            body = _page(self.send(Call("GET", f"{self._base}/query/{{locator}}", {"locator": locator})))
            records += body["records"]
            if body["totalSize"] != total:
                raise IncompleteRead(f"{title}: the total changed from {total} to {body['totalSize']}")
        if len(records) != total:
            raise IncompleteRead(
                f"{title}: {len(records)} rows came and Salesforce counts {total}",
                hint="nothing is planned from half a read: run again",
            )
        return records

    def update(self, table: str, row_id: str, members: Mapping[str, object], unmodified_since: str) -> Reply:
        """Change one row, unless it was changed since a date.

        Raises:
            TargetError: it was refused, or its outcome is unknown.
        """
        call = Call(
            "PATCH",
            f"{self._base}/sobjects/{table}/{{id}}",
            {"id": row_id},
            body=_json(members),
            headers=(("If-Unmodified-Since", unmodified_since),),
        )
        return self.send(call, answered=False)

    def delete(self, table: str, row_id: str) -> Reply:
        """Delete one row. There is no condition on it.

        Raises:
            TargetError: it was refused, or its outcome is unknown.
        """
        call = Call("DELETE", f"{self._base}/sobjects/{table}/{{id}}", {"id": row_id}, repeatable=False)
        return self.send(call, answered=False)

    def upsert(self, table: str, key: str, records: list[dict[str, object]]) -> Reply:
        """Create rows by external id; the reply's ``value`` is one result a row, in their order.

        Raises:
            TargetError: all of it was refused, or its outcome is unknown.
        """
        body = _json({"allOrNone": False, "records": records})
        return self.send(Call("PATCH", f"{self._base}/composite/sobjects/{table}/{key}", body=body))

    def send(self, call: Call, *, answered: bool = True) -> Reply:
        """Send a call.

        A limit of the org is answered as 403: no right is missing, and more requests only make it worse.

        Raises:
            TargetError: what it says.
        """
        try:
            return self._session.send(call, expect="json" if answered else "nothing")
        except Forbidden as error:
            if error.answer.code != LIMIT:
                raise
            hint = "the org's API requests are used up: run again later, it continues"
            raise RateLimited(error.answer, hint=hint) from None
        except Answered as error:
            hint = _MISSING.get(error.answer.code, "")
            if not hint or call.method != "GET":
                raise
            raise Answered(error.answer, hint=hint) from None

    def _next(self, url: object) -> str:
        """The locator of the next page. A token follows no link to another place."""
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        here = not parts.scheme and not parts.netloc
        here = here or (parts.scheme in {"https", "http"} and parts.hostname == self.host)
        start = f"{self._base}/query/"
        locator = parts.path.removeprefix(start)
        whole = parts.path.startswith(start) and _LOCATOR.fullmatch(locator) and not parts.query
        if not here or not whole:
            raise IncompleteRead("Salesforce names a next page that is no page of this query")
        return locator


def _json(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode("utf-8")


def _page(reply: Reply) -> dict[str, Any]:
    body = reply.value
    if isinstance(body, dict):
        records, total, done = body.get("records"), body.get("totalSize"), body.get("done")
        whole = isinstance(records, list) and all(isinstance(one, dict) for one in records)
        if whole and type(total) is int and isinstance(done, bool):
            return body
    raise IncompleteRead("Salesforce sent something that is no page of a query")
