"""New files as a person would have written them. Text out; every scalar reads back as exactly what went in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from wrapctl.config.schema import FILES, FOLDER
from wrapctl.config.values import flow

WIDTH = 100
Content: TypeAlias = str | Sequence[str] | Mapping[str, str]
Entry: TypeAlias = Mapping[str, Content]


def duration(milliseconds: int) -> str:
    """``45s``, ``5m``, ``1h``: the largest unit that says it without a fraction."""
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def header(kind: str, depth: int = 2) -> str:
    """The line that tells an editor which schema holds, and the kind."""
    return f"# yaml-language-server: $schema={'../' * depth}{FOLDER}/{FILES[kind]}\nkind: {kind}\n"


@dataclass(frozen=True, slots=True)
class OrgSettings:
    """What a new ``org.yaml`` says. ``credentials``: name → environment variable."""

    platform: str
    endpoint: str = ""
    region: str = ""
    organization_id: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict)


def org_file(settings: OrgSettings, *, codes_per_queue: int | None = None) -> str:
    """Return an ``org.yaml`` in observe mode."""
    lines = [
        header("Org").rstrip("\n"),
        f"platform: {flow(settings.platform)}",
    ]
    lines += [f"region: {flow(settings.region)}"] if settings.region else []
    lines += [f"endpoint: {flow(settings.endpoint)}"] if settings.endpoint else []
    if settings.organization_id:
        pin = flow(settings.organization_id)
        lines.append(f"organization_id: {pin}   # credentials that open another org are refused")
    if settings.credentials:
        lines.append("credentials:                # references only; a literal secret is an error")
        lines += [f"  {name}: {{env: {variable}}}" for name, variable in settings.credentials.items()]
    lines += [
        "timezone: UTC               # of validity days and change windows",
        "",
        "manage:",
        "  mode: observe             # plan works, apply is refused; write `apply` when the plan is right",
        "  unmanaged: report         # live codes that no file declares are listed and left alone",
    ]
    if codes_per_queue is not None:
        lines += ["", "limits:", f"  codes_per_queue: {codes_per_queue}"]
    return "\n".join(lines) + "\n"


def codes_file(codes: Mapping[str, Entry]) -> str:
    """Return a ``codes.yaml``; ``codes`` is key → fields in the order in which they are to stand."""
    if not codes:
        return f"{header('WrapUpCodes')}\ncodes: {{}}\n"
    blocks = ["\n".join([f"  {flow(key)}:", *_fields(fields)]) for key, fields in codes.items()]
    return f"{header('WrapUpCodes')}\ncodes:\n" + "\n".join(blocks) + "\n"


def queues_file(queues: Mapping[str, Entry], sets: Mapping[str, Sequence[str]]) -> str:
    """Return a ``queues.yaml``."""
    text = header("Queues")
    if sets:
        text += "\nsets:\n" + "".join(f"{_list(flow(name), items, 2)}\n" for name, items in sets.items())
    if not queues:
        return f"{text}\nqueues: {{}}\n"
    blocks = ["\n".join([f"  {flow(label)}:", *_fields(fields)]) for label, fields in queues.items()]
    return f"{text}\nqueues:\n" + "\n".join(blocks) + "\n"


def _fields(fields: Entry) -> Iterable[str]:
    for name, value in fields.items():
        if isinstance(value, str):
            yield f"    {name}: {flow(value)}"
        elif isinstance(value, Mapping):
            inner = ", ".join(f"{key}: {flow(text)}" for key, text in value.items())
            yield f"    {name}: {{{inner}}}"
        else:
            yield _list(name, value, 4)


def _list(name: str, items: Sequence[str], indent: int) -> str:
    """A list on one line where it fits, else one item per line."""
    line = f"{' ' * indent}{name}: [{', '.join(flow(item) for item in items)}]"
    if len(line) <= WIDTH:
        return line
    inner = " " * (indent + 2)
    return "\n".join([f"{' ' * indent}{name}:", *(f"{inner}- {flow(item)}" for item in items)])
