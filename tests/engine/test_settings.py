"""dx.toml and DX_* variables: defaults, what wins, and how mistakes are answered."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from dxmetrics import collectors, starter
from dxmetrics.collectors import SourceSettings
from dxmetrics.errors import SettingsError
from dxmetrics.patterns import expression, of_globs
from dxmetrics.project import Project, builtin_root
from dxmetrics.settings import SECTIONS, Settings, read, resolve, variables
from dxmetrics.settings.checking import checked
from dxmetrics.settings.entries import MemberEntry, PersonEntry, ServiceEntry, TeamEntry
from dxmetrics.sources import kinds


def refused(document: dict[str, Any], environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        resolve(document, environment or {})
    return str(caught.value)


def test_nothing_set_means_defaults() -> None:
    settings = resolve({}, {})
    assert settings == Settings()
    assert (settings.serve.port, settings.organisation.reporting_zone, settings.incidents.window_hours) == (
        8501,
        "UTC",
        24,
    )


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().serve.port = 1  # type: ignore[misc]


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "dx.toml"
    file.write_text('[serve]\nport = 9000\naddress = "0.0.0.0"\n')
    settings = read(file, {"DX_SERVE__PORT": "9001", "HOME": "/x", "DX_PROJECT": "/y"})
    assert (settings.serve.port, settings.serve.address) == (9001, "0.0.0.0")  # noqa: S104 - read back, not bound


def test_a_variable_named_after_a_source_fills_its_section() -> None:
    document = {"sources": {"our-github": {"kind": "github"}}}
    settings = resolve(document, {"DX_OUR_GITHUB__TOKEN": "secret"})
    assert settings.sources == {"our-github": {"kind": "github", "token": "secret"}}
    assert document == {"sources": {"our-github": {"kind": "github"}}}, "what was passed in stays as it was"


@pytest.mark.parametrize("text", ["live, eu-*", '["live", "eu-*"]'])
def test_a_list_in_a_variable_is_toml_or_separated_by_commas(text: str) -> None:
    settings = resolve({}, {"DX_PRODUCTION__ENVIRONMENTS": text})
    assert settings.production.environments == ("live", "eu-*")


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    assert "hunter2" not in repr(resolve({"sources": {"github": {"kind": "x", "token": "hunter2"}}}, {}))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"serve": {"prot": 1}}, "dx.toml: [serve] 'prot' is not a setting: did you mean 'port'? valid: port, address"),
        ({"srve": {}}, "dx.toml: 'srve' is not a section: did you mean 'serve'? valid: organisation, data,"),
        ({"serve": {"port": "web"}}, "dx.toml: [serve] port = 'web': input should be a valid integer"),
        ({"serve": 3}, "dx.toml: [serve] = 3: input should be a valid dictionary"),
        ({"teams": [{"name": "A"}, {"members": []}]}, "dx.toml: [[teams]] number 2 name is missing: add it"),
        (
            {"teams": [{"name": "A", "members": [{"prson": "b"}]}]},
            "members number 1 'prson' is not a setting: did you mean 'person'?",
        ),
        ({"organisation": {"reporting_zone": "Europe/Berln"}}, "reporting_zone = 'Europe/Berln': is not a time zone"),
        ({"organisation": {"reporting_zone": "../x"}}, "reporting_zone = '../x': is not a time zone"),
        ({"deployments": {"hotfix_pattern": "("}}, "hotfix_pattern = '(': is not a regular expression"),
        (
            {"deployments": {"rework_scope": "all"}},
            "rework_scope = 'all': input should be 'incident' or 'incident_or_bug'",
        ),
        ({"sources": {"serve": {"kind": "git"}}}, "[sources.serve]: a source cannot have this name"),
        ({"sources": {"project": {"kind": "git"}}}, "[sources.project]: a source cannot have this name"),
        ({"sources": {"a b": {"kind": "git"}}}, "a source's name has letters, digits, - and _ only"),
        ({"sources": {"git": "x"}}, "dx.toml: [sources.git] = 'x': input should be a valid dictionary"),
    ],
)
def test_a_mistake_is_answered_with_place_value_and_remedy(document: dict[str, Any], message: str) -> None:
    assert message in refused(document)


def test_every_mistake_is_named_at_once() -> None:
    lines = refused({"serve": {"prot": 1}, "data": {"flder": "x"}}).splitlines()
    assert len(lines) == 2


def test_a_wrong_variable_is_named_itself() -> None:
    assert refused({}, {"DX_SERVE__PORT": "web"}).startswith("DX_SERVE__PORT: [serve] port = 'web'")
    assert refused({}, {"DX_SERVE__PROT": "1"}).startswith("DX_SERVE__PROT: [serve] 'prot' is not a setting")
    github = {"sources": {"github": {"kind": "github"}}}
    assert "DX_GITHBU__TOKEN: 'githbu' is not a section or a source: did you mean 'github'?" in refused(
        github, {"DX_GITHBU__TOKEN": "secret"}
    )


def test_a_mistake_of_the_file_is_not_blamed_on_a_variable() -> None:
    assert refused({"serve": 3}, {"DX_SERVE__PORT": "1"}).startswith("dx.toml: [serve] = 3")
    assert refused({"sources": {"git": 3}}, {"DX_GIT__TOKEN": "1"}).startswith("dx.toml: [sources.git] = 3")


def test_a_token_of_another_project_does_not_disturb_a_sample() -> None:
    assert resolve({}, {"DX_GITHUB__TOKEN": "secret"}, strict=False) == Settings()


def test_a_file_that_is_not_toml_is_named_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "dx.toml"
    file.write_text("[serve\n")
    with pytest.raises(SettingsError, match=r"dx\.toml: not valid TOML: .*line 1"):
        read(file, {})


def test_a_refused_secret_is_not_repeated() -> None:
    class Github(SourceSettings):
        token: SecretStr

    with pytest.raises(SettingsError) as caught:
        checked(Github, {"kind": "github", "token": ["hunter2"]}, "dx.toml", at=("sources", "github"))
    assert str(caught.value).startswith("dx.toml: [sources.github] token: ")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("globs", "text", "matches"),
    [
        (["*[bot]"], "dependabot[bot]", True),
        (["*[bot]"], "robot", False),
        (["prod", "prod-*"], "PROD-eu", True),
        (["prod"], "preprod", False),
        (["v?"], "v1", True),
        (["a.c"], "abc", False),
        ([], "", False),
        ([], "anything", False),
    ],
)
def test_globs_match_whole_names_in_any_case_with_literal_brackets(
    globs: list[str], text: str, *, matches: bool
) -> None:
    assert bool(re.search(of_globs(globs), text)) is matches


def test_the_sql_variables_are_the_organisations_choices() -> None:
    chosen = variables(resolve({"incidents": {"severities": [1, 2]}, "production": {"environments": ["live"]}}, {}))
    assert chosen["incident_severities"] == [1, 2]
    assert chosen["production_pattern"] == "(?i)^(?:live)$"
    assert variables(Settings())["incident_severities"] is None
    assert set(chosen) == {
        "production_pattern", "bot_pattern", "incident_label_pattern", "incident_type_pattern", "severity_pattern",
        "release_deployments", "incident_severities", "incident_window_hours", "fan_out_minutes",
        "hotfix_pattern", "rework_scope", "large_change_lines", "reporting_zone", "cost_currency", "cost_kind",
        "cost_shared", "ci_runners", "ci_prices",
    }  # fmt: skip


def test_the_example_file_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    text = (builtin_root() / "dx.example.toml").read_text()
    assert text == starter.example(Project.find(tmp_path, {})), "dxmetrics init --example > dx.example.toml"
    assert resolve(tomllib.loads(text), {}) == Settings()
    shown = {name: set(section) for name, section in tomllib.loads(text).items()}
    for name, model in SECTIONS.items():
        known = {key for key, field in model.model_fields.items() if field.default is not None}
        assert shown[name] == known


def test_every_comment_of_the_example_that_is_a_setting_is_valid_toml(tmp_path: Path) -> None:
    project = Project.find(tmp_path, {})
    lines = re.sub(r"(?m)^# (?=\[|\w+ = )", "", starter.example(project))
    document = tomllib.loads(lines)
    assert set(document) == {*Settings.model_fields}
    assert set(document["sources"]) == set(kinds(project))
    assert set(document["people"][0]) == set(PersonEntry.model_fields)


def test_every_setting_says_why(tmp_path: Path) -> None:
    entries = (ServiceEntry, TeamEntry, MemberEntry, PersonEntry)
    sources = [collectors.load(kind).Settings for kind in kinds(Project.find(tmp_path, {}))]
    silent = [
        f"{model.__name__}.{key}"
        for model in (*SECTIONS.values(), *entries, *sources)
        for key, field in model.model_fields.items()
        if key != "kind" and not field.description
    ]
    assert silent == []


def test_a_pattern_is_a_glob_or_an_expression_between_slashes_and_blank_matches_anything() -> None:
    assert expression("Deploy*") == "(?i)^(?:Deploy.*)$"
    assert expression("/^deploy-(prod|live)$/") == "^deploy-(prod|live)$"
    assert expression("") is None


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"branch": "main"}, "a rule names at least `workflow` or `job`"),
        ({"workflow": "/(/"}, r"workflow = '/\(/': is not a regular expression"),
        ({"workflows": "deploy"}, "'workflows' is not a setting: did you mean 'workflow'"),
    ],
)
def test_a_deployment_rule_that_cannot_be_is_refused(rule: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        resolve({"deployments": {"rules": [rule]}}, {})
