"""What YAML may say to Genesys Cloud: regions, prompts, flags. Plain data, contract sections 1, 7 and 8."""

from __future__ import annotations

REGIONS: dict[str, str] = {
    "ap-northeast-1": "mypurecloud.jp",
    "ap-northeast-2": "apne2.pure.cloud",
    "ap-northeast-3": "apne3.pure.cloud",
    "ap-south-1": "aps1.pure.cloud",
    "ap-southeast-1": "apse1.pure.cloud",
    "ap-southeast-2": "mypurecloud.com.au",
    "ca-central-1": "cac1.pure.cloud",
    "eu-central-1": "mypurecloud.de",
    "eu-central-2": "euc2.pure.cloud",
    "eu-west-1": "mypurecloud.ie",
    "eu-west-2": "euw2.pure.cloud",
    "eusc-de-east-1": "edee1.eusc-pure.cloud",
    "me-central-1": "mec1.pure.cloud",
    "mx-central-1": "mxc1.pure.cloud",
    "sa-east-1": "sae1.pure.cloud",
    "us-east-1": "mypurecloud.com",
    "us-east-2": "use2.us-gov-pure.cloud",
    "us-west-2": "usw2.pure.cloud",
}
"""AWS region to domain. A table, because the domain does not follow from the region's name (section 1)."""

CREDENTIALS: tuple[str, ...] = ("client_id", "client_secret")
"""What ``credentials`` in ``org.yaml`` must name."""

PROMPTS: tuple[str, ...] = (
    "optional",
    "mandatory",
    "mandatory-timeout",
    "mandatory-forced-timeout",
    "agent-requested",
)
"""After-call-work prompts as files spell them (section 7, ``acwSettings``)."""

TIMED_PROMPTS: frozenset[str] = frozenset(
    {"mandatory-timeout", "mandatory-forced-timeout", "agent-requested"}
)
"""Prompts that may carry a timeout; the others never send one."""

TIMEOUT_MS: tuple[int, int] = (1_000, 3_600_000)
"""Shortest and longest after-call-work timeout (section 7: 1 s to 60 min)."""

OUTBOUND_FLAGS: tuple[str, ...] = (
    "business-failure",
    "business-neutral",
    "business-success",
    "contact-uncallable",
    "number-uncallable",
    "right-party-contact",
)
"""Outbound mapping flags as files spell them (section 8)."""
