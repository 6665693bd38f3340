"""What a target must be able to show about itself, so that one suite can run over all of them.

A new target adds a class here and a line to ``HARNESSES``; the tests in ``test_contract`` are then its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cxone_org import NAME as CXONE_NAME
from cxone_org import Tenant
from genesys_org import NAME, Org
from wrapctl.model import Change, Fields
from wrapctl.plan.units import cut
from wrapctl.targets.interface import Outcome, Target, Want

ALL = Want(codes=None, queues=None, outbound=True, divisions=True)


class Harness(Protocol):
    """One org with the codes ``Held`` and ``Free`` and the queue ``Queue``, which offers ``Held``.

    ``request_ids``: the platform names its requests. ``timed`` and ``moved``: two kinds of after-call work.
    """

    request_ids: bool
    timed: Fields
    moved: Fields

    @property
    def target(self) -> Target:
        """A target whose client may write."""
        ...

    @property
    def readonly(self) -> Target:
        """A target whose client may only read."""
        ...

    def truth(self) -> object:
        """Everything the platform really holds, comparable."""
        ...

    def code_id(self, name: str) -> str: ...

    def queue_id(self, name: str) -> str: ...

    def many_codes(self, number: int) -> None:
        """Have somebody else add codes, so that a listing has several pages."""
        ...

    def take_away(self, code: str) -> None:
        """Have somebody else delete a code, or whatever the platform has in its place."""
        ...

    def break_reads(self, how: str) -> None:
        """Break every listing of codes: ``cut`` the body, ``drop`` the connection, ``fail`` with a 500,
        ``moves`` whenever a second page is read, ``html`` instead of data."""
        ...

    def break_writes(self, how: str) -> None:
        """Break every write: ``lose`` the answer after processing, ``fail`` with a 500 after processing."""
        ...

    def writes_seen(self) -> int:
        """How many writes arrived at the platform."""
        ...

    def stop(self) -> None:
        """Ask the run to stop."""
        ...

    def close(self) -> None: ...


def written(target: Target, *changes: Change) -> tuple[Outcome, ...]:
    """Write changes as the engine does: cut into the target's own units, against a fresh read."""
    fresh = target.reader().read(ALL)
    units = cut(changes, target.capabilities.verbs)
    writer = target.writer()
    return tuple(outcome for unit in units for outcome in writer.write(unit, fresh))


def _work(prompt: str, timeout_ms: int) -> Fields:
    return {"prompt": prompt, "timeout_ms": timeout_ms}


class GenesysHarness:
    """Genesys Cloud, on the sandbox."""

    request_ids = True
    timed = _work("mandatory-timeout", 61_000)
    moved = _work("mandatory-timeout", 77_000)

    def __init__(self, folder: Path) -> None:
        self.org = Org(
            folder,
            codes=[{"name": "Held"}, {"name": "Free", "description": "d"}],
            queues=[{"name": "Queue", "codes": ["Held"]}],
            settings={"page_caps": {"codes": 10, "links": 10, "queues": 10, "divisions": 10}},
        )
        self._readonly = self.org.connect(f"sandbox-{NAME}-readonly")

    @property
    def target(self) -> Target:
        return self.org.target

    @property
    def readonly(self) -> Target:
        return self._readonly

    def truth(self) -> object:
        return self.org.state

    def code_id(self, name: str) -> str:
        return self.org.code(name)

    def queue_id(self, name: str) -> str:
        return self.org.queue(name)

    def many_codes(self, number: int) -> None:
        for n in range(number):
            self.org.edit(op="add_code", name=f"More {n:03}")

    def take_away(self, code: str) -> None:
        self.org.edit(op="delete_code", code=code)

    def break_reads(self, how: str) -> None:
        path = "/routing/wrapupcodes$"
        if how == "moves":
            for nth in range(2, 30, 2):
                edit = {"op": "add_code", "name": f"Moving {nth}"}
                self.org.fault("edit", method="GET", path=path, query="pageNumber=2", nth=nth // 2, edit=edit)
            return
        rules: dict[str, Callable[[], None]] = {
            "cut": lambda: self.org.fault("truncate", method="GET", path=path, length="full"),
            "drop": lambda: self.org.fault("drop", method="GET", path=path),
            "fail": lambda: self.org.fault("status", method="GET", path=path, status=500),
            "html": lambda: self.org.fault("status", method="GET", path=path, status=200, raw="<html>hello"),
        }
        rules[how]()

    def break_writes(self, how: str) -> None:
        self.target.reader().identity()
        for method in ("POST", "PUT", "DELETE"):
            if how == "lose":
                self.org.fault("lose-answer", method=method, path="^/api/")
            else:
                self.org.fault("status", method=method, path="^/api/", status=500, after=True)

    def writes_seen(self) -> int:
        return len([line for line in self.org.sent(path="/api/") if not line.startswith("GET")])

    def stop(self) -> None:
        self.org.clock.stop.set()

    def close(self) -> None:
        self._readonly.close()
        self.org.close()


class CxoneHarness:
    """NICE CXone, on the sandbox."""

    request_ids = False  # no header or member of the contract names a request
    timed = _work("mandatory", 61_000)
    moved = _work("mandatory", 77_000)

    def __init__(self, folder: Path) -> None:
        self.tenant = Tenant(
            folder,
            dispositions=[{"name": "Held"}, {"name": "Free", "notes": "d", "classification": None}],
            skills=[{"name": "Queue", "dispositions": ["Held"]}],
            settings={"page_cap": 10},
        )
        self._readonly = self.tenant.connect(f"sandbox-{CXONE_NAME}-readonly")

    @property
    def target(self) -> Target:
        return self.tenant.target

    @property
    def readonly(self) -> Target:
        return self._readonly

    def truth(self) -> object:
        return self.tenant.state

    def code_id(self, name: str) -> str:
        return self.tenant.code(name)

    def queue_id(self, name: str) -> str:
        return self.tenant.queue(name)

    def many_codes(self, number: int) -> None:
        for n in range(number):
            self.tenant.edit(op="add_disposition", name=f"More {n:03}")

    def take_away(self, code: str) -> None:
        self.tenant.edit(op="deactivate", disposition=code)

    def break_reads(self, how: str) -> None:
        path = "/dispositions$"
        if how == "moves":
            for nth in range(1, 30):
                edit = {"op": "add_disposition", "name": f"Moving {nth}"}
                self.tenant.fault("edit", method="GET", path=path, query="skip=10", nth=nth, edit=edit)
            return
        rules: dict[str, Callable[[], None]] = {
            "cut": lambda: self.tenant.fault("truncate", method="GET", path=path, length="full"),
            "drop": lambda: self.tenant.fault("drop", method="GET", path=path),
            "fail": lambda: self.tenant.fault("status", method="GET", path=path, status=500),
            "html": lambda: self.tenant.fault(
                "status", method="GET", path=path, status=200, raw="<html>hello"
            ),
        }
        rules[how]()

    def break_writes(self, how: str) -> None:
        self.target.reader().identity()
        for method in ("POST", "PUT"):
            if how == "lose":
                self.tenant.fault("lose-answer", method=method, path="/services/")
            else:
                self.tenant.fault("status", method=method, path="/services/", status=500, after=True)

    def writes_seen(self) -> int:
        return len(self.tenant.writes())

    def stop(self) -> None:
        self.tenant.clock.stop.set()

    def close(self) -> None:
        self._readonly.close()
        self.tenant.close()


HARNESSES: dict[str, Callable[[Path], Harness]] = {"cxone": CxoneHarness, "genesys": GenesysHarness}
