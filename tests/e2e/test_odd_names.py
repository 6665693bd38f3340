"""Orgs made of nothing but odd names: imported they plan to nothing, applied they plan to nothing."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from front_door import APPLYING, Project
from wrapctl.apply.confirm import Patience

REAL = [
    "No", "Yes", "null", "~", "1", "0123", "12:30", "1e3", "0x1F", "1_000", "true", "2026-01-01", "01.Traité",
    "Sales Rep / Plant", "Répondeur_/_Non_réponse", "complément d'information demandé", "PNAV: First attempt",
    "ANSWERING_MACHINE", "Answering Machine", "answering machine", "😀", "👩‍👩‍👧 family", "trailing ", " leading",
    "two  spaces", "- dash", "# hash", "[list]", "{map}", "&anchor", "*alias", "!tag", "%percent", "@at", "`tick`",
    'quote"d', "quo'te", "back\\slash", "a/b", "a%2Fb", "..", "set:x", "~1", "Ünïcödé", "日本語", "العربية", "<b>bold</b>",
    "| pipe |", "key: value", "ends:", "?", "=", "<<", "|", ">", "\u00a0nbsp",
]  # fmt: skip
DECOMPOSED = [unicodedata.normalize("NFD", name) for name in REAL]
anything = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn")), min_size=1, max_size=40
).filter(lambda text: bool(text.strip()))
names = st.one_of(st.sampled_from(REAL), st.sampled_from(DECOMPOSED), anything).filter(
    lambda name: not name.upper().startswith("ININ-")
)


def declared(chosen: list[str]) -> str:
    return "\n".join(
        f"C{number:03}: {{name: {json.dumps(name, ensure_ascii=False)}}}"
        for number, name in enumerate(chosen)
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(names, min_size=1, max_size=12, unique=True),
    st.lists(names, min_size=1, max_size=3, unique=True),
)
def test_an_imported_org_plans_to_nothing(codes: list[str], queues: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        (project.root / "wrapups").mkdir()
        project.seed(
            {
                "name": "acme",
                "codes": [{"name": name, "description": name} for name in codes],
                "queues": [{"name": name, "codes": codes[: 1 + place]} for place, name in enumerate(queues)],
            }
        )
        before = project.state()
        done = project.run("import", "acme", "--endpoint", "sandbox")
        assert done.code == 0, done.err
        after = project.run("plan", "acme", "--exit-code", "--format", "json")
        assert after.code == 0, after.out
        assert after.data["changes"] == []
        assert project.state() == before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(names, min_size=1, max_size=12, unique=True), st.data())
def test_an_applied_org_plans_to_nothing(codes: list[str], data: st.DataObject) -> None:
    live = data.draw(st.lists(st.sampled_from(codes), unique=True))
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        project.org(
            text=APPLYING,
            codes=declared(codes),
            queues="q: {name: Q, codes: [" + ", ".join(f"C{n:03}" for n in range(len(codes))) + "]}",
        )
        project.seed({"name": "acme", "codes": [{"name": name} for name in live], "queues": [{"name": "Q"}]})
        done = project.run("apply", "acme", "--yes")
        assert done.code == 0, done.out + done.err
        assert project.names() == sorted(codes)
        assert project.offered("Q") == sorted(codes)
        assert project.run("plan", "acme", "--exit-code").code == 0


def test_waits_are_real_outside_of_tests() -> None:
    assert [Patience().before(look) for look in range(4)] == [0.0, 0.5, 1.0, 2.0]
