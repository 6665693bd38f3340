"""The sandbox's own HTTP interface under ``/sandbox/``, for a served sandbox: faults, edits, state, requests.

It asks for no token and is neither counted nor logged nor broken. Bodies must be JSON by their content type,
so that no web page can send one from a browser on the same machine without being asked first.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from wrapctl.sandbox import seed
from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.objects import Refused, dumps
from wrapctl.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.store import Store


class Control:
    """Answers what comes in under ``/sandbox/``."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._world = World(store, clock)

    def answer(self, method: str, path: str, query: str, content_type: str, data: bytes) -> Answer:
        """Answer one request; mistakes are 400 with their text, an unknown org is 404."""
        arguments = {key: values[0] for key, values in parse_qs(query).items()}
        given: Any = {}
        try:
            if method == "POST" and data:
                if content_type.partition(";")[0].strip() != "application/json":
                    return _told(415, "send application/json")
                given = json.loads(data)
                if not isinstance(given, dict):
                    return _told(400, "send a JSON object")
            return self._done(f"{method} {path}", arguments, given)
        except LookupError as error:
            return _told(404, str(error))
        except (ValueError, TypeError, KeyError, Refused) as error:
            return _told(400, f"{type(error).__name__}: {error}")

    def _done(self, operation: str, arguments: dict[str, str], given: dict[str, Any]) -> Answer:
        world, org = self._world, arguments.get("org")
        match operation:
            case "GET /sandbox/health":
                return Answer(dumps({"ok": True, "orgs": world.orgs()}))
            case "GET /sandbox/seeds":
                return Answer(dumps({"seeds": seed.shipped()}))
            case "POST /sandbox/orgs":
                world.seed_org(given if "seed" not in given else seed.load(given["seed"]))
            case "GET /sandbox/state":
                return Answer(dumps(world.state(arguments["org"])))
            case "POST /sandbox/edits":
                world.edit(given["org"], given["edit"])
            case "POST /sandbox/settings":
                world.set(given["org"], **given["settings"])
            case "POST /sandbox/faults":
                return Answer(dumps({"id": world.add_fault(**given)}))
            case "GET /sandbox/faults":
                return Answer(dumps({"faults": world.faults()}))
            case "DELETE /sandbox/faults":
                world.clear_faults()
            case "GET /sandbox/requests":
                return Answer(dumps({"requests": [item._asdict() for item in world.requests(org)]}))
            case "GET /sandbox/audit":
                return Answer(dumps({"audit": world.audit(arguments["org"])}))
            case "POST /sandbox/reset":
                world.reset(given.get("org"))
            case _:
                return _told(404, f"no such thing: {operation}")
        return Answer(status=204)


def _told(status: int, message: str) -> Answer:
    return Answer(dumps({"error": message}), status)
