"""After-call work of Genesys Cloud: plain data, contract sections 5 (reserved words), 6 and 7 (``acwSettings``).

What the time-out records is told by the vendor's help page "Configure after call work settings".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from wrapctl.targets.desk import AfterContact, Desk

TIMED_OUT: Final = "ININ-WRAP-UP-TIMEOUT"
_AVAILABLE = "the agent becomes available by itself; whoever has chosen nothing gets the platform's own code"

DESK: Final = Desk(
    prompts=MappingProxyType(
        {
            "optional": AfterContact(offers=True, must="never", lasts="no after-call work of its own"),
            "mandatory": AfterContact(
                offers=True,
                must="always",
                lasts="until the agent says that it is done; there is no longest time",
            ),
            "mandatory-timeout": AfterContact(
                offers=True,
                must="always",
                lasts="at most the timeout; whoever is done earlier may go on",
                timed=True,
                ends=_AVAILABLE,
                recorded=TIMED_OUT,
            ),
            "mandatory-forced-timeout": AfterContact(
                offers=True,
                must="always",
                lasts="the whole timeout; nobody may go on earlier",
                timed=True,
                ends=_AVAILABLE,
                recorded=TIMED_OUT,
            ),
            "agent-requested": AfterContact(
                offers=True,
                must="on-request",
                lasts="nothing, unless the agent asked for after-call work during the contact",
                timed=True,
                ends=_AVAILABLE,
                recorded=TIMED_OUT,
            ),
        }
    ),
    order="by name: the platform keeps no order",
    skills="skills choose the agent; which codes are offered depends on the queue alone",
)
