"""A Dataverse environment without HTTP. A seed's row has the columns of ``msdyn_ocdispositioncode``, ``ismanaged`` too."""

from __future__ import annotations

from wrapctl.sandbox.crm.dataverse.table import Keeper
from wrapctl.sandbox.crm.world import CrmWorld

PLATFORM = CrmWorld(Keeper())
