"""What the API says of its own versions (contract section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapctl.sandbox.cxone.errors import answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wrapctl.sandbox.cxone.call import Call
    from wrapctl.sandbox.front import Reply


def list_versions(call: Call, operations: Iterable[tuple[str, str]]) -> Reply:
    """GET /apiversion: the newest version of each operation, given as (verb, path)."""
    text, verb = call.query.text("searchUriText").casefold(), call.query.text("verb").upper()
    newest = float(max(call.settings.versions))
    found = [
        {"uri": path, "version": newest, "verb": method}
        for method, path in operations
        if text in path.casefold() and verb in {"", method}
    ]
    return answer({"apiInfo": found})


def list_releases(call: Call) -> Reply:
    """GET /apiversionreleaseinfo: all versions that are served, or the one asked about."""
    wanted = call.query.text("apiversion").removeprefix("v").removesuffix(".0")
    found = [
        {"version": float(version), "release": f"Release of {version}.0"}
        for version in call.settings.versions
        if wanted in {"", str(version)}
    ]
    return answer({"versionInfo": found})
