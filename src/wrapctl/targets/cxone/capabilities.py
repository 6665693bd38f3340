"""What NICE CXone can hold and do. Plain data, importable without an HTTP library."""

from __future__ import annotations

from types import MappingProxyType

from wrapctl.model import Lock, Verb
from wrapctl.targets.interface import Capabilities, Fold

# All of a skill's links, their order and its after-call work are members of one body; it is read right before it
# is written, because there is no lock (contract section 5).
_SKILL = Fold("skill", scope="queue", requests=2)
# Where exactly a tenant's own pages have it is in no source: the instruction names the object, not the menu.
_WHERE = 'in the administration pages of the tenant, open the skill "{queue}" and its dispositions: '

CAPABILITIES = Capabilities(
    name="cxone",
    title="NICE CXone",
    code_fields=MappingProxyType(
        {
            "name": "disposition `dispositionName`, 1 to 50 characters",
            "description": "disposition `notes`, by a second write after a create",
            "classification": "disposition `classificationId`, by the classification's name",
            "preview": "disposition `isPreviewDisposition`",
            "active": "disposition `isActive`: nothing is deleted",
        }
    ),
    queue_fields=MappingProxyType(
        {
            "prompt": "skill `acwTypeId` with `requireDisposition`",
            "timeout_ms": "skill `maxSecondsACW`, in whole seconds",
            "state": "skill `stateIdACW`, by the unavailable code's name",
        }
    ),
    verbs=MappingProxyType(
        {
            Verb.UPDATE_CODE: Fold("disposition"),
            # How many one POST may hold is not documented; 50 is what a known client sends (section 3). The list is
            # read back for the ids.
            Verb.CREATE_CODE: Fold("dispositions", scope="org", size=50, requests=2),
            Verb.ASSIGN: _SKILL,
            Verb.REORDER: _SKILL,
            Verb.SET_ACW: _SKILL,
            Verb.UNASSIGN: _SKILL,
            Verb.DEACTIVATE_CODE: Fold("disposition"),
        }
    ),
    # No ETag, no version (section 4); whether names are unique is not known, so that creates are compared too.
    locks=MappingProxyType(
        {
            Verb.UPDATE_CODE: Lock.COMPARE,
            Verb.CREATE_CODE: Lock.COMPARE,
            Verb.ASSIGN: Lock.COMPARE,
            Verb.REORDER: Lock.COMPARE,
            Verb.SET_ACW: Lock.COMPARE,
            Verb.UNASSIGN: Lock.COMPARE,
            Verb.DEACTIVATE_CODE: Lock.COMPARE,
        }
    ),
    ordered_links=True,
    page=500,
    activation=True,
    behavioural=MappingProxyType(
        {"classification": "do-not-call lists, callbacks, amounts, and whether a contact is final"}
    ),
    later=MappingProxyType({"description": ""}),
    chosen=MappingProxyType(
        {"classification": "classification", "state": "unavailable code for after-call work"}
    ),
    manual=MappingProxyType(
        {
            Verb.ASSIGN: _WHERE + 'add the disposition "{code}" {place}',
            Verb.UNASSIGN: _WHERE + 'take off the disposition "{code}"',
            Verb.REORDER: _WHERE + "put its dispositions in this order: {order}",
        }
    ),
    manual_hint=(
        "this tenant answers success to assignments and does not carry them out: do these steps by hand, and write "
        "`cxone: {assignments: manual}` in org.yaml, so that they are listed and not tried again"
    ),
    name_max=50,
    links_with_queues=True,
    ids_per_request=1,
)
