"""What can be wrong with ``org.yaml``: where the org is, how it is opened, what the policy allows. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from pydantic import BaseModel

from wrapctl.config import shape
from wrapctl.config.resolve import Draft, Item
from wrapctl.config.spec import Org
from wrapctl.config.tree import Map, Node
from wrapctl.config.values import nearest, quoted
from wrapctl.config.vendor import Vendor
from wrapctl.errors import Source

SANDBOX = "sandbox"
SANDBOX_IDS = "5a5a5a5a-"


def check_org(
    draft: Draft, vendor: Vendor | None, platforms: Iterable[str], known_timezone: Callable[[str], bool]
) -> None:
    """Add every finding about ``org.yaml``; ``vendor`` is None when this release does not know the platform."""
    if draft.org is None:
        return
    item = draft.org
    org, node = item.spec, item.node
    if vendor is None:
        hint = f"this release knows: {', '.join(platforms)}"
        draft.add(draft.at(node, "platform"), f"the platform {org.platform} is not supported", hint)
    if not known_timezone(org.timezone):
        hint = "use an IANA name such as Europe/Berlin"
        draft.add(draft.at(node, "timezone"), f"unknown time zone {quoted(org.timezone)}", hint)
    if org.manage.unmanaged == "prune" and not org.manage.divisions:
        draft.add(
            _inside(draft, node, "manage", "unmanaged"),
            "`unmanaged: prune` without divisions",
            'say what may be deleted: `divisions: [Sales]`, or ["*"] for all',
        )
    _endpoint(draft, item, vendor)
    _credentials(draft, item, vendor)
    block(draft, node, "genesys", vendor, vendor.org if vendor else None)
    block(draft, node, "cxone", vendor, vendor.org if vendor else None)


def _inside(draft: Draft, node: Map, *path: str) -> Source:
    mark, _, _, _ = shape.locate(node, path, node.mark)
    return draft.places.source(mark)


def _endpoint(draft: Draft, item: Item[Org], vendor: Vendor | None) -> None:
    org, node = item.spec, item.node
    if org.region is None and org.endpoint is None:
        draft.add(
            draft.places.source(item.mark),
            "neither `region` nor `endpoint`: wrapctl does not know where this org is",
            "write a region such as eu-central-1, or `endpoint: sandbox`",
        )
        return
    if org.region is not None and org.endpoint is not None:
        draft.add(draft.at(node, "endpoint"), "both `region` and `endpoint`", "keep the one that is meant")
    if org.region is not None and vendor is not None and org.region not in vendor.regions:
        hint = nearest(org.region, vendor.regions) or f"one of: {', '.join(sorted(vendor.regions))}"
        draft.add(
            draft.at(node, "region"), f"{vendor.capabilities.title} has no region {quoted(org.region)}", hint
        )
    if (
        org.endpoint is not None
        and org.endpoint != SANDBOX
        and not check_url(draft, draft.at(node, "endpoint"), org.endpoint)
    ):
        return
    if org.endpoint == SANDBOX:
        return
    if org.endpoint is not None and vendor is not None and not may_lead_to(org.endpoint, vendor.domains):
        draft.add(
            draft.at(node, "endpoint"),
            f"no host of {vendor.capabilities.title}",
            f"credentials go to *.{' and *.'.join(vendor.domains)} only",
        )
    if org.organization_id is None:
        draft.add(
            draft.places.source(item.mark),
            "`organization_id` is missing",
            "a real endpoint needs it, so that credentials of another org are refused at once",
        )
    elif org.organization_id.startswith(SANDBOX_IDS) and not loopback(org.endpoint or ""):
        draft.add(
            draft.at(node, "organization_id"),
            "this is the id of a sandbox org",
            "use the id of the real organization",
        )


def check_url(draft: Draft, at: Source, endpoint: str) -> bool:
    """Check an endpoint that is not the sandbox; its text is not repeated, for it may hold a password."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        draft.add(at, "the endpoint is neither `sandbox` nor a URL", "write https://host, or `sandbox`")
        return False
    if parts.username is not None or parts.password is not None:
        draft.add(at, "credentials inside the endpoint's URL", "write them as references under `credentials`")
        return False
    if parts.query or parts.fragment:
        draft.add(at, "the endpoint carries a query or a fragment", "write scheme, host and port only")
        return False
    if parts.scheme == "http" and not loopback(endpoint):
        draft.add(at, "plain http to another machine", "use https; http is for 127.0.0.1 and localhost only")
        return False
    return True


def may_lead_to(endpoint: str, domains: Iterable[str]) -> bool:
    """Whether credentials may go to an endpoint: to this machine, and to the hosts of ``domains`` if there are any."""
    host = urlsplit(endpoint).hostname or ""
    known = tuple(domains)
    return not known or loopback(endpoint) or any(host == d or host.endswith(f".{d}") for d in known)


def loopback(endpoint: str) -> bool:
    """Whether an endpoint is on this machine."""
    host = urlsplit(endpoint).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _credentials(draft: Draft, item: Item[Org], vendor: Vendor | None) -> None:
    if vendor is None or not vendor.credentials:
        return
    given = item.spec.credentials or {}
    both = (*vendor.credentials, *vendor.optional_credentials)
    check_credentials(
        draft,
        vendor.capabilities.title,
        (both if any(name in given for name in vendor.optional_credentials) else vendor.credentials,),
        known=both,
        given=given,
        node=item.node.get("credentials"),
        at=draft.places.source(item.node.key_marks.get("credentials", item.mark)),
        sandbox=item.spec.endpoint == SANDBOX,
        prefix=draft.name,
    )


def check_credentials(
    draft: Draft,
    title: str,
    logins: tuple[tuple[str, ...], ...],
    *,
    known: tuple[str, ...],
    given: Mapping[str, object],
    node: Node,
    at: Source,
    sandbox: bool,
    prefix: str,
) -> None:
    """Check the names of credentials: none unknown, and one of ``logins`` whole; the embedded sandbox needs none.

    ``prefix`` begins the name of the variable that a hint offers.
    """
    for name in given:
        if name not in known and isinstance(node, Map):
            hint = nearest(name, known) or (f"known: {', '.join(known)}" if known else "remove it")
            draft.add(
                draft.places.source(node.key_marks[name]), f"{title} has no credential {quoted(name)}", hint
            )
    begun = [login for login in logins if any(name in given for name in login)]
    lacking = [[name for name in login if name not in given] for login in begun or logins[:1]]
    if (given or not sandbox) and lacking and all(lacking):
        missing = min(lacking, key=len)
        variable = re.sub(r"[^A-Z0-9]", "_", f"{prefix}_{missing[0]}".upper())
        draft.add(at, f"credentials lack {' and '.join(missing)}", f"write {missing[0]}: {{env: {variable}}}")


def block(draft: Draft, node: Map, name: str, vendor: Vendor | None, model: type[BaseModel] | None) -> None:
    """Check the block of a platform's own options."""
    value = node.get(name)
    if not isinstance(value, Map):
        return
    mark = node.key_marks[name]
    if vendor is None or vendor.name != name:
        hint = "remove it here, or move it to the orgs that can hold it"
        draft.add(draft.places.source(mark), f"options of {name} in an org of another platform", hint)
    elif model is None:
        draft.add(
            draft.places.source(mark), f"{vendor.capabilities.title} has no options here", "remove the key"
        )
    else:
        shape.check(model, value, mark, draft.places, draft.problems)
