"""Values as the journal keeps them: JSON's own kinds, and nothing that is called a secret. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from wrapctl.model import Ref

_SECRET = frozenset(
    ("accesstoken", "apikey", "authorization", "clientsecret", "cookie", "password", "refreshtoken", "secret")
)


def plain(value: Mapping[object, object] | Mapping[str, object]) -> dict[str, object]:
    """Return a mapping as JSON knows it: references as ``{"ref": address}``, tuples as lists.

    Bodies come from platforms: whatever a member that is named like a secret holds stays out.
    """
    return {
        str(name): "[left out]"
        if str(name).replace("_", "").replace("-", "").lower() in _SECRET
        else _plain(item)
        for name, item in value.items()
    }


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case Ref():
            return {"ref": value.address}
        case str():
            return str(value)
        case Mapping():
            return plain(value)
        case frozenset() | set():
            return sorted((_plain(item) for item in value), key=repr)
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return str(value)
