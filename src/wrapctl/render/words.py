"""The words for changes: marks, verbs, counts, causes. One place, so that all renderings speak alike."""

from __future__ import annotations

from urllib.parse import unquote

from wrapctl.apply.report import Entry
from wrapctl.model import Cause, Change, Lock, Verb
from wrapctl.render.parts import Name, Part, Said
from wrapctl.render.values import transition

FEW = 5
LINKS = (Verb.ASSIGN, Verb.UNASSIGN)
CODES = (Verb.CREATE_CODE, Verb.UPDATE_CODE, Verb.DEACTIVATE_CODE, Verb.DELETE_CODE)
DELETES = (Verb.DELETE_CODE, Verb.DEACTIVATE_CODE)
MARKS = {
    Verb.UPDATE_CODE: "~",
    Verb.CREATE_CODE: "+",
    Verb.ASSIGN: "+",
    Verb.REORDER: "~",
    Verb.SET_ACW: "~",
    Verb.SET_OUTBOUND: "~",
    Verb.CREATE_TABLE: "+",
    Verb.EXTEND_TABLE: "~",
    Verb.CREATE_ROW: "+",
    Verb.UPDATE_ROW: "~",
    Verb.UNASSIGN: "-",
    Verb.DEACTIVATE_ROW: "-",
    Verb.DELETE_ROW: "-",
    Verb.DEACTIVATE_CODE: "-",
    Verb.DELETE_CODE: "-",
}
DOES = {
    Verb.UPDATE_CODE: "update",
    Verb.CREATE_CODE: "create",
    Verb.ASSIGN: "assign",
    Verb.REORDER: "reorder",
    Verb.SET_ACW: "after-call work",
    Verb.SET_OUTBOUND: "outbound flags",
    Verb.CREATE_TABLE: "create table",
    Verb.EXTEND_TABLE: "extend table",
    Verb.CREATE_ROW: "create row",
    Verb.UPDATE_ROW: "update row",
    Verb.UNASSIGN: "take off",
    Verb.DEACTIVATE_ROW: "deactivate row",
    Verb.DELETE_ROW: "delete row",
    Verb.DEACTIVATE_CODE: "deactivate",
    Verb.DELETE_CODE: "delete",
}
COUNTED: dict[Verb, tuple[str, str]] = {
    Verb.CREATE_CODE: ("{} to create", ""),
    Verb.UPDATE_CODE: ("{} to update", ""),
    Verb.DEACTIVATE_CODE: ("{} to deactivate", ""),
    Verb.DELETE_CODE: ("{} to delete", ""),
    Verb.ASSIGN: ("{} assignment to add", "{} assignments to add"),
    Verb.UNASSIGN: ("{} to take off", ""),
    Verb.REORDER: ("{} queue to reorder", "{} queues to reorder"),
    Verb.SET_ACW: ("after-call work of {} queue", "after-call work of {} queues"),
    Verb.SET_OUTBOUND: ("outbound flags of {} code", "outbound flags of {} codes"),
    Verb.CREATE_TABLE: ("{} table to create", "{} tables to create"),
    Verb.EXTEND_TABLE: ("{} table to extend", "{} tables to extend"),
    Verb.CREATE_ROW: ("{} CRM row to create", "{} CRM rows to create"),
    Verb.UPDATE_ROW: ("{} CRM row to update", "{} CRM rows to update"),
    Verb.DEACTIVATE_ROW: ("{} CRM row to deactivate", "{} CRM rows to deactivate"),
    Verb.DELETE_ROW: ("{} CRM row to delete", "{} CRM rows to delete"),
}
RESOURCES = {
    "new codes": (Verb.CREATE_CODE,),
    "codes": (Verb.UPDATE_CODE, Verb.DEACTIVATE_CODE, Verb.DELETE_CODE),
    "queue assignments": (Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER),
    "after-call work": (Verb.SET_ACW,),
    "outbound flags": (Verb.SET_OUTBOUND,),
    "tables": (Verb.CREATE_TABLE, Verb.EXTEND_TABLE),
    "new rows": (Verb.CREATE_ROW,),
    "rows": (Verb.UPDATE_ROW, Verb.DEACTIVATE_ROW, Verb.DELETE_ROW),
}
LOCKS = {
    Lock.VERSION: "the server refuses a stale write by its version number",
    Lock.CONDITIONAL: "the server refuses a stale write",
    Lock.COMPARE: "read again right before the write; a short race window remains",
    Lock.UNIQUE: "the server refuses a second one of that name",
    Lock.SENT: "the endpoint shows nothing, so that nobody can tell what it holds",
}
CAUSES = {
    Cause.VALIDITY: "because of its validity dates",
    Cause.PRUNE: "undeclared, and the org says prune",
    Cause.EXACT: "not in the queue's exact list",
    Cause.LIVE: "changed on the platform",
}


def counted(counts: dict[Verb, int], verb: Verb) -> str:
    """How many changes of one verb, as a part of a sentence; nothing when there are none."""
    number = counts.get(verb, 0)
    one, many = COUNTED[verb]
    return (many if many and number != 1 else one).format(f"{number:,}") if number else ""


def what(change: Change) -> list[Part]:
    """``create "Sale Completed" (SALE_1)``; a link also says on which queue."""
    if change.renames:
        return ["rename ", *transition("name", change.before, change.after), *key(change)]
    if change.reactivates:
        return ["reactivate ", Name(change.label), *key(change)]
    if change.verb in LINKS:
        does, word = ("assign", "to") if change.verb is Verb.ASSIGN else ("take", "off")
        return [f"{does} ", *code_name(change), f" {word} ", Name(change.within)]
    if change.verb in {Verb.SET_ACW, Verb.SET_OUTBOUND, Verb.REORDER}:
        return [f"{DOES[change.verb]} of ", Name(change.label), *key(change)]
    return [f"{DOES[change.verb]} ", Name(change.label), *key(change)]


def code_name(change: Change | Entry) -> list[Part]:
    """``"Sale Completed" (SALE_1)``."""
    return [Name(change.label), *key(change)]


def key(change: Change | Entry) -> list[Part]:
    """The key of a code, as the files call it, in brackets; its id where they do not know it."""
    parts = change.address.split("/")
    if "code" not in parts[1:-1] or parts[1] == "crm":
        return []
    found = unquote(parts[len(parts) - parts[::-1].index("code")])
    if found == change.label:
        return []
    return [" (id ", Said(found[1:]), ")"] if found.startswith("~") else [" (", Said(found), ")"]
