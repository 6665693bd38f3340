"""A ServiceNow instance without HTTP.

A seed's row has ``code``, ``description``, ``active``, ``external``, ``translations``: {language: [code, description]}.
"""

from __future__ import annotations

from wrapctl.sandbox.crm.servicenow.table import Keeper
from wrapctl.sandbox.crm.world import CrmWorld

PLATFORM = CrmWorld(Keeper())
