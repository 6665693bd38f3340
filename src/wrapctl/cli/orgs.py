"""From names of orgs to connected ones: load the project, refuse what must not be opened, connect."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wrapctl.cli.console import Console
from wrapctl.cli.progress import progress
from wrapctl.config.project import SANDBOX, OrgConfig, Project, load
from wrapctl.errors import SandboxInCI, UsageError, WrapctlError
from wrapctl.model import Identity
from wrapctl.policy import Allowance
from wrapctl.targets import registry
from wrapctl.targets.assembled import Assembled
from wrapctl.targets.interface import CrmConnection, Runtime, Target


@dataclass(frozen=True, slots=True)
class Failed:
    """An org that could not be planned or applied; the others go on."""

    org: str
    error: WrapctlError


def chosen(
    console: Console, names: Iterable[str], *, everything: bool = False
) -> tuple[Project, list[OrgConfig]]:
    """Load the project and return it with the named orgs, in the order of its stages; all without names.

    Raises:
        ConfigError: the files are wrong.
        UsageError: there is no such org, or none was named where one must be.
    """
    wanted = list(dict.fromkeys(names))
    if wanted and everything:
        raise UsageError("name orgs or say --all, not both")
    project = load(console.root, orgs=wanted or None)
    order = [name for stage in project.staged(project.orgs) for name in stage]
    return project, [project.orgs[name] for name in order]


def refuse_sandbox(
    console: Console, org: OrgConfig, *, allowed: bool, identity: Identity | None = None
) -> None:
    """Refuse a sandbox in CI unless it was asked for, so that it never turns production green by accident.

    A CRM of the org counts as well: rows of a real org that go to an emulation reach nobody.

    Raises:
        SandboxInCI: see above.
    """
    if allowed or not console.ci:
        return
    if org.sandbox if identity is None else identity.sandbox:
        raise SandboxInCI(
            f"{org.name} is a sandbox, and this is CI: nothing real would be read or written",
            hint="say --sandbox if that is meant, or give the org its region and organization_id",
        )
    emulated = [
        _name(org, one)
        for one in _crm(console, org)
        if one.connection.endpoint == SANDBOX and not org.sandbox
    ]
    if emulated:
        raise SandboxInCI(
            f"{org.name} keeps CRM rows in a sandbox ({', '.join(emulated)}), and this is CI: they reach no CRM",
            hint="say --sandbox if that is meant, or give the connection its endpoint",
        )


@contextlib.contextmanager
def connected(console: Console, org: OrgConfig) -> Iterator[tuple[Target, Runtime]]:
    """Connect to an org and its CRM systems for the length of a ``with``; nothing is sent until it is asked.

    Raises:
        UsageError: one of the connections makes no sense.
    """
    with progress(console) as listen:
        runtime = Runtime(stop=console.stop, monotonic=time.monotonic, wait=console.stop.wait, listen=listen)
        with console.reading(), contextlib.closing(_target(console, org, runtime)) as target:
            meter = console.meter
            with meter.connected(org.name, target) if meter is not None else contextlib.nullcontext():
                yield target, runtime


def _target(console: Console, org: OrgConfig, runtime: Runtime) -> Target:
    """Return the platform of an org, with what keeps the rows of its CRM systems where it has any."""
    crm: dict[str, Target] = {}
    names: dict[str, str] = {}
    with contextlib.ExitStack() as opened:
        platform = registry.connect(
            org.desired.platform, org.connection(console.environ, console.state / "sandbox"), runtime
        )
        opened.callback(platform.close)
        for one in _crm(console, org):
            kept = registry.connect_crm(one, runtime, platform)
            opened.callback(kept.close)
            crm.update({place.system: kept for place in one.places})
            names.update({place.system: _name(org, one) for place in one.places})
        opened.pop_all()
    return Assembled(platform, crm, names) if crm else platform


def _crm(console: Console, org: OrgConfig) -> tuple[CrmConnection, ...]:
    return org.crm_connections(console.environ, console.state / "sandbox")


def _name(org: OrgConfig, crm: CrmConnection) -> str:
    """Return what the org calls a connection; nothing where the platform keeps the rows itself."""
    own, _, name = crm.connection.org.partition(".")
    return name if own == org.name else ""


def allowances(tokens: Iterable[str]) -> tuple[Allowance, ...]:
    """Return what ``--allow`` acknowledges: ``deletes=14@3f9c1a2b``, that with ``=REASON``, or ``window=REASON``.

    Raises:
        UsageError: it is none of these.
    """
    found = []
    for text in tokens:
        limit, _, rest = text.partition("=")
        if limit == "window" and rest.strip():
            found.append(Allowance(limit, rest.strip()))
            continue
        exact, _, reason = rest.partition("=")
        count, at, digest = exact.partition("@")
        if not (limit and count.isdigit() and at and digest.isalnum()):
            raise UsageError(
                f"--allow takes the token that the plan prints, not {text!r}",
                hint="such as deletes=14@3f9c1a2b, or window=REASON for apply",
            )
        found.append(Allowance(f"{limit}={exact}", reason.strip() or "on the command line"))
    return tuple(found)
