"""Turns a failed reply into the platform's own words, whatever its body is. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping

from wrapctl.errors import PlatformAnswer
from wrapctl.http.retry import retry_after
from wrapctl.http.wire import Reply

_LONGEST = 500
_TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title>")
_CODE = ("code", "error", "error_code", "errorCode")
_MESSAGE = (
    "message",
    "error_description",
    "errorDescription",
    "error_Description",
    "messageWithParams",
    "errorMessage",
    "description",
    "detail",  # RFC 9457
    "title",
)
_STATUS_TEXT = "icstatusdescription"
_SAYS_NOTHING = frozenset({"", "success"})
_REQUEST = ("contextId", "correlationId", "requestId")


def platform_answer(operation: str, reply: Reply, redact: Callable[[str], str]) -> PlatformAnswer:
    """Return what the platform said: status, code, message, request id.

    The body may be JSON of any shape, HTML of a proxy, plain text or nothing (contract section 2). Some platforms
    say what is wrong in a header alone.
    """
    code, message, request_id = _read(reply)
    if not message:
        text = reply.headers.get(_STATUS_TEXT, "")
        message = "" if text.strip().lower() in _SAYS_NOTHING else text
    return PlatformAnswer(
        operation=operation,
        status=reply.status,
        code=redact(_short(code)),
        message=redact(_short(message)),
        request_id=reply.request_id or _short(request_id),
        retry_after=retry_after(reply.headers),
    )


def _read(reply: Reply) -> tuple[str, str, str]:
    text = reply.text.strip()
    try:
        body: object = json.loads(text)
    except (ValueError, RecursionError):
        title = _TITLE.search(text)
        if title:
            return "", html.unescape(title[1]), ""
        return "", "" if text.startswith("<") else text, ""
    if isinstance(body, list) and body:
        # Salesforce: an array of errors, most often of one.
        more = len(body) - 1
        code, message, request_id = _object(body[0])
        return code, f"{message} (and {more} more)" if more else message, request_id
    return _object(body)


def _object(body: object) -> tuple[str, str, str]:
    if not isinstance(body, dict):
        return "", "", ""
    inner = body.get("error")
    if isinstance(inner, dict):
        # Dataverse, Salesforce and ServiceNow wrap their words once more.
        body = {**body, **inner, "error": inner.get("code", "")}
    return _first(body, _CODE), _message(body), _first(body, _REQUEST)


def _message(body: Mapping[str, object]) -> str:
    message = _first(body, _MESSAGE)
    detail = body.get("detail")
    if isinstance(detail, str) and detail and detail not in message:
        # ServiceNow says what was wrong there, and in the message only of which kind it was.
        message = f"{message}: {detail}" if message else detail
    limit = body.get("limit")
    if isinstance(limit, dict):
        # Which limit of the organization was hit (contract section 2, `limit`).
        name = ".".join(str(limit[key]) for key in ("namespace", "key") if limit.get(key))
        message += f" (limit {name}: {limit.get('value', '?')})"
    details, named = body.get("details"), body.get("fields")
    fields: list[str] = []
    if isinstance(details, list):
        fields = [
            str(item["fieldName"]) for item in details if isinstance(item, dict) and item.get("fieldName")
        ]
    if isinstance(named, list):
        fields += [item for item in named if isinstance(item, str)]
    return f"{message} (fields: {', '.join(fields)})" if fields else message


def _first(body: Mapping[str, object], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = body.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
