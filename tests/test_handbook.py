"""The documents in docs/: every command is one that wrapctl has, every YAML example loads, every link leads somewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from command_lines import calls, parse
from front_door import Project
from wrapctl.cli.main import COMMANDS, cli
from wrapctl.errors import Exit
from wrapctl.targets import registry

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)

# What the examples stand in: an org that has the codes and queues that they speak of.
BASE: dict[str, Any] = {
    "wrapctl.yaml": {"kind": "Project", "categories": {"sales": {}}},
    "catalog/all.yaml": {
        "kind": "WrapUpCodes",
        "codes": {"COMPETITOR_CHOSEN": {"name": "Competitor Chosen"}},
    },
    "acme-emea/org.yaml": {
        "kind": "Org",
        "platform": "genesys",
        "region": "eu-central-1",
        "organization_id": "3c0f6a52-6d1c-4a76-9a36-0d0f2f0f2a11",
        "credentials": {"client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"}},
        "include": ["../catalog/all.yaml"],
        "connections": {name: {"endpoint": "sandbox"} for name in ("sf-prod", "hub", "d365")},
    },
    "acme-emea/codes.yaml": {
        "kind": "WrapUpCodes",
        "sets": {"every-sale": ["SALE"]},
        "codes": {
            "SALE": {"name": "Sale"},
            "NO_ANSWER": {"name": "No Answer"},
            "DEMO_BOOKED": {"name": "Demo Booked"},
        },
    },
    "acme-emea/queues.yaml": {
        "kind": "Queues",
        "queues": {
            "enterprise-sales": {"codes": ["SALE", "NO_ANSWER"]},
            "smb-sales": {"codes": ["SALE"]},
        },
    },
    "acme-test/org.yaml": {"kind": "Org", "platform": "genesys", "endpoint": "sandbox"},
    "acme-cxone/org.yaml": {
        "kind": "Org",
        "platform": "cxone",
        "endpoint": "sandbox",
    },
}


@dataclass(frozen=True)
class Example:
    """A YAML block: ``path`` as its first line has it; ``part`` when it stands within a file that has more."""

    doc: str
    path: str
    part: bool
    text: str

    def __str__(self) -> str:
        return f"{self.doc}: {self.path}: {' '.join(self.text.split())[:40]}"


def blocks(path: Path, *languages: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
        for indent, language, body in FENCE.findall(text)
        if language in languages
    ]


def examples() -> list[Example]:
    found = []
    for path in DOCS:
        for text in blocks(path, "yaml"):
            first = re.match(r"# (in )?(\S+\.yaml)\n", text)
            assert first is not None, f"{path.name}: a YAML example names its file in its first line:\n{text}"
            found.append(Example(path.name, first[2], bool(first[1]), text))
    return found


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_every_command_line_in_a_block_is_one_that_wrapctl_parses(path: Path) -> None:
    for block in blocks(path, "console"):
        for line in block.splitlines():
            assert line.startswith("$ "), "a block of commands holds commands alone"
            for words in calls(line[2:]):
                parse([word.replace("plan.json", __file__) for word in words])


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_every_command_that_is_spoken_of_exists_with_its_options(path: Path) -> None:
    prose = FENCE.sub("", path.read_text(encoding="utf-8"))
    for span in re.findall(r"`(wrapctl [a-z][^`]+)`", prose):
        words = span.split()
        if words[1] not in COMMANDS:
            pytest.fail(f"{path.name}: there is no {span}")
        exists(words)


def exists(words: list[str]) -> None:
    """Check command and options; arguments may be missing, as in ``wrapctl unlock``."""
    command: click.Command = cli
    rest = words[1:]
    context = click.Context(cli)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest.pop(0))
        assert found is not None, " ".join(words)
        command = found
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for word in rest:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{' '.join(words)}: no {word}"


@pytest.mark.parametrize("example", examples(), ids=str)
def test_every_yaml_example_is_valid_in_a_project(example: Example, tmp_path: Path) -> None:
    loaded = yaml.safe_load(example.text)
    assert loaded
    if not example.path.startswith("wrapups/"):
        assert example.path == ".pre-commit-config.yaml"
        return
    path = example.path.removeprefix("wrapups/")
    files: dict[str, str] = {name: yaml.safe_dump(data) for name, data in BASE.items()}
    if example.part:
        files[path] = yaml.safe_dump(laid_over(BASE[path], loaded))
    else:
        assert "kind" in loaded
        files[path] = example.text
    project = Project(tmp_path)
    for name, text in files.items():
        project.write(name, text)
    done = project.run("validate")
    assert done.code == 0, done.out + done.err


def laid_over(base: Any, part: Any) -> Any:
    if isinstance(base, dict) and isinstance(part, dict):
        return base | {key: laid_over(base.get(key), value) for key, value in part.items()}
    return part


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_every_link_leads_to_a_document(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).is_file(), target


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_every_table_has_as_many_cells_in_each_row(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    width = 0
    for line in text.splitlines():
        if not line.strip().startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert width in {0, cells}, line
        width = cells


def test_the_exit_codes_are_all_told() -> None:
    text = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    told = re.search(r"<!-- exit codes -->\n(.*?)<!-- /exit codes -->", text, re.DOTALL)
    assert told is not None
    assert re.findall(r"^\| (\d) \|", told[1], re.MULTILINE) == [str(int(code)) for code in Exit]


@pytest.mark.parametrize("kind", registry.crm_names())
def test_every_crm_says_its_options_and_where_fields_land(kind: str) -> None:
    text = (ROOT / "docs" / "crm.md").read_text(encoding="utf-8")
    assert f"| {kind} " in text or f" {kind} |" in text
    options = registry.crm_options(kind)
    for name in (*options.TARGET.model_fields, *options.CONNECTION.model_fields, *options.CREDENTIALS):
        assert f"`{name}`" in text or f"`{name}:" in text, f"{kind}: {name} is not in docs/crm.md"
