"""What is known of codes beside a plan's changes: how often they are used, and what else names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wrapctl.model import Change
from wrapctl.plan.evidence import About, PlanEvidence
from wrapctl.render.parts import Line, Name, Part, Said, count, line, some
from wrapctl.render.words import FEW, code_name
from wrapctl.targets.interface import Dependant, Use


def heads(evidence: PlanEvidence) -> Iterator[Line]:
    """Yield what the reader must know of the figures as a whole."""
    if evidence.no_usage:
        yield line("Usage is not known: ", Said(evidence.no_usage), mark="!")
    elif evidence.days:
        yield line(f"Usage is of the {count(evidence.days, 'day')} up to ", Said(evidence.until), ".")


def beside(change: Change, evidence: PlanEvidence) -> list[Line]:
    """Return what stands below the delete or rename of a code."""
    about = evidence.codes.get(change.live_id or "")
    if about is None:
        return []
    found = list(_used(about, evidence))
    # Ids outlive a rename: what is not known matters to who asked, what is known to everybody.
    asked = not change.renames or bool(evidence.days)
    if about.dependants is not None:
        known = about.dependants.known
        if known:
            found.append(line("named by ", *some([_named(one) for one in known], FEW), mark="!"))
        if asked and not about.dependants.complete:
            else_ = "else " if known else ""
            told = f"whether anything {else_}names it on the platform is not known: "
            found.append(line(told, Said(about.dependants.why), mark="?"))
        elif asked and not known:
            found.append(line("no flow or script is known to name it"))
    # On how many queues a code is that goes, its own line says.
    here = [one for one in about.here if one.kind != "queue" or change.renames]
    if here and asked:
        found.append(line("in what was read: ", *some([_named(one) for one in here], FEW)))
    return found


def taken_off(changes: Sequence[Change], evidence: PlanEvidence) -> list[Line]:
    """Return what stands below the codes that are taken off one queue: the most used first."""
    told = []
    for change in changes:
        about = evidence.codes.get(change.live_id or "")
        if about is not None and about.uses is not None:
            here = sum(use.conversations for use in about.uses if use.queue == change.parent)
            told.append((here, about.contacts - here, change))
    told.sort(key=lambda one: (-one[0], -one[1], one[2].label.casefold(), one[2].address))
    lines = [
        line(
            *code_name(change),
            f": {count(here, 'contact')} here in {count(evidence.days, 'day')}",
            f", {elsewhere:,} on other queues" if elsewhere else "",
        )
        for here, elsewhere, change in told[:FEW]
    ]
    return [*lines, line(f"and {len(told) - FEW:,} more")] if len(told) > FEW else lines


def _used(about: About, evidence: PlanEvidence) -> Iterator[Line]:
    if about.uses is None:
        return
    days = count(evidence.days, "day")
    if not about.contacts:
        yield line(f"not used in {days}")
        return
    most = sorted(about.uses, key=lambda use: (-use.conversations, use.queue))
    queues: list[list[Part]] = [
        [Name(evidence.queues.get(use.queue, use.queue or "no queue")), f" {use.conversations:,}"]
        for use in most
    ]
    yield line(
        f"used for {count(about.contacts, 'contact')} in {days}",
        f" ({times(about.uses)}): ",
        *some(queues, FEW),
        mark="!",
    )


def times(uses: Iterable[Use]) -> str:
    """``handled in 4:05, 0:31 of after-call work``: averages."""
    uses = tuple(uses)
    handled = average(sum(use.handle_ms for use in uses), sum(use.conversations for use in uses))
    worked = average(sum(use.acw_ms for use in uses), sum(use.worked for use in uses))
    said = [f"handled in {clock(handled)}" if handled is not None else ""]
    said.append(f"{clock(worked)} of after-call work" if worked is not None else "")
    return ", ".join(text for text in said if text) + " on average"


def average(total_ms: int, number: int) -> float | None:
    """Seconds on average, None of nothing."""
    return total_ms / number / 1000 if number else None


def clock(seconds: float | None) -> str:
    """``4:05``; ``1:00:00`` of an hour; a dash where there is nothing to tell."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _named(one: Dependant) -> list[Part]:
    detail: list[Part] = [" (", Said(one.detail), ")"] if one.detail else []
    return [Said(one.kind), " ", Name(one.name), *detail]
