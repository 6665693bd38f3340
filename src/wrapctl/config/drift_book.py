"""The files of one org, open for a few edits: each value goes where its entry stands, or into a file of its own.

Texts in, texts out; nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from wrapctl.config import write
from wrapctl.config.edit import File, Tree
from wrapctl.config.files import HOME

_FILES = {"codes": "codes.yaml", "queues": "queues.yaml"}


class CannotTake(Exception):
    """Something that is live cannot be written down; the text says why, and what to do."""


class Book:
    """The org's own files by path. What only a catalog says is overridden here, never there."""

    def __init__(self, org: str, texts: Mapping[str, str]) -> None:
        self._org = org
        self._before = dict(texts)
        self.files = {path: File(text) for path, text in texts.items()}
        self._new: dict[str, dict[str, dict[str, Tree]]] = {}

    def home(self, section: str, key: str) -> str | None:
        """Return the file in which an entry stands, None where none of the org's own has it."""
        return next((path for path, file in self.files.items() if file.has(section, key)), None)

    def put(self, content: Tree, section: str, key: str, *path: str) -> None:
        """Say something of an entry: where it stands, else in the file of its section, else in a new one."""
        home = self.home(section, key)
        if home is None:
            home = next((one for one, file in self.files.items() if file.has(section)), None)
        if home is None and (name := f"{HOME}/{self._org}/{_FILES[section]}") in self.files:
            home = name
        if home is not None:
            self.files[home].put(content, section, key, *path)
            return
        entry = self._new.setdefault(section, {}).setdefault(key, {})
        for part in path[:-1]:
            entry = cast("dict[str, Tree]", entry.setdefault(part, {}))
        entry[path[-1]] = content

    def drop(self, section: str, key: str, *path: str) -> bool:
        """Take something out; False where none of the org's own files says it."""
        home = self.home(section, key)
        if home is None or not self.files[home].has(section, key, *path):
            return False
        self.files[home].drop(section, key, *path)
        return True

    def texts(self) -> dict[str, str]:
        """Return path → text of every file that is new or differs."""
        made: dict[str, str] = {}
        for section, entries in self._new.items():
            told = cast("Mapping[str, write.Entry]", entries)
            text = write.codes_file(told) if section == "codes" else write.queues_file(told, {})
            made[f"{HOME}/{self._org}/{_FILES[section]}"] = text
        changed = {path: file.text for path, file in self.files.items() if file.text != self._before[path]}
        return {**made, **changed}
