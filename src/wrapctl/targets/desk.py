"""What an agent's desktop does after a contact, as plain data: one module ``desk`` in each platform's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from wrapctl.targets import registry

Must = Literal["always", "never", "on-request"]
"""Whether a code must be chosen; ``on-request``: once the agent has asked for after-call work."""


@dataclass(frozen=True, slots=True)
class AfterContact:
    """What one prompt does.

    ``offers``: the codes of the queue are shown. ``must``: whether one has to be chosen. ``lasts`` says in words how
    long it takes. ``timed``: it has a longest time. ``ends`` says what happens when that is over, ``recorded`` the
    platform's own word that then stands in place of a code, empty where none is known.
    """

    offers: bool
    must: Must
    lasts: str
    timed: bool = False
    ends: str = ""
    recorded: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """A platform's desktop: what each prompt does, the order of codes in words, what skills have to do with it.

    ``queues_are_skills``: a queue of the files is a skill of the platform, so that a contact's skill is its queue.
    """

    prompts: Mapping[str, AfterContact]
    order: str
    skills: str
    queues_are_skills: bool = False


def desk(platform: str) -> Desk:
    """Return the desktop of a platform.

    Raises:
        KeyError: this release does not know the platform.
    """
    if platform not in registry.names():
        raise KeyError(platform)
    found: Desk = import_module(f"wrapctl.targets.{platform}.desk").DESK
    return found
