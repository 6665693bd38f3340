"""What can be wrong with ``connections`` in ``org.yaml``: the same rules as for the org itself. Pure."""

from __future__ import annotations

from wrapctl.config.check_crm import check_options
from wrapctl.config.check_org import SANDBOX, check_credentials, check_url, loopback, may_lead_to
from wrapctl.config.resolve import Draft
from wrapctl.config.spec_crm import ConnectionSpec
from wrapctl.config.tree import Map
from wrapctl.config.values import quoted
from wrapctl.config.vendor import CrmVendor, crm_vendor
from wrapctl.errors import Problem, Severity, Source

_COMMON = ("endpoint", "credentials", "requests_per_minute")


def check_connections(draft: Draft, *, whole: bool) -> None:
    """Add every finding; ``whole``: all files of the org were read, so that what uses a connection is known."""
    if draft.org is None:
        return
    section = draft.org.node.get("connections")
    kinds: dict[str, str] = {}
    for item in draft.mappings:
        target = item.spec.target
        if target.connection is not None:
            kinds.setdefault(target.connection, target.type)
    for name, spec in (draft.org.spec.connections or {}).items():
        node = section.get(name) if isinstance(section, Map) else None
        if not isinstance(node, Map) or not isinstance(section, Map):
            continue
        words = crm_vendor(kinds[name]) if name in kinds else None
        if words is not None and words.capabilities.inside:
            words = None  # its mapping has no use for a connection, which was said there
        at = draft.places.source(section.key_marks[name])
        if words is None and name not in kinds and whole and not draft.broken_mappings:
            _warn(
                draft, at, f"nothing uses the connection {quoted(name)}", "remove it, or name it in a mapping"
            )
        _endpoint(draft, name, spec, node, words)
        if words is not None:
            check_options(draft, words.connection, node, section.key_marks[name], _COMMON)
            _credentials(draft, name, spec, node, words, at)
            missing = [option for option in words.required if option not in node]
            if missing and spec.endpoint != SANDBOX:
                needs = f"{quoted(name)} lacks {' and '.join(missing)}"
                draft.add(at, needs, f"{words.capabilities.title} needs it on a real endpoint")


def _endpoint(draft: Draft, name: str, spec: ConnectionSpec, node: Map, words: CrmVendor | None) -> None:
    at = draft.at(node, "endpoint")
    org_is_sandbox = draft.org is not None and draft.org.spec.endpoint == SANDBOX
    if spec.endpoint == SANDBOX:
        if not org_is_sandbox:
            _warn(
                draft,
                at,
                f"{quoted(name)} is the embedded sandbox, the org is not: what the plan shows of it is not real",
                "write the URL of the system",
            )
        return
    if not check_url(draft, at, spec.endpoint):
        return
    if words is not None and not may_lead_to(spec.endpoint, words.domains):
        title = words.capabilities.title
        draft.add(at, f"no host of {title}", f"credentials go to *.{' and *.'.join(words.domains)} only")
    elif org_is_sandbox and not loopback(spec.endpoint):
        _warn(
            draft,
            at,
            f"{quoted(name)} is real, the org is the embedded sandbox: codes of the sandbox would get there",
            "use `endpoint: sandbox` for both",
        )


def _credentials(
    draft: Draft, name: str, spec: ConnectionSpec, node: Map, words: CrmVendor, at: Source
) -> None:
    mark = node.key_marks.get("credentials")
    check_credentials(
        draft,
        words.capabilities.title,
        tuple(login for login in (words.credentials, words.optional_credentials) if login),
        known=(*words.credentials, *words.optional_credentials),
        given=spec.credentials or {},
        node=node.get("credentials"),
        at=at if mark is None else draft.places.source(mark),
        sandbox=spec.endpoint == SANDBOX,
        prefix=f"{draft.name}_{name}",
    )


def _warn(draft: Draft, at: Source, message: str, hint: str) -> None:
    draft.problems.append(Problem(at, message, hint, Severity.WARNING))
