"""Mirrors of repositories that a real Git host serves over HTTP: `make test-real`."""

from __future__ import annotations

import importlib
import random
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dxmetrics.collectors import AuthError, CollectError, Context, Page, RetryableError, extend_path
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Change, Commit, Record

from .githost import IS_THERE, Host, host, write_certificate
from .gitrepo import NOW, ROOT, Repo, collect

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not IS_THERE, reason="nginx, fcgiwrap or git-http-backend is not installed: see .ci/packages"),
]
TOKEN = "let-me-in"  # noqa: S105 - of a host that lives as long as these tests
BASIC = "Basic eC1hY2Nlc3MtdG9rZW46bGV0LW1lLWlu"  # x-access-token:let-me-in

extend_path([ROOT / "collectors"])
git = importlib.import_module("dxmetrics.collectors.git")


@pytest.fixture(scope="module")
def running() -> Iterator[Host]:
    with host() as made:
        yield made


@pytest.fixture
def served(running: Host) -> Host:
    """The host as it is at first: one token opens it, and nothing was asked yet."""
    running.accept(TOKEN)
    running.forget()
    return running


@pytest.fixture
def repo(served: Host, request: pytest.FixtureRequest) -> Repo:
    """A repository of the host with two commits; its folder's name is the test's."""
    made = Repo(served.repositories / re.sub(r"\W", "-", request.node.name))
    made.commit("One")
    made.commit("Two (#2)")
    return made


def of_host(
    address: str, folder: Path, cursor: Mapping[str, Any] | None = None, token: str = TOKEN, **options: Any
) -> list[Page]:
    """What the mirror of repository 4711 of a Git host tells."""
    one = git.Hosted("4711", "git.example/acme/shop", address, forge="github", default_branch="main")
    context = Context(now=lambda: NOW, folder=folder, project_folder=folder)
    return list(git.history(one, cursor, context, token=token, **options))


def headlines(pages: list[Page]) -> list[str]:
    return sorted(row["headline"] for page in pages for row in page.rows.get(Commit, ()))


def contents_of(repo: Repo, mirrors: Path) -> str:
    """What the one mirror below a folder has of the newest file: `blob`, or `missing`."""
    (mirror,) = mirrors.rglob("*.git")
    asked = ["git", "-C", mirror, "cat-file", "--batch-check=%(objecttype)"]
    blob = repo.git("rev-parse", "HEAD:file.txt")
    return subprocess.run(asked, input=blob, capture_output=True, text=True, check=True).stdout.split()[-1]


def test_a_token_opens_a_repository_and_later_runs_fetch_what_is_new(served: Host, repo: Repo, tmp_path: Path) -> None:
    address = f"{served.url}/{repo.folder.name}"
    first = collect(tmp_path, address, token=SecretStr(TOKEN))
    assert [one.title for one in first.of(Change)] == ["One", "Two"]
    repo.commit("Three")
    second = collect(tmp_path, address, first.cursor, token=SecretStr(TOKEN))
    assert [one.headline for one in second.of(Commit)] == ["Three"]
    served.forget()
    assert collect(tmp_path, address, second.cursor, token=SecretStr(TOKEN)).count == 0
    assert [one.path.rpartition("/")[2] for one in served.requests] == [
        "refs",
        "git-upload-pack",
    ]  # listed, not fetched
    assert {one.authorization for one in served.requests} == {BASIC}


def test_after_a_forced_push_history_is_read_whole_again(served: Host, repo: Repo, tmp_path: Path) -> None:
    address = f"{served.url}/{repo.folder.name}"
    first = collect(tmp_path, address, token=SecretStr(TOKEN))
    repo.git("commit", "--amend", "--quiet", "-m", "Two, amended (#2)")
    second = collect(tmp_path, address, first.cursor, token=SecretStr(TOKEN))
    assert [one.title for one in second.of(Change)] == ["One", "Two, amended"]
    assert second.pages[-1].snapshot


def test_a_wrong_token_stops_the_source_and_names_the_variable(served: Host, repo: Repo, tmp_path: Path) -> None:
    with pytest.raises(AuthError, match="set in DX_GIT__TOKEN a token that may read it") as caught:
        collect(tmp_path, f"{served.url}/{repo.folder.name}", token=SecretStr("sesame"))
    assert "sesame" not in str(caught.value)
    assert [one.status for one in served.requests] == [401]


@pytest.mark.parametrize(
    ("place", "kind", "message"),
    [
        ("/nowhere", NotFoundError, "does not exist or may not be read: .* DX_GIT__TOKEN"),
        ("/closed/shop", NotFoundError, "does not exist or may not be read: .* DX_GIT__TOKEN .* error: 403"),
        ("/sign-in/shop", NotFoundError, "does not exist or may not be read: .* is this a git repository"),
        ("/away/shop", NotFoundError, "redirects to .*/shop, where its token is not sent: correct the url"),
        ("/busy/shop", RetryableError, "it is tried again next run; .* error: 429"),
    ],
)
def test_other_refusals_are_of_that_repository_alone(
    served: Host, tmp_path: Path, place: str, kind: type[CollectError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        collect(tmp_path, f"{served.url}{place}", token=SecretStr(TOKEN))
    assert {one.port for one in served.requests} == {served.ports["http"]}  # what it redirects to was not asked


def test_a_redirect_on_the_same_host_is_followed_with_the_token(served: Host, repo: Repo, tmp_path: Path) -> None:
    found = collect(tmp_path, f"{served.url}/renamed/{repo.folder.name}", token=SecretStr(TOKEN))
    assert len(found.of(Commit)) == 2


def test_a_token_is_sent_where_the_address_names_a_user(served: Host, repo: Repo, tmp_path: Path) -> None:
    address = f"http://acme@127.0.0.1:{served.ports['http']}/{repo.folder.name}"
    assert len(collect(tmp_path, address, token=SecretStr(TOKEN)).of(Commit)) == 2
    served.accept(TOKEN, user="ada")
    assert len(collect(tmp_path, address, token=SecretStr(TOKEN), username="ada").of(Commit)) == 2


@pytest.mark.parametrize("allows", [True, False])
def test_contents_stay_with_a_host_that_lets_them(served: Host, repo: Repo, tmp_path: Path, allows: bool) -> None:
    repo.git("config", "uploadpack.allowFilter", str(allows).lower())
    (repo.folder / ".mailmap").write_text("Countess <countess@example.org> <ada@example.org>\n")
    repo.commit("Three")
    address = f"{served.url}/{repo.folder.name}"
    first = of_host(address, tmp_path)
    assert contents_of(repo, tmp_path) == ("missing" if allows else "blob")
    assert {row["author"] for page in first for row in page.rows.get(Commit, ())} == {"countess@example.org"}
    repo.commit("Four")
    assert headlines(of_host(address, tmp_path, first[-1].cursor)) == ["Four"]
    counted = of_host(address, tmp_path, first[-1].cursor, line_counts=True)
    assert [row["lines_added"] for page in counted for row in page.rows.get(Change, ())] == [1, 1, 2, 1]
    assert contents_of(repo, tmp_path) == "blob"


def test_a_token_that_was_renewed_goes_on_where_the_old_one_was(served: Host, repo: Repo, tmp_path: Path) -> None:
    address = f"{served.url}/{repo.folder.name}"
    first = of_host(address, tmp_path)
    served.accept("renewed")
    repo.commit("Three")
    with pytest.raises(CollectError, match="give the token read access to contents, or set `mirror = false`") as caught:
        of_host(address, tmp_path, first[-1].cursor)
    assert not isinstance(caught.value, AuthError)
    assert headlines(of_host(address, tmp_path, first[-1].cursor, token="renewed")) == ["Three"]  # noqa: S106 - as above


def test_a_repository_renamed_at_its_host_is_not_fetched_again(served: Host, repo: Repo, tmp_path: Path) -> None:
    first = of_host(f"{served.url}/{repo.folder.name}", tmp_path)
    renamed = repo.folder.with_name("renamed-at-its-host")
    repo.folder.rename(renamed)
    repo.folder = renamed
    served.forget()
    assert headlines(of_host(f"{served.url}/{renamed.name}", tmp_path, first[-1].cursor)) == []
    assert len(served.requests) == 2  # listed only
    repo.commit("Three")
    assert headlines(of_host(f"{served.url}/{renamed.name}", tmp_path, first[-1].cursor)) == ["Three"]


def test_a_repository_without_a_commit_is_empty_until_one_is_pushed(served: Host, tmp_path: Path) -> None:
    repo = Repo(served.repositories / "empty")
    address = f"{served.url}/empty"
    first = of_host(address, tmp_path)
    assert first[-1].notes == ("the repository is empty",)
    repo.commit("One")
    assert headlines(of_host(address, tmp_path, first[-1].cursor)) == ["One"]


def test_a_certificate_of_ones_own_authority_is_trusted_where_it_is_named(
    served: Host, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_certificate(tmp_path)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "certificate.pem"))  # another's: the setting is to win
    address = f"{served.secure_url}/{repo.folder.name}"
    with pytest.raises(CollectError, match=r"certificate of 127\.0\.0\.1 cannot be verified: .* `ca_file`") as caught:
        of_host(address, tmp_path)
    assert not isinstance(caught.value, RetryableError)
    assert served.requests == []
    (tmp_path / "own.pem").write_bytes(served.certificate.read_bytes())
    assert headlines(of_host(address, tmp_path, ca_file=Path("own.pem"))) == ["One", "Two (#2)"]


def test_a_proxy_is_asked_for_a_host_that_only_it_knows(
    served: Host, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    address = f"http://git.example/{repo.folder.name}"
    assert headlines(of_host(address, tmp_path, proxy=served.proxy_url)) == ["One", "Two (#2)"]
    asked = [one for one in served.requests if one.port == served.ports["proxy"]]
    assert {(one.host, one.authorization) for one in asked} == {("git.example", BASIC)}


def test_a_token_is_in_no_file_and_no_command_line(served: Host, repo: Repo, tmp_path: Path) -> None:
    bulky(repo, 100_000)
    with command_lines() as seen:
        collect(tmp_path, f"{served.url}/slow/{repo.folder.name}", token=SecretStr(TOKEN))
    assert any("git-remote-http" in line for line in seen)
    assert [line for line in seen if TOKEN in line or BASIC.split()[1] in line] == []
    for path in (tmp_path / "mirrors").rglob("*"):
        assert path.is_dir() or not any(word in path.read_bytes() for word in (TOKEN.encode(), BASIC[6:].encode()))


def test_a_first_fetch_that_was_killed_is_made_by_the_next_run(served: Host, repo: Repo, tmp_path: Path) -> None:
    for number in range(40):  # enough for a pack instead of single objects
        bulky(repo, 10_000, seed=number)
    address = f"{served.url}/{repo.folder.name}"
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from pathlib import Path
        from tests.collectors.test_git_served import of_host
        of_host({address.replace(served.url, served.url + "/slow")!r}, Path({str(tmp_path)!r}), line_counts=True)
    """)
    with subprocess.Popen([sys.executable, "-c", script]) as killed:
        until(lambda: any(tmp_path.rglob("tmp_pack_*")))
        killed.send_signal(signal.SIGKILL)
    found = of_host(address, tmp_path, line_counts=True)
    assert rows(found) == rows(of_host(address, tmp_path / "undisturbed", line_counts=True))
    (mirror,) = (tmp_path / "mirrors").glob("*.git")
    # What the killed run had started goes on to its end, its third answer, and harms nothing.
    slow = f"/slow/{repo.folder.name}/git-upload-pack"
    until(lambda: [one.path for one in served.requests].count(slow) == 3)
    assert of_host(address, tmp_path, found[-1].cursor, line_counts=True)[-1].rows == {}
    subprocess.run(["git", "-C", mirror, "fsck", "--strict"], check=True, capture_output=True)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen within 20 seconds"
        time.sleep(0.01)


def rows(pages: list[Page]) -> dict[type[Record], list[Mapping[str, Any]]]:
    found: dict[type[Record], list[Mapping[str, Any]]] = {}
    for page in pages:
        for record, some in page.rows.items():
            found.setdefault(record, []).extend(some)
    return found


def bulky(repo: Repo, size: int, seed: int = 0) -> None:
    """Commit a file that takes its time on the way."""
    (repo.folder / "bulk").write_bytes(random.Random(seed).randbytes(size))  # noqa: S311 - not a secret
    repo.commit("Bulk")


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """The command lines of all processes that run meanwhile."""
    seen: set[str] = set()
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.005):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    seen.add((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:  # it ended just now
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()
