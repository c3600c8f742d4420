"""Links: what they say, and every way in which one answers nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dxmetrics.errors import LinkRefused
from dxmetrics.survey import links
from dxmetrics.survey.links import Link

KEY = b"k" * 32
NOW = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)
LINK = Link("0123abcd", 3, NOW + timedelta(days=2), bytes(range(16)))


def test_a_link_says_what_was_signed() -> None:
    token = links.sign(KEY, LINK)
    assert links.verify(KEY, token, NOW) == LINK
    assert links.wave_of(token) == "0123abcd"
    assert len(token) < 100
    assert links.url("https://dx.example.org/", token, "de") == f"https://dx.example.org/survey/{token}?lang=de"


@pytest.mark.parametrize("place", range(0, 90, 7))
def test_a_link_with_any_character_changed_is_forged(place: int) -> None:
    token = links.sign(KEY, LINK)
    place %= len(token) - 1  # the last character has two bits that say nothing
    changed = token[:place] + ("x" if token[place] != "x" else "y") + token[place + 1 :]
    with pytest.raises(LinkRefused, match="copy it whole") as refused:
        links.verify(KEY, changed, NOW)
    assert refused.value.why == "forged"


@pytest.mark.parametrize(
    "token", ["", ".", "a.b.c.d.e", "a.1.zz.AA.sig", "ä.1.1.1.1", "a.1.ffffffffffffff.AA.s", "x" * 9000]
)
def test_what_is_no_link_is_forged(token: str) -> None:
    for ask in (lambda: links.verify(KEY, token, NOW), lambda: links.wave_of(token)):
        with pytest.raises(LinkRefused) as refused:
            ask()
        assert refused.value.why == "forged"


def test_a_link_of_another_key_is_forged_and_one_past_its_time_expired() -> None:
    token = links.sign(KEY, LINK)
    with pytest.raises(LinkRefused, match="not one of ours"):
        links.verify(b"o" * 32, token, NOW)
    with pytest.raises(LinkRefused, match="expired"):
        links.verify(KEY, token, LINK.expires)


def test_a_person_gets_the_same_nonce_in_a_wave_and_another_one_in_the_next() -> None:
    assert links.personal_nonce(KEY, "Ada@example.org ") == links.personal_nonce(KEY, "ada@example.org")
    assert links.personal_nonce(KEY, "ada@example.org") != links.personal_nonce(b"o" * 32, "ada@example.org")
    assert links.personal_nonce(KEY, "ada@example.org") != links.personal_nonce(KEY, "bob@example.org")
    assert len({links.random_nonce() for _ in range(50)}) == 50
