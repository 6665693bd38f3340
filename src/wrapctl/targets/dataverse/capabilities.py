"""What Dataverse can keep and do. Plain data, importable without an HTTP library."""

from __future__ import annotations

from types import MappingProxyType

from wrapctl.empty import Empty
from wrapctl.model import Lock, Verb
from wrapctl.rows import TO_CRM
from wrapctl.targets.dataverse.options import VALUE_MAX
from wrapctl.targets.interface import Capabilities, Fold

CAPABILITIES = Capabilities(
    name="dataverse",
    title="Microsoft Dataverse",
    code_fields=Empty(),
    queue_fields=Empty(),
    verbs=MappingProxyType(
        {
            Verb.CREATE_ROW: Fold("create row"),
            Verb.UPDATE_ROW: Fold("update row"),
            Verb.DEACTIVATE_ROW: Fold("deactivate row"),
            Verb.DELETE_ROW: Fold("delete row"),
        }
    ),
    locks=MappingProxyType(
        {
            # The client chooses the id, and `If-None-Match: *` refuses a second row of it.
            Verb.CREATE_ROW: Lock.UNIQUE,
            Verb.UPDATE_ROW: Lock.CONDITIONAL,
            Verb.DEACTIVATE_ROW: Lock.CONDITIONAL,
            Verb.DELETE_ROW: Lock.CONDITIONAL,
        }
    ),
    page=1000,
    row_fields=MappingProxyType(
        {
            "value": "`msdyn_dispositioncodevalue`, and `msdyn_name` unless `name: description`",
            "description": "`msdyn_name` with `name: description`, else not kept",
            "active": "`statecode` and `statuscode`",
        }
    ),
    value_list=True,
    directions=frozenset({TO_CRM}),
    text_max=MappingProxyType({"value": VALUE_MAX}),
    # Only the listing tells whose rows there are: foreign ones of a wanted value have ids of their own.
    rows_per_request=0,
)
