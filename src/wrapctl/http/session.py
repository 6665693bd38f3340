"""One connection to one API: login, pacing, retries, and errors that say what to do.

``http`` classifies only what means the same everywhere: 401 (a new token, once), 429 (``Retry-After``), 5xx and
connections (a few retries where repeating is safe). Everything else is an ``Answered`` that the target reads.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, Protocol

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from wrapctl.errors import (
    Answered,
    Forbidden,
    IncompleteRead,
    Interrupted,
    PlatformAnswer,
    RateLimited,
    TargetError,
    Unanswered,
    Unauthorized,
    Unreachable,
)
from wrapctl.http.answer import platform_answer
from wrapctl.http.pacing import Pacing
from wrapctl.http.redact import Redactor
from wrapctl.http.retry import AGAIN_STATUS, Policy, Reason
from wrapctl.http.wire import Call, Kind, Reply, Trouble, Wire
from wrapctl.targets.interface import Event, Runtime

DEFAULT = Policy()
_BODILESS = frozenset({("list", 204), ("part", 206)})
"""What was expected and how it was answered, where the body need not be JSON."""


class Auth(Protocol):
    """Gives each request its Authorization."""

    def header(self) -> str:
        """The value of the Authorization header; may log in.

        Raises:
            TargetError: the login failed.
        """
        ...

    def refused(self, header: str) -> None:
        """The platform answered 401 to this header: the next one must be new."""
        ...


class _Again(Exception):
    """Tells tenacity to try again after ``delay``; ``error`` is what to raise when nobody does."""

    def __init__(self, delay: float) -> None:
        super().__init__()
        self.delay = delay


class Session:
    """Sends calls to one host. Thread-safe.

    In: the wire, what the outside world lends, who authorizes, the pace, and what to keep out of messages.
    ``jitter`` returns a random number in [0, 1).
    """

    def __init__(
        self,
        wire: Wire,
        runtime: Runtime,
        *,
        pacing: Pacing,
        redact: Redactor,
        jitter: Callable[[], float],
        auth: Auth | None = None,
        policy: Policy = DEFAULT,
    ) -> None:
        self._wire = wire
        self._runtime = runtime
        self._pacing = pacing
        self._redact = redact
        self._jitter = jitter
        self._auth = auth
        self._policy = policy
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """The host that is spoken to."""
        return self._wire.host

    def send(
        self, call: Call, *, expect: Literal["json", "list", "part", "nothing"] = "json", header: str = ""
    ) -> Reply:
        """Send a call until it is answered for good, and return the success (2xx).

        With ``expect="json"`` the reply's ``value`` is the parsed body, an object or an array; ``"list"`` takes 204
        for an empty one, ``"part"`` 206 for one that is not whole, whose body nobody reads. ``header`` is the
        Authorization of this one call, where the session has nobody to give it (a login).

        Raises:
            Answered: the platform's last word was an error (``Unauthorized``, ``Forbidden``, ``RateLimited``).
            Unreachable: nothing was sent, or repeating was safe and did not help.
            IncompleteRead: a repeatable call was answered by half a body, or by something that is not JSON.
            Unanswered: any other call was sent and no usable answer came.
            Interrupted: the run was asked to stop; this attempt was not sent.
        """
        failures: Counter[Reason] = Counter()
        renewed = False

        def attempt() -> Reply:
            nonlocal renewed
            self._wait_for_turn()
            allowed = self._auth.header() if self._auth else header
            try:
                reply = self._wire.exchange(call, {"Authorization": allowed} if allowed else {})
                if 200 <= reply.status < 300:
                    empty = expect == "nothing" or (expect, reply.status) in _BODILESS
                    return reply if empty else _parsed(reply)
            except Trouble as trouble:
                if call.may_repeat or trouble.kind is Kind.NOT_SENT:
                    self._again(failures, Reason.CONNECTION, call, trouble.why, None)
                raise self._error(call, trouble) from None
            answer = platform_answer(call.operation, reply, self._redact)
            if reply.status == 401 and self._auth and not renewed:
                renewed = True
                self._auth.refused(allowed)
                raise _Again(0.0)
            if reply.status == 429:
                self._again(failures, Reason.RATE_LIMIT, call, "rate limit", answer)
            elif reply.status in AGAIN_STATUS and call.may_repeat:
                self._again(failures, Reason.SERVER, call, f"answer {reply.status}", answer)
            raise _answered(answer, reply)

        retrying = Retrying(
            retry=retry_if_exception_type(_Again), wait=_asked_delay, sleep=self._sleep, reraise=True
        )
        return retrying(attempt)

    def _again(
        self, failures: Counter[Reason], reason: Reason, call: Call, why: str, answer: PlatformAnswer | None
    ) -> None:
        """Raise ``_Again`` when the policy has another attempt, return when not."""
        failures[reason] += 1
        after = answer.retry_after if answer else None
        delay = self._policy.delay(reason, failures[reason], after, self._jitter())
        if delay is None:
            return
        with self._lock:
            self._wire.traffic.retries += 1
        if reason is Reason.RATE_LIMIT:
            self._pacing.pause(delay)
            self._limited(delay, 1)
        text = f"{call.operation}: {self._redact(why)}, trying again in {delay:.1f} s"
        self._runtime.listen(Event("retry", text))
        raise _Again(delay)

    def _wait_for_turn(self) -> None:
        told = counted = False
        while True:
            if self._runtime.stop.is_set():
                raise Interrupted("stopped before the next request")
            delay = self._pacing.delay()
            if delay <= 0:
                return
            if delay >= 1 and not told:
                told = True
                self._runtime.listen(Event("wait", f"request limit of {self.host}: waiting {delay:.0f} s"))
            self._limited(delay, 0 if counted else 1)
            counted = True
            self._sleep(delay)

    def _limited(self, seconds: float, times: int) -> None:
        with self._lock:
            self._wire.traffic.limits += times
            self._wire.traffic.limited += seconds

    def _sleep(self, seconds: float) -> None:
        with self._lock:
            self._wire.traffic.waited += seconds
        if seconds > 0 and self._runtime.wait(seconds):
            raise Interrupted("stopped while waiting")

    def _error(self, call: Call, trouble: Trouble) -> TargetError:
        request = f" [request {trouble.request_id}]" if trouble.request_id else ""
        why = f"{self._redact(trouble.why)}{request}"
        if trouble.kind is Kind.NOT_SENT:
            return Unreachable(
                f"{call.operation}: {self.host} was not reached: {why}",
                hint="check the network, the proxy and the org's region; nothing was sent",
            )
        if not call.may_repeat:
            return Unanswered(f"{call.operation}: sent to {self.host}, and no usable answer came: {why}")
        if trouble.kind is Kind.CUT:
            return IncompleteRead(
                f"{call.operation}: {self.host} answered with something incomplete: {why}",
                hint="nothing is planned from half a read: run again",
            )
        return Unreachable(
            f"{call.operation}: {self.host} did not answer: {why}",
            hint="run again; if it stays, check the network",
        )


def _parsed(reply: Reply) -> Reply:
    try:
        value: object = json.loads(reply.body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        kind = reply.headers.get("content-type", "no content type")
        why = f"the body is not JSON ({kind}, {len(reply.body)} bytes, {type(error).__name__})"
        raise Trouble(Kind.CUT, why, reply.request_id) from None
    if not isinstance(value, (dict, list)):
        raise Trouble(Kind.CUT, "the body is neither an object nor an array", reply.request_id)
    return replace(reply, value=value)


def _asked_delay(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.delay if isinstance(error, _Again) else 0.0


def _answered(answer: PlatformAnswer, reply: Reply) -> Answered:
    if reply.status == 401:
        return Unauthorized(
            answer, hint="the token is refused even when new: check the client's roles and state"
        )
    if reply.status == 403:
        return Forbidden(
            answer, hint="give the client's role the permission and the divisions that this needs"
        )
    if reply.status == 429:
        wait = f"{answer.retry_after:.0f} s" if answer.retry_after else "longer than a run should"
        return RateLimited(answer, hint=f"the platform asks to wait {wait}: run again later, it continues")
    if 300 <= reply.status < 400:
        return Answered(answer, hint="a redirect is never followed: check the org's region or endpoint")
    return Answered(answer)
