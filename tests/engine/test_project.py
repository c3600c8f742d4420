"""Projects: which folder is worked in, whose content counts, and that data of different origins never mixes."""

from pathlib import Path

import pytest

from dxmetrics.errors import SettingsError
from dxmetrics.project import Project, builtin_root
from dxmetrics.sources import configured, kinds

COLLECTOR = '''
from dxmetrics.collectors import Collector, SourceSettings
from pydantic import SecretStr


class Settings(SourceSettings):
    """Where it is."""

    folder: str = "."
    token: SecretStr | None = None


class {name}(Collector):
    kind = "{kind}"
    produces = ()
    Settings = Settings

    def scopes(self):
        return iter(())

    def collect(self, scope, cursor):
        return iter(())
'''


def written(folder: Path, **files: str) -> Path:
    """`folder` with these files; `__` in a name stands for `/` and `_dot_` for a dot."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_without_dx_toml_it_is_the_sample_organisation(tmp_path: Path) -> None:
    project = Project.find(tmp_path, {})
    assert project.is_sample
    assert project.data == tmp_path / "data/sample"
    assert [(source.name, source.collector.kind) for source in configured(project)] == [("sample", "sample")]
    assert project.roots == (builtin_root(),)


def test_without_dx_toml_it_is_what_was_opened_last(tmp_path: Path) -> None:
    opened = Project.of_repositories(tmp_path, ["https://example.org/a/b.git"], {})
    opened.stay_open()
    assert Project.find(tmp_path, {}) == opened
    Project.sample(tmp_path, {}).stay_open()
    assert Project.find(tmp_path, {}).is_sample
    opened.stay_open()
    written(tmp_path, dx_dot_toml="")
    assert Project.find(tmp_path, {}).data == tmp_path / "data"


def test_a_folder_with_content_but_without_dx_toml_is_not_laid_over(tmp_path: Path) -> None:
    written(tmp_path, sql__metrics__own__mine_dot_sql="select 1 as one")
    assert Project.find(tmp_path, {}).roots == (builtin_root(),)


def test_the_users_content_comes_before_the_built_in(tmp_path: Path) -> None:
    written(tmp_path, dx_dot_toml="", dashboards__pages__own_dot_py="", dashboards__pages__definitions_dot_py="")
    project = Project.find(tmp_path, {})
    assert project.roots == (tmp_path, builtin_root())
    assert tmp_path / "dashboards/pages/own.py" in project.pages
    assert [page.parent for page in project.pages if page.name == "definitions.py"] == [tmp_path / "dashboards/pages"]
    assert project.content("dashboards/app.py") == builtin_root() / "dashboards/app.py"
    assert not project.is_sample


def test_content_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"dashboards/no\.py is in none of"):
        Project.find(tmp_path, {}).content("dashboards/no.py")


def test_data_lies_where_dx_toml_says(tmp_path: Path) -> None:
    written(tmp_path, dx_dot_toml='[data]\nfolder = "../warehouse"\n')
    assert Project.find(tmp_path, {}).data == tmp_path / "../warehouse"
    assert Project.find(tmp_path, {"DX_DATA__FOLDER": "/srv/dx"}).data == Path("/srv/dx")
    assert Project.find(tmp_path, {"DX_DATA": "/srv/other"}).data == Path("/srv/other")


def test_the_environment_names_the_project_where_nobody_else_does(tmp_path: Path) -> None:
    assert Project.find(None, {"DX_PROJECT": str(tmp_path)}).folder == tmp_path
    assert Project.find(None, {}).folder == Path.cwd()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not a folder"):
        Project.find(tmp_path / "nowhere", {})


def test_every_origin_has_a_data_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = "https://forge.test/org/web.git"

    def data(*repositories: str) -> Path:
        return Project.of_repositories(tmp_path, repositories, {}).data.relative_to(tmp_path)

    assert data(url) == data(url + "/")
    assert data(url, "../api") == data("../api", url), "the same repositories in another order are the same data"
    assert len({data(url), data(url, "../api"), data("../api"), Path("data"), Path("data/sample")}) == 5
    assert data(url).parts[:2] == ("data", "repositories")
    assert data(url).name.startswith("web-")


def test_repositories_need_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, dx_dot_toml="[serve]\nport = 9000\n")
    (tmp_path / "api").mkdir()
    url = "git@forge.test:org/web.git"
    project = Project.of_repositories(tmp_path, [url, "api"], {"DX_GITHUB__TOKEN": "another project's"})
    assert project.settings.sources["git"]["repositories"] == (url, str(tmp_path / "api"))
    assert project.settings.serve.port == 8501
    assert project.settings.organisation.name == "web, api"
    assert [source.collector.kind for source in configured(project)] == ["git"]


def test_a_source_of_the_users_own_kind_is_found_and_checked(tmp_path: Path) -> None:
    written(
        tmp_path,
        dx_dot_toml='[sources.ours]\nkind = "homemade"\nfolder = "there"\n',
        collectors__homemade_dot_py=COLLECTOR.format(name="Homemade", kind="homemade"),
    )
    project = Project.find(tmp_path, {"DX_OURS__TOKEN": "secret"})
    assert "homemade" in kinds(project)
    settings = configured(project)[0].settings.model_dump()
    assert settings["folder"] == "there"
    assert settings["token"].get_secret_value() == "secret"
    assert project.source_folder("ours") == tmp_path / "data/sources/ours"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ('kind = "gti"', r"dx\.toml: \[sources\.ours\] source kind 'gti' is not known: use one of .*git"),
        ("", r"dx\.toml: \[sources\.ours\] kind is missing: use one of .*git"),
        ('kind = "strict"\nfoldr = "x"', r"\[sources\.ours\] 'foldr' is not a setting: did you mean 'folder'"),
        ('kind = "strict"\nfolder = 3', r"\[sources\.ours\] folder = 3: input should be a valid string"),
    ],
)
def test_a_wrong_source_section_is_answered_with_the_valid_values(tmp_path: Path, section: str, message: str) -> None:
    written(
        tmp_path,
        dx_dot_toml=f"[sources.ours]\n{section}\n",
        collectors__strict_dot_py=COLLECTOR.format(name="Strict", kind="strict"),
    )
    with pytest.raises(SettingsError, match=message):
        configured(Project.find(tmp_path, {}))
