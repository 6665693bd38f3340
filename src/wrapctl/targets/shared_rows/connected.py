"""One connected CRM, whatever its kind: what the engine asks a target for."""

from __future__ import annotations

from collections.abc import Callable

from wrapctl.targets.interface import Capabilities, Reader, Traffic, Writer
from wrapctl.targets.shared_rows.link import Link


class Connected:
    """One connection and the systems whose rows it keeps. Reader and writer share the session: token, pace.

    In: the link, what the kind can keep and do, its reader, and what makes its writer, which only apply asks for.
    """

    def __init__(
        self, link: Link, capabilities: Capabilities, reader: Reader, make_writer: Callable[[], Writer]
    ) -> None:
        self._link = link
        self._capabilities = capabilities
        self._reader = reader
        self._make_writer = make_writer

    @property
    def capabilities(self) -> Capabilities:
        """What it can keep and do; of each system, what its own options allow."""
        return self._capabilities

    @property
    def traffic(self) -> Traffic:
        """What was sent so far."""
        return self._link.traffic

    def reader(self) -> Reader:
        """A reader; plan has nothing else."""
        return self._reader

    def writer(self) -> Writer:
        """A writer; only apply asks for one."""
        return self._make_writer()

    def evidence(self) -> None:
        """None: no trail of rows is read here."""

    def close(self) -> None:
        """Give sockets back."""
        self._link.close()
