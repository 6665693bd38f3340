"""Says on the pull request what the plan jobs found: one comment, edited in place, and the check that seals the plans.

What the comment says is for people. What was planned is kept by the check run, which nobody can edit who merely may
write to the repository; from there also comes what the run before found.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from wrapctl.ci import artefact
from wrapctl.ci.artefact import Left, Outcome, Proposal
from wrapctl.ci.github import Conclusion, GitHub
from wrapctl.ci.shapes import Comment
from wrapctl.errors import Problem, WrapctlError
from wrapctl.render import ci
from wrapctl.render.ci import Planned, Review
from wrapctl.render.markdown import BUDGET

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of one plan.json."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./]+")
_SEAL: Final = re.compile(r"<!-- wrapctl:body:([0-9a-f]{64}) -->\n")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the plan jobs left: by org, and what of it cannot be used, in words."""

    left: Mapping[str, Left]
    defects: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Posted:
    """What was said: the comment (None: there was nothing to say, or a newer commit is there), and which orgs changed."""

    comment: Comment | None
    changed: tuple[str, ...] = ()
    overtaken: bool = False


def gather(folders: Iterable[Path], proposal: Proposal) -> Gathered:
    """Return what lies in the folders of downloaded artefacts, one or two levels deep, for the orgs of ``proposal``.

    An org without a plan of this very commit is a defect, never a gap.
    """
    left: dict[str, Left] = {}
    defects: dict[str, str] = {}
    for meta in sorted({path for folder in folders for path in _metas(folder)}):
        org = meta.parent.name
        try:
            found = artefact.read(_content(meta.parent), org=org)
        except WrapctlError as error:
            defects[org] = error.message
            continue
        theirs = found.meta.proposal.head
        if theirs != proposal.head:
            defects[org] = f"its plan is of another commit: {theirs[:12]}, not {proposal.head[:12]}"
        elif left.setdefault(org, found).meta != found.meta:
            defects[org] = f"there are two plans of {org}"
    missing = "no plan was left: see its job, and run it again"
    return Gathered(
        {org: left[org] for org in proposal.orgs if org in left and org not in defects},
        {org: defects.get(org, missing) for org in proposal.orgs if org in defects or org not in left},
    )


def review(
    proposal: Proposal,
    gathered: Gathered,
    *,
    remarks: Mapping[str, tuple[str, ...]],
    problems: Sequence[Problem] = (),
    run_url: str = "",
) -> Review:
    """Return all there is to say. ``remarks``: for each org, how a merge will be applied to it."""
    planned = []
    for org in () if proposal.refused else proposal.orgs:
        found = gathered.left.get(org)
        why = gathered.defects.get(org, "") if found is None else found.meta.why
        planned.append(Planned(org, None if found is None else found.plan, why, remarks.get(org, ())))
    return Review(
        head=proposal.head,
        planned=tuple(planned),
        new=proposal.new,
        gone=proposal.gone,
        policy=proposal.policy,
        touches=proposal.touches,
        problems=tuple(problems),
        refused=proposal.refused,
        run_url=run_url,
        project=proposal.project,
    )


def conclusion(said: Review) -> Conclusion:
    """Return how the check ends: red when something is wrong, refused or not planned; neither when not all was seen."""
    if said.errors or said.refused or any(one.plan is None or one.refused for one in said.planned):
        return "failure"
    return "neutral" if not said.planned or any(plan.unread for plan in said.plans) else "success"


def marker(kind: str, project: str) -> str:
    """Return what an own comment of one project begins with."""
    name = project.rstrip("/") or "."
    if not _PLAIN.fullmatch(name):
        name = f"~{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:16]}"
    return f"<!-- wrapctl:{kind}:{name} -->\n"


def body(said: Review) -> str:
    """Return the text of the comment, with a hash of itself by which an edit is noticed."""
    start = marker("plan", said.project)
    told = ci.comment(said, budget=BUDGET - len(start) - 100)
    return f"{start}<!-- wrapctl:body:{_hash(told)} -->\n{told}"


def post(github: GitHub, number: int, said: Review, lefts: Iterable[Left]) -> Posted:
    """Say it: the comment, the check run on the head commit, and a new comment when a re-run found other changes.

    A run that was overtaken by a newer commit writes its check, and leaves the comment to the newer one.

    Raises:
        TargetError: GitHub did not take it.
    """
    lines = artefact.lines(left.meta for left in lefts if left.meta.outcome is not Outcome.FAILED)
    before = _before(github, said.head)
    overtaken = github.pull(number).head != said.head
    start = marker("plan", said.project)
    own = github.own_comments(number, start) if not overtaken else ()
    written = None
    if not overtaken and (own or not said.nothing):
        edited = bool(own) and _edited(own[-1].body, start)
        written = github.say(number, start, body(replace(said, edited=edited)))
    github.create_check(
        artefact.CHECK,
        said.head,
        conclusion(said),
        title=ci.headline(said),
        summary=ci.summary(said, budget=BUDGET),
        text=lines,
        external_id=artefact.external_id(lines),
    )
    changed = _changed(before, artefact.change_sets(lines, artefact.external_id(lines)))
    if changed and not overtaken:
        note = marker("changed", said.project)
        github.create_comment(number, ci.changed(changed, said.head, marker=note, run_url=said.run_url))
    return Posted(written, changed, overtaken)


def _before(github: GitHub, head: str) -> Mapping[str, str] | None:
    """Return org → hash of its set of changes as the newest run on this commit found them, None without one."""
    app = github.author.removesuffix("[bot]")
    mine = (one for one in github.checks(head, artefact.CHECK) if one.app == app)
    newest = max(mine, key=lambda one: one.id, default=None)
    if newest is None:
        return None
    try:
        return artefact.change_sets(newest.text, newest.external_id)
    except WrapctlError:
        return None


def _changed(before: Mapping[str, str] | None, now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the orgs whose changes are others than those of the run before; a plan that is new there counts."""
    if before is None:
        return ()
    return tuple(org for org, changes in sorted(now.items()) if org in before and before[org] != changes)


def _edited(text: str, start: str) -> bool:
    """Whether somebody changed an own comment after it was written."""
    seal = _SEAL.match(text, len(start))
    return seal is None or seal[1] != _hash(text[seal.end() :].replace("\r\n", "\n"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _metas(folder: Path) -> Iterable[Path]:
    return (path for depth in ("", "*/", "*/*/") for path in folder.glob(f"{depth}{artefact.META}"))


def _content(folder: Path) -> dict[str, bytes]:
    """Return the files of one org, without following a link out of the folder or reading what is too large."""
    found = {}
    for name in (artefact.META, artefact.PLAN):
        file = folder / name
        if file.is_symlink() or not file.is_file():
            continue
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise WrapctlError(f"{name} has more than {MOST_BYTES:,} bytes")
        found[name] = content
    return found
