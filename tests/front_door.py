"""wrapctl as its users meet it: a project folder, a sandbox, and the command line."""

from __future__ import annotations

import contextlib
import io
import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wrapctl.cli.main import cli
from wrapctl.sandbox import Sandbox

ORG = """\
kind: Org
platform: genesys
endpoint: sandbox
"""

APPLYING = ORG + "manage: {mode: apply}\n"


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything, as one line of words, so that wrapping does not matter."""
        return " ".join((self.out + " " + self.err).split())


@dataclass
class Project:
    """A project folder with files as a test wrote them, and the sandbox that its orgs live in."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project; the text is dedented."""
        file = self.root / "wrapups" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def org(self, name: str = "acme", *, text: str = APPLYING, codes: str = "", queues: str = "") -> None:
        """An org of three files; empty texts write none."""
        self.write(f"{name}/org.yaml", text)
        if codes:
            self.write(f"{name}/codes.yaml", "kind: WrapUpCodes\ncodes:\n" + _indented(codes))
        if queues:
            self.write(f"{name}/queues.yaml", "kind: Queues\nqueues:\n" + _indented(queues))

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox behind ``endpoint: sandbox``."""
        return Sandbox(self.root / ".wrapctl" / "sandbox")

    def seed(self, seed: Mapping[str, Any]) -> None:
        """Plant an org as it is before wrapctl sees it."""
        with self.sandbox as box:
            box.seed_org(dict(seed))

    def state(self, org: str = "acme") -> dict[str, Any]:
        """Everything that the platform holds."""
        with self.sandbox as box:
            return dict(box.state(org))

    def edit(self, edit: Mapping[str, Any], org: str = "acme") -> None:
        """Somebody changes something in the platform's UI."""
        with self.sandbox as box:
            box.edit(org, dict(edit))

    def fault(self, do: str, **how: Any) -> None:
        """Something goes wrong with a request to come."""
        with self.sandbox as box:
            box.add_fault(do, **how)

    def run(self, *arguments: str) -> Done:
        """Run a command in this process, as the console script does."""
        return run([*arguments, "--project", str(self.root)])

    def names(self, org: str = "acme") -> list[str]:
        """The names of all live codes, sorted."""
        return sorted(code["name"] for code in self.state(org)["codes"].values())

    def offered(self, queue: str, org: str = "acme") -> list[str]:
        """The names of the codes that a queue offers, sorted."""
        state = self.state(org)
        names = {code["id"]: code["name"] for code in state["codes"].values()}
        queue_id = next(one["id"] for one in state["queues"].values() if one["name"] == queue)
        return sorted(names[code] for code in state["links"].get(queue_id, ()))


def _indented(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), "  ") + "\n"


def run(arguments: Sequence[str]) -> Done:
    """Run ``wrapctl`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main(args=list(arguments), prog_name="wrapctl")
        except SystemExit as end:
            code = int(end.code or 0)
    return Done(code, out.getvalue(), err.getvalue())
