"""What differs from org to org, or is not known of the real platform, and is therefore a setting.

Where the contract says "not found", the default is the reading that a careless client would fail on least,
and the setting holds the others, so that a test can show that both are survived.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self


def _page_caps() -> dict[str, int]:
    names = ("codes", "links", "queues", "divisions", "datatables", "rows", "dependencies")
    return dict.fromkeys(names, 100)


def _datatables() -> dict[str, int]:
    return {"tables": 200, "fields": 50, "rows": 5000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an org of any platform has, as a seed's ``settings`` may give it."""

    rate_limit: int = 3000
    """Requests per minute and token (the default does not slow a demo). 0 switches it off."""
    token_seconds: int = 3600
    lag: int = 0
    """Every write is seen by reads only after this many further requests of the org."""
    case_insensitive_names: bool = False
    """Whether ``Sale`` and ``SALE`` are duplicates (in no contract)."""
    reuse_deleted_names: bool = True

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """Return the settings a seed gives; an unknown one is an error, since it would silently do nothing."""
        unknown = sorted(set(given) - {item.name for item in fields(cls)})
        if unknown:
            raise ValueError(f"unknown sandbox settings: {', '.join(unknown)}")
        return cls(**cls.parsed(dict(given)))

    @staticmethod
    def parsed(given: dict[str, Any]) -> dict[str, Any]:
        """Return the values with the types of the fields, from those of JSON."""
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesysSettings(Settings):
    """A Genesys Cloud org (sections of its contract)."""

    page_caps: dict[str, int] = field(default_factory=_page_caps)
    """The largest page granted: ``codes``, ``links``, ``queues``, ``divisions``, ``datatables``, ``rows``, ``dependencies`` (section 4)."""
    token_seconds: int = 86400
    put_without_division: Literal["keep", "all"] = "keep"
    delete_code_unlinks: bool = True
    """Whether deleting a code takes it off the queues (section 5: not found)."""
    unknown_code_status: Literal[400, 404] = 404
    """The answer to adding an unknown code to a queue."""
    outbound: bool = True
    """False: the outbound mapping answers 404 (section 8)."""
    mapping_conflict_status: Literal[400, 409] = 409
    flag_case: Literal["upper", "mixed"] = "upper"
    """``mixed``: outbound flags read back as ``Right_Party_Contact`` (section 8)."""
    list_queues_with_peer: bool = True
    """Whether a queue listing without ``hasPeer`` holds queues with a peer (section 7: not found)."""
    default_acw_timeout_ms: int = 30000
    active_queues: tuple[str, ...] = ()
    """Names of queues that hold conversations, so that deleting one needs ``forceDelete``."""
    datatables: dict[str, int] = field(default_factory=_datatables)
    """How many ``tables`` the org may have, ``fields`` a table (its key included), ``rows`` a table (section 9)."""
    used_datatables: tuple[str, ...] = ()
    """Names of data tables that a flow uses, so that deleting one needs ``force``."""
    audit_polls: int = 1
    """How often an audit query is still running when it is asked for (section 10)."""
    audit_end: Literal["Succeeded", "Failed", "Cancelled"] = "Succeeded"
    """How audit queries end."""
    audit_services: dict[str, str] = field(default_factory=dict)
    """Entity type → the service that owns it, where not the usual one (section 10: not found for codes)."""
    user_names: dict[str, str] = field(default_factory=dict)
    """User id → name, for who asks to have users expanded."""
    dependency_index: Literal[
        "BUILDINCOMPLETE",
        "BUILDINITIALIZING",
        "BUILDINPROGRESS",
        "BUILDQUEUED",
        "NOTBUILT",
        "OPERATIONAL",
        "OPERATIONALNEEDSREBUILD",
    ] = "OPERATIONAL"
    """The state of Architect's index of dependencies: any but OPERATIONAL answers 206 (section 10)."""
    dependency_failed: tuple[str, ...] = ()
    """Names of flows and scripts that the index could not take in."""

    @staticmethod
    def parsed(given: dict[str, Any]) -> dict[str, Any]:
        """Fill up the caps and limits and make the names tuples."""
        given["page_caps"] = _page_caps() | dict(given.get("page_caps", {}))
        given["datatables"] = _datatables() | dict(given.get("datatables", {}))
        for name in ("active_queues", "used_datatables", "dependency_failed"):
            given[name] = tuple(given.get(name, ()))
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class CxoneSettings(Settings):
    """A tenant of NICE CXone (sections of its contract)."""

    versions: tuple[int, ...] = (23, 30, 31, 33, 34)
    """The versions of the API that are served; any other answers 404 (section 2)."""
    expires_in: Literal["string", "int"] = "string"
    """How the access-key login writes it (section 1); ``/auth/token`` always writes a number."""
    page_default: int = 50
    page_cap: int = 100
    """The page without ``top``, and the largest one granted (section 3: not documented)."""
    batch_limit: int = 50
    """The most dispositions that one POST may create (section 3: there is a limit, its value is not known)."""
    partial_status: Literal[206, 200] = 206
    """The status of a batch with a failed item; sibling batches answer 200 (section 3)."""
    result_order: Literal["request", "reversed"] = "request"
    """The order of a batch's results (section 3: not found)."""
    failed_id: int = 0
    """The ``dispositionId`` of a failed item (section 3: not found)."""
    duplicate_names: Literal["refused", "allowed"] = "refused"
    """Two dispositions of one name (section 4: not found). Inactive ones hold their names."""
    refused_names: tuple[str, ...] = ()
    """Names that no disposition may get: a failed item of a POST, 409 of a PUT."""
    fixed_dispositions: tuple[str, ...] = ()
    """Names of dispositions that cannot be updated: 409 (section 4)."""
    put_omitted: Literal["reset", "keep"] = "reset"
    """What a disposition's PUT does to members left out (section 4: not found)."""
    assignments: Literal["honoured", "ignored", "merged"] = "honoured"
    """What ``dispositions`` in a skill's PUT does (section 5: high risk, not found)."""
    skill_member_case: Literal["exact", "any"] = "exact"
    """Whether ``stateIdAcw`` of v23 counts as ``stateIdACW`` (section 5: not found)."""
    skills_with_dispositions: bool = True
    """Whether the list of skills holds their dispositions, as v23 documents it."""
    wrap_skill: bool = False
    """Whether one skill comes in a ``skills`` array, as some versions do."""
    restricted_skills: tuple[str, ...] = ()
    """Names of skills that the user may list, but neither open nor update: 403 (section 5)."""
    inactive_on_skills: Literal["shown", "hidden"] = "shown"
    """Whether a skill still shows its deactivated dispositions (not found)."""
    unfiltered: Literal["all", "active"] = "all"
    """What a list without ``isActive`` holds (not found)."""
    empty_list: Literal[204, 200] = 204
    """The answer to a list without results (section 3)."""
    error_text: Literal["error_description", "errorDescription", "error_Description", "header"] = (
        "error_description"
    )
    """Where an error says what is wrong; ``header``: only in ``icStatusDescription`` (section 3)."""
    last_updated: Literal["milliseconds", "seconds", "minutes"] = "milliseconds"
    """How exact ``lastUpdated`` is (section 4: format not given)."""
    unavailable_code_members: Literal["current", "v23", "v30"] = "current"
    """How members of unavailable codes are called (section 5)."""
    skills_of_dispositions: Literal["array", "wrapped"] = "array"
    """The envelope of ``/dispositions/skills`` (section 4: unclear)."""

    @staticmethod
    def parsed(given: dict[str, Any]) -> dict[str, Any]:
        """Make the lists tuples."""
        for name in ("versions", "refused_names", "fixed_dispositions", "restricted_skills"):
            if name in given:
                given[name] = tuple(given[name])
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmSettings(Settings):
    """What an instance of any CRM has."""

    refused: dict[str, str] = field(default_factory=dict)
    """The instance's own rules: a row with one of these texts in it is refused with the words beside the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceSettings(CrmSettings):
    """A Salesforce org."""

    token_seconds: int = 7200
    """The session's length; no answer tells it."""
    page_size: int = 2000
    """The rows of one page of a query."""
    objects: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Custom objects, their fields and what each is: see ``crm/salesforce/schema.py``. Without any, every object and
    field that ends in ``__c`` is there."""
    trims_text: bool = True
    """Whether texts lose their blanks at both ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataverseSettings(CrmSettings):
    """A Dataverse environment."""

    token_seconds: int = 3599
    page_size: int = 5000
    """The rows of one page when the client asks for no smaller one."""
    tenant: str = ""
    """The one tenant that can log in; empty is any."""
    optimistic_concurrency: bool = True
    """False: the table knows no row versions and ``If-Match`` is refused."""
    created_inactive: Literal["kept", "active"] = "kept"
    """``active``: a new row is active whatever its ``statecode`` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicenowSettings(CrmSettings):
    """A ServiceNow instance."""

    token_seconds: int = 1799
    page_cap: int = 10000
    invalid_query: Literal["ignored", "no rows"] = "ignored"
    """What a condition on an unknown column does: ``glide.invalid_query.returns_no_rows``."""
    unique_codes: bool = True
    """Whether a rename to a label that is there is refused."""
    hidden: tuple[str, ...] = ()
    """Labels of codes that an ACL hides from every client: counted in ``X-Total-Count`` and in no page."""
    language: str = "en"
    """The language of the users: ``translated_code`` is in it."""
    refusals: Literal["message", "nowhere"] = "message"
    """Where a 207 says what was refused (the contract has no place for it): in ``result.message``, or nowhere."""
    all_refused: Literal[400, 207] = 400
    """The status when not one code was stored (documented for neither)."""
    updated_listed: bool = True
    """Whether ``created_wrap_up_codes`` holds those that were there already."""

    @staticmethod
    def parsed(given: dict[str, Any]) -> dict[str, Any]:
        """Make the labels a tuple."""
        if "hidden" in given:
            given["hidden"] = tuple(given["hidden"])
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings(CrmSettings):
    """A plain endpoint that keeps rows."""

    page_size: int = 100
    """The rows of one page without ``limit``."""
    page_cap: int = 500
    etags: bool = True
    read_back: bool = True
    """False: rows can be sent with POST and nothing else."""
    required: tuple[str, ...] = ()
    """Members that every row must have."""
    text_max: int = 0
    """The longest text of a member; 0 is any."""

    @staticmethod
    def parsed(given: dict[str, Any]) -> dict[str, Any]:
        """Make the names a tuple."""
        if "required" in given:
            given["required"] = tuple(given["required"])
        return given


SETTINGS: dict[str, type[Settings]] = {
    "genesys": GenesysSettings,
    "cxone": CxoneSettings,
    "salesforce": SalesforceSettings,
    "dataverse": DataverseSettings,
    "servicenow": ServicenowSettings,
    "http": HttpSettings,
}
