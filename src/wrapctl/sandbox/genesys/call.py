"""One authenticated request, as the handlers of this package get it, and what they answer."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wrapctl.sandbox.genesys.errors import Refusal
from wrapctl.sandbox.genesys.paging import Page, Query
from wrapctl.sandbox.genesys.tx import OrgTx, settings_of
from wrapctl.sandbox.objects import Actor, Json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wrapctl.sandbox.objects import Org
    from wrapctl.sandbox.store import Store


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the JSON text of a body; None is no body at all."""

    text: str | None = None
    status: int = 200


@dataclass(slots=True)
class Call:
    """An authenticated request.

    ``divisions`` is what the client may see (None: everything), ``seq`` the number of the request in its org,
    ``lag`` for how many requests its writes stay unseen. ``path`` is decoded, ``raw_path`` is not, where known.
    """

    store: Store
    clock: Callable[[], float]
    org: Org
    client: str
    permissions: frozenset[str]
    divisions: tuple[str, ...] | None
    seq: int
    lag: int
    correlation: str
    path: str
    raw_path: str
    query: Query
    content_type: str
    data: bytes

    @contextmanager
    def read(self) -> Iterator[OrgTx]:
        """Open the org for reading."""
        with self.store.read() as con:
            yield self._tx(con)

    @contextmanager
    def write(self) -> Iterator[OrgTx]:
        """Open the org for writing."""
        with self.store.write() as con:
            yield self._tx(con)

    def _tx(self, con: Any) -> OrgTx:
        return OrgTx(
            con,
            self.org,
            seq=self.seq,
            actor=Actor("client", self.client),
            clock=self.clock,
            lag=self.lag,
            divisions=self.divisions,
            correlation=self.correlation,
        )

    def page(self, endpoint: str) -> Page:
        """Read the page asked for, capped as the org caps this endpoint."""
        return Page.of(self.query, self.path, settings_of(self.org).page_caps[endpoint])

    @staticmethod
    def listing(
        tx: OrgTx, page: Page, select: str, source: str, values: list[str | int], order: str
    ) -> Answer:
        """Answer with a page of what ``source`` (everything from FROM on) finds; ``select`` gives JSON text."""
        total = tx.con.execute(f"select count(*) {source}", values).fetchone()[0]
        sql = f"select {select} {source} order by {order} limit ? offset ?"
        return Answer(
            page.text((row[0] for row in tx.con.execute(sql, [*values, page.size, page.offset])), total)
        )

    def body(self) -> Any:
        """Return the parsed JSON body, or refuse it as the platform would."""
        if self.content_type.partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "unsupported.media.type")
        try:
            text = self.data.decode()
            parsed = json.loads(text)
            # A lone surrogate passes the parser and can be stored nowhere.
            if "\\ud" in text.lower():
                json.dumps(parsed, ensure_ascii=False).encode()
        except ValueError:
            raise Refusal(400, "bad.request") from None
        return parsed

    def object_body(self) -> Json:
        """Return the body, which must be a JSON object. Null members count as left out."""
        parsed = self.body()
        if not isinstance(parsed, dict):
            raise Refusal(400, "bad.request")
        return {key: value for key, value in parsed.items() if value is not None}
