"""A CRM over HTTP: what the gate asks of every platform, answered once for all CRMs in the words of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from wrapctl.sandbox.crm import tokens
from wrapctl.sandbox.crm.call import Call, Refusal, answer
from wrapctl.sandbox.front import Asker, Reply
from wrapctl.sandbox.objects import load_org

if TYPE_CHECKING:
    import sqlite3

    from wrapctl.sandbox.faults import Fault
    from wrapctl.sandbox.front import Arrival, Visit
    from wrapctl.sandbox.objects import Org


class System(Protocol):
    """One CRM: its paths, its logins, its operations and its words."""

    @property
    def name(self) -> str:
        """Its name as a platform."""
        ...

    def owns(self, path: str) -> bool:
        """Whether the path is one of this CRM."""
        ...

    def is_login(self, path: str) -> bool:
        """Whether a token is fetched there."""
        ...

    def login_client(self, arrival: Arrival) -> str:
        """Return the client that a login is about, whether or not its secret is right."""
        ...

    def login(self, visit: Visit) -> Reply:
        """Answer a login."""
        ...

    def standing(self, arrival: Arrival) -> tuple[str, str]:
        """Return client and secret of a request that carries both instead of a token, or two empty texts."""
        ...

    def called(self, call: Call) -> Reply:
        """Answer an authenticated request."""
        ...

    def worded(self, refusal: Refusal, arrival_id: str) -> Reply:
        """Return a refusal in the CRM's own words; what it leaves open is filled by its status."""
        ...

    def limited(self, limit: int, wait: int) -> Refusal:
        """Return the refusal of a request too many."""
        ...

    def finish(self, reply: Reply, arrival_id: str) -> None:
        """Add what every answer carries."""
        ...


class CrmFront:
    """The HTTP side of one CRM."""

    def __init__(self, system: System) -> None:
        self._system = system

    def owns(self, path: str) -> bool:
        """Own what is this CRM's."""
        return self._system.owns(path)

    def asker(self, con: sqlite3.Connection, arrival: Arrival, now: float) -> Asker:
        """Return who asks: by the login's form, by a token, or by a secret that every request carries."""
        system = self._system
        if system.is_login(arrival.path):
            client = system.login_client(arrival)
            org = tokens.org_of(con, client, system.name)
            return Asker(org=org, client=client) if org else Asker()
        client, secret = system.standing(arrival)
        if client:
            org = tokens.org_of(con, client, system.name)
            token = tokens.standing(con, org, client) if org and tokens.right(con, client, secret) else ""
        else:
            scheme, _, token = arrival.header("Authorization").partition(" ")
            if scheme.lower() != "bearer" or token.startswith("standing:"):
                token = ""
        row = con.execute(
            "select t.org, t.client, t.expires, c.permissions from tokens t join clients c on c.id = t.client"
            " join orgs o on o.name = t.org where t.token = ? and o.platform = ?",
            (token, system.name),
        ).fetchone()
        if row is None:
            return Asker(refusal=system.worded(Refusal(401), arrival.correlation))
        org = load_org(con, row[0])
        return Asker(
            org=org,
            client=row[1],
            permissions=frozenset(json.loads(row[3])),
            divisions=None,
            token=token,
            refusal=self.expired(org, arrival.correlation) if row[2] <= now else None,
        )

    def expired(self, org: Org, correlation: str) -> Reply:  # noqa: ARG002 (the same for every instance)
        """401."""
        return self._system.worded(Refusal(401), correlation)

    def limited(self, org: Org, limit: int, wait: int, correlation: str) -> Reply:  # noqa: ARG002 (the same for every instance)
        """Return the refusal of a request too many."""
        return self._system.worded(self._system.limited(limit, wait), correlation)

    def faulty(self, org: Org | None, fault: Fault, correlation: str) -> Reply:  # noqa: ARG002 (the same for every instance)
        """Return the answer of a ``status`` fault; ``code`` and ``message`` are its words."""
        action = fault.action
        status = int(action["status"])
        headers = [("Retry-After", str(action["retry_after"]))] if "retry_after" in action else []
        if "raw" in action:
            return Reply(status, str(action["raw"]).encode(), [("Content-Type", "text/html"), *headers])
        if "body" in action:
            return answer(action["body"], status, headers)
        refusal = Refusal(
            status, str(action.get("code", "")), str(action.get("message", "")), headers=headers
        )
        return self._system.worded(refusal, correlation)

    def handle(self, visit: Visit) -> Reply:
        """Answer a request."""
        arrival = visit.arrival
        try:
            if self._system.is_login(arrival.path):
                return self._system.login(visit)
            # Without an org the gate has refused already.
            return (
                self._system.called(Call.of(visit, visit.asker.org))
                if visit.asker.org
                else self._nobody(arrival)
            )
        except Refusal as refusal:
            return self._system.worded(refusal, arrival.correlation)

    def _nobody(self, arrival: Arrival) -> Reply:
        return self._system.worded(Refusal(401), arrival.correlation)

    def finish(self, reply: Reply, correlation: str) -> None:
        """Add what every answer of the CRM carries."""
        self._system.finish(reply, correlation)
