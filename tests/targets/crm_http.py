"""A plain HTTP endpoint for the contract suite of CRM targets, on the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from crm_org import CrmOrg
from wrapctl.model import Value
from wrapctl.targets.http_rows.target import connect
from wrapctl.targets.interface import Target

SYSTEM = "desk"
PATH = "/crm/rows"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FULL: tuple[tuple[str, Value], ...] = (
    ("active", "{active}"),
    ("category", "{category}"),
    ("crmDisposition", "{value}"),
    ("description", "{description}"),
    ("direction", "{direction}"),
    ("labels", "{tags}"),
    ("meta", (("id", "id:{code_id}"), ("text", "{code} is {value}"), ("words", "{translations}"))),
    (
        "rule",
        (("order", "{order}"), ("seconds", "{duration_seconds}"), ("status", "{status}"), ("when", "{when}")),
    ),
    ("syncTimestamp", "{timestamp}"),
    ("system", "{system}"),
    ("wrapUpCode", "{code}"),
)


def org(folder: Path, given: dict[str, Value] | None = None, **seed: Any) -> CrmOrg:
    """An endpoint with a row template of everything; ``given`` are further options of the mapping's target."""
    options: dict[str, Value] = {"path": PATH, "body": FULL, **(given or {})}
    more = {"clock": lambda: NOON, "nonce": "n"}
    return CrmOrg(folder, connect, "http", {SYSTEM: options}, more=more, **seed)


class HttpHarness:
    """An endpoint with ETags, on the sandbox."""

    system = SYSTEM
    request_ids = True
    options: ClassVar[dict[str, Value]] = {"etag": "true"}
    settings: ClassVar[dict[str, Any]] = {}

    def __init__(self, folder: Path) -> None:
        self.org = org(folder, self.options, settings=self.settings)
        self._readonly = self.org.connect(f"sandbox-{self.org.name}-readonly")
        self._refused: dict[str, str] = {}

    @property
    def target(self) -> Target:
        return self.org.target

    @property
    def readonly(self) -> Target:
        return self._readonly

    def truth(self) -> object:
        return self.org.rows

    def add_foreign(self, value: str) -> str:
        key = f"theirs/{value}"
        self.org.edit("add-row", set={"key": key, "crmDisposition": value})
        return key

    def edit(self, row_id: str, description: str) -> None:
        self.org.edit("edit-row", row=row_id, set={"description": description})

    def refuse(self, value: str) -> None:
        self._refused[value] = "no such luck"
        self.org.sandbox.set(self.org.name, refused=self._refused)

    def break_reads(self, how: str) -> None:
        path = f"{PATH}$"
        rules = {
            "cut": lambda: self.org.fault("truncate", method="GET", path=path, length="full"),
            "drop": lambda: self.org.fault("drop", method="GET", path=path),
            "fail": lambda: self.org.fault("status", method="GET", path=path, status=500),
            "html": lambda: self.org.fault("status", method="GET", path=path, status=200, raw="<html>hello"),
        }
        rules[how]()

    def lose_writes(self) -> None:
        for method in ("PUT", "PATCH", "POST", "DELETE"):
            self.org.fault("lose-answer", method=method, path=PATH)

    def writes_seen(self) -> int:
        return len([line for line in self.org.sent(path=PATH) if not line.startswith("GET")])

    def stop(self) -> None:
        self.org.clock.stop.set()

    def close(self) -> None:
        self._readonly.close()
        self.org.close()


class PostingHarness(HttpHarness):
    """An endpoint without ETags that creates by POST and changes by PATCH, in small pages."""

    options: ClassVar[dict[str, Value]] = {
        "create": "POST",
        "method": "PATCH",
        "body": (*FULL, ("key", "{key}")),
    }
    settings: ClassVar[dict[str, Any]] = {"etags": False, "page_size": 7}
