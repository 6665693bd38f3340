"""Where an org's runs are locked and journalled: on this machine, or on the git remote that all runners share."""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING

from wrapctl.apply.journal import Journal
from wrapctl.apply.lock import FileLock, RunLock
from wrapctl.cli.console import Console
from wrapctl.config.project import OrgConfig
from wrapctl.errors import JournalError
from wrapctl.git import Git, with_token

if TYPE_CHECKING:
    from wrapctl.apply.journal_branch import JournalBranch


def repository(console: Console) -> Git:
    """Return the clone that the project is in. In a GitHub job it is opened with the job's token, if it was given.

    Whether there is a clone shows when it is asked something.
    """
    environ = console.environ
    token, server = environ.get("GITHUB_TOKEN"), environ.get("GITHUB_SERVER_URL")
    return Git(console.root_or_start, with_token(environ, server, token) if token and server else environ)


def run_lock(console: Console, org: OrgConfig) -> RunLock:
    """Return the lock that the org asks for (``apply.lock``)."""
    if org.desired.policy.lock == "file":
        return FileLock(console.state / "locks")
    from wrapctl.apply.lock_ref import RefLock

    return RefLock(repository(console), console.now, console.warn)


def run_journal(console: Console, org: OrgConfig, run: str) -> Journal:
    """Return the journal of a run of the org, kept where the org asks for (``journal.store``)."""
    branch = org.desired.policy.journal_branch
    if not branch:
        return Journal(console.state / "journal" / org.name, run, console.now)
    from wrapctl.apply.journal_branch import BranchJournal
    from wrapctl.model import escape

    folder = console.state / "journal-branch" / escape(branch) / org.name
    return BranchJournal(
        folder, run, console.now, org=org.name, branch=journal_branch(console, branch), warn=console.warn
    )


def journal_branch(console: Console, name: str) -> JournalBranch:
    """Return the journal that is kept on a branch of the remote."""
    from wrapctl.apply.journal_branch import JournalBranch

    return JournalBranch(
        repository(console), name, now=console.now, wait=console.stop.wait, jitter=SystemRandom().random
    )


def journal_files(console: Console, org: OrgConfig) -> dict[str, bytes]:
    """Return the files of the org's journal by name: those of this machine, and what its branch on the remote holds.

    Raises:
        JournalError: they cannot be read.
    """
    from wrapctl.apply.journal import SUFFIX
    from wrapctl.model import escape

    branch = org.desired.policy.journal_branch
    folders = [console.state / "journal" / org.name]
    if branch:
        folders.append(console.state / "journal-branch" / escape(branch) / org.name)
    found: dict[str, bytes] = {}
    try:
        for folder in folders:
            found |= {file.name: file.read_bytes() for file in folder.glob(f"*{SUFFIX}")}
    except OSError as error:
        raise JournalError(f"the journal of {org.name} cannot be read: {error.strerror}") from None
    if branch:
        for name, content in journal_branch(console, branch).read(org.name).files.items():
            # A run that was killed on this machine may have come further here than on the branch.
            if not found.get(name, b"").startswith(content):
                found[name] = content
    return dict(sorted(found.items()))
