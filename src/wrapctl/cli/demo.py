"""``wrapctl demo``: the whole story on an embedded sandbox, told with the very commands that everybody uses."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapctl.cli.console import STATE, Console, options
from wrapctl.errors import Exit, UsageError, WrapctlError

if TYPE_CHECKING:
    from wrapctl.sandbox import Sandbox

ORGS = ("acme-emea", "acme-us", "acme-cxone")
STAR, _, OTHER = ORGS
SALESFORCE = f"{STAR}.sf-prod"
THEIRS = "Kept by the sales team"
_RULE = "─" * 100


@click.command("demo")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Play it in DIR, and leave it there.",
)
@options
def command(console: Console, *, keep: Path | None) -> Exit:
    """Tell the whole story on an embedded sandbox: validate, plan, apply, plan again; then trouble, survived."""
    with _stage(keep) as root:
        shutil.copytree(shipped(), root / "wrapups")
        _Story(console, root).tell()
        if keep is not None:
            console.out(
                f"\nIt all stays in {keep}: change into it and go on, for example with `wrapctl plan`.\n"
            )
    return Exit.OK


def shipped() -> Path:
    """Return the example project that comes with wrapctl: beside the code in a checkout, inside it elsewhere.

    Raises:
        WrapctlError: this installation has none.
    """
    import wrapctl

    package = Path(wrapctl.__file__).parent
    for folder in (package.parents[1] / "wrapups", package / "examples" / "wrapups"):
        if all((folder / org / "org.yaml").is_file() for org in ORGS):
            return folder
    raise WrapctlError(
        "this installation came without the example project", hint="run the demo in a checkout"
    )


@contextlib.contextmanager
def _stage(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="wrapctl-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty", hint="the demo plays in a folder of its own")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep


class _Story:
    """Tells each step, runs it, and makes sure that what was told is what happened."""

    def __init__(self, console: Console, root: Path) -> None:
        self._console = console
        self._root = root
        # In CI a sandbox has to be asked for; here it is what the demo is about.
        self._sandbox = ["--sandbox"] if console.ci else []
        self._step = 0

    def tell(self) -> None:
        """All steps."""
        say = self._say
        say(
            "Three contact centres on Genesys Cloud and NICE CXone, described in YAML with one catalog between them, "
            "and an embedded emulation of both platforms as they are today. Beside them: what each code is called in "
            "Salesforce, in ServiceNow, and in a data table that Architect flows look up."
        )
        self._run(["sandbox", "reset", *ORGS])
        self._somebody_elses_row()
        say("The files are checked offline: everything that is wrong at once, with file, line and column.")
        self._run(["validate"], holds=f"{len(ORGS)} orgs valid", show=_last_line)
        say(
            "What would change? Reads the platform and writes nothing; exit code 3 says that changes are pending."
        )
        self._run(["plan", STAR, "--exit-code", *self._sandbox], code=Exit.PENDING, holds="SANDBOX")
        say("The same catalog on the other vendor: dispositions and skills, in the order that agents see.")
        self._run(
            ["plan", OTHER, "--exit-code", *self._sandbox],
            code=Exit.PENDING,
            holds="reactivate",
            show=_without("Warnings", "Not managed"),
        )
        say("What is each code called in the CRM? The mapping as a person reads it, offline.")
        self._run(["crm", "check", "acme-us"], holds="Incident opened")
        say(
            "Apply all orgs: under a lock, each object compared right before its write, and read back after it."
        )
        self._run(["apply", "--all", "--yes", *self._sandbox], holds=f"{STAR}: applied", show=_reports)
        say("Plan again. What was wanted is live.")
        self._run(
            ["plan", "--exit-code", *self._sandbox],
            holds=f"No changes. {STAR} is in sync",
            show=_without("Warnings", "Not managed", "Blocked"),
        )
        self._trouble()
        self._crm_trouble()
        say("Every write was announced in a journal, chained by hash.")
        self._run(["journal", "verify"], holds=f"{STAR}: 3 runs, the chain is whole")
        say("That was all of it: files, plan, apply, no changes; and nobody's edit was overwritten unseen.")

    def _trouble(self) -> None:
        say = self._say
        code = self._code()
        say(f'Somebody changes the description of "{code}" in the platform\'s own UI.')
        self._edit(code, "Changed by hand")
        say("The next plan shows it, and is saved for review.")
        saved = self._root / "plan.json"
        self._run(
            ["plan", STAR, "--out", str(saved), "--exit-code", *self._sandbox],
            code=Exit.PENDING,
            holds='"Changed by hand" →',
            show=_without("Warnings", "Not managed", "Blocked"),
        )
        say("Before it is applied, somebody changes the same description again.")
        self._edit(code, "Changed by hand once more")
        before = self._state()
        say(
            "A saved plan writes what was reviewed or nothing: refused as stale, with the three values, exit code 4."
        )
        self._run(
            ["apply", "--plan", str(saved), "--yes", *self._sandbox],
            code=Exit.REFUSED,
            holds='planned from "Changed by hand", live now "Changed by hand once more", wanted',
            show=_reports,
        )
        if self._state() != before:
            raise _wrong("a refused apply wrote something")
        say("A new plan of what is live now is applied, and the org is in sync again.")
        self._run(["apply", STAR, "--yes", *self._sandbox], holds=f"{STAR}: applied", show=_reports)
        self._run(
            ["plan", STAR, "--exit-code", *self._sandbox],
            holds=f"No changes. {STAR} is in sync",
            show=_without("Warnings", "Not managed", "Blocked"),
        )

    def _crm_trouble(self) -> None:
        say = self._say
        say(
            "A CRM drifts as well: somebody changes a row in Salesforce. Its lock is the server's: a write that is "
            "older than the row is refused by it."
        )
        self._edit_crm(
            {"op": "edit-row", "row": f"{STAR}/salesforce/to/SOLVED", "set": {"Value__c": "By hand"}}
        )
        saved = self._root / "crm.json"
        self._run(
            ["plan", STAR, "--out", str(saved), "--exit-code", *self._sandbox],
            code=Exit.PENDING,
            holds='value: "By hand" → "SOLVED"',
            show=_without("Warnings", "Not managed", "Blocked"),
        )
        say(
            "Salesforce no longer takes the login. Its rows are not read, which is not the same as empty; the platform "
            "goes on."
        )
        with self._platform() as sandbox:
            sandbox.add_fault("status", org=SALESFORCE, path="oauth2/token", status=400)
        self._run(
            ["plan", STAR, "--exit-code", *self._sandbox],
            code=Exit.PARTIAL,
            holds="Not read: salesforce",
            show=_without("Warnings", "Not managed", "Blocked"),
        )
        with self._platform() as sandbox:
            sandbox.clear_faults()
        say("The login is back, and the plan that was saved before is written.")
        self._run(
            ["apply", "--plan", str(saved), "--yes", *self._sandbox], holds=f"{STAR}: applied", show=_reports
        )
        self._run(
            ["plan", STAR, "--exit-code", *self._sandbox],
            holds=f"No changes. {STAR} is in sync",
            show=_without("Warnings", "Not managed", "Blocked"),
        )
        with self._platform() as sandbox:
            rows = sandbox.state(SALESFORCE)["rows"].values()
        if not any(row.get("Value__c") == THEIRS for row in rows):
            raise _wrong("a row that is not wrapctl's was touched")
        say("The row that somebody else keeps in the same object is still there, as it was.")

    # ── the means ──────────────────────────────────────────────────────────────────────────────────────────

    def _say(self, words: str) -> None:
        self._step += 1
        self._console.out(f"\n{_RULE}\n{self._step}. {words}\n")

    def _run(
        self,
        arguments: Sequence[str],
        *,
        code: Exit = Exit.OK,
        holds: str = "",
        show: Callable[[str], str] | None = None,
    ) -> None:
        """Run one command as the console script does, and print what it prints."""
        from wrapctl.cli.main import cli

        typed = " ".join(
            str(Path(word).name) if word.startswith(str(self._root)) else word for word in arguments
        )
        self._console.out(f"\n$ wrapctl {typed}\n")
        heard = io.StringIO()
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
            ended = _exit_code(
                lambda: cli.main([*arguments, "--project", str(self._root)], prog_name="wrapctl")
            )
        told = heard.getvalue()
        self._console.out(show(told) if show is not None else told)
        if ended != code:
            raise _wrong(f"`wrapctl {typed}` ended with {ended} instead of {int(code)}\n{told}")
        if holds and holds not in " ".join(told.split()):
            raise _wrong(f"`wrapctl {typed}` did not say: {holds}")

    def _platform(self) -> Sandbox:
        from wrapctl.sandbox import Sandbox

        return Sandbox(self._root / STATE / "sandbox")

    def _edit_crm(self, edit: dict[str, object]) -> None:
        with self._platform() as sandbox:
            sandbox.edit(SALESFORCE, edit)

    def _somebody_elses_row(self) -> None:
        """Salesforce holds a row already, made by hand in the object that wrapctl keeps its own in."""
        with self._platform() as sandbox:
            row = {"object": "Wrap_Up_Mapping__c", "Mapping_Key__c": "by-hand", "Value__c": THEIRS}
            sandbox.seed_org({"name": SALESFORCE, "platform": "salesforce", "rows": [row]})

    def _edit(self, code: str, description: str) -> None:
        with self._platform() as sandbox:
            sandbox.edit(STAR, {"op": "update_code", "code": code, "set": {"description": description}})

    def _state(self) -> str:
        with self._platform() as sandbox:
            return json.dumps(sandbox.state(STAR), sort_keys=True)

    def _code(self) -> str:
        """A code whose description the files declare and that is live as they want it."""
        from wrapctl.config.project import load

        with self._platform() as sandbox:
            live = {str(body["name"]) for body in sandbox.state(STAR)["codes"].values()}
        for code in load(self._root, orgs=[STAR]).orgs[STAR].desired.codes:
            if not code.absent and code.name in live and code.fields.get("description"):
                return code.name
        raise _wrong("no code of the example has a description")


def _exit_code(call: Callable[[], object]) -> int:
    try:
        call()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(Exit.ERROR)
    return int(Exit.OK)


def _last_line(told: str) -> str:
    """What a command said in the end; the warnings before it are there when it is run by hand."""
    return told.strip().splitlines()[-1]


def _reports(told: str) -> str:
    """What an apply did, without the plans that it showed before; each report starts a paragraph of its own."""
    shown: list[str] = []
    reporting = False
    for paragraph in told.split("\n\n"):
        words = paragraph.lstrip("\n")
        if words.startswith("SANDBOX:"):
            reporting = False
        elif "\nRun " in words:
            reporting = True
        if reporting:
            shown.append(words.partition("\nSANDBOX:")[0])
            reporting = "\nSANDBOX:" not in words
    return "(the plan is shown again here)\n\n" + "\n\n".join(shown).rstrip() + "\n"


def _without(*titles: str) -> Callable[[str], str]:
    """All but the sections of these titles, and but the footer, to keep the story short."""

    def cut(told: str) -> str:
        paragraphs = (paragraph.strip("\n") for paragraph in told.split("\n\n"))
        return "\n\n".join(one for one in paragraphs if not one.startswith((*titles, "Apply\n"))) + "\n"

    return cut


def _wrong(words: str) -> WrapctlError:
    return WrapctlError(f"the demo did not go as it is told: {words}", hint="this is a defect of wrapctl")
