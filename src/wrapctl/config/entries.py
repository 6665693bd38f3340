"""What an import writes of one live code or queue, in the words of files. Pure."""

from __future__ import annotations

from wrapctl.config import write
from wrapctl.config.values import Wrong, quoted, to_name, to_text
from wrapctl.config.vendor import Vendor
from wrapctl.model import Live, LiveCode, LiveQueue

Entry = dict[str, write.Content]


def code_entry(vendor: Vendor, live: Live, code: LiveCode, notes: list[str]) -> Entry:
    """Return what a file says of a live code; what it cannot say goes to ``notes``."""
    entry: Entry = {"name": code.name}
    for name in ("description", "division"):
        value = code.fields.get(name)
        if name in vendor.capabilities.code_fields and isinstance(value, str) and value:
            try:
                (to_text if name == "description" else to_name)(value)
            except Wrong as wrong:
                notes.append(f"{quoted(code.name)}: `{name}` is not managed: {wrong}")
            else:
                entry[name] = value
    outbound = flags_of(vendor, live, code)
    if outbound is not None and set(outbound) != set(live.outbound_default):
        entry["outbound"] = list(outbound)
    if options := vendor.code_entry(code.fields):
        entry[vendor.name] = dict(options)
    return entry


def flags_of(vendor: Vendor, live: Live, code: LiveCode) -> tuple[str, ...] | None:
    """Return a code's outbound flags, None where there are none to manage."""
    if live.outbound is None or not vendor.capabilities.outbound:
        return None
    found = tuple(sorted(live.outbound.get(code.id, live.outbound_default)))
    return found if not vendor.flags or set(found) <= set(vendor.flags) else None


def work_of(vendor: Vendor, live: LiveQueue) -> dict[str, str]:
    """Return a queue's after-call work as files say it; empty when wrapctl has no words for it."""
    prompt, timeout = live.after_call_work.get("prompt"), live.after_call_work.get("timeout_ms")
    if not isinstance(prompt, str) or prompt not in vendor.prompts:
        return {}
    said = {"prompt": prompt}
    low, high = vendor.timeout_ms
    if prompt in vendor.timed_prompts and isinstance(timeout, int) and low <= timeout <= high:
        said["timeout"] = write.duration(timeout)
    state = live.after_call_work.get("state")
    if prompt in vendor.timed_prompts and isinstance(state, str):
        said["state"] = state
    return said
