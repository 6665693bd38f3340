"""``wrapctl apply``: show the plan, ask, write it under a lock, read it back, report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.cli.metering import measured
from wrapctl.errors import Exit, UsageError, WrapctlError, worst

if TYPE_CHECKING:
    from wrapctl.apply.report import Report
    from wrapctl.cli.orgs import Failed
    from wrapctl.cli.telling import Telling
    from wrapctl.config.project import OrgConfig
    from wrapctl.plan.plan import Plan
    from wrapctl.policy import Allowance
    from wrapctl.targets.interface import Runtime, Target


@click.command("apply")
@click.argument("orgs", nargs=-1, metavar="[ORG]...", shell_complete=complete_orgs)
@click.option("--all", "everything", is_flag=True, help="All orgs, in the order of the stages.")
@click.option(
    "--plan",
    "saved",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Apply exactly this saved plan, or nothing.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--on-conflict",
    type=click.Choice(["refuse", "merge"]),
    default="refuse",
    help="merge: go on where only other declared fields moved; their live values stay.",
)
@click.option(
    "--allow", multiple=True, metavar="TOKEN", help="Acknowledge a guard limit, or window=REASON; repeatable."
)
@click.option("--format", "how", type=click.Choice(["text", "markdown", "json"]), default="text")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save the report as JSON; a folder for several orgs.",
)
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs.")
@options
@measured("apply")
def command(
    console: Console,
    *,
    orgs: Sequence[str],
    everything: bool,
    saved: Path | None,
    yes: bool,
    on_conflict: Literal["refuse", "merge"],
    allow: Sequence[str],
    how: str,
    report: Path | None,
    sandbox: bool,
) -> Exit:
    """Change what the plan shows: under the org's run lock, with a journal, read back and reported."""
    from wrapctl.cli.orgs import allowances, chosen
    from wrapctl.cli.telling import Telling

    plan = None
    if saved is not None:
        from wrapctl.cli.files import read_text
        from wrapctl.plan.file import loads

        if orgs or everything:
            raise UsageError("--plan says which org it is of: name none")
        plan = loads(read_text(saved))
        orgs = [plan.org]
    elif not orgs and not everything:
        raise UsageError("which org?", hint="name it, say --all, or give a saved plan with --plan FILE")
    if not yes and not on_a_terminal():
        raise UsageError("there is no terminal to ask on", hint="say --yes to apply without being asked")
    tokens = allowances(allow)
    project, found = chosen(console, orgs, everything=everything)
    orgs = [org.name for org in found]
    several = len(orgs) > 1
    with Telling(console, project) as telling:
        job = _Job(console, plan, tokens, on_conflict, how, telling, sandbox, ask=not yes, several=several)
        try:
            return worst(
                job.stages([[org for org in found if org.name in stage] for stage in project.staged(orgs)])
            )
        finally:
            job.finish(report)


def on_a_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@dataclass(slots=True)
class _Job:
    """One call of apply, over all its orgs."""

    console: Console
    saved: Plan | None
    tokens: tuple[Allowance, ...]
    on_conflict: Literal["refuse", "merge"]
    how: str
    telling: Telling
    sandbox: bool
    ask: bool
    several: bool
    reports: list[Report] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)

    def stages(self, stages: Sequence[Sequence[OrgConfig]]) -> list[Exit]:
        """Apply stage after stage; a stage begins when the one before ended well and nobody asked to stop."""
        codes: list[Exit] = []
        left = [org.name for stage in stages for org in stage]
        for stage in stages:
            if codes and worst(codes) is not Exit.OK:
                self.console.warn(
                    f"a stage did not end well, so these orgs were not started: {', '.join(left)}"
                )
                break
            for org in stage:
                if self.console.stop.is_set():
                    self.console.warn(f"stopped as asked; these orgs were not started: {', '.join(left)}")
                    return [*codes, Exit.PARTIAL]
                codes.append(self._org(org))
                left.remove(org.name)
        return codes

    def _org(self, org: OrgConfig) -> Exit:
        """Apply one org; with several, what goes wrong with one is told and the others go on."""
        from wrapctl.apply.report import PlanIsStale
        from wrapctl.cli.orgs import Failed

        try:
            done = self._apply(org)
        except WrapctlError as error:
            if isinstance(error, PlanIsStale):
                self._told(error.report)
            elif not self.several:
                raise
            self.failed.append(Failed(org.name, error))
            self._say_failed(org.name, error)
            return error.exit_code
        self._told(done)
        if self.console.meter is not None:
            self.console.meter.ended(org.name, done.exit_code)
        return done.exit_code

    def finish(self, path: Path | None) -> None:
        """Print what was collected for machines, and save the reports."""
        from wrapctl.cli.failure import redacted
        from wrapctl.cli.files import write_text
        from wrapctl.render import json, markdown

        if not self.reports and not self.several:
            return
        failed = [(one.org, one.error) for one in self.failed]
        if self.how == "json":
            told = json.reports(self.reports, failed) if self.several else json.report(self.reports[0])
            self.console.out(redacted(told))
        elif self.how == "markdown":
            words = [(org, error.message) for org, error in failed]
            self.console.out(redacted(markdown.reports(self.reports, failed=words)))
        if path is not None:
            for one in self.reports:
                file = path / f"{one.org}.json" if self.several or path.is_dir() else path
                write_text(file, redacted(json.report(one)))
                self.console.err(f"{one.org}: report saved as {file}")

    def _told(self, report: Report) -> None:
        from wrapctl.cli.failure import redacted
        from wrapctl.render import text

        self.reports.append(report)
        if self.console.meter is not None:
            self.console.meter.report(report)
        if self.how == "text":
            told = text.report(report, width=self.console.width, colour=self.console.colour)
            self.console.out(redacted(f"\n{told}"))

    def _say_failed(self, org: str, error: WrapctlError) -> None:
        from wrapctl.cli.failure import redacted, words

        self.console.err(redacted(f"{org}: {words(error, self.console)}"))

    def _apply(self, org: OrgConfig) -> Report:
        from wrapctl.apply.refuse import refuse_reason
        from wrapctl.cli.orgs import connected, refuse_sandbox
        from wrapctl.evidence.gather import Ask
        from wrapctl.metrics import findings
        from wrapctl.survey import survey

        console, policy = self.console, org.desired.policy
        refuse_sandbox(console, org, allowed=self.sandbox)
        # Apply refuses these too, later; asked now, nobody waits for a plan that cannot be applied.
        refusal = refuse_reason(policy, console.now(), self.tokens)
        if refusal is not None:
            raise refusal
        with connected(console, org) as (target, runtime):
            if self.saved is not None:
                plan = self._checked(org, self.saved)
            else:
                day = console.today(policy.timezone)
                tokens = tuple(token for token in self.tokens if token.token != "window")  # noqa: S105 (a word, not a secret)
                plan, _ = survey(
                    target.reader(),
                    target.capabilities,
                    org.desired,
                    as_of=day,
                    allowances=tokens,
                    ask=Ask(target.evidence(), console.now()),
                )
            refuse_sandbox(console, org, allowed=self.sandbox, identity=plan.identity)
            self._show(replace(plan, warnings=tuple(sorted({*plan.warnings, *org.warnings}))))
            found = findings({*plan.warnings, *org.warnings}, plan.findings)
            return replace(self._write(org, plan, target, runtime), findings=found)

    def _checked(self, org: OrgConfig, plan: Plan) -> Plan:
        """Make sure that a saved plan still holds; its acknowledgements count only when they are given here."""
        from wrapctl.apply.refuse import unusable

        day = self.console.today(org.desired.policy.timezone)
        reason = unusable(plan, org=org.name, config_digest=org.desired.digest, today=day)
        if reason is not None:
            raise reason
        given = {one.token: one.reason for one in (*org.desired.allowances, *self.tokens)}
        findings = (replace(finding, accepted=given.get(finding.token)) for finding in plan.findings)
        return replace(plan, findings=tuple(findings))

    def _show(self, plan: Plan) -> None:
        from wrapctl.cli.failure import redacted
        from wrapctl.render import text

        if self.how == "text":
            told = text.plan(plan, width=self.console.width, colour=self.console.colour)
            self.console.out(redacted(told))

    def _write(self, org: OrgConfig, plan: Plan, target: Target, runtime: Runtime) -> Report:
        from wrapctl.apply.report import PlanIsStale
        from wrapctl.cli.kept import run_lock
        from wrapctl.cli.writing import Writing, new_run, nothing, write

        console = self.console
        run = new_run(console)
        if not plan.pending:
            return nothing(plan, run)
        if self.ask and not plan.refusals:
            self._ask(plan)
        lock = run_lock(console, org)
        if self.how == "text":
            console.err(f"{org.name}: the run lock keeps other applies out on {lock.reach}")
        how = Writing(run, lock, allowances=self.tokens, on_conflict=self.on_conflict)
        try:
            report = write(console, org, plan, target, runtime, how)
        except PlanIsStale as error:
            self.telling.apply(org, plan, error.report)
            raise
        self.telling.apply(org, plan, report)
        return report

    def _ask(self, plan: Plan) -> None:
        changes = len(plan.pending)
        question = f"Apply {changes:,} change{'' if changes == 1 else 's'} to {plan.org}?"
        self.console.room()
        with self.console.asking():
            agreed = click.confirm(question, err=True)
        if not agreed:
            raise WrapctlError("not applied: nothing was written")
