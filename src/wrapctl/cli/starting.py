"""An org that has no files yet: what its ``org.yaml`` will say, and how to reach it before that is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wrapctl.config.files import HOME
from wrapctl.config.project import OrgConfig, read
from wrapctl.config.values import ORG, nearest
from wrapctl.config.vendor import Vendor, known, vendor
from wrapctl.config.write import OrgSettings, org_file
from wrapctl.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_ANY = "00000000-0000-0000-0000-000000000000"
"""Stands for the organization id until the platform has said it; nobody compares with it."""


def named(org: str) -> str:
    """Return ``org`` when it can be the name of one.

    Raises:
        UsageError: it cannot.
    """
    if not ORG.fullmatch(org) or org == "catalog":
        raise UsageError(f"{org!r} cannot be an org", hint="a name is a-z, 0-9 and -, at most 63 characters")
    return org


def settings(
    org: str, platform: str, region: str, endpoint: str, organization_id: str
) -> tuple[OrgSettings, Vendor]:
    """Return what a new ``org.yaml`` says: without a region and an endpoint, the embedded sandbox.

    Raises:
        UsageError: there is no such platform or region.
    """
    words = vendor(platform)
    if words is None:
        raise UsageError(f"there is no platform {platform!r}", hint=f"there is: {', '.join(known())}")
    if region and endpoint:
        raise UsageError("say --region or --endpoint, not both")
    if region and region not in words.regions:
        hint = nearest(region, words.regions) or f"use one of: {', '.join(words.regions)}"
        raise UsageError(f"{words.capabilities.title} has no region {region!r}", hint=hint)
    endpoint = endpoint if region or endpoint else "sandbox"
    prefix = org.upper().replace("-", "_")
    variables = {name: f"{prefix}_{name.upper()}" for name in words.credentials}
    if endpoint == "sandbox":
        variables = {}
    return OrgSettings(platform, endpoint, region, organization_id, variables), words


def provisional(root: Path, org: str, given: OrgSettings) -> OrgConfig:
    """Return the org as it would be if its ``org.yaml`` were written already.

    Raises:
        ConfigError: that file would be wrong.
    """
    if given.endpoint != "sandbox" and not given.organization_id:
        given = replace(given, organization_id=_ANY)
    path = f"{HOME}/{org}/org.yaml"
    return read(root, _Unwritten(path, org_file(given).encode()), [org]).orgs[org]


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """A project of one file that is not on disk."""

    path: str
    content: bytes

    def listing(self) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
        return [self.path], []

    def read(self, path: str) -> bytes:
        del path
        return self.content
