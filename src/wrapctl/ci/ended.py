"""How ``ci apply`` ended for one org, and what is said of it: to machines, in a log, and on pull requests. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wrapctl.ci.applying import Brought
from wrapctl.errors import Exit
from wrapctl.render import escape, markdown, text
from wrapctl.render.json import VERSION, error_data

if TYPE_CHECKING:
    from wrapctl.apply.report import Report
    from wrapctl.errors import WrapctlError
    from wrapctl.plan.plan import Plan

KIND: Final = "wrapctl.ci-apply"


class End(StrEnum):
    """How it ended, in the words that people read."""

    APPLIED = "applied"
    NOTHING = "nothing to apply"
    PENDING = "pending"
    OBSERVED = "observe mode, nothing is written"
    HELD = "held"
    REFUSED = "refused by the guard, nothing was written"
    PARTLY = "partly applied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """How one org ended.

    ``commit`` is what was to be applied, ``brought`` the merges that it covers. ``note`` says in a sentence what is not
    in the report. ``plan`` is there when the guard refused it. ``token`` acknowledges what is held.
    """

    org: str
    end: End
    commit: str = ""
    brought: tuple[Brought, ...] = ()
    note: str = ""
    report: Report | None = None
    plan: Plan | None = None
    error: WrapctlError | None = None
    due: bool = False
    token: str = ""

    @property
    def exit_code(self) -> Exit:
        """How the command ends for this org. What waits, and what is only observed, is no failure."""
        if self.error is not None:
            return self.error.exit_code
        if self.end is End.REFUSED:
            return Exit.REFUSED
        return self.report.exit_code if self.report is not None else Exit.OK

    @property
    def good(self) -> bool:
        """Whether everything that was merged for this org is live."""
        return self.end in {End.APPLIED, End.NOTHING} and self.exit_code is Exit.OK

    @property
    def pulls(self) -> tuple[int, ...]:
        """The numbers of the pull requests that it covers, oldest first, each once."""
        found = (one.merged.pull.number for one in self.brought if one.merged.pull is not None)
        return tuple(dict.fromkeys(found))


def end_of(report: Report) -> End:
    """Return how a run ended by its report."""
    if report.exit_code is Exit.OK:
        return End.APPLIED if report.entries else End.NOTHING
    return {Exit.REFUSED: End.HELD, Exit.ERROR: End.FAILED}.get(report.exit_code, End.PARTLY)


def marker(org: str) -> str:
    """Return what the comment of an org begins with. A name of an org closes no comment."""
    return f"<!-- wrapctl:apply:{org} -->"


def as_data(ended: Ended) -> dict[str, object]:
    """Return it as machines read it; the report itself is a document of its own beside it."""
    return {
        "kind": KIND,
        "version": VERSION,
        "org": ended.org,
        "end": ended.end.name.lower(),
        "exit_code": int(ended.exit_code),
        "commit": ended.commit,
        "due": ended.due,
        "note": ended.note,
        "token": ended.token,
        "merged": [
            {
                "commit": one.merged.tip,
                "pull_request": one.merged.pull.number if one.merged.pull is not None else None,
                "counts": not one.why,
                "why": one.why,
            }
            for one in ended.brought
        ],
        "error": error_data(ended.error) if ended.error is not None else None,
    }


def comment(ended: Ended, *, run_url: str = "", budget: int = markdown.BUDGET) -> str:
    """Return what is said on each pull request that a run covers, at most ``budget`` characters."""
    start = f"{marker(ended.org)}\n{_head(ended, run_url)}"
    room = budget - markdown.size(start) - 1
    artefact = run_url
    if ended.report is not None:
        body = markdown.report(ended.report, budget=room, artefact=artefact)
    elif ended.plan is not None:
        body = markdown.plan(ended.plan, budget=room, artefact=artefact)
    else:
        body = ""
    return f"{start}\n{body}".rstrip() + "\n"


def summary(ended: Ended, *, run_url: str = "", budget: int = markdown.BUDGET) -> str:
    """Return what the summary of the job says of the org."""
    return comment(ended, run_url=run_url, budget=budget).removeprefix(f"{marker(ended.org)}\n")


def log(ended: Ended, *, width: int) -> str:
    """Return what the log of the job says of the org."""
    lines = [f"{ended.org}: {ended.end.value}{' (validity dates)' if ended.due else ''}"]
    lines += [f"  {escape.name(said, 2000)}" for said in _said(ended)]
    told = ""
    if ended.report is not None:
        told = text.report(ended.report, width=width)
    elif ended.plan is not None:
        told = text.plan(ended.plan, width=width)
    return "\n".join(lines) + "\n" + (f"\n{told}" if told else "")


def _head(ended: Ended, run_url: str) -> str:
    covered = [f"#{number}" for number in ended.pulls]
    commit = f" commit {escape.markdown(ended.commit[:12])}" if ended.commit else ""
    about = f"{commit}{', ' if commit and covered else ' ' if covered else ''}{', '.join(covered)}"
    link = f" · [run]({run_url})" if run_url else ""
    lines = [f"## {escape.markdown(ended.org)}: {ended.end.value}", ""]
    if about or link:
        lines += [f"Apply of{about}{link}" if about else link.removeprefix(" · "), ""]
    lines += [f"- {escape.markdown(said, 2000)}" for said in _said(ended)]
    return "\n".join(lines).rstrip() + "\n"


def _said(ended: Ended) -> Iterator[str]:
    if ended.note:
        yield ended.note
    for one in ended.brought:
        if one.why:
            yield f"{one.name} does not count as reviewed: {one.why}"
    if ended.error is not None:
        yield ended.error.message
        if ended.error.hint:
            yield ended.error.hint
    if ended.end is End.HELD or (ended.report is not None and "held" in ended.report.totals):
        yield (
            "held changes stay as they are on the platform. If they are right as shown here, acknowledge exactly these in "
            f"a pull request of their own, in wrapups/{ended.org}/allow.yaml: {ended.token}"
        )
