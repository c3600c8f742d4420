"""The archive: editions stay what they were, and a correction says what it corrects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dxmetrics.errors import SettingsError
from dxmetrics.reports.archive import Archive, period_name
from dxmetrics.reports.document import Document, Section, Sentence, Span
from dxmetrics.state import State, open_state
from tests.conftest import Clock
from tests.reports.small import ROWS, SECTIONS, chart, document, said, section, statement, table, tiles, value


@pytest.fixture
def state(tmp_path: Path, clock: Clock) -> Iterator[State]:
    with open_state("", tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def archive(state: State) -> Archive:
    return Archive(state)


def corrected(archive: Archive, *sections: Section) -> list[str]:
    """What the edition says that comes after the usual one, with other sections."""
    archive.keep(document())
    return [one.text for one in archive.keep(document(*sections)).corrections]


def test_what_is_kept_comes_back_as_it_was(archive: Archive, clock: Clock) -> None:
    kept = archive.keep(document())
    assert (kept.id, kept.edition, kept.corrections) == ("review-payments-2026-10", 1, ())
    assert archive.find(kept.id) == archive.find(kept.id, 1) == kept
    assert kept.sections == document().sections
    (listed,) = archive.all()
    assert archive.editions(kept.id) == [listed]
    assert (listed.report, listed.team, listed.title, listed.edition) == ("review", "Payments", "Monthly review", 1)
    assert (listed.starts_on, listed.ends_on, listed.made_at) == (kept.start, kept.end, clock.now)


def test_the_same_numbers_are_the_same_edition_whatever_data_they_are_from(archive: Archive) -> None:
    first = archive.keep(document())
    later = document(as_of=datetime(2026, 11, 20, tzinfo=UTC), data_version="20261120T000000Z")
    assert archive.keep(later) == first


def test_another_wording_is_no_correction_and_neither_is_what_the_moment_brings(archive: Archive) -> None:
    first = archive.keep(document())
    reworded = section("What changed", said(statement("31 h, because of ", "review", strong=("review",))))
    fresher = section("Data", table((("sources", value(5, ""), None),)), is_current=True)
    assert archive.keep(document(reworded, fresher)) == first


def test_a_sum_in_another_order_is_no_correction(archive: Archive) -> None:
    first = archive.keep(document(section("Trends", chart(0.1 + 0.2 + 0.3))))
    assert archive.keep(document(section("Trends", chart(0.3 + 0.2 + 0.1)))) == first


def test_other_numbers_are_the_next_edition_which_says_what_changed(archive: Archive) -> None:
    first = archive.keep(document())
    second = archive.keep(document(section("Key figures", tiles(33.0))))
    assert (second.id, second.edition) == (first.id, 2)
    (sentence,) = second.corrections
    assert sentence == Sentence(
        spans=(Span(text="Key figures, Lead time", is_strong=True), Span(text=": 33.0 h, was 31.0 h"))
    )
    assert archive.find(first.id) == second
    assert archive.find(first.id, 1) == first
    assert [one.edition for one in archive.editions(first.id)] == [2, 1]
    assert [one.edition for one in archive.all()] == [2]
    back = archive.keep(document())
    assert back.edition == 3
    assert [one.text for one in back.corrections] == ["Key figures, Lead time: 31.0 h, was 33.0 h"]


def test_what_a_number_rests_on_is_told_where_it_reads_the_same(archive: Archive) -> None:
    assert corrected(archive, section("Key figures", tiles(n=413))) == [
        "Key figures, Lead time: 31.0 h (n 413, 95 % 28.0 to 34.0 h), was 31.0 h (n 412, 95 % 28.0 to 34.0 h)"
    ]


def test_a_number_that_changed_by_less_than_is_shown_says_so(archive: Archive) -> None:
    assert corrected(archive, section("Key figures", tiles(31.004))) == [
        "Key figures, Lead time: still 31.0 h, changed by less than that shows"
    ]


def test_cells_points_and_statements_are_named_by_where_they_stand(archive: Archive) -> None:
    rows = (("checkout", value(13, ""), date(2026, 10, 31)), ("search", value(1, ""), None))
    assert corrected(
        archive,
        section("What changed", said(statement("Lead time rose to 31 h: mostly ", "coding", strong=("coding",)))),
        section("Trends", chart(3, 4, 5), table(rows)),
    ) == [
        "Trends, Deployments, W41: 4, was –",
        "Trends, Services, checkout, Deployments: 13, was 12",
        "Trends, Services, checkout, Last: 31 Oct 2026, was 30 Oct 2026",
        "What changed, “Lead time rose to 31 h: mostly coding” is new",
        "Trends, Services, search is new",
        "What changed, “Lead time rose to 31 h: mostly review” is not there any more",
        "Trends, Services, ledger is not there any more",
    ]


def test_a_tile_is_told_once_and_each_period_before_it_by_its_distance(archive: Archive) -> None:
    assert corrected(archive, section("Key figures", tiles(30.0, before=21.0)), *SECTIONS[1:]) == [
        "Key figures, Lead time: 30.0 h, was 31.0 h",
        "Key figures, Lead time, 1 period before: 21.0 h, was 20.0 h",
    ]


def test_what_became_hidden_is_not_told_as_a_number(archive: Archive) -> None:
    rows = (("checkout", value(12, "", is_hidden=True, n=3), date(2026, 10, 30)), ROWS[1])
    assert corrected(archive, section("Trends", chart(3, None, 5), table(rows))) == [
        "Trends, Services, checkout, Deployments: hidden, was 12"
    ]


def test_a_section_that_came_or_went_is_one_statement(archive: Archive) -> None:
    archive.keep(document())
    without = [one for one in SECTIONS if one.title != "Trends"]
    changed = document(sections=(*without, section("Cost", table(ROWS))))
    assert [one.text for one in archive.keep(changed).corrections] == ["Cost is new", "Trends is not there any more"]


def test_rows_of_one_name_are_told_apart(archive: Archive) -> None:
    archive.keep(document(section("Trends", table((ROWS[0], ROWS[0], ("", value(1, ""), None))))))
    changed = archive.keep(document(section("Trends", table((ROWS[0], ROWS[0], ("", value(2, ""), None))))))
    assert [one.text for one in changed.corrections] == ["Trends, Services, Deployments: 2, was 1"]


def test_at_most_ten_changes_are_told_and_how_many_more_there_are(archive: Archive) -> None:
    archive.keep(document(section("Trends", chart(*range(40)))))
    changed = archive.keep(document(section("Trends", chart(*range(100, 140)))))
    assert len(changed.corrections) == 11
    assert changed.corrections[0].text == "Trends, Deployments, W40: 100, was 0"
    assert changed.corrections[-1].text == "and 30 more"


def test_an_edition_that_is_not_there_is_refused_with_what_is(archive: Archive) -> None:
    archive.keep(document())
    with pytest.raises(SettingsError, match=r"no edition 4 of report 'review-payments-2026-10': it has editions 1$"):
        archive.find("review-payments-2026-10", 4)
    with pytest.raises(SettingsError, match=r"no edition 1 of report 'reveiw': `dxmetrics report --list` lists what"):
        archive.find("reveiw")


@pytest.mark.parametrize(
    ("team", "key"),
    [
        (None, "review-2026-10"),
        ("Data & Platform", "review-data-platform-2026-10"),
        ("Größe", "review-grosse-2026-10"),
        ("Платежи", "review-cd6f02-2026-10"),
        ("支付", "review-e7ea46-2026-10"),
        ("!!", "review-a29db7-2026-10"),
    ],
)
def test_an_id_can_be_part_of_a_file_name_and_an_address(archive: Archive, team: str | None, key: str) -> None:
    kept = archive.keep(document(team=team))
    assert kept.id == key
    assert archive.find(key).team == team


def test_what_would_have_the_same_id_is_told_apart(archive: Archive) -> None:
    keys = [archive.keep(document(report="review", team=team)).id for team in ("Payments", "payments", "Payments!")]
    keys.append(archive.keep(document(report="review-payments", team=None)).id)
    assert keys[0] == "review-payments-2026-10"
    assert len(set(keys)) == 4
    assert [archive.keep(document(team=team)).id for team in ("Payments", "payments", "Payments!")] == keys[:3]


@pytest.mark.parametrize(
    ("start", "end", "name"),
    [
        (date(2026, 12, 28), date(2027, 1, 4), "2026-W53"),
        (date(2026, 10, 1), date(2026, 11, 1), "2026-10"),
        (date(2026, 7, 1), date(2026, 10, 1), "2026-Q3"),
        (date(2026, 10, 2), date(2026, 11, 1), "2026-10-02-to-2026-10-31"),
    ],
)
def test_periods_are_named_as_people_write_them(start: date, end: date, name: str) -> None:
    assert period_name(start, end) == name


def test_those_who_keep_the_same_at_once_keep_one_edition(tmp_path: Path, clock: Clock) -> None:
    open_state("", tmp_path, clock).close()
    kept: list[Document] = []
    start = threading.Barrier(6)

    def keep(hours: float) -> None:
        with open_state("", tmp_path, clock) as own:
            start.wait()
            kept.append(Archive(own).keep(document(section("Key figures", tiles(hours)))))

    threads = [threading.Thread(target=keep, args=(hours,)) for hours in (31.0, 31.0, 31.0, 40.0, 40.0, 40.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 6
    by_edition = {one.edition: one for one in kept}
    assert all(one == by_edition[one.edition] for one in kept)
    with open_state("", tmp_path, clock) as own:
        editions = [one.edition for one in Archive(own).editions("review-payments-2026-10")]
    assert editions == sorted(by_edition, reverse=True)
    assert editions[-1] == 1


def test_a_backup_has_every_edition(state: State, archive: Archive, tmp_path: Path, clock: Clock) -> None:
    kept = archive.keep(document())
    state.backup(tmp_path / "backup.sqlite")
    with open_state("", tmp_path / "elsewhere", clock) as other:
        other.restore(tmp_path / "backup.sqlite")
        assert Archive(other).find(kept.id) == kept
