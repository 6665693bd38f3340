"""Salesforce for the contract suite of CRM targets, on the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crm_org import CrmOrg
from wrapctl.targets.interface import Target
from wrapctl.targets.salesforce.target import connect

OBJECT = "Wrap_Up_Mapping__c"
SYSTEM = "salesforce"


def org(folder: Path, **seed: Any) -> CrmOrg:
    return CrmOrg(folder, connect, "salesforce", {SYSTEM: {"object": OBJECT}}, **seed)


class SalesforceHarness:
    """Salesforce, on the sandbox."""

    system = SYSTEM
    request_ids = False  # no answer of the contract names a request

    def __init__(self, folder: Path) -> None:
        self.org = org(folder)
        self._refused: dict[str, str] = {}
        self._readonly = self.org.connect(f"sandbox-{self.org.name}-readonly")

    @property
    def target(self) -> Target:
        return self.org.target

    @property
    def readonly(self) -> Target:
        return self._readonly

    def truth(self) -> object:
        return self.org.rows

    def add_foreign(self, value: str) -> str:
        before = self.org.rows
        key = f"theirs/{value}"
        self.org.edit("add-row", set={"object": OBJECT, "Mapping_Key__c": key, "Value__c": value})
        return next(iter(self.org.rows.keys() - before.keys()))

    def edit(self, row_id: str, description: str) -> None:
        self.org.edit("edit-row", row=row_id, set={"Description__c": description})

    def refuse(self, value: str) -> None:
        self._refused[value] = "no such luck"
        self.org.sandbox.set(self.org.name, refused=self._refused)

    def break_reads(self, how: str) -> None:
        path = "/query$"
        rules = {
            "cut": lambda: self.org.fault("truncate", method="GET", path=path, length="full"),
            "drop": lambda: self.org.fault("drop", method="GET", path=path),
            "fail": lambda: self.org.fault("status", method="GET", path=path, status=500),
            "html": lambda: self.org.fault("status", method="GET", path=path, status=200, raw="<html>hello"),
        }
        rules[how]()

    def lose_writes(self) -> None:
        for method in ("PATCH", "DELETE"):
            self.org.fault("lose-answer", method=method, path="/sobjects/")

    def writes_seen(self) -> int:
        return len(self.org.sent("PATCH")) + len(self.org.sent("DELETE"))

    def stop(self) -> None:
        self.org.clock.stop.set()

    def close(self) -> None:
        self._readonly.close()
        self.org.close()
