"""The members of a skill (contract: ``Skill``, ``SkillListItem``, ``SkillUpdateRequest``).

What a PUT takes is not what a GET gives: some members have other names there, and some another type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wrapctl.sandbox.cxone.errors import Refusal

if TYPE_CHECKING:
    from wrapctl.sandbox.objects import Json

READ = (
    "skillId",
    "skillName",
    "mediaTypeId",
    "mediaTypeName",
    "workItemQueueType",
    "isActive",
    "campaignId",
    "campaignName",
    "notes",
    "agentFirstResponseTime",
    "agentFollowOnResponseTime",
    "agentResponseEnabled",
    "customerIdleTime",
    "customerResponseEnabled",
    "IsSubSkill",
    "PresentAcceptReject",
    "routingQueueId",
    "TenantId",
    "timeExtensionEnabled",
    "stateIdACW",
    "stateNameACW",
    "maxSecondsACW",
    "acwPostTimeoutStateId",
    "acwPostTimeoutStateName",
    "requireDisposition",
    "allowSecondaryDisposition",
    "agentRestTime",
    "makeTranscriptAvailable",
    "transcriptFromAddress",
    "displayThankyou",
    "thankYouLink",
    "popThankYou",
    "popThankYouURL",
    "isOutbound",
    "outboundStrategy",
    "isRunning",
    "priorityBlending",
    "callerIdOverride",
    "scriptId",
    "scriptName",
    "emailFromAddress",
    "emailFromEditable",
    "emailBccAddress",
    "emailParking",
    "EquityLevel",
    "evaluationCriteria",
    "FallbackTime",
    "FocusLock",
    "FocusMetric",
    "chatWarningThreshold",
    "agentTypingIndicator",
    "patronTypingPreview",
    "interruptible",
    "callSuppressionScriptId",
    "reskillHours",
    "reskillHoursName",
    "countReskillHours",
    "minWFIAgents",
    "minWFIAvailableAgents",
    "useScreenPops",
    "screenPopTriggerEvent",
    "useCustomScreenPops",
    "screenPopDetail",
    "minWorkingTime",
    "agentless",
    "agentlessPorts",
    "initialPriority",
    "acceleration",
    "maxPriority",
    "serviceLevelThreshold",
    "serviceLevelGoal",
    "enableShortAbandon",
    "shortAbandonThreshold",
    "countShortAbandons",
    "messageTemplateId",
    "smsTransportCodeId",
    "smsTransportCode",
    "deliverMultipleNumbersSerially",
    "cradleToGrave",
    "priorityInterrupt",
    "outboundTelecomRouteId",
    "requireManualAccept",
    "acwTypeId",
    "scriptDisposition",
    "countOtherAbandons",
    "dispositions",
)
LISTED = (
    "skillId",
    "skillName",
    "mediaTypeId",
    "mediaTypeName",
    "isActive",
    "campaignId",
    "campaignName",
    "notes",
    "stateIdACW",
    "stateNameACW",
    "maxSecondsACW",
    "acwPostTimeoutStateId",
    "acwPostTimeoutStateName",
    "requireDisposition",
    "allowSecondaryDisposition",
    "scriptDisposition",
    "agentRestTime",
    "makeTranscriptAvailable",
    "transcriptFromAddress",
    "displayThankyou",
    "thankYouLink",
    "popThankYou",
    "popThankYouURL",
    "isOutbound",
    "outboundStrategy",
    "isRunning",
    "priorityBlending",
    "callerIdOverride",
    "scriptId",
    "scriptName",
    "emailFromAddress",
    "emailFromEditable",
    "emailBccAddress",
    "emailParking",
    "chatWarningThreshold",
    "agentTypingIndicator",
    "patronTypingPreview",
    "interruptible",
    "callSuppressionScriptId",
    "reskillHours",
    "reskillHoursName",
    "countReskillHours",
    "minWFIAgents",
    "useScreenPops",
    "screenPopTriggerEvent",
    "useCustomScreenPops",
    "screenPopDetail",
    "minWorkingTime",
    "agentless",
    "agentlessPorts",
    "initialPriority",
    "acceleration",
    "maxPriority",
    "serviceLevelThreshold",
    "serviceLevelGoal",
    "enableShortAbandon",
    "shortAbandonThreshold",
    "countShortAbandons",
    "countOtherAbandons",
    "messageTemplateId",
    "smsTransportCodeId",
    "smsTransportCode",
    "deliverMultipleNumbersSerially",
    "cradleToGrave",
    "priorityInterrupt",
    "outboundTelecomRouteId",
    "acwTypeId",
    "dispositions",
)
# Whether null may be sent, by type.
_WRITTEN: tuple[tuple[type, bool, tuple[str, ...]], ...] = (
    (
        int,
        False,
        (
            "mediatypeid",
            "divisionNo",
            "acceleration",
            "outboundTelecomRouteId",
            "evaluationCriteria",
            "EquityLevel",
            "FallbackTime",
            "FocusLock",
            "FocusMetric",
            "acwTypeId",
        ),
    ),
    (
        int,
        True,
        (
            "campaignId",
            "scriptId",
            "reskillHours",
            "minWFIAgents",
            "minWFIAvailableAgents",
            "minWorkingTime",
            "agentlessPorts",
            "agentRestTime",
            "callSuppressionScriptId",
            "screenPopTriggerEvent",
            "initialPriority",
            "maxPriority",
            "serviceLevelThreshold",
            "chatWarningThreshold",
            "smsTransportCodeId",
            "messageTemplateId",
            "acwPostTimeoutStateId",
            "stateIdACW",
            "maxSecondsACW",
            "serviceLevelGoal",
            "shortAbandonThreshold",
        ),
    ),
    (
        str,
        True,
        (
            "callerIdOverride",
            "emailFromAddress",
            "emailBccAddress",
            "thankYouLink",
            "popThankYouUrl",
            "transcriptFromAddress",
            "screenPopType",
            "screenPopDetails",
            "skillName",
        ),
    ),
    (
        bool,
        True,
        (
            "emailFromEditable",
            "interruptible",
            "enableParking",
            "requireDisposition",
            "allowSecondaryDisposition",
            "displayThankyou",
            "popThankYou",
            "makeTranscriptAvailable",
            "priorityBlending",
            "useScreenPops",
            "useCustomScreenPops",
            "enableShortAbandon",
            "countShortAbandons",
            "countOtherAbandons",
            "agentTypingIndicator",
        ),
    ),
    (
        bool,
        False,
        (
            "requireManualAccept",
            "isActive",
            "agentless",
            "scriptDisposition",
            "patronTypingIndicator",
            "deliverMultipleNumbersSerially",
            "cradleToGrave",
            "priorityInterrupt",
        ),
    ),
    (str, False, ("notes",)),
)
WRITTEN: dict[str, tuple[type, bool]] = {
    name: (kind, nullable) for kind, nullable, names in _WRITTEN for name in names
}
# A member of a PUT and the one that a GET shows it as.
SHOWN_AS = {
    "mediatypeid": "mediaTypeId",
    "popThankYouUrl": "popThankYouURL",
    "patronTypingIndicator": "patronTypingPreview",
    "screenPopDetails": "screenPopDetail",
    "enableParking": "emailParking",
}
# Numbers on the way in, text on the way out.
AS_TEXT = frozenset({"screenPopTriggerEvent"})
# What every skill has, so that nothing has to ask.
ALWAYS = ("skillId", "skillName", "mediaTypeId", "isActive", "campaignId", "campaignName", "dispositions")
SKILL_NAME = re.compile(r"[a-zA-Z0-9\-_.()^\s]{1,30}")


def checked(given: Json, *, any_case: bool) -> Json:
    """Return the members that a PUT changes, under the names of a GET; what it does not know it passes over.

    Raises:
        Refusal: 400, a member has the wrong type.
    """
    if any_case:
        spelt = {name.lower(): name for name in (*WRITTEN, "dispositions")}
        given = {spelt.get(name.lower(), name): value for name, value in given.items()}
    wanted: Json = {}
    for name, value in given.items():
        if name in WRITTEN:
            kind, nullable = WRITTEN[name]
            fits = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
            if not fits and not (value is None and nullable):
                raise Refusal(400, f"Invalid parameter: {name}")
            wanted[SHOWN_AS.get(name, name)] = str(value) if name in AS_TEXT and value is not None else value
    if "dispositions" in given:
        wanted["dispositions"] = _assignments(given["dispositions"])
    return wanted


def _assignments(given: object) -> list[Json]:
    if not isinstance(given, list):
        raise Refusal(400, "Invalid parameter: dispositions")
    for one in given:
        numbers = [one.get(key) for key in ("dispositionId", "priority")] if isinstance(one, dict) else [None]
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in numbers):
            raise Refusal(400, "A disposition needs dispositionId and priority.")
    return given
