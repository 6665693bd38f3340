"""A Genesys Cloud org inside one transaction: its settings, and its divisions as its bodies hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapctl.sandbox import objects
from wrapctl.sandbox.settings import GenesysSettings

if TYPE_CHECKING:
    from wrapctl.sandbox.objects import Json


def settings_of(org: objects.Org) -> GenesysSettings:
    """Return the org's settings, which must be those of Genesys Cloud."""
    if not isinstance(org.settings, GenesysSettings):
        raise TypeError(f"{org.name} is no Genesys org")
    return org.settings


class OrgTx(objects.OrgTx):
    """One Genesys org, seen by one request."""

    @property
    def settings(self) -> GenesysSettings:
        """The org's settings."""
        return settings_of(self.org)

    def division(self, division_id: str) -> Json | None:
        """Return {id, name, selfUri} of a division, ``*`` included, or None."""
        if division_id == "*":
            return {"id": "*", "name": "*", "selfUri": "/api/v2/authorization/divisions/*"}
        for item in self.org.divisions:
            if item["id"] == division_id:
                uri = f"/api/v2/authorization/divisions/{division_id}"
                return {"id": division_id, "name": item["name"], "selfUri": uri}
        return None
