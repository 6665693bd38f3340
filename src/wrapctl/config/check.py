"""Everything else that can be wrong with an org's files: names, rules, limits, policy, what the platform can hold.

Pure. Each finding goes to the draft with its position; nothing stops at the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from wrapctl.config.check_org import block
from wrapctl.config.resolve import Draft, Item
from wrapctl.config.spec import CodeSpec, ProjectFile, QueueSpec
from wrapctl.config.tree import Map, Node, Seq
from wrapctl.config.values import nearest, quoted
from wrapctl.config.vendor import Vendor
from wrapctl.errors import Problem, Severity, Source

PLATFORMS = ("genesys", "cxone")
COMMON = ("description", "division", "outbound")
"""Fields that every file may name, and not every platform can hold."""


def check_content(draft: Draft, project: ProjectFile | None, vendor: Vendor | None) -> None:
    """Add every finding about codes and queues; all files of the org must have been read."""
    _house_rules(draft, project)
    _names(draft)
    _queue_names(draft)
    _codes(draft, vendor)
    if vendor is not None:
        _not_held(draft, vendor)
    _queues(draft, vendor)


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
    """A name that is too long, flags that do not exist, options of other platforms: wrong where they are written."""
    title, node, spec = vendor.capabilities.title, item.node, item.spec
    longest = vendor.capabilities.name_max
    if longest is not None and spec.name is not None and len(spec.name) > longest and spec.state == "present":
        draft.add(
            draft.at(node, "name"),
            f"{item.key}: a name of {len(spec.name)} characters; {title} takes {longest}",
            "write a shorter `name` for this org, or decline the code with `state: omitted`",
        )
    if vendor.flags:
        for flag, mark in _texts(node.get("outbound")):
            if flag not in vendor.flags:
                draft.add(
                    draft.places.source(mark), f"{item.key}: {title} has no outbound flag {quoted(flag)}"
                )
    for platform in PLATFORMS:
        if platform == vendor.name:
            block(draft, node, platform, vendor, vendor.code)


def _not_held(draft: Draft, vendor: Vendor) -> None:
    """Say what the platform has no place for, never silently leave it out.

    In the org's own files it is a mistake. What comes from a shared catalog is meant for the orgs that can hold it:
    a warning then, one for each file and field, which names every code and line.
    """
    title = vendor.capabilities.title
    others = [platform for platform in PLATFORMS if platform != vendor.name]
    inherited: dict[tuple[str, str], list[tuple[Source, str]]] = {}
    for key, item in draft.codes.items():
        if item.spec.state != "present":
            continue
        for name in (*COMMON, *others):
            if name not in item.node or (name in COMMON and vendor.holds(name)):
                continue
            at = draft.places.source(item.node.key_marks[name])
            if not draft.is_own(at):
                inherited.setdefault((at.file, name), []).append((at, key))
            elif name in COMMON:
                hint = "remove it here (`null` where it is inherited)"
                draft.add(at, f"{key}: {title} has no `{name}` on wrap-up codes", hint)
            else:
                block(draft, item.node, name, vendor, vendor.code)
    for (_, name), found in sorted(inherited.items()):
        what = f"no `{name}` on wrap-up codes" if name in COMMON else f"no use for options of {name}"
        codes = ", ".join(f"{key} (line {at.line})" for at, key in sorted(found))
        draft.problems.append(
            Problem(
                min(at for at, _ in found),
                f"{draft.name}: {title} has {what}; not written: {codes}",
                "orgs of other platforms that include this file hold it; `null` in this org's own files silences this",
                Severity.WARNING,
            )
        )


# ── queues ─────────────────────────────────────────────────────────────────────────────────────────────────


def _queues(draft: Draft, vendor: Vendor | None) -> None:
    for label, item in draft.queues.items():
        if item.spec.after_call_work is not None:
            _after_call_work(draft, label, item, vendor)
        _repeated(draft, label, item)
        if vendor is not None:
            for platform in PLATFORMS:
                block(draft, item.node, platform, vendor, vendor.queue)


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
    if spec.prompt is None and spec.timeout is None and spec.state is None:
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
    if spec.state is not None and "state" not in vendor.capabilities.queue_fields:
        draft.add(draft.at(node, "state"), f"{label}: {title} has no `state` in after-call work")
    elif spec.state is not None and spec.prompt is not None and spec.prompt not in vendor.timed_prompts:
        draft.add(draft.at(node, "state"), f"{label}: a state with the prompt {spec.prompt}", "remove it")
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
    if spec.timeout % vendor.timeout_step_ms:
        draft.add(draft.at(node, "timeout"), f"{label}: {title} counts whole seconds", "write 45s")
    if spec.prompt is not None and spec.prompt not in vendor.timed_prompts:
        draft.add(
            draft.at(node, "timeout"),
            f"{label}: a timeout with the prompt {spec.prompt}",
            f"remove it, or use {', '.join(sorted(vendor.timed_prompts))}",
        )
