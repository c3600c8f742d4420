"""The reference pages say what the code says, and leave nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from dxmetrics import collectors, reference
from dxmetrics.collectors import Collector, SourceSettings
from dxmetrics.project import builtin_root
from dxmetrics.records import RECORDS, table_name

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(autouse=True)
def builtin_sources() -> None:
    collectors.extend_path([builtin_root() / "collectors"])


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_page_in_docs_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == reference.PAGES[name](), "stale: run `make docs`"


def test_every_record_and_every_field_is_described() -> None:
    page = reference.records_page()
    for record in RECORDS:
        section = page.partition(f"\n## {record.__name__}\n")[2].partition("\n## ")[0]
        assert f"Table `{table_name(record)}`" in section
        own = set(record.model_fields) - {"ext_id", "url", "updated_at"}
        assert [name for name in own if f"| `{name}` |" not in section] == []


def test_every_source_and_every_setting_is_described() -> None:
    page = reference.sources_page()
    for kind in collectors.available():
        section = page.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
        for part in reference.PARTS:
            assert f"- **{part}**: " in section
        settings = set(collectors.load(kind).Settings.model_fields) - {"kind"}
        assert [name for name in settings if f"| `{name}` |" not in section] == []


def test_only_the_named_sources_are_described() -> None:
    page = reference.sources_page(("files",))
    assert "\n## files\n" in page
    assert "\n## git\n" not in page


def test_types_limits_and_defaults_are_in_words() -> None:
    lines = reference.records_page().splitlines()
    assert "| `severity` | whole number from 0 to 5 |  | 1 is worst; None: the source has none |" in lines
    assert "| `detected_at` | instant | **required** |  |" in lines
    assert "| `services` | list of text |  |  |" in lines
    assert "| `is_draft` | true or false | `false` |  |" in lines
    assert "| `answers` | list of objects |  |  |" in lines
    assert "| `dimensions` | object of text |  |  |" in lines


def test_bars_in_a_cell_do_not_end_it() -> None:
    class Settings(BaseModel):
        pattern: str = Field(default="a|b", description="one | other")

    class Source(Collector):
        """A source with a bar."""

    Source.kind, Source.produces = "bars", ()
    Source.Settings = type("Barred", (SourceSettings,), {"__annotations__": {"pattern": str}, "pattern": "a|b"})
    assert reference.type_words(Settings.model_fields["pattern"]) == "text"
    page = reference.sources_page(("git",))
    rows = [line for line in page.splitlines() if line.startswith("| `release_branches`")]
    assert rows[0].replace("\\|", "").count("|") == 5


def test_the_parts_of_a_docstring_are_told_apart() -> None:
    texts = reference.described(collectors.load("sample"))
    assert list(texts) == ["summary", "Reads", "Needs", "Limits"]
    assert texts["summary"].startswith("An invented organisation")
    assert "\n" not in texts["Limits"]


def test_pages_are_written_where_they_are_told(tmp_path: Path) -> None:
    written = reference.write(tmp_path / "docs")
    assert {path.name for path in written} == set(reference.PAGES)
    assert all(path.read_text(encoding="utf-8").startswith(reference.NOTICE) for path in written)
