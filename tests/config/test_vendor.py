"""What a platform cannot hold is an error where it is written; its own options are checked by its own models."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from project_files import ORG, acme, load, problems
from world import CXONE_LIKE, GENESYS_LIKE
from wrapctl.config import vendor as home
from wrapctl.config.vendor import Vendor


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    colour: str


def speak(monkeypatch: pytest.MonkeyPatch, words: Vendor) -> None:
    monkeypatch.setattr(home, "vendor", lambda _: words)


def test_fields_that_the_platform_lacks_are_errors_with_their_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(monkeypatch, Vendor("likecxone", CXONE_LIKE, {}, prompts=("optional",)))
    codes = "kind: WrapUpCodes\ncodes:\n  A: {name: A, description: x, division: Sales, outbound: []}\n"
    queues = "kind: Queues\nqueues:\n  q: {after_call_work: {prompt: mandatory}}\n"
    assert problems(acme(tmp_path, codes=codes, queues=queues)) == [
        (
            "codes.yaml:3:32: error: A: Like CXone has no `division` on wrap-up codes "
            "(remove it here (`null` where it is inherited))"
        ),
        (
            "codes.yaml:3:49: error: A: Like CXone has no `outbound` on wrap-up codes "
            "(remove it here (`null` where it is inherited))"
        ),
        "queues.yaml:3:33: error: q: Like CXone has no prompt `mandatory`",
    ]


def test_a_platforms_own_options_are_checked_by_its_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(monkeypatch, Vendor("genesys", GENESYS_LIKE, {}, org=Options, code=Options, queue=Options))
    codes = "kind: WrapUpCodes\ncodes:\n  A: {name: A, genesys: {color: red}}\n"
    root = acme(tmp_path, org=ORG + "genesys: {colour: red}\n", codes=codes)
    assert problems(root) == [
        "codes.yaml:3:16: error: `colour` is missing",
        "codes.yaml:3:26: error: unknown key `color` (did you mean `colour`?)",
    ]
    acme(root, org=ORG + "genesys: {colour: red}\n", codes=codes.replace("color:", "colour:"))
    assert load(root).options == {"colour": "red"}
