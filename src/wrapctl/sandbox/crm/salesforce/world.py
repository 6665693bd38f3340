"""A Salesforce org without HTTP. A seed's row names its ``object``; ``settings.objects`` declares what there is."""

from __future__ import annotations

from wrapctl.sandbox.crm.salesforce.rows import Keeper
from wrapctl.sandbox.crm.world import CrmWorld

PLATFORM = CrmWorld(Keeper())
