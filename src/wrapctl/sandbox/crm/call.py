"""One request to a CRM, as its handlers get it, and the refusals that they raise."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from wrapctl.sandbox.crm.tx import OrgTx
from wrapctl.sandbox.front import Reply
from wrapctl.sandbox.objects import Actor, Refused, dumps

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from wrapctl.sandbox.front import Arrival, Visit
    from wrapctl.sandbox.objects import Org

JSON = ("Content-Type", "application/json; charset=utf-8")


class Refusal(Refused):
    """A CRM refuses, with a status, a code where it has such, and a text; each CRM words it in its own way.

    ``fields`` are the members that are wrong. ``headers`` go with the answer. ``bare``: there is no body.
    """

    def __init__(
        self,
        status: int,
        code: str = "",
        text: str = "",
        *,
        fields: Sequence[str] = (),
        headers: Sequence[tuple[str, str]] = (),
        bare: bool = False,
    ) -> None:
        self.status = status
        self.code = code
        self.text = text
        self.fields = list(fields)
        self.headers = list(headers)
        self.bare = bare
        super().__init__(f"{status} {code}: {text}")


def answer(body: object = None, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """Return an answer with a JSON body, or with none."""
    if body is None:
        return Reply(status, b"", list(headers))
    return Reply(status, dumps(body).encode(), [JSON, *headers])


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request. ``query`` holds the last value of each name."""

    visit: Visit
    org: Org
    query: Mapping[str, str]

    @classmethod
    def of(cls, visit: Visit, org: Org) -> Call:
        """Parse a request's query string."""
        return cls(visit, org, dict(parse_qsl(visit.arrival.query, keep_blank_values=True)))

    @property
    def arrival(self) -> Arrival:
        """The request as it came in."""
        return self.visit.arrival

    @property
    def host(self) -> str:
        """The address that the sandbox was called by: everything that it names is there."""
        return host(self.arrival)

    def may(self, right: str) -> bool:
        """Whether the client has a right."""
        return right in self.visit.asker.permissions

    @contextmanager
    def read(self) -> Iterator[OrgTx]:
        """Open the instance for reading."""
        with self.visit.store.read() as con:
            yield self._tx(con)

    @contextmanager
    def write(self) -> Iterator[OrgTx]:
        """Open the instance for writing."""
        with self.visit.store.write() as con:
            yield self._tx(con)

    def _tx(self, con: sqlite3.Connection) -> OrgTx:
        return OrgTx(
            con,
            self.org,
            seq=self.visit.seq,
            actor=Actor("client", self.visit.asker.client),
            clock=self.visit.clock,
            lag=self.visit.lag,
            correlation=self.arrival.correlation,
        )

    def json(self) -> Any:
        """Return the parsed body, or raise ValueError."""
        text = self.arrival.data.decode()
        parsed: Any = json.loads(text)
        # A lone surrogate passes the parser and can be stored nowhere.
        if "\\ud" in text.lower():
            json.dumps(parsed, ensure_ascii=False).encode()
        return parsed


def units(text: str) -> int:
    """Return a text's length as the CRMs count it: in UTF-16 code units, so that an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def host(arrival: Arrival) -> str:
    """Return the address that the sandbox was called by."""
    scheme = str(arrival.environ.get("wsgi.url_scheme", "http"))
    return f"{scheme}://{arrival.header('Host') or 'localhost'}"
