from __future__ import annotations

import os
from pathlib import Path

import pytest

from project_files import CODES, ORG, acme, commit, problems, write
from wrapctl.config import project
from wrapctl.config.files import Disk, Revision, Unreadable
from wrapctl.errors import UsageError, WrapctlError


def test_an_include_that_leaves_the_project_quotes_nothing_from_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("kind: hunter2\n")
    root = tmp_path / "project"
    root.mkdir()
    acme(root, org=ORG + "include: [../../../secret.yaml, /etc/passwd, ~/x.yaml]\n")
    found = problems(root)
    assert [line.split(" (")[0] for line in found] == [
        "org.yaml:4:11: error: the included path leaves the project",
        "org.yaml:4:33: error: the included path is not a path relative to this file",
        "org.yaml:4:46: error: the included path is not a path relative to this file",
    ]
    assert "hunter2" not in "".join(found)


def test_a_link_that_leaves_the_project_is_refused_like_a_path(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("kind: hunter2\n")
    root = tmp_path / "project"
    root.mkdir()
    acme(root)
    (root / "wrapups/acme/codes.yaml").symlink_to(outside)
    assert problems(root) == ["codes.yaml: error: the file leaves the project"]


def test_a_link_inside_the_project_is_the_file_that_it_names(tmp_path: Path) -> None:
    acme(tmp_path)
    write(tmp_path, catalog__shared=CODES)
    (tmp_path / "wrapups/acme/codes.yaml").symlink_to("../catalog/shared.yaml")
    assert len(project.load(tmp_path).orgs["acme"].desired.codes) == 2


def test_a_linked_folder_is_an_error_for_an_org_must_not_vanish_silently(tmp_path: Path) -> None:
    acme(tmp_path)
    (tmp_path / "wrapups/other").symlink_to("acme")
    assert problems(tmp_path) == [
        "other: error: this is a symbolic link to a folder: wrapctl reads regular folders only"
    ]


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    acme(tmp_path)
    os.mkfifo(tmp_path / "wrapups/acme/codes.yaml")
    assert problems(tmp_path) == ["codes.yaml: error: the file is not a regular file"]


def test_hidden_files_and_other_endings_are_not_looked_at(tmp_path: Path) -> None:
    acme(tmp_path)
    (tmp_path / "wrapups/acme/.codes.yaml.swp.yaml").write_text("[")
    (tmp_path / "wrapups/acme/notes.txt").write_text("[")
    assert problems(tmp_path) == []


def test_a_revision_holds_the_files_as_they_were(tmp_path: Path) -> None:
    acme(tmp_path, codes=CODES)
    commit(tmp_path)
    write(tmp_path, codes="kind: WrapUpCodes\ncodes: {}\n")
    assert len(project.load(tmp_path, revision="HEAD").orgs["acme"].desired.codes) == 2
    assert len(project.load(tmp_path).orgs["acme"].desired.codes) == 0


def test_a_revision_of_a_project_in_a_subfolder_is_read_relative_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "configuration"
    folder.mkdir()
    acme(folder, codes=CODES)
    commit(tmp_path)
    assert Revision(folder, "HEAD").listing()[0] == ["wrapups/acme/codes.yaml", "wrapups/acme/org.yaml"]
    assert set(project.load(folder, revision="HEAD").orgs) == {"acme"}


def test_links_in_a_revision_are_followed_inside_it_only(tmp_path: Path) -> None:
    acme(tmp_path)
    write(tmp_path, catalog__shared=CODES)
    (tmp_path / "wrapups/acme/codes.yaml").symlink_to("../catalog/shared.yaml")
    (tmp_path / "wrapups/acme/out.yaml").symlink_to("../../../outside.yaml")
    commit(tmp_path)
    files = Revision(tmp_path, "HEAD")
    assert files.read("wrapups/acme/codes.yaml") == Disk(tmp_path).read("wrapups/catalog/shared.yaml")
    with pytest.raises(Unreadable, match="leaves the project"):
        files.read("wrapups/acme/out.yaml")


@pytest.mark.parametrize("revision", ["--help", "-x", "a b", "$(x)", "", "x;y", "a:b"])
def test_what_is_no_revision_never_reaches_git(tmp_path: Path, revision: str) -> None:
    with pytest.raises(UsageError, match="is not a git revision"):
        Revision(tmp_path, revision)


def test_an_unknown_revision_says_how_to_get_it(tmp_path: Path) -> None:
    acme(tmp_path)
    commit(tmp_path)
    with pytest.raises(UsageError) as caught:
        Revision(tmp_path, "origin/nowhere")
    assert "fetch" in caught.value.hint


def test_outside_a_clone_git_has_the_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(WrapctlError, match="not a git repository"):
        Revision(tmp_path, "HEAD")
