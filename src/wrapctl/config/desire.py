"""A checked draft as the values that plan works with, and the digest of its content. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from wrapctl.config.crm import mapped
from wrapctl.config.resolve import Draft, Item, Lists
from wrapctl.config.spec import CodeSpec, LimitSpec, LimitsSpec, Org, ProjectFile, QueueSpec
from wrapctl.config.tree import Seq
from wrapctl.config.values import to_days
from wrapctl.config.vendor import Vendor
from wrapctl.model import Code, CrmMapping, Desired, Queue, Value, Verb
from wrapctl.policy import Allowance, Limit, Limits, Policy, Window

DIGEST_FORMAT = 1


def desired(draft: Draft, project: ProjectFile | None, vendor: Vendor | None = None) -> Desired | None:
    """Return what the files want of one org, None when its ``org.yaml`` is unusable.

    What ``vendor`` has no place for is left out; ``check`` has said so where it is written. Lists are expanded and CRM rows made here; what is wrong with them is added to the draft's problems.
    """
    limits = _limits(draft.org.spec.limits) if draft.org is not None else Limits()
    lists = Lists(draft)
    lists.all_sets()
    queues = tuple(_queue(draft, draft.queues[label], lists, limits) for label in sorted(draft.queues))
    codes = tuple(_code(draft, draft.codes[key], project, vendor) for key in sorted(draft.codes))
    crm = mapped(draft, {code.key: code for code in codes})
    if draft.org is None:
        return None
    org = draft.org.spec
    manual = vendor.manual(getattr(org, org.platform) or {}) if vendor is not None else frozenset[Verb]()
    return Desired(
        org=draft.name,
        platform=org.platform,
        codes=codes,
        queues=queues,
        policy=_policy(org, limits),
        organization_id=org.organization_id,
        allowances=_allowances(draft),
        crm=crm,
        digest=digest(codes, queues, crm, manual),
        manual=manual,
    )


def _code(draft: Draft, item: Item[CodeSpec], project: ProjectFile | None, vendor: Vendor | None) -> Code:
    spec = item.spec
    name = spec.name or ""
    fields: dict[str, Value] = {"name": name}
    if spec.description is not None:
        fields["description"] = spec.description
    if spec.division is not None:
        fields["division"] = spec.division
    outbound = None if spec.outbound is None else tuple(sorted(set(spec.outbound)))
    if vendor is not None:
        fields = {one: value for one, value in fields.items() if one == "name" or vendor.holds(one)}
        fields.update(vendor.code_fields(getattr(spec, vendor.name, None) or {}, _category(spec, project)))
        outbound = outbound if vendor.holds("outbound") else None
    return Code(
        key=item.key,
        name=name,
        source=draft.places.source(item.mark),
        fields=fields,
        absent=spec.state == "absent",
        id=spec.id,
        previously=None if spec.previously is None else tuple(spec.previously),
        unassign_everywhere=spec.unassign_everywhere,
        valid_from=spec.valid_from,
        valid_through=spec.valid_through,
        category=spec.category,
        tags=_tags(spec, project),
        outbound=outbound,
        crm=spec.crm or {},
    )


def _category(spec: CodeSpec, project: ProjectFile | None) -> dict[str, object]:
    if spec.category is None or project is None:
        return {}
    found = (project.categories or {}).get(spec.category)
    return found.model_dump() if found is not None else {}


def _tags(spec: CodeSpec, project: ProjectFile | None) -> tuple[str, ...]:
    tags = set(spec.tags or ())
    if spec.category is not None and project is not None:
        category = (project.categories or {}).get(spec.category)
        tags.update((category.tags or ()) if category is not None else ())
    return tuple(sorted(tags))


def _queue(draft: Draft, item: Item[QueueSpec], lists: Lists, limits: Limits) -> Queue:
    spec, node = item.spec, item.node.get("codes")
    codes: tuple[str, ...] | None = None
    if isinstance(node, Seq):
        codes = lists.expand(node, item.key)
        at = draft.at(item.node, "codes")
        if codes is not None and node and not codes:
            draft.add(
                at, f"{item.key}: the list resolves to nothing", "to clear the queue write a literal []"
            )
        if codes is not None and len(codes) > limits.codes_per_queue:
            draft.add(
                at,
                f"{item.key}: {len(codes)} codes on one queue",
                f"`limits.codes_per_queue` is {limits.codes_per_queue}",
            )
    work: dict[str, Value] | None = None
    if spec.after_call_work is not None:
        declared = {
            "prompt": spec.after_call_work.prompt,
            "timeout_ms": spec.after_call_work.timeout,
            "state": spec.after_call_work.state,
        }
        work = {name: value for name, value in declared.items() if value is not None}
    return Queue(
        label=item.key,
        name=spec.name if spec.name is not None else item.key,
        source=draft.places.source(item.mark),
        id=spec.id,
        previously=tuple(spec.previously or ()),
        codes=codes,
        additive=spec.assign == "additive",
        after_call_work=work,
        media=None if spec.media is None else tuple(sorted(set(spec.media))),
        codes_source=draft.places.source(item.node.key_marks["codes"]) if "codes" in item.node else None,
    )


def _policy(org: Org, limits: Limits) -> Policy:
    manage = org.manage
    return Policy(
        observe=manage.mode == "observe",
        unmanaged=manage.unmanaged,
        divisions=tuple(manage.divisions or ()),
        ignore=tuple(manage.ignore or ()),
        protect=tuple(manage.protect or ()),
        limits=limits,
        windows=tuple(
            Window(
                days=frozenset[int]().union(*(to_days(days) for days in window.days)),
                start=window.from_,
                end=window.to,
            )
            for window in org.windows or ()
        ),
        timezone=org.timezone,
        lock=org.apply.lock,
        names=org.audit.names,
        fresh=org.apply.mode == "fresh",
        journal_branch=org.journal.branch if org.journal.store == "git-branch" else "",
    )


def _limits(spec: LimitsSpec) -> Limits:
    default = Limits()

    def limit(given: LimitSpec | None, fallback: Limit) -> Limit:
        return fallback if given is None else Limit(max=given.max, percent=given.percent)

    def number(given: int | None, fallback: int) -> int:
        return fallback if given is None else given

    deletes = spec.deletes
    # Who says only what usage is allowed keeps the counts.
    counted = deletes is not None and (deletes.max is not None or deletes.percent is not None)

    return Limits(
        creates=limit(spec.creates, default.creates),
        renames=limit(spec.renames, default.renames),
        updates=limit(spec.updates, default.updates),
        deletes=limit(deletes if counted else None, default.deletes),
        unassigns=limit(spec.unassigns, default.unassigns),
        crm_deletes=limit(spec.crm_deletes, default.crm_deletes),
        emptied_queues=limit(spec.emptied_queues, default.emptied_queues),
        codes_per_queue=number(spec.codes_per_queue, default.codes_per_queue),
        requests_per_minute=number(spec.requests_per_minute, default.requests_per_minute),
        recent_uses=deletes.max_recent_uses if deletes is not None else None,
        recent_days=number(deletes.recent_days if deletes is not None else None, default.recent_days),
        dependants=(deletes.dependants if deletes is not None else None) or default.dependants,
    )


def _allowances(draft: Draft) -> tuple[Allowance, ...]:
    found = []
    for item in draft.allow:
        node = item.node.get("allow")
        marks = node.marks if isinstance(node, Seq) else []
        found += [
            Allowance(line.token, line.reason, draft.places.source(mark))
            for line, mark in zip(item.spec.allow or (), marks, strict=False)
        ]
    return tuple(sorted(found, key=lambda allowance: (allowance.token, allowance.reason)))


def digest(
    codes: Sequence[Code],
    queues: Sequence[Queue],
    crm: Sequence[CrmMapping],
    manual: Iterable[Verb] = (),
) -> str:
    """Return the SHA-256 over the content: no policy but what is left to a person, no acknowledgement, no position."""
    content: list[Any] = [
        DIGEST_FORMAT,
        [
            [
                code.key,
                code.absent,
                code.id,
                dict(code.fields),
                code.previously,
                code.unassign_everywhere,
                code.valid_from and code.valid_from.isoformat(),
                code.valid_through and code.valid_through.isoformat(),
                code.category,
                code.tags,
                code.outbound,
                dict(code.crm),
            ]
            for code in codes
        ],
        [
            [
                queue.label,
                queue.name,
                queue.id,
                queue.previously,
                queue.codes,
                queue.additive,
                None if queue.after_call_work is None else dict(queue.after_call_work),
                queue.media,
            ]
            for queue in queues
        ],
        [
            [
                mapping.system,
                mapping.target,
                mapping.connection,
                mapping.on_remove,
                dict(mapping.options),
                [[row.key, row.code, dict(row.fields), row.previously] for row in mapping.rows],
            ]
            for mapping in crm
        ],
    ]
    if by_hand := sorted(verb.value for verb in manual):
        content.append(by_hand)
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
