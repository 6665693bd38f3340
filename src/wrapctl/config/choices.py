"""Words that files may choose from, over all platforms; which of them one platform knows is in its options."""

from __future__ import annotations

from typing import Literal

Prompt = Literal[
    "none",
    "optional",
    "mandatory",
    "mandatory-timeout",
    "mandatory-forced-timeout",
    "agent-requested",
    "automatic",
]
Flag = Literal[
    "business-failure",
    "business-neutral",
    "business-success",
    "contact-uncallable",
    "number-uncallable",
    "right-party-contact",
]
Media = Literal[
    "voice", "callback", "chat", "email", "message", "voicemail", "work-item", "sms", "social", "digital"
]
