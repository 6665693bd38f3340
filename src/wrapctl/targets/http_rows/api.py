"""The operations of an HTTP endpoint that keeps rows, and how its listing is read whole."""

from __future__ import annotations

import json
from collections.abc import Mapping

from wrapctl.errors import IncompleteRead
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Reply
from wrapctl.rows import LiveRow
from wrapctl.targets.http_rows import convert
from wrapctl.targets.http_rows.convert import Layout
from wrapctl.targets.interface import Event, Runtime

Headers = tuple[tuple[str, str], ...]

_MOST_PAGES = 10_000


class Api:
    """The operations over one session. Thread-safe."""

    def __init__(self, session: Session, runtime: Runtime) -> None:
        self._session = session
        self._runtime = runtime

    @property
    def host(self) -> str:
        """The endpoint's host."""
        return self._session.host

    def rows(self, where: Layout) -> list[LiveRow]:
        """Return all rows of the listing, each once.

        Raises:
            IncompleteRead: its pages do not end, repeat a row, or contradict its own total.
            TargetError: it was not read whole.
        """
        path = where.options.path
        query: convert.Query | None = tuple(where.options.query.items())
        asked: set[convert.Query] = set()
        found: dict[str, LiveRow] = {}
        total: int | None = None
        while query is not None:
            if query in asked or len(asked) >= _MOST_PAGES:
                raise IncompleteRead(f"GET {path}: the pages of the listing do not end")
            asked.add(query)
            answer = self._session.send(Call("GET", path, query=query)).value
            page = convert.listed(where, answer)
            for row in (convert.live_row(where, body) for body in page):
                external = where.external(row)
                if external in found:
                    raise IncompleteRead(
                        f"GET {path}: the key {external!r} came twice",
                        hint="two rows of one key, or a listing that moved: nothing is planned from it, run again",
                    )
                found[external] = row
            counted = convert.total(where, answer)
            if counted is not None and total not in {None, counted}:
                raise IncompleteRead(f"GET {path}: the total changed from {total} to {counted}")
            total = counted if counted is not None else total
            query = convert.next_query(where, answer, self.host)
            self._runtime.listen(Event("read", f"rows of {where.system}", len(found), total or 0))
        if total is not None and total != len(found):
            raise IncompleteRead(
                f"GET {path}: {len(found)} rows came and the endpoint counts {total}",
                hint="nothing is planned from half a read: run again",
            )
        return list(found.values())

    def one(self, where: Layout, key: str) -> tuple[dict[str, object], str]:
        """Return one row as the endpoint shows it, and the ETag that came with it (nothing when there is none).

        Raises:
            TargetError: it could not be read, or is not there.
        """
        reply = self._session.send(Call("GET", where.write_path, {"key": key}))
        body = reply.value if isinstance(reply.value, dict) else {}
        return body, reply.headers.get("etag", "") or convert.etag(where, body)

    def send(
        self,
        method: str,
        path: str,
        key: str,
        body: Mapping[str, object] | None,
        headers: Headers,
        *,
        repeatable: bool = False,
    ) -> Reply:
        """Send a write. ``repeatable``: its idempotency key makes sending it twice the same as once.

        Raises:
            TargetError: it was refused, or its outcome is unknown.
        """
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8")
        params = {"key": key} if "{key}" in path else {}
        call = Call(method, path, params, body=data, repeatable=repeatable, headers=headers)
        return self._session.send(call, expect="nothing")
