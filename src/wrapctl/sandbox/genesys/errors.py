"""Error answers in the platform's own words (contract section 2)."""

from __future__ import annotations

from typing import Any

from wrapctl.sandbox.front import Reply
from wrapctl.sandbox.objects import Refused, dumps

# The texts of the last official Swagger file that had them.
MESSAGES = {
    "bad.request": "The request could not be understood by the server due to malformed syntax.",
    "invalid.value": "Value [%s] is not valid for field type [%s]. Allowable values are: %s",
    "required.field.missing": "A required field is missing a value.",
    "duplicate.name": "A %s with this name already exists.",
    "active.queue": "Queue contains active conversations.",
    "invalid.update": "An attempt was made to update a wrap up code mapping in an invalid way",
    "invalid.update.wrong.version": "Wrap up code mapping version does not match expected",
    "flows.datatables.table.not.found": "The datatable could not be found.",
    "flows.datatables.row.not.found": "The datatable row could not be found.",
    "flows.datatables.cannot.remove.fields": (
        "The updated schema had missing fields from the old schema (can't remove previously existing fields)."
    ),
    "flows.datatables.too.many.schemas": "The max number of datatables allowed has been reached.",
    "flows.datatables.too.many.properties": "The max number of properties allowed in a schema has been reached.",
    "flows.datatables.too.many.rows": "The max number of datatable rows allowed has been reached.",
    "flows.datatables.server.too.busy": "The operation failed because the service is too busy",
    "architect.query.parameter.missing": "A required query parameter is missing or empty.",
    "architect.dependency.object.invalid.type": "An invalid dependency object type was specified.",
    "architect.dependency.object.not.found": (
        "Could not find the dependency object with specified ID and version."
    ),
    "authentication.required": "No authentication bearer token specified in authorization header.",
    "bad.credentials": "Invalid login credentials.",
    "missing.permissions": "Unable to perform the requested action. You are missing the following permission(s): %s",
    "missing.any.permissions": (
        "Unable to perform the requested action. "
        "You must have at least one of the following permissions assigned: %s"
    ),
    "not.authorized": "You are not authorized to perform the requested action.",
    "not.found": "The requested resource was not found.",
    "resource.not.found": "The resource could not be found.",
    "unsupported.media.type": (
        "Unsupported Media Type - Unsupported or incorrect media type, "
        "such as an incorrect Content-Type value in the header."
    ),
    "too.many.requests": "Rate limit exceeded the maximum [%s] requests within [%s] seconds",
    "internal.server.error": (
        "The server encountered an unexpected condition which prevented it from fulfilling the request."
    ),
    "service.unavailable": (
        "Service Unavailable - The server is currently unavailable "
        "(because it is overloaded or down for maintenance)."
    ),
    "request.timeout": "The request timed out.",
}

STATUS_CODES = {
    400: "bad.request",
    401: "bad.credentials",
    403: "not.authorized",
    404: "not.found",
    408: "request.timeout",
    415: "unsupported.media.type",
    429: "too.many.requests",
    500: "internal.server.error",
    503: "service.unavailable",
    504: "request.timeout",
}


class Refusal(Refused):
    """The platform refuses: status and code of section 2, and what fills the message's gaps."""

    def __init__(
        self, status: int, code: str, *params: object, message: str = "", limit: dict[str, Any] | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.params = tuple(str(item) for item in params)
        self.template = message or MESSAGES.get(code, code)
        self.limit = limit
        super().__init__(f"{status} {code}: {self.message}")

    @property
    def message(self) -> str:
        """The message with its gaps filled."""
        return self.template % self.params if self.params else self.template

    def body(self, correlation: str) -> dict[str, Any]:
        """Return the ErrorBody."""
        body: dict[str, Any] = {"message": self.message, "code": self.code, "status": self.status}
        if self.params:
            named = self.template
            for number in range(len(self.params)):
                named = named.replace("%s", f"{{param{number}}}", 1)
            body["messageWithParams"] = named
        body["messageParams"] = {f"param{number}": value for number, value in enumerate(self.params)}
        if self.limit:
            body["limit"] = self.limit
        return body | {"contextId": correlation, "details": [], "errors": []}

    def reply(self, correlation: str) -> Reply:
        """Return the answer."""
        text = dumps(self.body(correlation)).encode()
        return Reply(self.status, text, [("Content-Type", "application/json")])


def invalid_value(value: object, field: str, allowed: str) -> Refusal:
    """Return the refusal of a value that a member may not have."""
    return Refusal(400, "invalid.value", value, field, allowed)
