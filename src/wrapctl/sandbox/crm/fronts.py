"""The CRMs that are served, each behind the paths that its own host would have."""

from __future__ import annotations

from wrapctl.sandbox.crm.dataverse.system import Dataverse
from wrapctl.sandbox.crm.front import CrmFront
from wrapctl.sandbox.crm.http.system import Http
from wrapctl.sandbox.crm.salesforce.system import Salesforce
from wrapctl.sandbox.crm.servicenow.system import Servicenow


def crm_fronts() -> tuple[CrmFront, ...]:
    """Return the HTTP side of each CRM; no two own one path."""
    return tuple(CrmFront(system) for system in (Salesforce(), Dataverse(), Servicenow(), Http()))
