"""Error answers (contract section 3): a short code, a text under one of three spellings or in a header alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wrapctl.sandbox.cxone.tx import settings_of
from wrapctl.sandbox.front import Reply
from wrapctl.sandbox.objects import Refused, dumps

if TYPE_CHECKING:
    from wrapctl.sandbox.objects import Org

STATUS_TEXT = "icStatusDescription"

# No source lists the platform's words; these are the emulation's own, short codes as `InvalidParameter` was seen.
DEFAULTS = {
    400: ("InvalidParameter", "The request is invalid."),
    401: ("InvalidToken", "The access token is invalid or has expired."),
    403: ("Forbidden", "You do not have permission to perform this action."),
    404: ("NotFound", "The requested resource was not found."),
    405: ("MethodNotAllowed", "The method is not allowed."),
    409: ("Conflict", "The request conflicts with the state of the resource."),
    429: ("TooManyRequests", "The rate limit was exceeded."),
    500: ("ServerError", "An internal error occurred."),
    502: ("BadGateway", "Bad gateway."),
    503: ("ServiceUnavailable", "The service is unavailable."),
    504: ("GatewayTimeout", "The request timed out."),
}


class Refusal(Refused):
    """The platform refuses, with a status, a short code and a text."""

    def __init__(self, status: int, text: str = "", *, code: str = "") -> None:
        known = DEFAULTS.get(status, ("Error", f"Status {status}."))
        self.status = status
        self.code = code or known[0]
        self.text = text or known[1]
        super().__init__(f"{status} {self.code}: {self.text}")

    def reply(self, spelling: str) -> Reply:
        """Return the answer; ``spelling`` is the member that holds the text, or ``header`` for none."""
        body = {"error": self.code} if spelling == "header" else {"error": self.code, spelling: self.text}
        return answer(body, self.status, self.text)


def spelling(org: Org | None) -> str:
    """Return where an org's errors say what is wrong."""
    return settings_of(org).error_text if org else "error_description"


def answer(body: object = None, status: int = 200, text: str = "Success") -> Reply:
    """Return an answer with a JSON body, or none at all, and its text in the header."""
    headers = [(STATUS_TEXT, header_text(text))]
    if body is None:
        return Reply(status, b"", headers)
    return Reply(status, dumps(body).encode(), [("Content-Type", "application/json"), *headers])


def header_text(text: str) -> str:
    """Return a text as a header can carry it: a name from a request must not end the header."""
    return re.sub(r"[^\x20-\x7e]", "?", text)
