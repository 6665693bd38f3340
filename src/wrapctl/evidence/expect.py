"""Hold what an agent is offered against what somebody expects: unit tests for dispositions. Pure.

A failure is a ``Problem`` at the assertion that does not hold; its hint says where the files decide otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from wrapctl.config.expectations import Expected
from wrapctl.config.spec_expect import NOTHING
from wrapctl.config.values import quoted
from wrapctl.errors import Problem, Source
from wrapctl.evidence.offering import State, System, Value
from wrapctl.evidence.simulate import Desktop, answer, seconds

Failures = Iterator[Problem]
Simulated = Callable[[State, str, str], Desktop | None]
"""State, label or name of a queue, media type → what its agents are offered; None: there is no such queue."""

_DEFAULT: Final = "default"


def failures(expected: Expected, state: State, simulated: Simulated) -> Failures:
    """Yield what of one expectation does not hold in ``state``."""
    spec = expected.spec
    desktop = simulated(state, spec.queue, spec.media or "")
    if desktop is None:
        names = [text for one in state.queues for text in (one.label, one.name) if text]
        near = get_close_matches(spec.queue, names, n=1)
        hint = f"the nearest is {quoted(near[0])}" if near else ""
        yield Problem(expected.at("queue"), f"{state.org} has no queue {quoted(spec.queue)}", hint)
        return
    case = _Case(expected, desktop)
    yield from case.offers()
    yield from case.work()
    yield from case.records()
    yield from case.back()
    yield from case.troubles()


class _Case:
    """One expectation beside what is offered."""

    def __init__(self, expected: Expected, desktop: Desktop) -> None:
        self._expected = expected
        self._spec = expected.spec
        self._desktop = desktop
        self._state = desktop.state
        self._place = desktop.place
        self._queue = desktop.place.label or desktop.place.name

    def _fails(self, path: Sequence[str | int], message: str, decided: Source | None = None) -> Problem:
        word = "the files say it at" if self._state.origin == "live" else "decided at"
        hint = f"{word} {decided}" if decided is not None else ""
        return Problem(self._expected.at(*path), f"{self._queue}: {message}", hint)

    # ── what is offered ────────────────────────────────────────────────────────────────────────────────────

    def offers(self) -> Failures:
        spec, desktop = self._spec, self._desktop
        asserted = [("offers", spec.offers), ("offers_exactly", spec.offers_exactly), ("not", spec.not_)]
        wanted = [(name, codes) for name, codes in asserted if codes is not None]
        if desktop.codes is None:
            named = [name for name, _ in wanted] + (["first"] if spec.first is not None else [])
            for name in named:
                yield self._fails((name,), f"which codes are offered is not known: {self._place.unknown}")
            return
        for name, codes in wanted:
            for number, code in enumerate(codes):
                yield from self._offered(name, number, code)
        if spec.offers_exactly is not None:
            yield from self._exactly(spec.offers_exactly)
        if spec.first is not None:
            yield from self._first(spec.first)

    def _offered(self, name: str, number: int, code: str) -> Failures:
        ident = self._state.ident(code)
        if name == "not":
            if self._desktop.offers(ident):
                yield self._fails((name, number), f"{code} is offered", self._place.sources.get("codes"))
        elif not self._desktop.offers(ident):
            why, decided = self._missing(ident)
            yield self._fails((name, number), f"{code} is not offered{why}", decided)

    def _missing(self, ident: str) -> tuple[str, Source | None]:
        """Why a code is not offered, and where the files decide that."""
        choice = self._state.choices.get(ident)
        if choice is None:
            where = "in these files" if self._state.origin == "files" else "live"
            return f": there is no such code {where}", self._place.sources.get("codes")
        if ident in self._place.lapsed:
            return f": it is outside its dates on {self._state.as_of}", choice.source
        if ident in self._desktop.unasked:
            return f": the prompt {self._place.prompt} asks for none", self._place.sources.get("prompt")
        if not choice.active:
            return ": it is inactive", choice.source
        return "", self._place.sources.get("codes")

    def _exactly(self, codes: Sequence[str]) -> Failures:
        wanted = [self._state.ident(code) for code in codes]
        have = [one.choice.ident for one in self._desktop.codes or ()]
        decided = self._place.sources.get("codes")
        path = ("offers_exactly",)
        for ident in have:
            if ident not in wanted:
                yield self._fails(path, f"{self._name(ident)} is offered as well", decided)
        if self._place.more:
            yield self._fails(path, "the list is `additive`, so that others may be offered as well", decided)
        elif self._desktop.ordered and sorted(wanted) == sorted(have) and wanted != have:
            order = ", ".join(self._name(one) for one in have)
            yield self._fails(path, f"the order is {order}", decided)

    def _name(self, ident: str) -> str:
        choice = self._state.choices.get(ident)
        return ident if choice is None or not ident.startswith("~") else quoted(choice.name)

    def _first(self, code: str) -> Failures:
        have = self._desktop.codes or ()
        if not have:
            yield self._fails(("first",), "no code is offered", self._place.sources.get("codes"))
        elif have[0].choice.ident != self._state.ident(code):
            found = self._name(have[0].choice.ident)
            yield self._fails(("first",), f"{found} stands first", self._place.sources.get("codes"))

    # ── after-call work ────────────────────────────────────────────────────────────────────────────────────

    def work(self) -> Failures:
        spec, place, sources = self._spec, self._place, self._place.sources
        if spec.prompt is not None and spec.prompt != place.prompt:
            is_now = place.prompt if place.prompt is not None else "not known"
            yield self._fails(("prompt",), f"the prompt is {is_now}", sources.get("prompt"))
        if spec.must_choose is not None:
            must = self._desktop.after.must if self._desktop.after is not None else "not known"
            if spec.must_choose != must:
                yield self._fails(
                    ("must_choose",), f"whether a code must be chosen: {must}", sources.get("prompt")
                )
        if spec.timeout is not None and spec.timeout != place.timeout_ms:
            time = seconds(place.timeout_ms) if place.timeout_ms is not None else "not known"
            yield self._fails(("timeout",), f"the timeout is {time}", sources.get("timeout"))
        if spec.media is not None:
            if place.media is None:
                yield self._fails(
                    ("media",), f"whether it serves {spec.media} is not known", sources.get("media")
                )
            elif spec.media not in place.media:
                serves = ", ".join(place.media) or "nothing"
                yield self._fails(("media",), f"it serves {serves}", sources.get("media"))

    # ── the CRM ────────────────────────────────────────────────────────────────────────────────────────────

    def _system(self, name: str, *path: str | int) -> System | Problem:
        system = next((one for one in self._state.systems if one.name == name), None)
        if system is None:
            return Problem(
                self._expected.at(*path, key=path[0] != "cases"),
                f"{self._queue}: {self._state.org} has no mapping of {quoted(name)}",
            )
        if system.unknown and not (system.values or system.rest or system.rules):
            return self._fails(path, f"{name} is not known: {system.unknown}", system.source)
        return system

    def records(self) -> Failures:
        for name, codes in (self._spec.crm or {}).items():
            system = self._system(name, "crm", name)
            if isinstance(system, Problem):
                yield system
                continue
            for code, wanted in codes.items():
                value = self._recorded(system, code)
                text = value.text if value is not None else None
                if text != wanted and not (text is None and wanted == NOTHING):
                    records = quoted(text) if text is not None else "nothing"
                    decided = value.source if value is not None else system.source
                    yield self._fails(("crm", name, code), f"{name} records {records} for {code}", decided)

    def _recorded(self, system: System, code: str) -> Value | None:
        if code == _DEFAULT:
            return system.rest
        ident = self._state.ident(code)
        # What does not exist is recorded nowhere, whatever the rest is called.
        return system.value(ident) if ident in self._state.choices else None

    def back(self) -> Failures:
        for name, statuses in (self._spec.leads_back or {}).items():
            system = self._system(name, "leads_back", name)
            if isinstance(system, Problem):
                yield system
                continue
            for status, code in statuses.items():
                yield from self._leads(system, {"status": status}, code, ("leads_back", name, status))
        for number, one in enumerate(self._spec.cases or ()):
            system = self._system(one.system, "cases", number, "system")
            if isinstance(system, Problem):
                yield system
            else:
                yield from self._leads(system, one.facts, one.code, ("cases", number, "code"))

    def _leads(
        self, system: System, facts: dict[str, str], wanted: str, path: Sequence[str | int]
    ) -> Failures:
        code, row = answer(system, facts)
        if code == self._state.ident(wanted) or (code is None and wanted == NOTHING):
            return
        case = " and ".join(f"{name} = {value}" for name, value in sorted(facts.items()))
        decided = system.sources.get(str(row.get("key"))) if row is not None else system.source
        yield self._fails(path, f"{system.name} leads {case} back to {code or 'no code'}", decided)

    def troubles(self) -> Failures:
        if self._spec.no_problems:
            for one in self._desktop.troubles:
                yield self._fails(("no_problems",), one.text, one.source)
