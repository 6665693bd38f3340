"""The way to a tenant's API: login, discovery, session. Nothing is sent until the first request (contract section 2)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from wrapctl.errors import Answered, IncompleteRead, TargetError, UsageError
from wrapctl.http.auth import Flow, TokenKeeper
from wrapctl.http.pacing import Pacing
from wrapctl.http.redact import Redactor
from wrapctl.http.retry import Policy
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Transport, Wire, check_base_url, is_loopback
from wrapctl.targets.cxone.api import WORKERS
from wrapctl.targets.cxone.convert import text
from wrapctl.targets.cxone.options import DOMAINS, REGIONS, is_vendors
from wrapctl.targets.embedded import SANDBOX_URL
from wrapctl.targets.interface import Event, Runtime, Traffic

DISCOVERY = "/.well-known/cxone-configuration"
GLOBAL = "https://cxone.niceincontact.com"
RETRIES = Policy(rate_limit_attempts=6, rate_limit_steps=(2.0, 6.0))
"""No Retry-After can be relied on: 2 s, then 6 s, a few times (section 3)."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where the login is; where the API is, None to find out; where it is likely to be when that fails."""

    login: str
    api: str | None = None
    likely: str | None = None


def hosts(endpoint: str, region: str, *, registered: bool = False, login: str | None = None) -> Hosts:
    """Return the hosts of a tenant: by area, or by a URL where one is given.

    ``registered``: the login is that of a registered application, which has one host for all areas. ``login``
    overrides it.

    Raises:
        UsageError: there is no such area, or the URL may not be given a token.
    """
    if endpoint:
        base = check_base_url(endpoint)
        host = urlsplit(base).hostname or ""
        if is_loopback(host):
            return Hosts(login or base)
        if not is_vendors(host):
            raise UsageError(
                f"{host} is not a host of NICE CXone",
                hint=f"tokens go to *.{' and *.'.join(DOMAINS)} only",
            )
        label = host.partition(".")[0]
        area = label.removeprefix("api-") if label.startswith("api-") else ""
        of_area = f"https://{area}.nice-incontact.com" if area and not registered else GLOBAL
        return Hosts(login or of_area, base)
    if region not in REGIONS:
        raise UsageError(f'NICE CXone has no area "{region}"', hint=f"use one of: {', '.join(REGIONS)}")
    of_area = f"https://{REGIONS[region]}" if registered else f"https://{region}.nice-incontact.com"
    return Hosts(login or of_area, likely=f"https://api-{region}.niceincontact.com")


class Door:
    """Opens the session to the API once, for all threads of one connection."""

    def __init__(
        self,
        org: str,
        found: Hosts,
        start: Callable[[], Flow],
        runtime: Runtime,
        *,
        traffic: Traffic,
        redact: Redactor,
        jitter: Callable[[], float],
        per_minute: int,
        transport: Transport | None = None,
    ) -> None:
        self._hosts = found
        self._runtime = runtime
        self._traffic = traffic
        self._redact = redact
        self._jitter = jitter
        self._transport = transport
        self._pacing = Pacing(per_minute, runtime.monotonic)
        self._lock = threading.Lock()
        self._wires: list[Wire] = []
        self._session: Session | None = None
        # Logins and discovery are no calls of the API, and count against no limit of it.
        self._login = self._to(found.login, Pacing(None, runtime.monotonic), 1)
        self._tokens = TokenKeeper(org, start, self._login, runtime, redact)

    def session(self) -> Session:
        """The session to the tenant's API; logs in and looks for the API the first time.

        Raises:
            TargetError: the login failed, or the API was not found.
            Interrupted: the run was asked to stop meanwhile.
        """
        with self._lock:
            if self._session is None:
                base = self._hosts.api or self._discovered()
                self._session = self._to(base, self._pacing, WORKERS, self._tokens)
            return self._session

    def close(self) -> None:
        """Give sockets back."""
        for wire in self._wires:
            wire.close()

    def _to(self, base: str, pacing: Pacing, concurrency: int, tokens: TokenKeeper | None = None) -> Session:
        wire = Wire(base, self._traffic, concurrency=concurrency, transport=self._transport)
        self._wires.append(wire)
        return Session(
            wire,
            self._runtime,
            pacing=pacing,
            redact=self._redact,
            jitter=self._jitter,
            auth=tokens,
            policy=RETRIES,
        )

    def _discovered(self) -> str:
        """The address of the API, as the tenant's configuration names it."""
        tenant = self._tokens.claims().get("tenantId")
        query = (("tenantId", tenant),) if isinstance(tenant, str) and tenant else ()
        try:
            body = self._login.send(Call("GET", DISCOVERY, query=query)).value
        except Answered as error:
            return self._likely(error)
        found = text(body, "api_endpoint") if isinstance(body, dict) else ""
        if not found:
            return self._likely(IncompleteRead(f"GET {DISCOVERY}: the answer names no api_endpoint"))
        return trusted(found, self._hosts.login)

    def _likely(self, error: TargetError) -> str:
        cluster = self._tokens.claims().get("icClusterId")
        if isinstance(cluster, str) and cluster.isalnum() and self._hosts.likely is not None:
            base: str | None = f"https://api-{cluster.lower()}.nice-incontact.com"
        else:
            base = self._hosts.likely
        if base is None:
            raise error
        self._runtime.listen(Event("note", f"discovery failed ({error.message}); trying {base}"))
        return base


def trusted(url: str, login: str) -> str:
    """Return the address of an API that a discovery named, without its trailing slash.

    Raises:
        TargetError: a token would leave NICE's hosts, or, in an emulation, the host that was logged in to.
    """
    parts = urlsplit(url)
    host, known = parts.hostname or "", urlsplit(login)
    own = is_loopback(known.hostname or "") or login == SANDBOX_URL
    fine = parts.netloc == known.netloc if own else parts.scheme == "https" and is_vendors(host)
    if not fine or parts.path.strip("/") or parts.query or parts.username:
        raise TargetError(
            f"the tenant's configuration sends to {host or 'no host'}, which is none of NICE CXone's",
            hint="no token was sent there; check the region, or write `endpoint: https://api-<area>.niceincontact.com`",
        )
    return url.rstrip("/")
