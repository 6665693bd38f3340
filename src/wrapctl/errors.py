"""Everything that can go wrong, drawn as a tree, and the exit code each branch ends in.

WrapctlError                 1
├── UsageError               2   the command line makes no sense
├── ConfigError              2   the files are wrong: carries every Problem of every file
├── Refused                  4   wrapctl could, but must not
│   ├── ObserveMode · OutsideWindow · WrongOrganization · Locked
│   ├── GuardRefused · Stale · PlanUnusable · SandboxInCI
├── TargetError              1   a platform, while being read or before the first write
│   ├── IncompleteRead           half a list is an error, never an empty state
│   ├── Answered                 an HTTP answer that is not success
│   │   ├── Unauthorized · Forbidden · RateLimited
│   ├── Unreachable              nothing was sent, or repeating was safe and did not help
│   └── Unanswered               sent, and no answer came: the outcome is unknown
├── Interrupted              5   Ctrl-C or SIGTERM, after the request in flight was finished
└── JournalError             1   the journal cannot be written, or its chain is broken
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """Exit codes of the command line (README, "Exit codes")."""

    OK = 0
    ERROR = 1
    USAGE = 2
    PENDING = 3
    REFUSED = 4
    PARTIAL = 5


def worst(codes: list[Exit]) -> Exit:
    """Return the exit code of several orgs: 1 before 5, 4, 3 and 0 (2 is about the command itself)."""
    for code in (Exit.USAGE, Exit.ERROR, Exit.PARTIAL, Exit.REFUSED, Exit.PENDING):
        if code in codes:
            return code
    return Exit.OK


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where a value was written: file relative to the project (posix), line and column counted from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Severity(StrEnum):
    """How bad a problem is: an error makes the run fail, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with the files: where, what, and what to do about it."""

    source: Source
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        tail = f" ({self.hint})" if self.hint else ""
        return f"{self.source}: {self.severity}: {self.message}{tail}"


class WrapctlError(Exception):
    """Base of all errors that wrapctl raises on purpose.

    ``hint`` says what to do next; the command line prints it on a line of its own.
    """

    exit_code: Exit = Exit.ERROR

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(WrapctlError):
    """The command line asks for something that makes no sense."""

    exit_code = Exit.USAGE


class ConfigError(WrapctlError):
    """The files are wrong. ``problems`` holds every problem found in all files, sorted."""

    exit_code = Exit.USAGE

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(f"{len(self.problems)} problem(s) in the configuration")


class Refused(WrapctlError):
    """wrapctl could do it and must not. Nothing was written."""

    exit_code = Exit.REFUSED


class ObserveMode(Refused):
    """The org says ``manage.mode: observe``."""


class OutsideWindow(Refused):
    """The clock is outside the org's change windows."""


class WrongOrganization(Refused):
    """The credentials open another organization than the files name."""


class Locked(Refused):
    """Another run holds the org's lock; the message names the holder."""


class GuardRefused(Refused):
    """A limit is exceeded, or could not be evaluated; the message has the numbers and the token."""


class Stale(Refused):
    """The live state is neither what was planned from nor what is wanted."""


class PlanUnusable(Refused):
    """A saved plan is of another format, org or configuration, too old, or was changed."""


class SandboxInCI(Refused):
    """A sandbox org under ``CI=true`` without ``--sandbox``."""


class TargetError(WrapctlError):
    """A platform could not be read, or refused before the first write."""


class IncompleteRead(TargetError):
    """A listing was cut, moved while it was read, or contradicts its own total."""


class Unreachable(TargetError):
    """The platform was not reached, and nothing can have been changed there."""


class Unanswered(TargetError):
    """The request may have arrived, but no usable answer came: the outcome is unknown until read."""


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """What a platform answered to a failed request, in its own words.

    ``code`` is the platform's own code (Genesys: dotted string), ``request_id`` its correlation id.
    """

    operation: str
    status: int
    code: str = ""
    message: str = ""
    request_id: str = ""
    retry_after: float | None = field(default=None, compare=False)

    def as_data(self) -> dict[str, object]:
        """The answer as journal and report keep it."""
        return {
            "operation": self.operation,
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "request_id": self.request_id,
        }

    def __str__(self) -> str:
        words = f": {self.message}" if self.message else ""
        code = f" {self.code}" if self.code else ""
        request = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.operation} answered {self.status}{code}{words}{request}"


class Answered(TargetError):
    """The platform answered with an error; ``answer`` holds its words."""

    def __init__(self, answer: PlatformAnswer, *, hint: str = "") -> None:
        super().__init__(str(answer), hint=hint)
        self.answer = answer


class Unauthorized(Answered):
    """401, after one refresh of the token; or the login itself was refused."""


class Forbidden(Answered):
    """403: the client lacks a permission or a division."""


class RateLimited(Answered):
    """429 that asks to wait longer than a run should; running again later continues."""


class Interrupted(WrapctlError):
    """The run was asked to stop and did so between two requests."""

    exit_code = Exit.PARTIAL


class JournalError(WrapctlError):
    """The journal cannot be written (then nothing is), or its hash chain is broken."""
