"""Lists (contract section 3): filters, order, chosen members, then ``skip`` and ``top``; 204 when nothing is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from wrapctl.sandbox.cxone.call import host
from wrapctl.sandbox.cxone.errors import Refusal, answer
from wrapctl.sandbox.cxone.tx import CHANGED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wrapctl.sandbox.cxone.call import Call
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json


@dataclass(frozen=True, slots=True)
class Shape:
    """What a list holds: its member, the members that its items may have, which is the id, and which are searched."""

    name: str
    members: tuple[str, ...]
    key: str
    searched: tuple[str, ...]


def listed(
    call: Call, shape: Shape, items: Iterable[Json], head: Json, *, links: bool = True, bare: bool = False
) -> Reply:
    """Answer with a page of items; ``bare`` is nothing but their array. ``head`` stands before them; items may hold members with a ``$``, which are taken off."""
    chosen = _ordered(call, shape, _filtered(call, shape, list(items)))
    skip = call.query.number("skip", 0, 0)
    top = min(call.query.number("top", call.settings.page_default, 1), call.settings.page_cap)
    page = chosen[skip : skip + top]
    if not page and call.settings.empty_list == 204:
        return answer(status=204)
    shown = [fields(call, shape, item) for item in page]
    if bare:
        return answer(shown)
    body: Json = {"totalRecords": len(chosen)} | head | {shape.name: shown}
    if links:
        body["_links"] = _links(call, skip, top, len(chosen))
    return answer(body)


def fields(call: Call, shape: Shape, item: Json) -> Json:
    """Return an item with the members asked for; the id always is there."""
    wanted = [name.strip() for name in call.query.text("fields").split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in shape.members]:
        raise Refusal(400, f"Invalid fields list: {', '.join(unknown)}")
    return {
        key: value
        for key, value in item.items()
        if not key.startswith("$") and (not wanted or key in wanted or key == shape.key)
    }


def _filtered(call: Call, shape: Shape, items: list[Json]) -> list[Json]:
    query = call.query
    # An unknown name in `fields` is refused even where no item would show it.
    fields(call, shape, {})
    if text := query.text("searchString").casefold():
        items = [
            item
            for item in items
            if any(text in str(item.get(name, "")).casefold() for name in shape.searched)
        ]
    if "isActive" in shape.members:
        active = query.flag("isActive")
        if active is None and call.settings.unfiltered == "active":
            active = True
        if active is not None:
            items = [item for item in items if item.get("isActive") is active]
    if since := query.text("updatedSince"):
        try:
            when = datetime.fromisoformat(since)
        except ValueError:
            raise Refusal(400, "Invalid parameter: updatedSince") from None
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        items = [item for item in items if datetime.fromisoformat(item[CHANGED]) >= aware]
    return items


def _ordered(call: Call, shape: Shape, items: list[Json]) -> list[Json]:
    for part in reversed([part.split() for part in call.query.text("orderBy").split(",") if part.strip()]):
        name, direction = part[0], part[1].lower() if len(part) > 1 else "asc"
        if name not in shape.members or direction not in {"asc", "desc"} or len(part) > 2:
            raise Refusal(400, "Invalid parameter: orderBy")

        def rank(item: Json, name: str = name) -> tuple[bool, float, str]:
            value = item.get(name)
            if isinstance(value, int | float):
                return True, float(value), ""
            return value is not None, 0.0, str(value).casefold()

        items = sorted(items, key=rank, reverse=direction == "desc")
    return items


def _links(call: Call, skip: int, top: int, total: int) -> dict[str, str]:
    rest = [item for item in call.query.values.items() if item[0] not in {"skip", "top"}]

    def link(start: int) -> str:
        query = urlencode([*rest, ("skip", start), ("top", top)])
        return f"{host(call.arrival)}{call.arrival.path}?{query}"

    links = {"self": link(skip)}
    if skip + top < total:
        links["next"] = link(skip + top)
    if skip > 0:
        links["previous"] = link(max(0, skip - top))
    return links
