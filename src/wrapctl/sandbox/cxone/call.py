"""One authenticated request, as the handlers of this package get it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from wrapctl.sandbox.cxone.errors import Refusal
from wrapctl.sandbox.cxone.tx import OrgTx, settings_of
from wrapctl.sandbox.objects import Actor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wrapctl.sandbox.front import Arrival, Visit
    from wrapctl.sandbox.objects import Json, Org
    from wrapctl.sandbox.settings import CxoneSettings


@dataclass(frozen=True, slots=True)
class Query:
    """A request's query string. Names are taken without their case: samples also write ``orderby``."""

    values: dict[str, str]

    @classmethod
    def of(cls, text: str) -> Query:
        """Parse a query string; the last value of a name counts."""
        return cls({name.lower(): value for name, value in parse_qsl(text, keep_blank_values=True)})

    def text(self, name: str) -> str:
        """Return a value, or an empty text."""
        return self.values.get(name.lower(), "")

    def number(self, name: str, default: int, least: int) -> int:
        """Return a whole number, at least ``least``."""
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and least <= int(text) < 1 << 31):
            raise Refusal(400, f"Invalid parameter: {name}")
        return int(text)

    def flag(self, name: str) -> bool | None:
        """Return a boolean, or None when it is not given."""
        text = self.text(name).lower()
        if text not in {"", "true", "false"}:
            raise Refusal(400, f"Invalid parameter: {name}")
        return {"true": True, "false": False}.get(text)


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request of a known operation; ``version`` is that of its path."""

    visit: Visit
    org: Org
    version: int
    query: Query

    @property
    def arrival(self) -> Arrival:
        """The request as it came in."""
        return self.visit.arrival

    @property
    def settings(self) -> CxoneSettings:
        """The tenant's settings."""
        return settings_of(self.org)

    @property
    def business_unit(self) -> int:
        """The number of the tenant's business unit."""
        return int(self.org.doc["businessUnitId"])

    @contextmanager
    def read(self) -> Iterator[OrgTx]:
        """Open the tenant for reading."""
        with self.visit.store.read() as con:
            yield self._tx(con)

    @contextmanager
    def write(self) -> Iterator[OrgTx]:
        """Open the tenant for writing."""
        with self.visit.store.write() as con:
            yield self._tx(con)

    def _tx(self, con: Any) -> OrgTx:
        return OrgTx(
            con,
            self.org,
            seq=self.visit.seq,
            actor=Actor("client", self.visit.asker.client),
            clock=self.visit.clock,
            lag=self.visit.lag,
            correlation=self.arrival.correlation,
        )

    def body(self) -> Json:
        """Return the body, which must be a JSON object."""
        if self.arrival.header("Content-Type").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(400, "The Content-Type must be application/json.")
        try:
            text = self.arrival.data.decode()
            parsed = json.loads(text)
            # A lone surrogate passes the parser and can be stored nowhere.
            if "\\ud" in text.lower():
                json.dumps(parsed, ensure_ascii=False).encode()
        except ValueError:
            raise Refusal(400, "The body is not valid JSON.") from None
        if not isinstance(parsed, dict):
            raise Refusal(400, "The body must be a JSON object.")
        return parsed


def host(arrival: Arrival) -> str:
    """Return the address that the sandbox was called by: everything that it names is there."""
    scheme = str(arrival.environ.get("wsgi.url_scheme", "http"))
    return f"{scheme}://{arrival.header('Host') or 'localhost'}"


def number(text: str, name: str) -> int:
    """Return an id of a path."""
    if not (text.isascii() and text.isdigit()):
        raise Refusal(400, f"Invalid {name}: {text}")
    return int(text)
