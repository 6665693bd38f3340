"""One small org on each platform: the same story in each one's words. A new platform adds a world here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from front_door import Project

Json = dict[str, Any]


@dataclass(frozen=True)
class World:
    """How one platform tells the story.

    ``own`` is what a code's files must say there besides name and description. ``seed`` makes an org of codes (name →
    description) and queues (name → codes). ``essence`` is what is live without ids and dates, ``gone`` the names of
    codes that were removed, ``edit`` changes a code's description in the platform's own UI.
    """

    name: str
    own: str
    credentials: tuple[str, str]
    prompt: str
    seed: Callable[[Mapping[str, str], Mapping[str, list[str]]], Json]
    essence: Callable[[Json], Json]
    gone: Callable[[Json], list[str]]
    edit: Callable[[str, str], Json]
    identity: str = "organization_id: 5a5a5a5a-0000-4000-8000-00000000dead"
    extra: Mapping[str, Any] = field(default_factory=dict)

    def org(self, more: str = "") -> str:
        return f"kind: Org\nplatform: {self.name}\nendpoint: sandbox\nmanage: {{mode: apply}}\n{more}"

    def code(self, key: str, name: str, description: str = "", more: str = "") -> str:
        said = f", description: {description}" if description else ""
        return f"{key}: {{name: {name}{said}{self.own}{more}}}\n"

    def plant(
        self, project: Project, codes: Mapping[str, str], queues: Mapping[str, list[str]], **more: Any
    ) -> None:
        project.seed({"name": "acme", "platform": self.name, **self.seed(codes, queues), **more})


def _genesys_seed(codes: Mapping[str, str], queues: Mapping[str, list[str]]) -> Json:
    return {
        "codes": [{"name": name, "description": text} for name, text in codes.items()],
        "queues": [{"name": name, "codes": list(held)} for name, held in queues.items()],
    }


def _genesys_essence(state: Json) -> Json:
    names = {code["id"]: code["name"] for code in state["codes"].values()}
    queues = {one["id"]: one["name"] for one in state["queues"].values()}
    return {
        "codes": sorted((code["name"], code.get("description") or "") for code in state["codes"].values()),
        "links": {
            queues[queue]: sorted(names[code] for code in held) for queue, held in state["links"].items()
        },
        "work": {one["name"]: one.get("acwSettings") for one in state["queues"].values()},
    }


def _cxone_seed(codes: Mapping[str, str], queues: Mapping[str, list[str]]) -> Json:
    return {
        "dispositions": [
            {"name": name, "notes": text, "classification": "Other"} for name, text in codes.items()
        ],
        "skills": [{"name": name, "dispositions": list(held)} for name, held in queues.items()],
    }


def _cxone_essence(state: Json) -> Json:
    names = {one["dispositionId"]: one["dispositionName"] for one in state["dispositions"].values()}
    return {
        "codes": sorted(
            (one["dispositionName"], one["notes"] or "", one["classificationId"], one["isActive"])
            for one in state["dispositions"].values()
        ),
        "links": {
            one["skillName"]: [names[link["dispositionId"]] for link in one["dispositions"]]
            for one in state["skills"].values()
        },
        "work": {
            one["skillName"]: (one["acwTypeId"], one["requireDisposition"], one["maxSecondsACW"])
            for one in state["skills"].values()
        },
    }


WORLDS = {
    world.name: world
    for world in (
        World(
            name="genesys",
            own="",
            credentials=("client_id", "client_secret"),
            prompt="mandatory-timeout",
            seed=_genesys_seed,
            essence=_genesys_essence,
            gone=lambda state: [one["name"] for one in state["deleted_codes"].values()],
            edit=lambda name, text: {"op": "update_code", "code": name, "set": {"description": text}},
        ),
        World(
            name="cxone",
            own=", cxone: {classification: Other}",
            credentials=("access_key_id", "access_key_secret"),
            prompt="mandatory",
            seed=_cxone_seed,
            essence=_cxone_essence,
            gone=lambda state: [
                one["dispositionName"] for one in state["dispositions"].values() if not one["isActive"]
            ],
            edit=lambda name, text: {"op": "update_disposition", "disposition": name, "set": {"notes": text}},
        ),
    )
}
