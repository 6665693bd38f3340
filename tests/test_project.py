"""The rules of the layout, kept true: who may import what, what does no I/O, what the engine never learns."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "wrapctl"

HOMES = {
    "yaml": ("config/tree.py",),
    "httpx": ("http/",),
    "tenacity": ("http/",),
    "deepdiff": ("plan/diff.py",),
    "click": ("cli/",),
    "ruamel": ("config/edit.py",),
    "rich": ("render/", "cli/"),
    "flask": ("sandbox/",),
    "werkzeug": ("sandbox/",),
    "waitress": ("sandbox/",),
    "sqlite3": ("sandbox/",),
}
PURE = (
    "model.py",
    "policy.py",
    "plan/",
    "config/spec",
    "config/resolve.py",
    "config/check",
    "config/crm",
    "config/rules.py",
    "config/desire.py",
    "config/merge.py",
    "apply/settle",
    "apply/standing.py",
    "render/",
    "evidence/mapping.py",
    "evidence/simulate.py",
    "evidence/offering.py",
    "evidence/overlay.py",
    "evidence/expect.py",
    "evidence/history.py",
    "evidence/journalled.py",
    "evidence/tracing.py",
    "metrics.py",
    "notify/events.py",
    "notify/kinds.py",
    "notify/signature.py",
    "notify/template.py",
)
PURE_NAMES = ("convert.py", "options.py", "capabilities.py")
IMPURE_MODULES = {
    "os",
    "io",
    "sys",
    "time",
    "socket",
    "subprocess",
    "threading",
    "shutil",
    "tempfile",
    "random",
    "secrets",
    "uuid",
    "logging",
}
IMPURE_CALLS = {
    "open",
    "input",
    "print",
    "now",
    "today",
    "utcnow",
    "monotonic",
    "read_text",
    "write_text",
    "read_bytes",
    "write_bytes",
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def for_types_only(tree: ast.Module) -> ast.Module:
    """The same module without what stands under ``if TYPE_CHECKING``."""

    class Strip(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | None:
            if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                return None
            return self.generic_visit(node)

    stripped = Strip().visit(tree)
    assert isinstance(stripped, ast.Module)
    return stripped


def parse(path: Path) -> ast.Module:
    return for_types_only(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", modules(), ids=place)
def test_each_outside_package_stays_in_its_home(path: Path) -> None:
    for name in imports(parse(path)):
        homes = HOMES.get(name.partition(".")[0])
        assert homes is None or place(path).startswith(homes), f"{place(path)} imports {name}"


def pure_modules() -> list[Path]:
    return [path for path in modules() if place(path).startswith(PURE) or path.name in PURE_NAMES]


@pytest.mark.parametrize("path", pure_modules(), ids=place)
def test_the_pure_core_does_no_input_output_and_reads_no_clock(path: Path) -> None:
    tree = parse(path)
    assert not {name.partition(".")[0] for name in imports(tree)} & IMPURE_MODULES
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            target = node.func
            called.add(target.id if isinstance(target, ast.Name) else getattr(target, "attr", ""))
    assert not called & IMPURE_CALLS


@pytest.mark.parametrize("path", modules(), ids=place)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    if place(path) == "config/secrets.py":
        return
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
            assert not (isinstance(node.value, ast.Name) and node.value.id == "os"), place(path)


@pytest.mark.parametrize(
    "path", [path for path in modules() if place(path).startswith("sandbox/")], ids=place
)
def test_the_sandbox_shares_no_code_with_what_it_tests(path: Path) -> None:
    own = [name for name in imports(parse(path)) if name.startswith("wrapctl.")]
    assert all(name.startswith(("wrapctl.sandbox", "wrapctl.errors")) for name in own), own


def engine() -> list[Path]:
    return [
        path
        for path in modules()
        if place(path).startswith(
            (
                "plan/",
                "apply/",
                "model.py",
                "policy.py",
                "rows.py",
                "survey.py",
                "targets/assembled.py",
                "targets/interface.py",
            )
        )
    ]


@pytest.mark.parametrize("path", engine(), ids=place)
def test_the_engine_never_learns_a_vendors_name(path: Path) -> None:
    tree = parse(path)
    documented = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        words = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            words = node.value
        elif isinstance(node, ast.Name):
            words = node.id
        elif isinstance(node, ast.Attribute):
            words = node.attr
        assert not any(vendor in words.lower() for vendor in ("genesys", "cxone", "salesforce", "purecloud"))


def test_plan_never_makes_a_writer() -> None:
    for path in (PACKAGE / "survey.py", *sorted((PACKAGE / "plan").glob("*.py"))):
        assert "writer(" not in path.read_text(encoding="utf-8").lower(), place(path)


@pytest.mark.parametrize("path", modules(), ids=place)
def test_no_module_is_much_longer_than_a_person_reads(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450


EXCEPTION = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+|type: ignore\[[^\]]+\]|pragma: no cover)(.*)")


def test_every_exception_to_a_check_says_why() -> None:
    for path in [*modules(), *sorted((ROOT / "tests").rglob("*.py"))]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if (found := EXCEPTION.search(line)) and path.name != "test_project.py":
                reason = found[1].strip(" #()—-:;")
                assert len(reason) > 8, f"{place(path) if PACKAGE in path.parents else path.name}:{number}"


def test_the_locked_requirements_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run = (ROOT / "requirements" / "run.in").read_text(encoding="utf-8")
    asked = sorted(line for line in run.splitlines() if line and not line.startswith("#"))
    assert asked == sorted(project["dependencies"])


def test_no_locked_requirement_names_a_registry() -> None:
    for path in sorted((ROOT / "requirements").iterdir()):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "index-url" not in text


@pytest.mark.parametrize("name", ["pyproject.toml", "Makefile", "README.md", "CHANGELOG.md", ".ci/run"])
def test_nothing_names_the_machine_it_was_made_on(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "/home/" not in text
    assert "/root/" not in text
