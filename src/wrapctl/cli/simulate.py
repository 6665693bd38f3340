"""``wrapctl simulate``: what an agent's desktop offers after a contact, and unit tests for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.errors import ConfigError, Exit, Problem, UsageError

if TYPE_CHECKING:
    from wrapctl.config.expectations import Expected
    from wrapctl.config.project import OrgConfig, Project
    from wrapctl.evidence.offering import State
    from wrapctl.evidence.simulate import Desktop, Words
    from wrapctl.model import Live
    from wrapctl.plan.plan import Plan

FILES, LIVE = "files", "live"


@click.command("simulate")
@click.option("--org", metavar="ORG", shell_complete=complete_orgs, help="The org.")
@click.option("--queue", metavar="NAME", help="A queue, by label or name.")
@click.option("--media", metavar="TYPE", help="Media type of the contact, such as voice.")
@click.option("--skill", "skills", multiple=True, metavar="NAME", help="A skill of the contact; repeatable.")
@click.option("--code", metavar="CODE", help="Only this code, by key or name.")
@click.option(
    "--from",
    "origin",
    default=FILES,
    metavar="files|live|PLAN",
    help="The files (default), what is live, or a saved plan laid over what is live.",
)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The day; else today.")
@click.option("--matrix", is_flag=True, help="Every queue of the org, as a table.")
@click.option(
    "--expect",
    "expectations",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Check what such a file expects; repeatable. Exit 1 when something does not hold.",
)
@click.option("--strict", is_flag=True, help="Exit 1 when there is anything to look at.")
@click.option("--format", "how", type=click.Choice(["text", "json", "markdown", "github"]), default="text")
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs to be read.")
@options
def command(console: Console, **asked: Any) -> Exit:
    """Show what agents of a queue are offered after a contact: codes in order, whether one must be chosen, how long.

    And what happens on time-out, what each CRM records, which CRM statuses lead back, and what is wrong with it. With
    --expect, files of assertions are held against it: unit tests for dispositions. The files are enough for all of
    it; --from live and --from PLAN read the platform, and nothing is ever written.
    """
    given = _Asked(**asked)
    _make_sense(given)
    job = _Job(console, given)
    return job.expect() if given.expectations else job.show()


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command line."""

    org: str | None
    queue: str | None
    media: str | None
    skills: Sequence[str]
    code: str | None
    origin: str
    as_of: datetime | None
    matrix: bool
    expectations: Sequence[Path]
    strict: bool
    how: str
    sandbox: bool

    @property
    def about_one(self) -> bool:
        return bool(self.queue or self.media or self.skills or self.code)


def _make_sense(asked: _Asked) -> None:
    from typing import get_args

    from wrapctl.config.choices import Media
    from wrapctl.config.values import nearest

    if asked.expectations and (asked.about_one or asked.matrix or asked.strict):
        raise UsageError(
            "--expect says in its files which queues it is about", hint="leave the other options out"
        )
    if asked.expectations:
        return
    if asked.how == "github":
        raise UsageError("annotations are of --expect", hint="use --format text, markdown or json")
    if asked.org is None:
        raise UsageError("which org?", hint="say --org ORG, or give expectations with --expect FILE")
    if asked.matrix == bool(asked.about_one):
        raise UsageError(
            "which queue?" if not asked.matrix else "--matrix is about every queue",
            hint="say --queue NAME, or --matrix for all of them",
        )
    if asked.queue is None and not asked.matrix:
        raise UsageError("which queue?", hint="say --queue NAME")
    known = get_args(Media)
    if asked.media and asked.media not in known:
        raise UsageError(
            f"there is no media type {asked.media!r}",
            hint=nearest(asked.media, known) or f"one of: {', '.join(known)}",
        )


@dataclass(slots=True)
class _Job:
    """One call. States are made once for each org and day, and an org is read once."""

    console: Console
    asked: _Asked
    lives: dict[str, Live] = field(default_factory=dict)
    states: dict[tuple[str, date], State] = field(default_factory=dict)
    plan: Plan | None = None
    left: int = 0
    queues: set[str] = field(default_factory=set)

    # ── showing ────────────────────────────────────────────────────────────────────────────────────────────

    def show(self) -> Exit:
        """Tell one queue, or all of them."""
        from wrapctl.cli.orgs import chosen
        from wrapctl.evidence.simulate import matrix

        asked = self.asked
        self.queues = {asked.queue} if asked.queue is not None else set()
        _, (org,) = chosen(self.console, [asked.org or ""])
        state = self.state(org, self.day(org))
        words = words_of(org.desired.platform)
        found = (self._one(state, words),) if asked.queue is not None else matrix(state, words)
        self._tell(found, state)
        return Exit.ERROR if asked.strict and any(one.troubles for one in found) else Exit.OK

    def _one(self, state: State, words: Words) -> Desktop:
        from wrapctl.config.values import nearest
        from wrapctl.evidence.simulate import simulate

        asked = self.asked
        place = state.find(asked.queue or "")
        if place is None:
            names = [text for one in state.queues for text in (one.label, one.name) if text]
            hint = nearest(asked.queue or "", names) or "--matrix shows all"
            raise UsageError(f"{state.org} has no queue {asked.queue!r}", hint=hint)
        if asked.code and state.ident(asked.code) not in state.choices:
            hint = nearest(asked.code, [*state.choices, *state.by_name])
            raise UsageError(f"{state.org} has no code {asked.code!r}", hint=hint)
        return simulate(
            state, words, place, media=asked.media or "", skills=asked.skills, code=asked.code or ""
        )

    def _tell(self, found: Sequence[Desktop], state: State) -> None:
        from wrapctl.cli.failure import redacted
        from wrapctl.render import simulate as render

        console, how = self.console, self.asked.how
        if how == "json":
            told = render.as_json(found, state)
        elif self.asked.matrix:
            told = (
                render.matrix_markdown(found, state)
                if how == "markdown"
                else render.matrix_text(found, state, width=console.width, colour=console.colour)
            )
        elif how == "markdown":
            told = render.as_markdown_text(found[0])
        else:
            told = render.as_text(found[0], width=console.width, colour=console.colour)
        console.out(redacted(told))

    # ── expecting ──────────────────────────────────────────────────────────────────────────────────────────

    def expect(self) -> Exit:
        """Hold what files expect against what is offered; 1, as of any failed test, when something does not hold."""
        wanted = self._expected()
        failed = self._failures(wanted)
        self._told(failed, len(wanted))
        return Exit.ERROR if failed else Exit.OK

    def _expected(self) -> list[Expected]:
        from wrapctl.config.expectations import load

        problems: list[Problem] = []
        found: list[Expected] = []
        for path in self.asked.expectations:
            name, data = self._read(path)
            try:
                found += load(data, name)
            except ConfigError as error:
                problems += error.problems
        hint = "write `org:` there or at the top of the file, or say --org"
        if self.asked.org is None:
            problems += [Problem(one.at("queue"), "which org?", hint) for one in found if not one.org]
        if problems:
            raise ConfigError(problems)
        return [one for one in found if self.asked.org in {None, one.org} or not one.org]

    def _read(self, path: Path) -> tuple[str, bytes]:
        """Return what problems call a file, relative to the project where it is inside of it, and its content."""
        from wrapctl.config.files import Disk, Unreadable

        whole = path.absolute()
        inside = whole.is_relative_to(self.console.root)
        name = whole.relative_to(self.console.root).as_posix() if inside else str(path)
        try:
            return name, Disk(whole.parent).read(whole.name)
        except Unreadable as error:
            raise UsageError(f"{path} {error}") from None

    def _failures(self, wanted: Sequence[Expected]) -> list[Problem]:
        from wrapctl.evidence.expect import failures

        project = self._project(wanted)
        self.queues = {one.spec.queue for one in wanted}
        found: list[Problem] = []
        for one in wanted:
            name = one.org or self.asked.org or ""
            org = project.orgs.get(name)
            if org is None:
                found.append(Problem(one.at("org"), f"there is no org {name!r}"))
                continue
            day = self.day(org)
            if self.asked.origin != FILES and one.spec.as_of not in {None, day}:
                self.left += 1  # what is live shows one day alone
                continue
            state = self.state(org, one.spec.as_of or day)
            found += failures(one, state, partial(_simulated, words_of(org.desired.platform)))
        return found

    def _project(self, wanted: Sequence[Expected]) -> Project:
        """Load the orgs that are named and exist: one that went away is a failure of its expectations."""
        from wrapctl.config.project import load

        names = {one.org or self.asked.org or "" for one in wanted}
        there = [name for name in names if (self.console.root / "wrapups" / name / "org.yaml").is_file()]
        return load(self.console.root, orgs=there or None)

    def _told(self, failed: Sequence[Problem], count: int) -> None:
        from wrapctl.cli.failure import redacted
        from wrapctl.render import json, text

        console, how = self.console, self.asked.how
        if how == "json":
            console.out(redacted(json.problems(failed)))
        elif how == "github":
            console.out(redacted(text.github(failed)))
        elif how == "markdown":
            from wrapctl.render.expectations import as_markdown_text

            console.out(redacted(as_markdown_text(failed, count)))
        else:
            console.out(redacted(text.problems(failed, width=console.width, colour=console.colour)))
        many = f"{count} expectation{'' if count == 1 else 's'}"
        verdict = f"{len(failed)} not met" if failed else "all met"
        left = f"; {self.left} of another day not looked at" if self.left else ""
        console.err(f"{many}: {verdict}{left}")

    # ── states ─────────────────────────────────────────────────────────────────────────────────────────────

    def day(self, org: OrgConfig) -> date:
        """The day that is meant: the one that was named, a saved plan's, or today where the org is."""
        if self.asked.as_of is not None:
            return self.asked.as_of.date()
        if self.asked.origin not in {FILES, LIVE}:
            return self._plan(org).as_of
        return self.console.today(org.desired.policy.timezone)

    def state(self, org: OrgConfig, day: date) -> State:
        """Return the state of an org that is asked about."""
        found = self.states.get((org.name, day))
        if found is None:
            found = self.states[org.name, day] = self._state(org, day)
        return found

    def _state(self, org: OrgConfig, day: date) -> State:
        from dataclasses import replace

        from wrapctl.evidence.offering import of_files, of_live
        from wrapctl.targets import registry

        places = org.provenance()
        incomplete = frozenset(
            item.spec.system for item in org.draft.mappings if item.spec.unmapped_codes == "ignore"
        )
        if self.asked.origin == FILES:
            return of_files(org.desired, day, places=places, incomplete=incomplete)
        capabilities = registry.capabilities(org.desired.platform)
        live = self._live(org)
        if self.asked.origin == LIVE:
            return of_live(org.desired, live, capabilities, day, places=places, incomplete=incomplete)
        from wrapctl.evidence.overlay import overlay

        plan = self._plan(org)
        state = of_live(
            org.desired,
            overlay(live, plan),
            capabilities,
            day,
            origin="plan",
            places=places,
            incomplete=incomplete,
        )
        notes = (
            [f"{len(plan.outstanding)} changes of the plan are not written by apply"]
            if plan.outstanding
            else []
        )
        if plan.config_digest != org.desired.digest:
            notes.append("the plan was made from other files than those that are here")
        return replace(state, notes=tuple(notes))

    def _live(self, org: OrgConfig) -> Live:
        if org.name not in self.lives:
            self.lives[org.name] = read_offers(self.console, org, self.queues, sandbox=self.asked.sandbox)
        return self.lives[org.name]

    def _plan(self, org: OrgConfig) -> Plan:
        from wrapctl.cli.files import read_text
        from wrapctl.plan.file import loads

        if self.plan is None:
            path = Path(self.asked.origin)
            if not path.is_file():
                raise UsageError(
                    f"--from {self.asked.origin!r} is neither files, live nor a saved plan",
                    hint="save one with `wrapctl plan ORG --out FILE`",
                )
            self.plan = loads(read_text(path))
        if self.plan.org != org.name:
            raise UsageError(f"the plan is of {self.plan.org}, not of {org.name}")
        return self.plan


def _simulated(words: Words, state: State, queue: str, media: str) -> Desktop | None:
    from wrapctl.evidence.simulate import simulate

    place = state.find(queue)
    return None if place is None else simulate(state, words, place, media=media)


def words_of(platform: str) -> Words:
    """Return what the desktop of a platform does.

    Raises:
        UsageError: this release does not know the platform.
    """
    from wrapctl.config.vendor import vendor
    from wrapctl.evidence.simulate import Words
    from wrapctl.targets.desk import desk

    words = vendor(platform)
    if words is None:
        raise UsageError(f"there is no platform {platform!r}")
    return Words(
        title=words.capabilities.title,
        ordered=words.capabilities.ordered_links,
        desk=desk(platform),
        timeout_ms=words.timeout_ms,
        step_ms=words.timeout_step_ms,
    )


def read_offers(console: Console, org: OrgConfig, queues: Collection[str], *, sandbox: bool) -> Live:
    """Return codes, the rows of CRM systems, and queues: the codes of ``queues`` (label or name), of all when empty.

    Raises:
        WrapctlError: it could not be read, or must not be.
    """
    from wrapctl.cli.orgs import connected, refuse_sandbox
    from wrapctl.model import Scope
    from wrapctl.plan.view import look
    from wrapctl.survey import check_identity, read_first, with_links

    refuse_sandbox(console, org, allowed=sandbox)
    with connected(console, org) as (target, _):
        reader, can = target.reader(), target.capabilities
        identity = reader.identity()
        refuse_sandbox(console, org, allowed=sandbox, identity=identity)
        check_identity(org.desired, identity)
        live = read_first(reader, can, org.desired, Scope())
        day = console.today(org.desired.policy.timezone)
        ids = look(org.desired, live, can, scope=Scope(), as_of=day).queues.ids
        wanted = {ids[one] for one in queues if one in ids}
        wanted |= {queue.id for queue in live.queues if not queues or queue.name in queues}
        return with_links(reader, live, frozenset(wanted))
