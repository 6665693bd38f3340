"""The shape of every file: one pydantic model per kind, and the source of ``schemas/*.schema.json``.

CRM mappings and connections have theirs in ``spec_crm``.

Docstrings and descriptions here are what an editor shows while somebody types. Scalars come in as text
(``tree``), ``null`` never arrives (``shape`` refuses or resolves it before).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from wrapctl.config.choices import Flag, Media, Prompt
from wrapctl.config.spec_base import Block, Model, Secret
from wrapctl.config.spec_crm import ConnectionSpec, CrmMapping
from wrapctl.config.spec_sinks import SinkName, SinkSpec
from wrapctl.config.values import (
    Bool,
    Branch,
    Clock,
    Day,
    Duration,
    Id,
    Int,
    Key,
    Listed,
    Name,
    Percent,
    Text,
    Weekdays,
    Wrong,
)

# ── Org ────────────────────────────────────────────────────────────────────────────────────────────────────


class Manage(Model):
    """What wrapctl may touch."""

    mode: Literal["apply", "observe"] = Field(
        "apply", description="`observe`: plan and drift work, apply is refused."
    )
    unmanaged: Literal["report", "ignore", "prune"] = Field(
        "report",
        description="What becomes of live codes that the files do not declare. `prune` deletes them.",
    )
    divisions: list[Name] | None = Field(
        None,
        description='Bounds ownership; `prune` requires it. ["*"] is all divisions.',
        examples=[["Sales"]],
    )
    ignore: list[Name] | None = Field(
        None, description="Patterns of code names that wrapctl does not look at.", examples=[["ZZ_*"]]
    )
    protect: list[Name] | None = Field(
        None,
        description="Names, patterns or ids of codes that are never deleted or renamed.",
        examples=[["Fraud*"]],
    )


class LimitSpec(Model):
    """A bound: a number, a percentage of what is live, or both."""

    max: Int | None = Field(None, description="At most so many.")
    percent: Percent | None = Field(
        None, description="At most so many percent; counts from 10 live objects up."
    )

    @model_validator(mode="after")
    def _something(self) -> LimitSpec:
        if self.max is None and self.percent is None:
            raise Wrong("a limit needs max or percent", "write {max: 10}, or remove the key for the default")
        return self


class DeletesSpec(LimitSpec):
    """What deletes are measured by: how many, and whether anybody still uses what goes."""

    max_recent_uses: Int | None = Field(
        None,
        description="At most so many contacts for which a deleted code was chosen lately. Left out: not asked. A delete "
        "is refused where the platform does not tell.",
    )
    recent_days: Int | None = Field(None, ge=1, le=365, description="Lately: in so many days. Default 30.")
    dependants: Literal["refuse", "refuse-unknown", "report"] | None = Field(
        None,
        description="`refuse` (default): deletes of codes that a flow or script is known to name. `refuse-unknown`: also "
        "those of which that is not known. `report`: show both.",
    )

    @model_validator(mode="after")
    def _something(self) -> DeletesSpec:
        if not self.model_fields_set:
            raise Wrong("an empty limit", "write {max: 10}, or remove the key for the default")
        return self


class LimitsSpec(Model):
    """The guard: a plan beyond a limit is refused before the first write. Defaults apply to what is left out."""

    creates: LimitSpec | None = Field(None, description="New codes. Default {max: 50}.")
    renames: LimitSpec | None = Field(None, description="Codes that get another name. Default {max: 10}.")
    updates: LimitSpec | None = Field(None, description="Changed codes. Default {percent: 30}.")
    deletes: DeletesSpec | None = Field(None, description="Deleted codes. Default {max: 10, percent: 10}.")
    unassigns: LimitSpec | None = Field(
        None, description="Codes taken off queues. Default {max: 50, percent: 20}."
    )
    crm_deletes: LimitSpec | None = Field(None, description="Removed CRM rows. Default {max: 20}.")
    emptied_queues: LimitSpec | None = Field(
        None, description="Queues left without any code. Default {max: 0}."
    )
    codes_per_queue: Int | None = Field(None, description="Codes on one queue. Default 200.")
    requests_per_minute: Int | None = Field(None, description="Pace of requests. Default 300.")


class WindowSpec(Model):
    """A change window in the org's time zone. One that ends before it starts ends on the next day."""

    days: list[Weekdays] = Field(description="Days on which it opens.", examples=[["mon-fri"]])
    from_: Clock = Field(alias="from", description="When it opens.", examples=["20:00"])
    to: Clock = Field(description="When it closes.", examples=["06:00"])

    @model_validator(mode="after")
    def _length(self) -> WindowSpec:
        if self.from_ == self.to:
            raise Wrong("a window that ends when it starts", "leave `windows` out for no restriction")
        if not self.days:
            raise Wrong("a window without days")
        return self


class Apply(Model):
    """How apply works."""

    lock: Literal["file", "git-ref"] = Field(
        "file", description="`file`: this machine only. `git-ref`: one apply at a time over all runners."
    )
    mode: Literal["reviewed", "fresh"] = Field(
        "reviewed",
        description="What a merge writes in CI. `reviewed`: the changes that the pull request showed, others are held. "
        "`fresh`: whatever the files say by then.",
    )


class JournalSpec(Model):
    """Where the journal of what was applied is kept."""

    store: Literal["dir", "git-branch"] = Field(
        "dir",
        description="`dir`: in `.wrapctl/journal`, on the machine that applied. `git-branch`: also on a branch of the "
        "git remote, where it outlives the runner.",
    )
    branch: Branch = Field("wrapctl-journal", description="The branch; it holds nothing but the journal.")


class Audit(Model):
    """What is told of a platform's own audit trail."""

    names: Bool = Field(
        default=False,
        description="Show people by name in what `drift` says and publishes; else by platform id alone.",
    )


class Org(Model):
    """One org: where it is, how it is opened, and what wrapctl may do there. All of it is policy."""

    kind: Literal["Org"]
    platform: Literal["genesys", "cxone"] = Field(description="What runs the contact centre.")
    region: Text | None = Field(
        None, description="Genesys Cloud: AWS region. CXone: area.", examples=["eu-central-1"]
    )
    endpoint: Text | None = Field(
        None,
        description="Instead of a region: `sandbox` (embedded), or a URL (plain http: loopback only).",
        examples=["sandbox"],
    )
    organization_id: Id | None = Field(
        None, description="The org's id as the platform reports it; required on a real endpoint."
    )
    credentials: dict[str, Secret] | None = Field(None, description="Secrets by reference, never literal.")
    timezone: Text = Field(
        "UTC", description="IANA time zone of windows and validity days.", examples=["Europe/Berlin"]
    )
    include: list[Text] | None = Field(
        None, description="Catalog files, relative to this one. Later over earlier, the org over both."
    )
    manage: Manage = Field(default_factory=Manage)
    limits: LimitsSpec = Field(default_factory=LimitsSpec)
    windows: list[WindowSpec] | None = Field(None, description="When apply may write. Left out: always.")
    connections: dict[str, ConnectionSpec] | None = Field(None, description="CRM connections by name.")
    apply: Apply = Field(default_factory=Apply)
    journal: JournalSpec = Field(default_factory=JournalSpec)
    audit: Audit = Field(default_factory=Audit)
    genesys: Block | None = Field(None, description="Options of Genesys Cloud.")
    cxone: Block | None = Field(None, description="Options of NICE CXone.")


# ── WrapUpCodes ────────────────────────────────────────────────────────────────────────────────────────────


class CodeSpec(Model):
    """A wrap-up code. A key that is left out is not managed."""

    name: Name | None = Field(None, description="What the agent sees; the live code is found by it.")
    id: Id | None = Field(None, description="Pin to a live id.")
    description: Text | None = None
    category: Text | None = Field(None, description="One of the categories of wrapctl.yaml.")
    division: Name | None = Field(None, description='Division by name; "*" is all divisions.')
    tags: list[Name] | None = None
    previously: list[Name] | None = Field(
        None, description="Former names: renamed, not deleted and created. `[]` says: really a new code."
    )
    state: Literal["present", "absent", "omitted"] = Field(
        "present", description="`absent`: delete the live code. `omitted`: decline a code of the catalog."
    )
    unassign_everywhere: Bool = Field(
        default=False, description="With `absent`: also take it off queues that these files do not manage."
    )
    outbound: list[Flag] | None = Field(None, description="Outbound mapping flags (Genesys Cloud).")
    valid_from: Day | None = Field(None, description="First day on which agents see it.")
    valid_through: Day | None = Field(None, description="Last day on which agents see it.")
    crm: dict[str, Name] | None = Field(None, description="CRM system → value there.")
    genesys: Block | None = Field(None, description="Options of Genesys Cloud.")
    cxone: Block | None = Field(None, description="Options of NICE CXone.")


_SETS: Final = "Named lists of codes, used as `set:NAME`."


class WrapUpCodes(Model):
    """Wrap-up codes of one org, or of a catalog."""

    kind: Literal["WrapUpCodes"]
    include: list[Text] | None = Field(None, description="Catalog files, relative to this one.")
    codes: dict[Key, CodeSpec] | None = Field(
        None, description="The key is stable and unique in the org: A-Z 0-9 _ -, at most 128 characters."
    )
    sets: dict[Name, list[Listed]] | None = Field(None, description=_SETS)


# ── Queues ─────────────────────────────────────────────────────────────────────────────────────────────────


class AcwSpec(Model):
    """After-call work of a queue."""

    prompt: Prompt | None = Field(
        None,
        description="How the agent is asked for a code. `none` and `automatic`: CXone; those with -: Genesys.",
    )
    timeout: Duration | None = Field(None, description="How long; only with prompts that have a time.")
    state: Name | None = Field(None, description="CXone: name of the unavailable code meanwhile.")


class QueueSpec(Model):
    """A queue's codes and after-call work. A key that is left out is not managed."""

    name: Name | None = Field(None, description="Name of the live queue; the label when left out.")
    id: Id | None = Field(None, description="Pin to a live id; `wrapctl import` writes it.")
    previously: list[Name] | None = Field(None, description="Former names of the queue.")
    codes: list[Listed] | None = Field(
        None, description="Codes and `set:NAME`. A literal [] clears the queue; left out is not managed."
    )
    assign: Literal["exact", "additive"] = Field(
        "exact", description="`exact`: other codes come off. `additive`: never takes a code off."
    )
    after_call_work: AcwSpec | None = None
    media: list[Media] | None = Field(
        None, description="Expectation: validated against the live queue, never written."
    )
    genesys: Block | None = Field(None, description="Options of Genesys Cloud.")
    cxone: Block | None = Field(None, description="Options of NICE CXone.")


class Queues(Model):
    """Queue assignments and after-call work."""

    kind: Literal["Queues"]
    include: list[Text] | None = Field(None, description="Catalog files, relative to this one.")
    sets: dict[Name, list[Listed]] | None = Field(None, description=_SETS)
    queues: dict[Name, QueueSpec] | None = Field(
        None, description="The key is a label; also the queue's name unless `name` says otherwise."
    )


# ── Project, Allow ─────────────────────────────────────────────────────────────────────────────────────────


class Category(Model):
    """A category of codes."""

    tags: list[Name] | None = Field(None, description="Tags added to each code of the category.")
    cxone_classification: Text | None = Field(None, description="Classification on NICE CXone.")


class Rules(Model):
    """House rules, checked by validate."""

    name_pattern: Text | None = Field(
        None, description="Regular expression that each code's name must match."
    )
    require: list[Literal["description", "category", "division", "tags"]] | None = Field(
        None, description="Keys that each code must have."
    )


class ProjectLimits(Model):
    """Bounds over all orgs."""

    orgs: Int | None = Field(None, description="Orgs that one pull request may change.")


class ProjectFile(Model):
    """Rules over all orgs."""

    kind: Literal["Project"]
    categories: dict[Name, Category] | None = Field(
        None, description="A code's category must be one of these."
    )
    rules: Rules = Field(default_factory=Rules)
    stages: list[list[Name]] | None = Field(
        None,
        description="A stage of orgs starts when the one before ended well.",
        examples=[[["acme-test"], ["*"]]],
    )
    limits: ProjectLimits = Field(default_factory=ProjectLimits)
    sinks: dict[SinkName, SinkSpec] | None = Field(
        None, description="Systems that are told what happened, by name."
    )


def _token(text: str) -> str:
    limit, equals, rest = text.partition("=")
    count, at, digest = rest.partition("@")
    if not (equals and at and limit.replace("_", "").replace("-", "").isalpha() and count.isdecimal()):
        raise Wrong("not a token of the guard", "copy it from the plan; it looks like deletes=14@3f9c1a2b")
    if len(digest) < 8 or not set(digest) <= set("0123456789abcdef"):
        raise Wrong(
            "not a token of the guard", "the part after @ is a hash: copy the whole token from the plan"
        )
    return text


class AllowLine(Model):
    """One acknowledgement."""

    token: Annotated[Text, AfterValidator(_token)] = Field(
        description="The token that the plan prints; it fits one set of changes only.",
        examples=["deletes=14@3f9c1a2b"],
    )
    reason: Name = Field(description="Why; it goes into the journal.")


class Allow(Model):
    """Acknowledgements of guard limits."""

    kind: Literal["Allow"]
    allow: list[AllowLine] | None = None


KINDS: Final[Mapping[str, type[Model]]] = {
    "Org": Org,
    "WrapUpCodes": WrapUpCodes,
    "Queues": Queues,
    "CrmMapping": CrmMapping,
    "Project": ProjectFile,
    "Allow": Allow,
}
OVERRIDABLE: Final[tuple[type[Model], ...]] = (CodeSpec, QueueSpec, AcwSpec)
"""Models whose values may be inherited, where ``null`` says "not managed here"."""
