"""After-call work of NICE CXone: plain data, contract section 5 (``acwTypeId``, ``requireDisposition``).

That automatic wrap-up asks for no disposition is told by the vendor's help page "Post-Contact Work Overview".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from wrapctl.targets.desk import AfterContact, Desk

_ENDS = "the agent goes to the state that the skill names for it; no source says what is recorded in place of a code"

DESK: Final = Desk(
    prompts=MappingProxyType(
        {
            "none": AfterContact(offers=False, must="never", lasts="no after-call work"),
            "optional": AfterContact(
                offers=True, must="never", lasts="at most the timeout", timed=True, ends=_ENDS
            ),
            "mandatory": AfterContact(
                offers=True, must="always", lasts="at most the timeout", timed=True, ends=_ENDS
            ),
            "automatic": AfterContact(
                offers=False,
                must="never",
                lasts="the timeout, or until the agent goes on; no code is asked for",
                timed=True,
                ends="the agent becomes available, or goes to the state that the skill names for it",
            ),
        }
    ),
    order="in the order of the skill",
    skills="a queue is a skill here: a contact of another skill is offered that skill's codes",
    queues_are_skills=True,
)
