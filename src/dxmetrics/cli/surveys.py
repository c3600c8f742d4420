"""Surveys: check instruments, open and close waves, hand out links, invite, remind, read results."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from dxmetrics.cli.application import Folder, Json, app, chosen
from dxmetrics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dxmetrics.project import Project
    from dxmetrics.state import State
    from dxmetrics.survey import Instrument

survey_app = typer.Typer(
    help="Surveys: instruments, waves, links, results.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(survey_app, name="survey")

Name = Annotated[str, typer.Argument(metavar="SURVEY", help="id of the survey, see `survey check`")]
WaveName = Annotated[str | None, typer.Option("--wave", metavar="NAME", help="a wave by its name  [default: newest]")]


@survey_app.command()
def check(project: Folder = None, as_json: Json = False) -> None:
    """Check every instrument of the project, also against the wording of earlier waves."""
    from dxmetrics.cli import output
    from dxmetrics.survey import instruments_of, waves

    opened = chosen(project)
    found = instruments_of(opened)
    with _state(opened) as state:
        waves.check(found, state)
        output.instruments(found, state.waves.all(), is_json=as_json)


@survey_app.command("open")
def open_wave(
    name: Name,
    wave: Annotated[
        str | None, typer.Option("--wave", metavar="NAME", help="what it is called  [default: the quarter or month]")
    ] = None,
    closes: Annotated[
        datetime | None,
        typer.Option("--closes", formats=["%Y-%m-%d"], help="its last day  [default: as its file says]"),
    ] = None,
    project: Folder = None,
) -> None:
    """Open a wave: from now on links can be given out and answered."""
    from dxmetrics.pipeline import utc_now
    from dxmetrics.survey import waves

    opened = chosen(project)
    instrument = _instrument(opened, name)
    with _state(opened) as state:
        made = waves.open_wave(
            state, instrument, utc_now(), _zone(opened), name=wave, closes_on=closes.date() if closes else None
        )
    typer.echo(
        f"wave {made.name} of {name} is open until {made.closes_at.astimezone(_zone(opened)):%Y-%m-%d %H:%M %Z}; "
        f"now `dxmetrics survey invite {name}`, or `dxmetrics survey links {name} --count N`",
        err=True,
    )


@survey_app.command()
def links(
    name: Name,
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="how many links")],
    team: Annotated[str | None, typer.Option("--team", help="the team of those who get them; none: not known")] = None,
    tenure: Annotated[
        str | None, typer.Option("--tenure", help="their band of tenure, such as `under 2 years`")
    ] = None,
    project: Folder = None,
) -> None:
    """Print links for a cohort, each for one use. Hand them out so that nobody notes who got which."""
    from dxmetrics.survey import waves

    opened = chosen(project)
    with _state(opened) as state:
        for link in waves.hand_out(
            state, waves.running_wave(state, name), _address(opened), count, team=team, tenure=tenure
        ):
            typer.echo(link)


@survey_app.command()
def invite(name: Name, project: Folder = None) -> None:
    """Invite whom the open wave asks, by mail or in Slack; whoever is invited is not invited again."""
    from dxmetrics.pipeline import utc_now
    from dxmetrics.survey import invitations, waves

    opened = chosen(project)
    with _state(opened) as state:
        typer.echo(str(invitations.invite(opened, state, waves.running_wave(state, name), utc_now)), err=True)


@survey_app.command()
def remind(name: Name, project: Folder = None) -> None:
    """Remind those who have not answered; who they are is neither kept nor told."""
    from dxmetrics.pipeline import utc_now
    from dxmetrics.survey import invitations, waves

    opened = chosen(project)
    with _state(opened) as state:
        typer.echo(str(invitations.remind(opened, state, waves.running_wave(state, name), utc_now)), err=True)


@survey_app.command()
def close(name: Name, project: Folder = None) -> None:
    """Close the open wave now: keys and used links are removed, and its results are computed with the next build."""
    from dxmetrics.pipeline import utc_now
    from dxmetrics.survey import answers_of, waves

    opened = chosen(project)
    with _state(opened) as state, answers_of(opened, utc_now) as answers:
        wave = waves.running_wave(state, name)
        waves.close(state, answers, wave)
        after = state.waves.get(wave.id) or wave
    typer.echo(
        f"wave {wave.name} of {name} is closed: {after.answered} of {after.invited} answered; a worker that runs "
        "publishes the results, else `dxmetrics build` does",
        err=True,
    )


@survey_app.command()
def results(name: Name, wave: WaveName = None, project: Folder = None, as_json: Json = False) -> None:
    """Print the results of a wave that is closed: what is shown on the page, and nothing else."""
    from dxmetrics.cli import output
    from dxmetrics.survey import read

    found = read.results(chosen(project).data).find(name, wave)
    output.results(found, is_json=as_json)


@survey_app.command()
def erase(
    name: Name,
    wave: Annotated[str, typer.Argument(metavar="WAVE", help="the wave's name")],
    with_results: Annotated[
        bool, typer.Option("--with-results", help="its results too; they cannot be computed again")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    project: Folder = None,
) -> None:
    """Erase the answers of a wave for good. Backups and earlier publications are not touched."""
    from dxmetrics.pipeline import utc_now
    from dxmetrics.survey import answers_of

    opened = chosen(project)
    if not yes:
        typer.confirm(f"erase the answers of wave {wave} of {name}?", abort=True, err=True)
    with answers_of(opened, utc_now) as answers:
        erased = answers.erase(name, wave, with_results=with_results)
    results_too = " and its results, once the next build is published" if with_results else ""
    typer.echo(f"{erased} responses of {name} {wave} are erased{results_too}", err=True)


def _instrument(project: Project, name: str) -> Instrument:
    from dxmetrics.survey import instruments_of

    found = instruments_of(project)
    if name not in found:
        raise SettingsError(f"survey {name!r} is not known: use one of {', '.join(found) or 'none yet'}")
    return found[name]


def _address(project: Project) -> str:
    """Where links lead to: as set, else this machine."""
    settings = project.settings
    return settings.surveys.address or f"http://localhost:{settings.serve.port}"


def _zone(project: Project) -> ZoneInfo:
    return ZoneInfo(project.settings.organisation.reporting_zone)


@contextmanager
def _state(project: Project) -> Iterator[State]:
    from dxmetrics import state
    from dxmetrics.pipeline import utc_now

    with state.of_project(project, utc_now) as opened:
        yield opened
