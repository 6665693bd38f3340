"""How to reach what the files name: secrets by reference, CRM connections, and what opens the embedded sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from wrapctl.config import secrets, vendor
from wrapctl.config.check_org import SANDBOX
from wrapctl.config.resolve import Draft
from wrapctl.config.secrets import SANDBOX_SECRET
from wrapctl.config.spec import Org
from wrapctl.config.spec_base import Reference
from wrapctl.config.spec_crm import ConnectionSpec
from wrapctl.config.tree import Map
from wrapctl.policy import Limits
from wrapctl.targets.interface import Connection


@dataclass(frozen=True, slots=True)
class CrmAccess:
    """One of an org's ``connections`` as its file describes it; ``options`` are the keys of the system's own."""

    endpoint: str
    credentials: Mapping[str, secrets.Where]
    requests_per_minute: int
    options: Mapping[str, object]


def connections(draft: Draft, org: Org) -> Mapping[str, CrmAccess]:
    """Return the connections that an ``org.yaml`` declares, by name."""
    node = draft.org.node.get("connections") if draft.org is not None else None
    found = {}
    for name, spec in (org.connections or {}).items():
        mine = node.get(name) if isinstance(node, Map) else None
        if isinstance(mine, Map):
            found[name] = _access(draft, name, spec, mine)
    return MappingProxyType(found)


def _access(draft: Draft, name: str, spec: ConnectionSpec, node: Map) -> CrmAccess:
    return CrmAccess(
        endpoint=spec.endpoint,
        credentials=credentials(draft, spec.credentials, node, f"{name}."),
        requests_per_minute=spec.requests_per_minute or Limits().requests_per_minute,
        options=MappingProxyType(dict(spec.model_extra or {})),
    )


def credentials(
    draft: Draft, given: Mapping[str, Reference] | None, node: Map, prefix: str = ""
) -> Mapping[str, secrets.Where]:
    """Return where each secret of ``node`` is; ``prefix`` names the connection in messages."""
    written = node.get("credentials")
    found = {}
    for name, reference in (given or {}).items():
        if isinstance(written, Map):
            found[name] = secrets.Where(
                org=draft.name,
                name=f"{prefix}{name}",
                source=draft.places.source(written.value_marks[name]),
                env=reference.env,
                file=reference.file,
                command=tuple(reference.command or ()),
            )
    return MappingProxyType(found)


def fetchers(
    given: Mapping[str, secrets.Where],
    environ: Mapping[str, str],
    root: Path,
    emulated: tuple[str, ...],
    instance: str,
) -> Mapping[str, Callable[[], str]]:
    """Return what fetches each secret when it is needed.

    Without any, the credentials named in ``emulated`` are those that open the embedded sandbox's ``instance``.
    """
    if given or not emulated:
        return MappingProxyType(
            {name: partial(_fetch, where, environ, root) for name, where in given.items()}
        )
    client = f"sandbox-{instance}"
    return MappingProxyType(
        {name: (lambda: client) if name.endswith("_id") else (lambda: SANDBOX_SECRET) for name in emulated}
    )


def reach(
    instance: str, access: CrmAccess, kind: str, environ: Mapping[str, str], root: Path, sandbox_dir: Path
) -> Connection:
    """Return how to reach a CRM. ``instance`` (``acme.sf-prod``) names the embedded sandbox's, too."""
    emulated = vendor.crm_vendor(kind).credentials if access.endpoint == SANDBOX else ()
    return Connection(
        org=instance,
        endpoint=access.endpoint,
        region="",
        credentials=fetchers(access.credentials, environ, root, emulated, instance),
        sandbox_dir=sandbox_dir,
        requests_per_minute=access.requests_per_minute,
        options=access.options,
    )


def _fetch(where: secrets.Where, environ: Mapping[str, str], root: Path) -> str:
    return secrets.fetch(where, environ, root=root).reveal()
