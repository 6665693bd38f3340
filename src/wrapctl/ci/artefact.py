"""What a plan job leaves behind, and how a later job knows that it is what was reviewed. Pure: bytes in, values out.

A folder for each org: ``plan.json`` (``plan.file``, complete) and ``meta.json`` (of which commit it is, and the hash
of the plan). A check run on the head commit holds a line ``<org> <sha256 of plan.json> <hash of its set of changes>``
for each org, and in its ``external_id`` the hash over these lines. An artefact says nothing by itself: only with the
check beside it. The third hash tells whether another run of the same commit found other changes: plans differ in
more than what they would write.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from wrapctl.config.base import PolicyChange
from wrapctl.config.values import ORG
from wrapctl.errors import PlanUnusable, Source
from wrapctl.plan import file
from wrapctl.plan.plan import Plan

KIND: Final = "wrapctl.ci-plan"
VERSION: Final = 1
CHECK: Final = "wrapctl plan"
"""Name of the check run."""

META: Final = "meta.json"
PLAN: Final = "plan.json"
MOST_LINES: Final = 65_000
"""Characters that a check run keeps of the lines."""

_MOST_META: Final = 4 * 1024 * 1024
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LINE: Final = re.compile(rf"(?P<org>{ORG.pattern}) (?P<plan>[0-9a-f]{{64}}) (?P<changes>[0-9a-f]{{64}})")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_AGAIN: Final = "run the plan workflow again"
_OWNERS: Final = frozenset({"CODEOWNERS", "docs/CODEOWNERS", ".github"})


class Outcome(StrEnum):
    """How planning an org ended. ``refused``: there is a plan, and a guard limit holds it back."""

    PLANNED = "planned"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a pull request proposes, apart from the plans of its orgs.

    In ``meta.json`` for people: whoever decides by it finds out anew.
    ``orgs`` are those that it touches and that can be planned, ``new`` and ``gone`` as in ``config.base.Proposed``.
    ``touches`` are the paths of CI itself that it changes: such a pull request is never applied automatically.
    ``wrong`` counts errors in its files: then nothing was planned. ``refused`` says why nothing may be planned.
    ``project`` is where the project lies in its repository, empty at the top.
    """

    head: str
    base: str
    pull_request: int | None = None
    orgs: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    policy: tuple[PolicyChange, ...] = ()
    touches: tuple[str, ...] = ()
    wrong: int = 0
    refused: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class Meta:
    """What belongs to one plan.

    ``sha256`` is of plan.json, ``digest`` the plan's own, ``changes`` that of the set of changes it would write: all
    empty after a failure, and ``why`` says what happened. ``remarks`` tell how a merge will be applied.
    """

    org: str
    outcome: Outcome
    proposal: Proposal
    sha256: str = ""
    digest: str = ""
    changes: str = ""
    why: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """What one plan job left: the meta data, and the plan unless there is none. ``raw`` is plan.json as it is stored."""

    meta: Meta
    plan: Plan | None
    raw: bytes = b""


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def name(org: str) -> str:
    """The name of an org's artefact."""
    return f"wrapctl-plan-{org}"


def members(org: str) -> tuple[str, str]:
    """What of an org's artefact is read again; ``plan.md`` and ``plan.txt`` beside them are for people."""
    return f"{org}/{META}", f"{org}/{PLAN}"


def steers(path: str) -> bool:
    """Whether a file of the repository decides what CI does, or who must approve it.

    The pin of the action stands in a workflow, and so below ``.github/``. Links and submodules of that name count.
    """
    return path.startswith(".github/") or path in _OWNERS


def made(proposal: Proposal, plan: Plan, remarks: tuple[str, ...] = ()) -> tuple[Meta, str]:
    """Return the meta data of a plan and the text of its plan.json."""
    text = file.dumps(plan)
    meta = Meta(
        org=plan.org,
        outcome=Outcome.REFUSED if plan.refusals else Outcome.PLANNED,
        proposal=proposal,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        digest=plan.digest,
        changes=set_digest(plan),
        remarks=remarks,
    )
    return meta, text


def failed(proposal: Proposal, org: str, why: str) -> Meta:
    """Return the meta data of an org that could not be planned. ``why`` holds no secret."""
    return Meta(org, Outcome.FAILED, proposal, why=why)


def set_digest(plan: Plan) -> str:
    """Return the hash of the set of changes that an apply of the plan would write."""
    digests = sorted(change.digest for change in plan.pending)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def dumps(meta: Meta) -> str:
    """Return the text of meta.json."""
    return _text(
        {
            "kind": KIND,
            "version": VERSION,
            "org": meta.org,
            "outcome": meta.outcome.value,
            "plan_sha256": meta.sha256,
            "plan_digest": meta.digest,
            "changes_digest": meta.changes,
            "why": meta.why,
            "remarks": list(meta.remarks),
            **_proposal_data(meta.proposal),
        }
    )


def _text(data: Mapping[str, object]) -> str:
    # ASCII alone: a path of git may be no text at all, and comes through as lone surrogates.
    return json.dumps(data, indent=1) + "\n"


def _proposal_data(proposal: Proposal) -> dict[str, object]:
    return {
        "pull_request": proposal.pull_request,
        "head": proposal.head,
        "base": proposal.base,
        "orgs": list(proposal.orgs),
        "new": list(proposal.new),
        "gone": list(proposal.gone),
        "policy": [
            {
                "org": one.org,
                "path": one.path,
                "before": one.before,
                "after": one.after,
                "source": {"file": one.source.file, "line": one.source.line, "column": one.source.column},
            }
            for one in proposal.policy
        ],
        "touches": list(proposal.touches),
        "wrong": proposal.wrong,
        "refused": proposal.refused,
        "project": proposal.project,
    }


# ── the check run ──────────────────────────────────────────────────────────────────────────────────────────


def lines(metas: Iterable[Meta]) -> str:
    """Return the lines of the check run, one for each org that has a plan, sorted.

    Raises:
        PlanUnusable: an org is there twice with different plans, or a check run does not hold so many.
    """
    found: dict[str, str] = {}
    for meta in metas:
        said = f"{meta.sha256} {meta.changes}"
        if meta.sha256 and found.setdefault(meta.org, said) != said:
            raise PlanUnusable(f"there are two plans of {meta.org}", hint=_AGAIN)
    text = "\n".join(f"{org} {said}" for org, said in sorted(found.items()))
    if len(text) > MOST_LINES:
        raise PlanUnusable(
            f"{len(found)} orgs are more than one check run can hold",
            hint="split the pull request, or set `limits.orgs` in wrapctl.yaml",
        )
    return text


def external_id(text: str) -> str:
    """Return the hash over the lines of a check run."""
    return hashlib.sha256(text.encode()).hexdigest()


def checked(text: str, expected: str) -> Mapping[str, str]:
    """Return org → sha256 of its plan.json, as a check run has it; ``expected`` is its ``external_id``.

    Raises:
        PlanUnusable: the lines are not those that the hash is of, or are no such lines.
    """
    return {org: sha256 for org, sha256, _ in _lines(text, expected)}


def change_sets(text: str, expected: str) -> Mapping[str, str]:
    """Return org → hash of its set of changes, as a check run has it. Raises as ``checked`` does."""
    return {org: changes for org, _, changes in _lines(text, expected)}


def _lines(text: str, expected: str) -> list[tuple[str, str, str]]:
    if external_id(text) != expected:
        raise PlanUnusable(f"the check run {CHECK!r} does not match its own hash", hint=_AGAIN)
    found = [_LINE.fullmatch(line) for line in text.split("\n")] if text else []
    read = [(one["org"], one["plan"], one["changes"]) for one in found if one is not None]
    if len({org for org, _, _ in read}) != len(found):
        raise PlanUnusable(f"the check run {CHECK!r} holds a line that is none of its own", hint=_AGAIN)
    return read


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def read(content: Mapping[str, bytes], *, org: str = "", sha256: str = "") -> Left:
    """Return what the files of one artefact say; ``content`` maps ``meta.json`` and ``plan.json`` to their bytes.

    They may have a folder before their name, as in the artefact itself (``members``).
    ``org`` and ``sha256``: what they must be of, where that is known (from the check run).

    Raises:
        PlanUnusable: a file is missing, damaged, of another org or version, or not the one of the hash.
    """
    content = {path.rpartition("/")[2]: raw for path, raw in content.items()}
    meta = loads(_there(content, META))
    if org and meta.org != org:
        raise PlanUnusable(f"the artefact of {org} holds a plan of {meta.org}", hint=_AGAIN)
    if meta.outcome is Outcome.FAILED:
        if sha256:
            raise PlanUnusable(
                f"{meta.org} could not be planned, and the check run names a plan", hint=_AGAIN
            )
        return Left(meta, None)
    raw = _there(content, PLAN)
    found = hashlib.sha256(raw).hexdigest()
    for wanted, whose in ((meta.sha256, META), (sha256, "the check run")):
        if wanted and wanted != found:
            raise PlanUnusable(
                f"plan.json of {meta.org} is not the one that {whose} names: it has the hash {found[:12]}…, "
                f"and {wanted[:12]}… was reviewed",
                hint=_AGAIN,
            )
    try:
        plan = file.loads(raw.decode())
    except UnicodeDecodeError:
        raise PlanUnusable(f"plan.json of {meta.org} is not UTF-8 text", hint=_AGAIN) from None
    except RecursionError:
        raise PlanUnusable(f"plan.json of {meta.org} is nested too deeply", hint=_AGAIN) from None
    if (plan.org, plan.digest, set_digest(plan)) != (meta.org, meta.digest, meta.changes):
        raise PlanUnusable(f"plan.json and meta.json of {meta.org} are not of the same plan", hint=_AGAIN)
    if (meta.outcome is Outcome.REFUSED) is not bool(plan.refusals):
        raise PlanUnusable(f"plan.json and meta.json of {meta.org} disagree about the guard", hint=_AGAIN)
    return Left(meta, plan, raw)


def loads(raw: bytes) -> Meta:
    """Return what a meta.json says.

    Raises:
        PlanUnusable: it is none, or of another version.
    """
    data = _data(raw, META, KIND)
    with _Damage(META):
        meta = Meta(
            org=_org(data["org"]),
            outcome=Outcome(data["outcome"]),
            proposal=_proposal(data),
            sha256=_str(data["plan_sha256"]),
            digest=_str(data["plan_digest"]),
            changes=_str(data["changes_digest"]),
            why=_str(data["why"]),
            remarks=tuple(_str(one) for one in _list(data["remarks"])),
        )
        if (meta.outcome is Outcome.FAILED) is not (meta.sha256 == ""):
            raise ValueError("a plan is there exactly when it did not fail")
        if meta.sha256 and not _SHA256.fullmatch(meta.sha256):
            raise ValueError("plan_sha256 is no hash")
        return meta


class _Damage:
    """Says in one voice what is wrong with the content of a file."""

    def __init__(self, file: str) -> None:
        self._file = file

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KeyError):
            raise PlanUnusable(f"{self._file} is damaged: it has no {error}", hint=_AGAIN) from None
        if isinstance(error, TypeError | ValueError):
            raise PlanUnusable(f"{self._file} is damaged: {error}", hint=_AGAIN) from None


def _there(content: Mapping[str, bytes], file: str) -> bytes:
    if file not in content:
        raise PlanUnusable(f"the artefact has no {file}", hint=_AGAIN)
    return content[file]


def _data(raw: bytes, file: str, kind: str) -> dict[str, Any]:
    if len(raw) > _MOST_META:
        raise PlanUnusable(f"{file} has {len(raw):,} bytes, more than {_MOST_META:,}", hint=_AGAIN)
    try:
        data = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise PlanUnusable(f"{file} is not JSON", hint=_AGAIN) from None
    if not isinstance(data, dict) or data.get("kind") != kind:
        raise PlanUnusable(f"{file} is not of the kind {kind}", hint=_AGAIN)
    if data.get("version") != VERSION:
        raise PlanUnusable(
            f"{file} has version {data.get('version')!r}, this wrapctl reads {VERSION}",
            hint="plan and apply with the same wrapctl: " + _AGAIN,
        )
    return data


def _proposal(data: Mapping[str, Any]) -> Proposal:
    number = data["pull_request"]
    if number is not None and (type(number) is not int or number < 1):
        raise ValueError("pull_request is no number")
    read = Proposal(
        head=_str(data["head"]),
        base=_str(data["base"]),
        pull_request=number,
        orgs=tuple(_org(one) for one in _list(data["orgs"])),
        new=tuple(_org(one) for one in _list(data["new"])),
        gone=tuple(_org(one) for one in _list(data["gone"])),
        policy=tuple(_policy(one) for one in _list(data["policy"])),
        touches=tuple(_str(one) for one in _list(data["touches"])),
        wrong=_count(data["wrong"]),
        refused=_str(data["refused"]),
        project=_str(data["project"]),
    )
    for field in (read.head, read.base):
        if not _COMMIT.fullmatch(field):
            raise ValueError("head and base are commits")
    return read


def _policy(data: Any) -> PolicyChange:
    source = data["source"]
    place = Source(_str(source["file"]), _count(source["line"]), _count(source["column"]))
    before, after = (None if data[one] is None else _str(data[one]) for one in ("before", "after"))
    return PolicyChange(_str(data["org"]), _str(data["path"]), before, after, place)


def _org(value: object) -> str:
    text = _str(value)
    if not ORG.fullmatch(text):
        raise ValueError("an org has a name that none can have")
    return text


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text was expected, not {type(value).__name__}")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not {type(value).__name__}")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a count is no number")
    return value
