"""A plain endpoint without HTTP. A seed's row has a ``key`` and any other members."""

from __future__ import annotations

from wrapctl.sandbox.crm.http.rows import Keeper
from wrapctl.sandbox.crm.world import CrmWorld

PLATFORM = CrmWorld(Keeper())
