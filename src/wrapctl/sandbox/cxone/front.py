"""NICE CXone over HTTP: logins, discovery, and the operations of the Admin API by version."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from wrapctl.sandbox.cxone import (
    audits,
    business,
    classifications,
    dispositions,
    links,
    permissions,
    skills,
    tokens,
    unavailable,
    versions,
)
from wrapctl.sandbox.cxone.call import Call, Query
from wrapctl.sandbox.cxone.errors import STATUS_TEXT, Refusal, answer, header_text, spelling
from wrapctl.sandbox.front import Asker, Reply
from wrapctl.sandbox.objects import load_org

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from wrapctl.sandbox.faults import Fault
    from wrapctl.sandbox.front import Arrival, Visit
    from wrapctl.sandbox.objects import Org

DISCOVERY = "/.well-known/cxone-configuration"
# Working clients write inContactAPI in several ways (section 2).
BASE = re.compile(r"/incontactapi/services/v(\d+)\.0(/.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the Admin API: where it is, which permission it asks for, who answers."""

    method: str
    path: str
    permission: str
    handler: Callable[..., Reply]

    @property
    def pattern(self) -> re.Pattern[str]:
        """The path with groups for its ids."""
        return re.compile(re.sub(r"\{\w+\}", "([^/]+)", self.path))


def _list_versions(call: Call) -> Reply:
    return versions.list_versions(call, [(route.method, route.path) for route in ROUTES])


# Fixed paths before those with an id.
ROUTES = (
    Route("GET", "/dispositions", "Dispositions View", dispositions.list_dispositions),
    Route("POST", "/dispositions", "Dispositions Create", dispositions.post_dispositions),
    Route("GET", "/dispositions/skills", "Dispositions View", links.list_dispositions_with_skills),
    Route("GET", "/dispositions/classifications", "Dispositions View", classifications.list_classifications),
    Route("GET", "/dispositions/{dispositionId}", "Dispositions View", dispositions.get_disposition),
    Route("PUT", "/dispositions/{dispositionId}", "Dispositions Edit", dispositions.put_disposition),
    Route("PATCH", "/dispositions/{dispositionId}/status", "Dispositions Edit", dispositions.patch_status),
    Route("GET", "/dispositions/{dispositionId}/skills", "Dispositions View", links.list_disposition_skills),
    Route(
        "GET", "/dispositions/{dispositionId}/audit-history", "Dispositions View", audits.get_audit_history
    ),
    Route("GET", "/skills", "Skills View", skills.list_skills),
    Route("GET", "/skills/{skillId}", "Skills View", skills.get_skill),
    Route("PUT", "/skills/{skillId}", "Skills Edit", skills.put_skill),
    Route("GET", "/skills/{skillId}/dispositions", "", links.list_skill_dispositions),
    Route("GET", "/skills/{skillId}/dispositions/unassigned", "Skills View", links.list_unassigned),
    Route("GET", "/skills/{skillId}/tags", "Skills View", business.list_skill_tags),
    Route("GET", "/tags", "", business.list_tags),
    Route("GET", "/unavailable-codes", "", unavailable.list_unavailable_codes),
    Route("GET", "/unavailable-codes/{unavailableCodeId}", "", unavailable.get_unavailable_code),
    Route("GET", "/business-unit", "", business.get_business_unit),
    Route("GET", "/apiversion", "", _list_versions),
    Route("GET", "/apiversionreleaseinfo", "", versions.list_releases),
)
_PATTERNS = [(route, route.pattern) for route in ROUTES]


class CxoneFront:
    """Answers the logins, the discovery and the Admin API."""

    def owns(self, path: str) -> bool:
        """Own what is CXone's."""
        return path in tokens.PATHS or path == DISCOVERY or path.lower().startswith("/incontactapi/")

    def asker(self, con: sqlite3.Connection, arrival: Arrival, now: float) -> Asker:
        """Return who asks: by the body at a login, by the query at the discovery, by Bearer elsewhere."""
        if arrival.path == DISCOVERY:
            tenant = parse_qs(arrival.query).get("tenantId", [""])[0]
            row = con.execute(
                "select name from orgs where id = ? and platform = 'cxone'", (tenant,)
            ).fetchone()
            return Asker(org=load_org(con, row[0])) if row else Asker()
        if arrival.path in tokens.PATHS:
            key = tokens.key_of(con, arrival)
            org = tokens.org_of(con, key)
            return Asker(org=org, client=key) if org else Asker()
        scheme, _, token = arrival.header("Authorization").partition(" ")
        row = con.execute(
            "select t.org, t.client, t.expires, c.permissions from tokens t join clients c on c.id = t.client"
            " join orgs o on o.name = t.org where t.token = ? and o.platform = 'cxone'",
            (token,),
        ).fetchone()
        if scheme.lower() != "bearer" or row is None:
            return Asker(refusal=Refusal(401).reply(spelling(None)))
        org = load_org(con, row[0])
        return Asker(
            org=org,
            client=row[1],
            permissions=frozenset(json.loads(row[3])),
            divisions=None,
            token=token,
            refusal=self.expired(org, arrival.correlation) if row[2] <= now else None,
        )

    def expired(self, org: Org, correlation: str) -> Reply:  # noqa: ARG002 (no answer names its request)
        """401."""
        return Refusal(401).reply(spelling(org))

    def limited(self, org: Org, limit: int, wait: int, correlation: str) -> Reply:  # noqa: ARG002 (it does not say)
        """429 without Retry-After (section 3)."""
        return Refusal(429).reply(spelling(org))

    def faulty(self, org: Org | None, fault: Fault, correlation: str) -> Reply:  # noqa: ARG002 (no answer names its request)
        """Return the answer of a ``status`` fault; ``code`` and ``message`` are its words, ``spelling`` their place."""
        action = fault.action
        status = int(action["status"])
        if "raw" in action:
            reply = Reply(status, str(action["raw"]).encode(), [("Content-Type", "text/html")])
        elif "body" in action:
            text = str(action.get("message") or ("Success" if status < 300 else f"Status {status}"))
            reply = answer(action["body"], status, text)
        else:
            refusal = Refusal(status, str(action.get("message", "")), code=str(action.get("code", "")))
            reply = refusal.reply(str(action.get("spelling") or spelling(org)))
        if "retry_after" in action:
            reply.headers.append(("Retry-After", str(action["retry_after"])))
        return reply

    def handle(self, visit: Visit) -> Reply:
        """Answer a request."""
        arrival, org = visit.arrival, visit.asker.org
        if arrival.path == DISCOVERY:
            return self._discovered(visit)
        if arrival.path in tokens.PATHS:
            if arrival.method != "POST":
                return Refusal(405).reply(spelling(org))
            return tokens.login(visit)
        try:
            return self._called(visit)
        except Refusal as refusal:
            return refusal.reply(spelling(org))

    def _discovered(self, visit: Visit) -> Reply:
        if visit.arrival.method != "GET":
            return Refusal(405).reply("error_description")
        if visit.asker.org is None:
            return Refusal(404, "Unknown tenantId").reply("error_description")
        return answer(business.configuration(visit.arrival, visit.asker.org))

    @staticmethod
    def _called(visit: Visit) -> Reply:
        arrival, asker = visit.arrival, visit.asker
        found = BASE.fullmatch(arrival.path)
        if asker.org is None or found is None:
            raise Refusal(404)
        call = Call(visit, asker.org, int(found[1]), Query.of(arrival.query))
        if call.version not in call.settings.versions:
            raise Refusal(404, f"Version {call.version}.0 of the API does not exist.")
        matching = [(route, match) for route, pattern in _PATTERNS if (match := pattern.fullmatch(found[2]))]
        exact = [(route, match) for route, match in matching if route.method == arrival.method]
        if not exact:
            raise Refusal(405) if matching else Refusal(404)
        # Without it the API errors (section 3); with which status was not found.
        if "application/json" not in arrival.header("Accept").lower():
            raise Refusal(400, "The Accept header must be application/json.")
        route, match = exact[0]
        permissions.check(route.permission, asker.permissions)
        return route.handler(call, *match.groups())

    def finish(self, reply: Reply, correlation: str) -> None:  # noqa: ARG002 (no answer names its request)
        """Every answer tells its status in a header (section 3)."""
        if not any(name == STATUS_TEXT for name, _ in reply.headers):
            text = "Success" if reply.status < 300 else f"Status {reply.status}"
            reply.headers.append((STATUS_TEXT, header_text(text)))
