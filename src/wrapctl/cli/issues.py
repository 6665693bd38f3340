"""One GitHub issue for each org that drifts: opened, kept up to date, and closed when the drift is gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wrapctl.cli.console import Console
from wrapctl.errors import Unanswered

if TYPE_CHECKING:
    from wrapctl.ci.github import GitHub
    from wrapctl.evidence.told import Told

LABEL: Final = "wrapctl-drift"
_ROOM: Final = 60_000


def marker(org: str) -> str:
    """What the body of an org's issue begins with."""
    return f"<!-- wrapctl:drift:{org} -->"


def keep(console: Console, told: Sequence[Told], *, alone: bool = True) -> None:
    """Bring the issue of every org that was looked at up to date; without a token, print what it would say.

    Not ``alone`` on standard output, it is printed beside it.

    An org with something unread and no drift keeps its issue: nobody knows whether it is over.

    Raises:
        TargetError: GitHub was not reached, or refused.
    """
    from wrapctl.cli.hosted import github

    host = github(console)
    if host is None:
        for one in told:
            if one.drift.drifted:
                (console.out if alone else console.err)(body(one))
        console.err("no GITHUB_REPOSITORY and GITHUB_TOKEN here: no issue was opened or closed")
        return
    try:
        for one in told:
            if said := _one(host, one):
                console.err(f"{one.drift.org}: {said}")
    finally:
        host.close()


def body(told: Told) -> str:
    """Return what an org's issue says."""
    from wrapctl.cli.failure import redacted
    from wrapctl.render.drift import one_markdown

    return redacted(f"{marker(told.drift.org)}\n{one_markdown(told, budget=_ROOM)}")


def _one(host: GitHub, told: Told) -> str:
    org = told.drift.org
    own = host.own_issues(LABEL, marker(org))
    if not told.drift.drifted:
        if told.drift.unread:
            return "something was not read, so its issue stays as it is" if own else ""
        for issue in own:
            host.update_issue(issue.number, body=_over(issue.body), state="closed")
        return f"drift is gone: closed {', '.join(f'#{issue.number}' for issue in own)}" if own else ""
    title, text = f"wrapctl: drift in {org}", body(told)
    if not own:
        try:
            made = host.create_issue(title, text, [LABEL])
        except Unanswered:
            # Whether it was opened is not known: looked for once, never sent twice.
            again = host.own_issues(LABEL, marker(org))
            if not again:
                raise
            made = again[0]
        return f"opened issue #{made.number}"
    for issue in own[1:]:
        host.update_issue(issue.number, state="closed")
    if (own[0].title, own[0].body) != (title, text):
        host.update_issue(own[0].number, title=title, body=text)
        return f"brought issue #{own[0].number} up to date"
    return f"issue #{own[0].number} says so already"


def _over(text: str) -> str:
    head, _, rest = text.partition("\n")
    return f"{head}\n**The drift is gone.** What it was:\n\n{rest}"
