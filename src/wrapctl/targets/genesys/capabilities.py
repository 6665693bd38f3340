"""What Genesys Cloud can hold and do. Plain data, importable without an HTTP library."""

from __future__ import annotations

from types import MappingProxyType

from wrapctl.model import Lock, Verb
from wrapctl.targets.interface import Capabilities, Fold

CAPABILITIES = Capabilities(
    name="genesys",
    title="Genesys Cloud",
    code_fields=MappingProxyType(
        {
            "name": "wrap-up code `name`",
            "description": "wrap-up code `description`",
            "division": "wrap-up code `division` (`*`: all divisions)",
        }
    ),
    queue_fields=MappingProxyType(
        {
            "prompt": "queue `acwSettings.wrapupPrompt`",
            "timeout_ms": "queue `acwSettings.timeoutMs`",
        }
    ),
    verbs=MappingProxyType(
        {
            Verb.UPDATE_CODE: Fold("update code"),
            Verb.CREATE_CODE: Fold("create code"),
            # The operation's own title says at most 100 (contract section 6).
            Verb.ASSIGN: Fold("assign", scope="queue", size=100),
            # The queue is read right before it is written back, because the API has no lock and no PATCH.
            Verb.SET_ACW: Fold("set after-call work", requests=2),
            # One body holds all flags of the org, with one version.
            Verb.SET_OUTBOUND: Fold("set outbound flags", scope="org", requests=2),
            # There is no bulk removal (contract section 6).
            Verb.UNASSIGN: Fold("unassign"),
            Verb.DELETE_CODE: Fold("delete code"),
        }
    ),
    locks=MappingProxyType(
        {
            Verb.UPDATE_CODE: Lock.COMPARE,
            Verb.CREATE_CODE: Lock.UNIQUE,
            Verb.ASSIGN: Lock.COMPARE,
            Verb.SET_ACW: Lock.COMPARE,
            Verb.SET_OUTBOUND: Lock.VERSION,
            Verb.UNASSIGN: Lock.COMPARE,
            Verb.DELETE_CODE: Lock.COMPARE,
        }
    ),
    reserved=("ININ-*",),
    timed_out="ININ-WRAP-UP-TIMEOUT",
    ordered_links=False,
    divisions=True,
    outbound=True,
    page=500,
)
