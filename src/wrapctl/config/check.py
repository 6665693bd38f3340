"""Everything else that can be wrong with an org's files: names, rules, limits, policy, what the platform can hold.

Pure. Each finding goes to the draft with its position; nothing stops at the first.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from pydantic import BaseModel

from wrapctl.config import shape
from wrapctl.config.resolve import Draft, Item
from wrapctl.config.spec import CodeSpec, Org, ProjectFile, QueueSpec
from wrapctl.config.tree import Map, Node, Seq
from wrapctl.config.values import nearest, quoted
from wrapctl.config.vendor import Vendor
from wrapctl.errors import Problem, Severity, Source

SANDBOX = "sandbox"
SANDBOX_IDS = "5a5a5a5a-"


def check_content(draft: Draft, project: ProjectFile | None, vendor: Vendor | None) -> None:
    """Add every finding about codes and queues; all files of the org must have been read."""
    _house_rules(draft, project)
    _names(draft)
    _queue_names(draft)
    _codes(draft, vendor)
    _queues(draft, vendor)


# ── org.yaml ───────────────────────────────────────────────────────────────────────────────────────────────


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
    _block(draft, node, "genesys", vendor, vendor.org if vendor else None)
    _block(draft, node, "cxone", vendor, vendor.org if vendor else None)


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
    if org.endpoint is not None and org.endpoint != SANDBOX and not _url(draft, item, org.endpoint):
        return
    if org.endpoint == SANDBOX:
        return
    if org.organization_id is None:
        draft.add(
            draft.places.source(item.mark),
            "`organization_id` is missing",
            "a real endpoint needs it, so that credentials of another org are refused at once",
        )
    elif org.organization_id.startswith(SANDBOX_IDS) and not _loopback(org.endpoint or ""):
        draft.add(
            draft.at(node, "organization_id"),
            "this is the id of a sandbox org",
            "use the id of the real organization",
        )


def _url(draft: Draft, item: Item[Org], endpoint: str) -> bool:
    """Check an endpoint that is not the sandbox; its text is not repeated, for it may hold a password."""
    at = draft.at(item.node, "endpoint")
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
    if parts.scheme == "http" and not _loopback(endpoint):
        draft.add(at, "plain http to another machine", "use https; http is for 127.0.0.1 and localhost only")
        return False
    return True


def _loopback(endpoint: str) -> bool:
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
    node = item.node.get("credentials")
    for name in given:
        if name not in vendor.credentials and isinstance(node, Map):
            hint = nearest(name, vendor.credentials) or f"known: {', '.join(vendor.credentials)}"
            at = draft.places.source(node.key_marks[name])
            draft.add(at, f"{vendor.capabilities.title} has no credential {quoted(name)}", hint)
    missing = [name for name in vendor.credentials if name not in given]
    if missing and (item.spec.endpoint != SANDBOX or given):
        mark = item.node.key_marks.get("credentials", item.mark)
        draft.add(
            draft.places.source(mark),
            f"credentials lack {' and '.join(missing)}",
            f"write {missing[0]}: {{env: {draft.name.upper().replace('-', '_')}_{missing[0].upper()}}}",
        )


def _block(draft: Draft, node: Map, name: str, vendor: Vendor | None, model: type[BaseModel] | None) -> None:
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


# ── codes ──────────────────────────────────────────────────────────────────────────────────────────────────


def _house_rules(draft: Draft, project: ProjectFile | None) -> None:
    """Names, required keys, categories. While an org is observed they are warnings.

    A live org that was just imported has never heard of the rules; it has to be loadable, and to plan to zero.
    """
    if project is None:
        return
    observed = draft.org is not None and draft.org.spec.manage.mode == "observe"
    severity = Severity.WARNING if observed else Severity.ERROR
    pattern = _pattern(project)
    for item in draft.codes.values():
        if item.spec.state == "present":
            draft.problems += [
                replace(problem, severity=severity)
                for problem in _broken_rules(draft, item, project, pattern)
            ]


def _broken_rules(
    draft: Draft, item: Item[CodeSpec], project: ProjectFile, pattern: re.Pattern[str] | None
) -> Iterator[Problem]:
    spec, key = item.spec, item.key
    if pattern is not None and spec.name is not None and not pattern.search(spec.name):
        hint = f"name_pattern in wrapctl.yaml: {pattern.pattern}"
        yield Problem(draft.at(item.node, "name"), f"{key}: the house rules do not allow this name", hint)
    if lacking := [name for name in project.rules.require or () if not getattr(spec, name)]:
        words = " and ".join(f"`{name}`" for name in lacking)
        at = draft.places.source(item.mark)
        yield Problem(at, f"{key}: the house rules require {words}", "see `require` in wrapctl.yaml")
    categories = project.categories
    if spec.category is not None and categories is not None and spec.category not in categories:
        hint = nearest(spec.category, categories) or f"one of: {', '.join(categories)}"
        yield Problem(draft.at(item.node, "category"), f"{key}: no category {quoted(spec.category)}", hint)


def _pattern(project: ProjectFile) -> re.Pattern[str] | None:
    try:
        return re.compile(project.rules.name_pattern) if project.rules.name_pattern is not None else None
    except re.error:
        return None  # reported once, for the project


def _names(draft: Draft) -> None:
    """Names, former names and pins: who claims what."""
    by_name: dict[str, Item[CodeSpec]] = {}
    by_id: dict[str, str] = {}
    for key, item in draft.codes.items():
        spec = item.spec
        if spec.name is None:
            draft.add(draft.places.source(item.mark), f"{key}: `name` is missing")
            continue
        other = by_name.setdefault(spec.name, item)
        if other is not item and not _tells_apart(item.spec, other.spec):
            there = draft.at(other.node, "name")
            hint = f"{other.key} in {there} has it too"
            draft.add(draft.at(item.node, "name"), f"{key}: a second code named {quoted(spec.name)}", hint)
        if spec.id is not None and by_id.setdefault(spec.id, key) != key:
            draft.add(draft.at(item.node, "id"), f"{key}: {by_id[spec.id]} is pinned to the same id")
    for key, item in draft.codes.items():
        for former, mark in _texts(item.node.get("previously")):
            _former(draft, key, item.spec, by_name.get(former), former, mark)


def _tells_apart(one: CodeSpec, other: CodeSpec) -> bool:
    """Whether a tombstone with a pin frees a name that a code takes."""
    absent = [spec for spec in (one, other) if spec.state == "absent"]
    return len(absent) == 1 and absent[0].id is not None


def _former(
    draft: Draft, key: str, spec: CodeSpec, holder: Item[CodeSpec] | None, former: str, mark: int
) -> None:
    at = draft.places.source(mark)
    if former == spec.name:
        draft.add(at, f"{key}: `previously` holds the name of today", "remove it from the list")
    elif holder is not None and not (spec.id is not None and holder.spec.id is not None):
        draft.add(
            at,
            f"{key}: `previously` holds {quoted(former)}, the name of {holder.key}",
            "to swap names, pin `id` on both codes; else remove it",
        )


def _queue_names(draft: Draft) -> None:
    by_name: dict[str, Item[QueueSpec]] = {}
    by_id: dict[str, str] = {}
    for label, item in draft.queues.items():
        name = item.spec.name or label
        other = by_name.setdefault(name, item)
        at = draft.at(item.node, "name") if item.spec.name else draft.places.source(item.mark)
        if other is not item:
            draft.add(at, f"a second queue named {quoted(name)}", f"{other.key} has it too")
        if item.spec.id is not None and by_id.setdefault(item.spec.id, label) != label:
            draft.add(draft.at(item.node, "id"), f"the queue {by_id[item.spec.id]} is pinned to the same id")
    for label, item in draft.queues.items():
        for former, mark in _texts(item.node.get("previously")):
            holder = by_name.get(former)
            if holder is item:
                hint = "remove it from the list"
                draft.add(draft.places.source(mark), f"{label}: `previously` holds the name of today", hint)
            elif holder is not None and not (item.spec.id and holder.spec.id):
                draft.add(
                    draft.places.source(mark),
                    f"{label}: `previously` holds {quoted(former)}, the name of {holder.key}",
                    "to swap names, pin `id` on both queues; else remove it",
                )


def _texts(node: Node) -> list[tuple[str, int]]:
    if not isinstance(node, Seq):
        return []
    return [(text, mark) for text, mark in zip(node, node.marks, strict=True) if isinstance(text, str)]


def _codes(draft: Draft, vendor: Vendor | None) -> None:
    manage = draft.org.spec.manage if draft.org is not None else None
    ignored = tuple(manage.ignore or ()) if manage is not None else ()
    protected = tuple(manage.protect or ()) if manage is not None else ()
    reserved = tuple(glob.casefold() for glob in vendor.capabilities.reserved) if vendor is not None else ()
    for key, item in draft.codes.items():
        spec, node = item.spec, item.node
        if spec.name is not None:
            if any(fnmatchcase(spec.name.casefold(), glob) for glob in reserved):
                draft.add(draft.at(node, "name"), f"{key}: {quoted(spec.name)} is reserved by the platform")
            if glob := _matching(spec.name, ignored):
                draft.add(
                    draft.at(node, "name"),
                    f"{key}: {quoted(spec.name)} is ignored by `manage.ignore` ({glob})",
                    "rename the code, or narrow the pattern",
                )
            shield = _matching(spec.name, protected) or (spec.id if spec.id in protected else None)
            if spec.state == "absent" and shield:
                draft.add(
                    draft.at(node, "state"),
                    f"{key}: `state: absent` on a name that `manage.protect` keeps ({shield})",
                    "take it out of `protect` first, in a change of its own",
                )
        if spec.valid_from and spec.valid_through and spec.valid_from > spec.valid_through:
            draft.add(
                draft.at(node, "valid_through"),
                f"{key}: `valid_through` is before `valid_from`",
                "swap the two days",
            )
        if spec.unassign_everywhere and spec.state != "absent":
            hint = "it belongs to `state: absent`"
            draft.add(
                draft.at(node, "unassign_everywhere"), f"{key}: `unassign_everywhere` without a delete", hint
            )
        if vendor is not None:
            _fits(draft, item, vendor)


def _matching(name: str, globs: Iterable[str]) -> str | None:
    return next((glob for glob in globs if glob == name or fnmatchcase(name, glob)), None)


def _fits(draft: Draft, item: Item[CodeSpec], vendor: Vendor) -> None:
    """What the platform cannot hold is an error where it is written."""
    can, node = vendor.capabilities, item.node
    holds: Mapping[str, bool] = {
        "description": "description" in can.code_fields,
        "division": "division" in can.code_fields and can.divisions,
        "outbound": can.outbound,
    }
    for name, fine in holds.items():
        if not fine and name in node:
            at = draft.places.source(node.key_marks[name])
            draft.add(
                at,
                f"{item.key}: {can.title} has no `{name}` on wrap-up codes",
                "remove it here (`null` where it is inherited)",
            )
    if vendor.flags:
        for flag, mark in _texts(node.get("outbound")):
            if flag not in vendor.flags:
                draft.add(
                    draft.places.source(mark), f"{item.key}: {can.title} has no outbound flag {quoted(flag)}"
                )
    for block in ("genesys", "cxone"):
        _block(draft, node, block, vendor, vendor.code)


# ── queues ─────────────────────────────────────────────────────────────────────────────────────────────────


def _queues(draft: Draft, vendor: Vendor | None) -> None:
    for label, item in draft.queues.items():
        if item.spec.after_call_work is not None:
            _after_call_work(draft, label, item, vendor)
        _repeated(draft, label, item)
        if vendor is not None:
            for block in ("genesys", "cxone"):
                _block(draft, item.node, block, vendor, vendor.queue)


def _repeated(draft: Draft, label: str, item: Item[QueueSpec]) -> None:
    listed = item.spec.codes or []
    if len(set(listed)) == len(listed):
        return
    seen: set[str] = set()
    for text, mark in _texts(item.node.get("codes")):
        if text in seen:
            problem = f"{label}: {quoted(text)} is listed twice"
            draft.problems.append(Problem(draft.places.source(mark), problem, "remove one", Severity.WARNING))
        seen.add(text)


def _after_call_work(draft: Draft, label: str, item: Item[QueueSpec], vendor: Vendor | None) -> None:
    spec, node = item.spec.after_call_work, item.node["after_call_work"]
    if spec is None or not isinstance(node, Map):
        return
    if spec.prompt is None and spec.timeout is None:
        at = draft.places.source(item.node.key_marks["after_call_work"])
        draft.add(
            at, f"{label}: `after_call_work` says nothing", "write prompt or timeout, or remove the key"
        )
    if vendor is None:
        return
    title = vendor.capabilities.title
    if spec.prompt is not None and (
        "prompt" not in vendor.capabilities.queue_fields or spec.prompt not in vendor.prompts
    ):
        draft.add(draft.at(node, "prompt"), f"{label}: {title} has no prompt {quoted(spec.prompt)}")
    if spec.timeout is None:
        return
    if "timeout_ms" not in vendor.capabilities.queue_fields:
        draft.add(draft.at(node, "timeout"), f"{label}: {title} has no after-call-work timeout")
        return
    low, high = vendor.timeout_ms
    if not low <= spec.timeout <= high:
        draft.add(
            draft.at(node, "timeout"),
            f"{label}: the timeout is out of bounds",
            f"{title} takes {low // 1000} s to {high // 60_000} min",
        )
    if spec.prompt is not None and spec.prompt not in vendor.timed_prompts:
        draft.add(
            draft.at(node, "timeout"),
            f"{label}: a timeout with the prompt {spec.prompt}",
            f"remove it, or use {', '.join(sorted(vendor.timed_prompts))}",
        )
