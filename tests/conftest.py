"""Tests meet the same surroundings on a desk and in CI; one that is about CI says so itself."""

from __future__ import annotations

import os

for _name in ("CI", "WRAPCTL_SECRETS", "WRAPCTL_ALLOW_COMMAND", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
    os.environ.pop(_name, None)
