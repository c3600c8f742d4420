"""Mirrors: incremental, safe to kill, gentle to what they copy, clear where they fail."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from dxmetrics.collectors import AuthError, CollectError, Context, RetryableError, SettingsError, extend_path, load
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Change, Commit, Deployment, Identity, Repository, TemplateUse

from .gitdoor import closed_door
from .gitrepo import NOW, ROOT, START, Repo, collect


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with two commits, the second released."""
    made = Repo(tmp_path / "shop")
    made.commit("One")
    made.commit("Two (#2)")
    made.tag("v1.0.0", annotated=True)
    return made


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_second_run_gives_only_what_is_new(repo: Repo, tmp_path: Path, scheme: str) -> None:
    address = f"{scheme}{repo.folder}"
    first = collect(tmp_path, address)
    assert {one.headline for one in first.of(Commit)} == {"One", "Two (#2)"}
    repo.commit("Three", author="Bob <bob@example.org>")
    repo.tag("v1.1.0", annotated=True)
    second = collect(tmp_path, address, first.cursor)
    assert [one.headline for one in second.of(Commit)] == ["Three"]
    assert [one.title for one in second.of(Change)] == ["Three"]
    assert [one.version for one in second.of(Deployment)] == ["1.1.0"]
    assert not any(page.snapshot for page in second.pages)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_nothing_new_gives_nothing_but_later_coverage(repo: Repo, tmp_path: Path, scheme: str) -> None:
    address = f"{scheme}{repo.folder}"
    first = collect(tmp_path, address)
    later = NOW + timedelta(days=1)
    second = collect(tmp_path, address, first.cursor, now=lambda: later)
    assert second.count == 0
    assert second.cursor == first.cursor
    assert second.notes == first.notes
    assert second.pages[-1].covers[Change] == (START + timedelta(hours=1), later)
    assert second.pages[-1].covers[Deployment] == (START + timedelta(hours=3), later)


def test_the_first_run_is_a_snapshot_with_a_cursor_on_its_last_page_only(repo: Repo, tmp_path: Path) -> None:
    found = collect(tmp_path, repo.folder)
    walked = [page for page in found.pages if Identity not in page.rows]
    assert all(page.snapshot for page in walked)
    assert [page.is_last for page in found.pages] == [False] * (len(found.pages) - 1) + [True]
    assert all(page.cursor is None for page in found.pages[:-1])


def test_rewritten_history_is_read_whole_again(repo: Repo, tmp_path: Path) -> None:
    first = collect(tmp_path, repo.folder)
    repo.git("commit", "--amend", "--quiet", "-m", "Two, amended (#2)")
    second = collect(tmp_path, repo.folder, first.cursor)
    assert {one.headline for one in second.of(Commit)} == {"One", "Two (#2)", "Two, amended (#2)"}  # the tag holds it
    assert [one.title for one in second.of(Change)] == ["One", "Two, amended"]
    assert second.pages[-1].snapshot


@pytest.mark.parametrize("move", ["tag", "drop", "mailmap", "branch", "rule"])
def test_whatever_changes_older_rows_makes_the_next_run_a_snapshot(repo: Repo, tmp_path: Path, move: str) -> None:
    first = collect(tmp_path, repo.folder)
    if move == "tag":
        repo.tag("v1.0.0", "HEAD~1", annotated=True)
    elif move == "drop":
        repo.git("tag", "--delete", "v1.0.0")
    elif move == "mailmap":
        (repo.folder / ".mailmap").write_text("Ada <countess@example.org> <ada@example.org>\n")
        repo.commit("Map")
    elif move == "branch":
        repo.git("branch", "release-1.0")
    settings = {"deployments": "none"} if move == "rule" else {}
    second = collect(tmp_path, repo.folder, first.cursor, **settings)
    assert second.pages[-1].snapshot
    # A type without rows is named, so that the rows of before are taken for gone.
    assert Deployment in second.pages[-1].rows


def test_runs_in_between_end_with_the_same_rows_as_one_run(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "shop")
    repo.commit("init")
    repo.branch("release-1.0")
    repo.switch("main")
    rows: dict[str, object] = {}
    cursor = None
    picked = squash = ""
    for step in range(12):
        repo.branch(f"topic-{step}", "main")
        inner = repo.commit(f"Inner {step}", author=f"P{step} <p{step}@example.org>", file=f"topic-{step}")
        repo.pull(step + 1)
        repo.switch("main")
        if step % 3 == 0:
            picked = repo.merge(f"topic-{step}", f"Merge pull request #{step + 1} from p/topic-{step}\n\nTopic {step}")
        elif step % 3 == 1:
            squash = picked = repo.commit(f"Topic {step} (#{step + 1})", file=f"squash-{step}")
        else:
            repo.commit(f'Revert "Topic"\n\nThis reverts commit {picked}.')
        if step % 4 == 1:
            repo.switch("release-1.0")
            repo.git("cherry-pick", "-x", squash)
            repo.tag(f"v1.0.{step}", annotated=True)
            repo.switch("main")
        if step == 6:
            repo.switch("release-1.0")
            repo.merge("main", "Merge branch 'main' into release-1.0")
            repo.switch("main")
        if step == 8:
            repo.merge("release-1.0", "Merge branch 'release-1.0'")
        if step % 5 == 4:
            repo.tag(f"v1.{step}.0")
            repo.commit(f'Revert "Inner"\n\nThis reverts commit {inner}.')
        found = collect(tmp_path, repo.folder, cursor)
        cursor = found.cursor
        assert found.pages[-1].snapshot is (step == 0)
        rows |= {f"{record.__name__} {key}": row for record, some in found.rows.items() for key, row in some.items()}
    whole = collect(tmp_path / "again", repo.folder)
    expected = {f"{record.__name__} {key}": row for record, some in whole.rows.items() for key, row in some.items()}
    assert rows.keys() == expected.keys()
    assert {key for key, row in rows.items() if row != expected[key]} == set()


def test_a_large_history_comes_in_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repo(tmp_path / "shop")
    stream = "".join(
        f"commit refs/heads/main\ncommitter Ada <ada@example.org> {1767603600 + 60 * number} +0000\ndata 2\nA\n\n"
        for number in range(12_001)
    )
    repo.git("fast-import", "--quiet", stdin=stream)
    found = collect(tmp_path, repo.folder)
    assert len(found.of(Commit)) == len(found.of(Change)) == 12_001
    assert len(found.pages) > 5
    assert max(len(rows) for page in found.pages for rows in page.rows.values()) <= 5_001


def test_nothing_of_the_users_is_touched(repo: Repo, tmp_path: Path) -> None:
    before = files(repo.folder)
    collect(tmp_path, repo.folder)
    assert files(repo.folder) == before


def test_what_a_killed_git_left_behind_is_cleared(repo: Repo, tmp_path: Path) -> None:
    address = f"file://{repo.folder}"
    first = collect(tmp_path, address)
    (mirror,) = (tmp_path / "mirrors").glob("*.git")
    for left in ("packed-refs.lock", "HEAD.lock", "refs/heads/main.lock", "shallow.lock", "objects/pack/tmp_pack_x"):
        (mirror / left).parent.mkdir(parents=True, exist_ok=True)
        (mirror / left).write_text("")
    repo.commit("Three")
    assert [one.headline for one in collect(tmp_path, address, first.cursor).of(Commit)] == ["Three"]


@pytest.mark.parametrize("damage", ["half made", "no head", "empty objects"])
def test_a_damaged_mirror_is_made_again(repo: Repo, tmp_path: Path, damage: str) -> None:
    address = f"file://{repo.folder}"
    first = collect(tmp_path, address)
    (mirror,) = (tmp_path / "mirrors").glob("*.git")
    if damage == "half made":
        shutil.rmtree(mirror)
        mirror.mkdir()
        (mirror / "config").write_text("[core]\n")
    elif damage == "no head":
        (mirror / "HEAD").write_text("")
    else:
        for path in mirror.glob("objects/??/*"):
            path.chmod(0o644)
            path.write_bytes(b"")
    repo.commit("Three")
    second = collect(tmp_path, address, first.cursor)
    assert "Three" in {one.headline for one in second.of(Commit)}


def test_killed_at_any_moment_the_next_run_gives_the_same_rows(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "shop")
    for number in range(30):
        repo.commit(f"Commit {number}", file=f"file-{number}")
        repo.tag(f"v1.{number}.0", annotated=True)
    address = f"file://{repo.folder}"
    expected = collect(tmp_path / "undisturbed", address).rows
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from pathlib import Path
        from tests.collectors.gitrepo import collect
        while True:
            print("ready", flush=True)
            collect(Path({str(tmp_path)!r}), {address!r})
    """)
    for milliseconds in (5, 20, 40, 80, 150):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(milliseconds / 1000)
            running.send_signal(signal.SIGKILL)
        assert collect(tmp_path, address).rows == expected
        shutil.rmtree(tmp_path / "mirrors", ignore_errors=True)


def test_the_branches_last_seen_at_the_origin_are_read_of_a_working_folder(repo: Repo, tmp_path: Path) -> None:
    repo.git("branch", "release-1.0")
    clone = Repo(tmp_path / "clone")
    clone.git("remote", "add", "origin", str(repo.folder))
    clone.git("fetch", "--quiet", "origin")
    clone.git("remote", "set-head", "origin", "main")
    clone.branch("topic", "origin/main")
    clone.commit("Unfinished")
    found = collect(tmp_path, clone.folder)
    assert {one.headline for one in found.of(Commit)} == {"One", "Two (#2)"}
    assert set(found.cursor["lines"]) == {"main", "release-1.0"}


def test_of_a_working_folder_without_origin_main_is_read_not_what_is_checked_out(repo: Repo, tmp_path: Path) -> None:
    repo.branch("topic")
    repo.commit("Unfinished")
    assert collect(tmp_path, repo.folder).only(Repository).default_branch == "main"


def test_a_worktree_is_its_repository(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", str(tmp_path / "beside"), "-b", "topic")
    assert len(collect(tmp_path, tmp_path / "beside").of(Change)) == 2


def test_an_empty_repository_is_a_repository_and_a_note(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "shop")
    for address in (str(repo.folder), f"file://{repo.folder}"):
        found = collect(tmp_path, address)
        assert found.only(Repository).name == "shop"
        assert found.notes == "the repository is empty"
        assert found.pages[-1].covers == {}
        assert collect(tmp_path, address, found.cursor).count == 0


def test_a_default_branch_that_is_not_there_is_a_note(repo: Repo, tmp_path: Path) -> None:
    found = collect(tmp_path, repo.folder, default_branch="trunk")
    assert "no branch 'trunk' among main: set `default_branch`" in found.notes
    assert not found.of(Change)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_shallow_clone_is_covered_from_where_it_begins(repo: Repo, tmp_path: Path, scheme: str) -> None:
    sha = repo.commit("Three")
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{repo.folder}", tmp_path / "clone"], check=True)
    found = collect(tmp_path, f"{scheme}{tmp_path / 'clone'}")
    assert [one.merge_sha for one in found.of(Change)] == [sha]
    assert found.pages[-1].covers[Change][0] == START + timedelta(hours=4)
    assert "shallow clone: history begins on 2026-01-05" in found.notes
    subprocess.run(["git", "-C", tmp_path / "clone", "fetch", "--quiet", "--unshallow"], check=True)
    deep = collect(tmp_path, f"{scheme}{tmp_path / 'clone'}", found.cursor)
    assert len(deep.of(Change)) == 3
    assert "shallow" not in deep.notes


def test_missing_objects_cost_only_the_line_counts(repo: Repo, tmp_path: Path) -> None:
    repo.commit("Three", file="lost")
    lost = repo.git("rev-parse", "HEAD:lost")
    repo.commit("Four", file="kept")
    (repo.folder / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    found = collect(tmp_path, repo.folder, line_counts=True)
    counted = {one.title: one.lines_added for one in found.of(Change)}
    assert counted == {"One": 1, "Two": 1, "Three": None, "Four": 1}
    assert found.only(Change, title="Three").paths == ("lost",)
    assert "line counts or paths of 1 commits are not known: objects are missing" in found.notes


@pytest.fixture
def over_ssh(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The url of `repo` on a host, which is this machine, that can leave file contents out."""
    here = tmp_path / "ssh"
    here.write_text('#!/bin/sh\nexec sh -c "$2"\n')  # called with the host and a command
    here.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(here))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    repo.git("config", "uploadpack.allowFilter", "true")
    return f"ssh://github.example.org{repo.folder}"


@pytest.mark.parametrize("hands_over", [True, False])
def test_file_contents_are_fetched_only_to_count_lines(
    repo: Repo, tmp_path: Path, over_ssh: str, hands_over: bool
) -> None:
    repo.git("config", "uploadpack.allowAnySHA1InWant", str(hands_over).lower())
    (repo.folder / ".mailmap").write_text("Countess <countess@example.org> <ada@example.org>\n")
    repo.commit("Three")
    contents = repo.git("rev-parse", "HEAD:file.txt")

    def is_there() -> bool:
        (mirror,) = (tmp_path / "mirrors").glob("*.git")
        asked = ["git", "-C", mirror, "cat-file", "--batch-check"]
        told = subprocess.run(asked, input=contents, capture_output=True, text=True, check=True).stdout
        return "missing" not in told

    first = collect(tmp_path, over_ssh, paths=True)
    assert is_there() is not hands_over
    assert {one.author for one in first.of(Commit)} == {"countess@example.org"}
    assert first.only(Change, title="Three").paths == (".mailmap", "file.txt")
    repo.commit("Four")
    assert [one.headline for one in collect(tmp_path, over_ssh, first.cursor, paths=True).of(Commit)] == ["Four"]
    counted = collect(tmp_path, over_ssh, line_counts=True)
    assert is_there()
    assert counted.only(Change, title="Three").lines_added == 2


@pytest.mark.parametrize("hands_over", [True, False])
def test_only_what_tells_of_a_template_comes_with_its_contents(
    repo: Repo, tmp_path: Path, over_ssh: str, hands_over: bool
) -> None:
    repo.git("config", "uploadpack.allowAnySHA1InWant", str(hands_over).lower())
    (repo.folder / ".copier-answers.yml").write_text("_src_path: gh:acme/service\n_commit: v1.0.0\n")
    repo.commit("Three")
    found = collect(tmp_path, over_ssh)
    assert [one.template for one in found.of(TemplateUse)] == (["github.com/acme/service"] if hands_over else [])
    assert (".copier-answers.yml is left out: its content is not in the mirror" in found.notes) is not hands_over
    contents = repo.git("rev-parse", "HEAD:file.txt")
    (mirror,) = (tmp_path / "mirrors").glob("*.git")
    asked = ["git", "-C", mirror, "cat-file", "--batch-check"]
    assert "missing" in subprocess.run(asked, input=contents, capture_output=True, text=True, check=True).stdout


def test_a_connection_lost_on_the_way_does_not_bring_in_all_contents(
    repo: Repo, tmp_path: Path, over_ssh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    (repo.folder / ".mailmap").write_text("Countess <countess@example.org> <ada@example.org>\n")
    repo.commit("Three")
    calls = tmp_path / "calls"
    lost = tmp_path / "lost"  # the third call, after listing and fetching, asks for the one file
    lost.write_text(
        f'#!/bin/sh\necho >> {calls}\ntest $(wc -l < {calls}) = 3 || exec sh -c "$2"\n'
        "echo 'Connection reset by peer' >&2\nexit 255\n"
    )
    lost.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(lost))
    with pytest.raises(RetryableError, match="cannot be reached: it is tried again next run"):
        collect(tmp_path, over_ssh)
    (mirror,) = (tmp_path / "mirrors").glob("*.git")
    packs = set(mirror.glob("objects/pack/*"))
    assert {one.author for one in collect(tmp_path, over_ssh).of(Commit)} == {"countess@example.org"}
    assert packs < set(mirror.glob("objects/pack/*"))


def test_a_history_with_a_missing_commit_fails_with_a_message(repo: Repo, tmp_path: Path) -> None:
    lost = repo.git("rev-parse", "HEAD~1")
    (repo.folder / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(CollectError, match="git log failed"):
        collect(tmp_path, repo.folder)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nowhere", "is not a folder: correct the path"),
        ("shop/sub", "is not a git repository: name a repository's top folder"),
        ("plain", "is not a git repository"),
        ("file:///nowhere/at/all", "does not exist or may not be read: correct the url"),
    ],
)
def test_what_is_no_repository_fails_by_name(repo: Repo, tmp_path: Path, address: str, message: str) -> None:
    (repo.folder / "sub").mkdir()
    (tmp_path / "plain").mkdir()
    with pytest.raises(CollectError, match=message):
        collect(tmp_path, address)


def test_an_unreachable_host_is_tried_again_later(tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match=r"http://127.0.0.1:9/a/b.git cannot be reached"):
        collect(tmp_path, "http://127.0.0.1:9/a/b.git")


def test_a_folder_that_cannot_be_written_is_named(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "mirrors").write_text("a file where a folder should be")
    with pytest.raises(CollectError, match=r"cannot write the mirror folder .*mirrors"):
        collect(tmp_path, repo.folder)


def test_a_refused_token_stops_the_source_and_is_written_nowhere(tmp_path: Path) -> None:
    refusal = "/a/b.git: the token was refused: correct the url, or set in DX_GIT__TOKEN a token that may read it"
    with closed_door(401) as door, pytest.raises(AuthError, match=refusal) as caught:
        collect(tmp_path, door.url, token=SecretStr("tiny-secret"))
    assert "Basic eC1hY2Nlc3MtdG9rZW46dGlueS1zZWNyZXQ=" in door.shown  # x-access-token:tiny-secret
    assert "tiny-secret" not in str(caught.value)
    for path in (tmp_path / "mirrors").rglob("*"):
        assert path.is_dir() or b"secret" not in path.read_bytes()


def test_without_a_token_a_refusal_is_that_repository_alone(tmp_path: Path) -> None:
    with closed_door(401) as door, pytest.raises(NotFoundError, match="does not exist or may not be read") as caught:
        collect(tmp_path, door.url)
    assert not isinstance(caught.value, AuthError)
    assert door.shown[0] is None


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (403, NotFoundError, "may not be read: correct the url, or set in DX_GIT__TOKEN a token that may read it"),
        (404, NotFoundError, "does not exist or may not be read: correct the url, or set in DX_GIT__TOKEN"),
        (429, RetryableError, "cannot be reached: it is tried again next run"),
        (503, RetryableError, "cannot be reached: it is tried again next run"),
    ],
)
def test_what_a_host_answers_to_a_good_token_is_that_repository_alone(
    tmp_path: Path, status: int, kind: type[CollectError], message: str
) -> None:
    with closed_door(status) as door, pytest.raises(kind, match=message):
        collect(tmp_path, door.url, token=SecretStr("tiny-secret"))


def test_a_token_follows_no_redirect_to_another_host(tmp_path: Path) -> None:
    with closed_door(401) as other, closed_door(302, location=f"{other.url}/info/refs?secret=1") as door:
        with pytest.raises(NotFoundError, match=f"redirects to {other.url}, where its token is not sent: ") as caught:
            collect(tmp_path, door.url, token=SecretStr("tiny-secret"))
        assert other.shown == []
    assert "secret" not in str(caught.value)


def test_a_redirect_without_end_is_left(tmp_path: Path) -> None:
    with closed_door(302) as door, pytest.raises(CollectError, match="redirects more than 5 times"):
        collect(tmp_path, door.url, token=SecretStr("tiny-secret"))


def test_a_listing_that_lost_everything_touches_no_row(repo: Repo, tmp_path: Path) -> None:
    address = f"file://{repo.folder}"
    first = collect(tmp_path, address)
    refs = repo.folder / ".git" / "refs"
    refs.rename(repo.folder / "kept")
    refs.mkdir()
    with pytest.raises(CollectError, match=r"lists none of its 2 branches and tags any more: .* on purpose, remove"):
        collect(tmp_path, address, first.cursor)
    refs.rmdir()
    (repo.folder / "kept").rename(refs)
    assert collect(tmp_path, address, first.cursor).count == 0


def test_a_busy_mirror_is_waited_for_and_then_left(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    extend_path([ROOT / "collectors"])
    load("git")
    monkeypatch.setattr("dxmetrics.collectors.git.mirror.LOCK_WAIT_SECONDS", 0)
    collect(tmp_path, repo.folder)
    (lock,) = (tmp_path / "mirrors").glob("*.lock")
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(RetryableError, match="another process"):
            collect(tmp_path, repo.folder)


def test_the_callers_git_variables_do_not_lead_astray(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    config = tmp_path / "gitconfig"
    config.write_text("[log]\n\tshowSignature = true\n\tdecorate = full\n[color]\n\tui = always\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert len(collect(tmp_path, repo.folder).of(Commit)) == 2
    assert not (tmp_path / "trace").exists()


def test_repositories_of_one_name_take_their_parents_name_too(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        Repo(tmp_path / parent / "shop").commit("One")
    kind = load("git")
    settings = kind.Settings(kind="git", repositories=("a/shop", "b/shop", "a/shop"))
    collector = kind("git", settings, Context(lambda: NOW, tmp_path / "mirrors", project_folder=tmp_path))
    assert [scope.id for scope in collector.scopes()] == ["a/shop", "b/shop"]


def test_two_names_that_clash_are_refused(tmp_path: Path) -> None:
    kind = load("git")
    settings = kind.Settings(kind="git", repositories=("https://x.org/a/b", "https://x.org/a/b.git"))
    collector = kind("git", settings, Context(lambda: NOW, tmp_path / "mirrors"))
    with pytest.raises(SettingsError, match=r"two repositories are called 'x\.org/a/b'"):
        list(collector.scopes())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"deployments": "release"}, '"releases", "merges", "none"'),
        ({"deployments": "^(v"}, "is not a regular expression"),
        ({"release_branches": "["}, "is not a regular expression"),
        ({"repositories": ["https://ada:pw@x.org/a"]}, "holds a password"),
        ({"repositories": ["https://x.org/a", "https://y.org/b"], "token": "t"}, "one token for several hosts"),
        ({"branches": "main"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        load("git").Settings(kind="git", **settings)
    assert "pw@" not in str(caught.value).split("input_value")[0]


def test_every_setting_is_described() -> None:
    fields = load("git").Settings.model_fields
    assert [name for name, field in fields.items() if name != "kind" and not field.description] == []


def test_git_is_named_where_it_is_missing(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(CollectError, match="`git` is not found: install git"):
        collect(tmp_path, repo.folder)
