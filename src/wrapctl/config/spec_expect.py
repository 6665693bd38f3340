"""The shape of expectation files: what agents are to be offered, said apart from what makes it so.

Docstrings and descriptions here are what an editor shows while somebody types.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from wrapctl.config.choices import Media, Prompt
from wrapctl.config.spec_base import Model
from wrapctl.config.values import Bool, Day, Duration, Listed, Name, Text

KIND = "Expectations"
NOTHING = "none"


class Case(Model):
    """Facts of a CRM record and the code that they lead to; the first rule that holds decides."""

    system: Name = Field(description="The mapping's system.")
    facts: dict[Name, Text] = Field(
        description="Field → value, as the rules' `when` names them; `status` is one.",
        examples=[{"object": "Case", "Status": "Closed"}],
    )
    code: Name = Field(description="The code's key, or `none` where no rule is to hold.")


class Expectation(Model):
    """What an agent of one queue is to find after a contact. What is left out is not looked at."""

    org: Name | None = Field(None, description="The org; left out, the one of --org.")
    queue: Name = Field(description="Label or name of the queue.")
    media: Media | None = Field(None, description="Media type of the contact: the queue has to serve it.")
    as_of: Day | None = Field(None, description="The day; left out, today or that of --as-of.")
    offers: list[Listed] | None = Field(
        None, description="Codes that are offered, whatever else is. Keys, or names of codes without one."
    )
    offers_exactly: list[Listed] | None = Field(
        None,
        description="The codes that are offered, all of them; in this order where the platform keeps one.",
    )
    not_: list[Listed] | None = Field(None, alias="not", description="Codes that are not offered.")
    first: Name | None = Field(None, description="The code that stands first.")
    prompt: Prompt | None = Field(None, description="How the agent is asked for a code.")
    must_choose: Literal["always", "never", "on-request"] | None = Field(
        None, description="Whether a code has to be chosen, whatever the prompt is called."
    )
    timeout: Duration | None = Field(None, description="How long after-call work may take.")
    crm: dict[Name, dict[Listed, Text]] | None = Field(
        None,
        description="System → code → what the CRM records; `default` is what is not mapped.",
        examples=[{"salesforce": {"SOLVED": "RESOLVED"}}],
    )
    leads_back: dict[Name, dict[Text, Name]] | None = Field(
        None,
        description="System → CRM status → code that it leads back to, `none` for no rule.",
        examples=[{"salesforce": {"CASE_CLOSED_RESOLVED": "SOLVED"}}],
    )
    cases: list[Case] | None = Field(None, description="The same for records told by more than a status.")
    no_problems: Bool | None = Field(None, description="`true`: `wrapctl simulate` finds nothing wrong here.")


class Expectations(Model):
    """Unit tests for dispositions; `wrapctl simulate --expect FILE` runs them."""

    kind: Literal["Expectations"]
    org: Name | None = Field(None, description="The org of each expectation that names none.")
    expect: list[Expectation] = Field(description="What has to hold.")
