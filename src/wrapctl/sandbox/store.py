"""Keeps the sandbox's state in one SQLite file, safe for several processes and threads at once.

The sandbox is embedded in short-lived commands, several of which may run at the same time, and some of which
are killed on purpose. So nothing is held in memory between two requests: what is not in the file is not there.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT = 2
FOREVER = 1 << 62

# `since` and `until` count requests of the org: a row is seen by request n when since <= n < until, and it is
# the truth when until is FOREVER. Lag is nothing but a row whose time has not come.
SCHEMA = """
create table orgs (
    name text primary key, platform text not null, id text not null unique, doc text not null,
    settings text not null, divisions text not null
) without rowid;
-- Apart from the org, because every request moves the one and a large org's seed is megabytes.
create table counters (
    org text primary key, seq integer not null default 0, clock integer not null default 0
) without rowid;
create table seeds (org text primary key, doc text not null);
create table clients (
    id text primary key, org text not null, secret text not null, permissions text not null, divisions text not null
) without rowid;
create table tokens (
    token text primary key, client text not null, org text not null, expires real not null,
    window real not null default 0, used integer not null default 0
) without rowid;
create table refresh_tokens (
    token text primary key, client text not null, org text not null, expires real not null
) without rowid;
create table objects (
    org text not null, kind text not null, id text not null, name text not null, folded text not null,
    division text not null, state text not null, body text not null, since integer not null, until integer not null
);
create unique index objects_by_id on objects (org, kind, id, since, until, state, division);
create index objects_by_name on objects (org, kind, folded, id, since, until, state, division);
create table links (
    org text not null, queue text not null, code text not null, since integer not null, until integer not null,
    primary key (org, queue, code, since)
) without rowid;
create index links_by_code on links (org, code);
create table audit (
    id integer primary key, org text not null, at text not null, actor_kind text not null, actor text not null,
    action text not null, entity_type text not null, entity_id text not null, entity_name text not null,
    changes text not null, correlation text not null
);
create table queries (id text primary key, org text not null, doc text not null) without rowid;
create table faults (
    id integer primary key, rule text not null, hits integer not null default 0, fired integer not null default 0
);
create table requests (
    id integer primary key, org text not null, client text not null, method text not null, path text not null,
    query text not null, status integer not null, correlation text not null
);
"""


class Store:
    """One state folder. ``read()`` and ``write()`` hand out a connection inside a transaction.

    In: the folder, created when missing. Connections are pooled, and a fork starts with an empty pool,
    because a SQLite connection must not cross one.
    """

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "sandbox.sqlite3"
        state_dir.mkdir(parents=True, exist_ok=True)
        self._pool: list[sqlite3.Connection] = []
        self._pid = os.getpid()
        # Threads of one process queue here; SQLite's own waiting sleeps, which costs milliseconds a time.
        self._turn = threading.Lock()
        with self._connection() as con:
            if con.execute("pragma user_version").fetchone()[0] != FORMAT:
                self._create(con)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give one consistent view of the state, that other writers do not disturb."""
        with self._connection() as con:
            con.execute("begin")
            try:
                yield con
            finally:
                con.execute("rollback")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the state for writing; an exception undoes everything.

        The transaction is IMMEDIATE: one that starts as a reader and then writes fails as soon as another
        writer was in between, and no timeout helps against that.
        """
        with self._connection() as con, self._turn:
            con.execute("begin immediate")
            try:
                yield con
            except BaseException:
                con.execute("rollback")
                raise
            con.execute("commit")

    def close(self) -> None:
        """Close the pooled connections. The store can be used again afterwards."""
        while self._pool:
            self._pool.pop().close()

    def __del__(self) -> None:
        """Leave no connection behind when somebody forgot to close; one from before a fork is not ours to close."""
        if getattr(self, "_pid", None) == os.getpid():
            self.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._pid != os.getpid():
            self._pool, self._pid, self._turn = [], os.getpid(), threading.Lock()
        try:
            con = self._pool.pop()
        except IndexError:
            con = self._open()
        try:
            yield con
        finally:
            # A refusal is an exception too, and no reason to open the file again; a transaction left open is.
            if con.in_transaction:
                con.close()
            else:
                self._pool.append(con)

    def _open(self) -> sqlite3.Connection:
        con = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        # A killed process loses nothing with this; only a power cut does, and a sandbox may lose that.
        con.execute("pragma synchronous = off")
        return con

    def _create(self, con: sqlite3.Connection) -> None:
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = con.execute("pragma user_version").fetchone()[0]
            if found == FORMAT:
                return
            if found:
                raise RuntimeError(
                    f"{self.path} was written by another version of the sandbox (format {found}, this is {FORMAT}): "
                    "delete the folder"
                )
            con.execute("pragma journal_mode = wal")
            con.executescript(f"begin immediate; {SCHEMA} pragma user_version = {FORMAT}; commit;")
