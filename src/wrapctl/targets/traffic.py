"""What went over the wire, counted. Counts of several targets add up, and those of two moments subtract."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Traffic:
    """Counts of what went over the wire: requests by ``METHOD path-template``, retries, seconds waited.

    ``limits`` is how often a request had to wait for a limit of requests, the org's own or the platform's,
    ``limited`` how many seconds; both are part of what was waited. ``times``: operation → milliseconds that an
    answer took → how many did, so that counts of several threads, targets and moments add up and subtract.
    """

    requests: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    waited: float = 0.0
    limits: int = 0
    limited: float = 0.0
    times: dict[str, dict[float, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All requests, logins included."""
        return sum(self.requests.values())

    def copy(self) -> Traffic:
        """What was counted so far, as it stays."""
        return self.since(Traffic())

    def since(self, then: Traffic) -> Traffic:
        """What was counted after ``then``, an earlier copy of the same counts."""
        requests = {name: count - then.requests.get(name, 0) for name, count in dict(self.requests).items()}
        times: dict[str, dict[float, int]] = {}
        for name, took in dict(self.times).items():
            before = then.times.get(name, {})
            more = {one: count - before.get(one, 0) for one, count in dict(took).items()}
            times[name] = {one: count for one, count in more.items() if count}
        return Traffic(
            requests={name: count for name, count in requests.items() if count},
            retries=self.retries - then.retries,
            waited=self.waited - then.waited,
            limits=self.limits - then.limits,
            limited=self.limited - then.limited,
            times={name: took for name, took in times.items() if took},
        )

    def add(self, more: Traffic, prefix: str = "") -> None:
        """Count what somebody else counted, too; ``prefix`` tells its operations from others of the same name."""
        for name, count in dict(more.requests).items():
            self.requests[prefix + name] = self.requests.get(prefix + name, 0) + count
        for name, took in dict(more.times).items():
            mine = self.times.setdefault(prefix + name, {})
            for one, count in dict(took).items():
                mine[one] = mine.get(one, 0) + count
        self.retries += more.retries
        self.waited += more.waited
        self.limits += more.limits
        self.limited += more.limited
