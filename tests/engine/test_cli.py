"""The command line: what it prints where, and that every mistake is one message with a remedy and exit code 1."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dxmetrics import __version__, cli, pipeline, warehouse

COLLECTOR = '''
"""A source that always refuses."""

from dxmetrics.collectors import AuthError, Collector, Scope, SourceSettings


class Refusing(Collector):
    kind = "refusing"
    produces = ()

    def scopes(self):
        yield Scope("one", "the only scope")

    def collect(self, scope, cursor):
        raise AuthError("refusing: 401 on /user: the token is refused: create a new one and set DX_REFUSING__TOKEN")
        yield
'''
SERVICES = "checkout", "search"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty, with none of the machine's DX_ variables."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DX_")]:
        monkeypatch.delenv(name)
    return tmp_path


Dx = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dx(capsys: pytest.CaptureFixture[str]) -> Dx:
    """`dx("collect", "--json")`: exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def refused(answer: tuple[int, str, str]) -> str:
    """What was said on stderr by a command that failed as it should."""
    code, out, err = answer
    assert code == 1
    assert out == ""
    assert "Traceback" not in err
    return err


def written(folder: Path) -> Path:
    """A project with a week of deployments of two services: ten, one of them failed."""
    (folder / "records").mkdir(parents=True)
    (folder / "dx.toml").write_text(
        '[organisation]\nname = "Acme"\n[sources.ship]\nkind = "files"\nfolder = "records"\n'
    )
    rows = [
        {
            "ext_id": f"{service}-{day}",
            "service": service,
            "status": "failure" if (service, day) == ("search", "2026-03-05") else "success",
            "finished_at": f"{day}T12:00:00Z",
        }
        for service in SERVICES
        for day in ("2026-02-25", *(f"2026-03-{day:02}" for day in range(2, 7)))
    ]
    (folder / "records/deployments.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a project that is collected, built and published."""
    folder = written(tmp_path_factory.mktemp("published"))
    assert cli.run(["up", "--no-serve", "--project", str(folder)]) == 0
    return str(folder)


# -- results -----------------------------------------------------------------------------------------------------------


def test_help_and_version_answer_at_once_without_heavy_modules(dx: Dx) -> None:
    heavy = {"pydantic", "duckdb", "pandas", "numpy", "pyarrow", "streamlit", "httpx2"}
    code = f"import sys, dxmetrics.cli; print(sorted({heavy!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    code_, out, _ = dx("--help")
    assert code_ == 0
    for verb in ("init", "up", "collect", "build", "check", "metrics", "explain", "sources"):
        assert f"  {verb} " in out
    assert dx("--version") == (0, f"{__version__}\n", "")


def test_an_unknown_verb_or_option_is_a_usage_error(dx: Dx) -> None:
    assert dx("colect")[0] == 2
    assert dx("up", "--prot", "1")[0] == 2


def test_up_tells_each_step_on_stderr_and_publishes(dx: Dx, here: Path) -> None:
    written(here)
    code, out, err = dx("up", "--no-serve")
    assert (code, out) == (0, "")
    assert [line.split()[0] for line in err.splitlines() if not line.startswith(" ")] == [
        "project", "data", "collect", "build", "check", "publish",
    ]  # fmt: skip
    assert f"data      {here / 'data'}" in err
    assert "ship: deployments.jsonl: 12 rows read, 12 changed" in err
    assert warehouse.latest(here / "data") is not None
    assert "step=collect" in (here / "data/dxmetrics.log").read_text()


def test_metrics_prints_one_object_per_cell_with_everything_it_rests_on(dx: Dx, published: str) -> None:
    code, out, err = dx(
        "metrics", "deployments", "--period", "week", "--by", "service", "--from", "2026-03-02", "--to", "2026-03-09",
        "--json", "--project", published,
    )  # fmt: skip
    assert (code, err) == (0, "")
    cells = json.loads(out)
    assert {(cell["service"], cell["value"], cell["n"]) for cell in cells} == {("checkout", 5, 5), ("search", 4, 4)}
    wanted = {
        "metric", "version", "period_start", "service", "value", "unit", "n", "k", "ci_low", "ci_high", "is_partial",
        "quality_flags", "coverage",
    }  # fmt: skip
    assert all(wanted <= set(cell) for cell in cells)


def test_metrics_prints_a_table_for_people(dx: Dx, published: str) -> None:
    code, out, _ = dx(
        "metrics", "deployments", "--from", "2026-03-02", "--to", "2026-03-09", "--where", "service=search",
        "--project", published,
    )  # fmt: skip
    assert code == 0
    assert out.splitlines()[-1].split()[:4] == ["2026-03-02", "2026-03-09", "4", "4"]


def test_metrics_without_a_name_lists_them(dx: Dx, published: str) -> None:
    _, out, _ = dx("metrics", "--project", published)
    assert "deployment_frequency" in out
    _, out, _ = dx("metrics", "--json", "--project", published)
    assert {"name", "title", "unit", "sql"} <= set(json.loads(out)[0])


def test_explain_shows_the_rows_behind_a_number(dx: Dx, published: str) -> None:
    window = ("--from", "2026-03-02", "--to", "2026-03-09", "--project", published)
    code, out, _ = dx("explain", "deployments", *window)
    assert code == 0
    assert "search-2026-03-02" in out
    assert "9 of 9 rows" in out
    _, out, _ = dx("explain", "deployments", "--where", "service=search", "--json", *window)
    receipt = json.loads(out)
    assert (receipt["value"]["value"], receipt["total_rows"], len(receipt["rows"])) == (4, 4, 4)


def test_sources_lists_what_is_configured_and_what_there_is(dx: Dx, published: str, here: Path) -> None:
    _, out, _ = dx("sources", "--json", "--project", published)
    found = json.loads(out)
    assert [(one["name"], one["kind"], one["state"]) for one in found["sources"]] == [("ship", "files", "ok")]
    assert {"files", "git", "sample"} <= {one["kind"] for one in found["kinds"]}
    assert all(one["reads"] for one in found["kinds"])
    _, out, _ = dx("sources")
    assert "not collected yet" in out


def test_collect_build_and_check_print_json_for_machines(dx: Dx, here: Path) -> None:
    written(here)
    assert json.loads(dx("collect", "--json")[1])["scopes"][0]["rows_changed"] == 12
    built = json.loads(dx("build", "--json")[1])
    assert {"core.deployments", "metrics.deployments"} <= {model["name"] for model in built["models"]}
    assert json.loads(dx("check", "--json")[1]) == built["checks"]


def test_failed_checks_are_named_and_end_with_1(dx: Dx, here: Path) -> None:
    (written(here) / "sql/checks").mkdir(parents=True)
    header = '/*---\ntitle = "Ships on no Thursday"\nseverity = "error"\nremedy = "wait for Friday"\n---*/\n'
    query = "select d.deployment_id from core.deployments as d where dayname(d.finished_at) = 'Thursday'\n"
    (here / "sql/checks/no_thursday.sql").write_text(header + query)
    code, _, err = dx("up", "--no-serve")
    assert code == 1
    assert "error: check no_thursday: Ships on no Thursday: 2 rows: wait for Friday" in err
    assert warehouse.latest(here / "data") is not None, "the Data health page shows it"
    assert dx("check")[0] == 1


def test_init_writes_a_dx_toml_for_what_lies_around(dx: Dx, here: Path) -> None:
    for name in ("web", "group/api"):
        subprocess.run(["git", "init", "-q", str(here / name)], check=True)
    remote = "https://ada:secret@forge.test/org/web.git"
    subprocess.run(["git", "-C", str(here / "web"), "remote", "add", "origin", remote], check=True)
    (here / "people.csv").write_text("name,email\nAda,ada@x.org\n")
    (here / "teams.csv").write_text("something,else\n")
    code, out, err = dx("init")
    assert (code, out) == (0, f"{here / 'dx.toml'}\n")
    assert "repository web, cloned from https://forge.test/org/web.git" in err
    text = (here / "dx.toml").read_text()
    assert "ada:secret" not in text
    assert '    "group/api",\n    "web",  # of https://forge.test/org/web.git' in text
    assert '\npeople_csv = "people.csv"\n' in text
    assert '\n# teams_csv = ""\n' in text
    found = json.loads(dx("sources", "--json")[1])
    assert [one["name"] for one in found["sources"]] == ["git"]
    assert "dx.toml exists already: edit it, or move it away" in refused(dx("init"))


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_an_unknown_setting_is_named_with_the_valid_ones(dx: Dx, here: Path) -> None:
    (here / "dx.toml").write_text("[serve]\nprot = 1\n")
    err = refused(dx("up", "--no-serve"))
    assert err == "dxmetrics: dx.toml: [serve] 'prot' is not a setting: did you mean 'port'? valid: port, address\n"


def test_an_unknown_setting_of_a_source_is_named(dx: Dx, here: Path) -> None:
    (written(here) / "dx.toml").write_text('[sources.ship]\nkind = "files"\nfoldr = "records"\n')
    assert "[sources.ship] 'foldr' is not a setting: did you mean 'folder'?" in refused(dx("collect"))


@pytest.mark.parametrize("command", [("up", "--no-serve"), ("collect",)])
def test_a_refused_token_is_told_with_what_to_set(dx: Dx, here: Path, command: tuple[str, ...]) -> None:
    (here / "collectors").mkdir()
    (here / "collectors/refusing.py").write_text(COLLECTOR)
    (here / "dx.toml").write_text('[sources.refusing]\nkind = "refusing"\n')
    assert "the token is refused: create a new one and set DX_REFUSING__TOKEN" in refused(dx(*command))


def test_a_folder_that_is_no_repository_is_named(dx: Dx, here: Path) -> None:
    (here / "plain").mkdir()
    err = refused(dx("up", "--no-serve", "plain"))
    assert str(here / "plain") in err
    assert "not a git repository" in err


def test_a_data_folder_that_cannot_be_written_is_named(dx: Dx, here: Path) -> None:
    (written(here) / "data").write_text("a file in the way")
    err = refused(dx("up", "--no-serve"))
    assert str(here / "data") in err
    assert "cannot be made" in err


def test_a_warehouse_of_a_newer_version_is_left_alone(dx: Dx, here: Path) -> None:
    connection = warehouse.open_writer(written(here) / "data")
    warehouse.set_fact(connection, "schema_version", 999)
    connection.close()
    err = refused(dx("up", "--no-serve"))
    assert "has schema version 999" in err
    assert "upgrade dxmetrics" in err


def test_a_damaged_warehouse_is_named_with_a_way_out(dx: Dx, here: Path) -> None:
    (written(here) / "data").mkdir()
    (here / "data/dx.duckdb").write_bytes(b"not a database" * 1000)
    err = refused(dx("up", "--no-serve"))
    assert str(here / "data/dx.duckdb") in err
    assert "move it away and collect again" in err


def test_a_second_worker_on_one_warehouse_is_refused(dx: Dx, here: Path) -> None:
    code = (
        "import sys, pathlib; from dxmetrics import warehouse; c = warehouse.open_writer(pathlib.Path(sys.argv[1]));"
        "print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(written(here) / "data")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        err = refused(dx("up", "--no-serve"))
        holder.kill()
    assert f"another dxmetrics process (PID {holder.pid})" in err
    assert "stop it, or wait" in err


def test_a_port_in_use_is_told_before_anything_is_collected(dx: Dx, here: Path) -> None:
    written(here)
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        err = refused(dx("up", "--port", str(port)))
    assert (
        err
        == f"dxmetrics: port {port} is in use: stop what listens there, or choose another with --port or [serve] port\n"
    )
    assert not (here / "data").exists()


def test_a_full_disk_is_told_and_nothing_is_lost(dx: Dx, here: Path, published: str) -> None:
    shutil.copytree(published, here, dirs_exist_ok=True)
    before = warehouse.latest(here / "data")
    more = [{"ext_id": str(number), "name": f"{number:064}" * 40} for number in range(3_000)]
    (here / "records/repositories.jsonl").write_text("\n".join(map(json.dumps, more)))
    size = (here / "data/dx.duckdb").stat().st_size

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, size + 100_000))

    command = [sys.executable, "-m", "dxmetrics", "up", "--no-serve"]
    full = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, check=False)
    assert full.returncode == 1
    assert "no space left on the disk" in full.stderr
    assert "Traceback" not in full.stderr
    assert warehouse.latest(here / "data") == before
    assert json.loads(dx("collect", "--json")[1])["scopes"][-1]["status"] == "ok", "with space again it goes on"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("metrics", "deploymnts"), "deploymnts"),
        (("metrics", "deployments", "--period", "year"), "period 'year' is not known: use one of day, week"),
        (("metrics", "deployments", "--from", "yesterday"), "'yesterday' is not a day: write it as 2026-03-31"),
        (("metrics", "deployments", "--where", "team"), "--where 'team' is not understood: write it as team=Payments"),
        (("metrics", "deployments", "--by", "colour"), "colour"),
        (("explain", "deploymnts"), "deployments"),
        (("up", "--sample", "repo"), "--sample and repositories exclude each other"),
        (("collect", "nothing"), "source 'nothing' is not configured: use one of ship"),
        (("collect", "--project", "/nowhere"), "/nowhere: not a folder"),
    ],
)
def test_a_value_that_cannot_be_used_is_answered_with_the_valid_ones(
    dx: Dx, published: str, arguments: tuple[str, ...], message: str
) -> None:
    folder = () if "--project" in arguments else ("--project", published)
    assert message in refused(dx(*arguments, *folder))


def test_metrics_before_anything_is_published_say_what_to_run(dx: Dx) -> None:
    assert "dxmetrics up" in refused(dx("metrics"))


def test_an_unexpected_error_leaves_its_traceback_in_a_file(
    dx: Dx, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("this cannot be")

    monkeypatch.setattr(pipeline, "collect", broken)
    err = refused(dx("collect"))
    assert err.startswith("dxmetrics: unexpected RuntimeError: this cannot be\n")
    log = Path(err.split()[-1])
    assert "Traceback" in log.read_text()
    log.unlink()


def test_a_run_broken_off_by_hand_says_that_nothing_is_lost(dx: Dx, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_off(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "collect", broken_off)
    code, _, err = dx("collect")
    assert (code, err) == (130, "dxmetrics: interrupted: what was done is kept, run it again to go on\n")


# -- serving -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("localhost", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("end", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.real)])
def test_up_serves_the_dashboard_until_it_is_stopped(published: str, free_port: int, end: signal.Signals) -> None:
    # A shell that runs the tests in the background hands SIGINT on as ignored; a terminal does not.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    running_it = f"{heeding}; from dxmetrics.cli import main; main()"
    command = [sys.executable, "-c", running_it, "up", "--port", str(free_port), "--project", published]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = ""
        while "dashboard " not in said:
            line = running.stderr.readline()
            assert line, said
            said += line
        assert line == f"dashboard http://localhost:{free_port}  (Ctrl-C stops it)\n"
        with urllib.request.urlopen(f"http://localhost:{free_port}", timeout=30) as page:
            assert page.status == 200
        running.send_signal(end)
        try:
            running.wait(60)
        finally:
            running.kill()
        said += running.stderr.read()
    assert running.returncode == 0, said
    assert "Traceback" not in said
    with socket.create_server(("localhost", free_port)):
        pass  # nothing stayed behind
