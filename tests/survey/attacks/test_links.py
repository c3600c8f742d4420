"""Links that are stolen, forged, borrowed, expired or late: each is refused, and told why."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dxmetrics.errors import LinkRefused
from dxmetrics.survey import links
from dxmetrics.survey.links import Link

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
LINK = Link("0a1b2c3d", 3, NOW + timedelta(days=14), bytes(range(16)))
TOKEN = links.sign(KEY, LINK)


def refusal(token: str, key: bytes = KEY, now: datetime = NOW) -> LinkRefused:
    with pytest.raises(LinkRefused) as refused:
        links.verify(key, token, now)
    return refused.value


def assert_forged(token: str, key: bytes = KEY) -> None:
    error = refusal(token, key)
    assert error.why == "forged"
    assert "not one of ours" in str(error)
    assert "copy it whole" in str(error)


def test_a_link_says_to_its_wave_what_was_signed() -> None:
    assert links.verify(KEY, TOKEN, NOW) == LINK
    assert links.wave_of(TOKEN) == LINK.wave


def test_every_flipped_bit_of_every_character_is_refused_or_changes_nothing() -> None:
    """The last character of the signature has two bits that stand for nothing: flipped, it is the same link."""
    accepted = 0
    for place in range(len(TOKEN)):
        for bit in range(8):
            token = TOKEN[:place] + chr(ord(TOKEN[place]) ^ 1 << bit) + TOKEN[place + 1 :]
            try:
                said = links.verify(KEY, token, NOW)
            except LinkRefused as error:
                assert error.why == "forged"  # noqa: PT017  # most are refused, a few are the same link
                continue
            accepted += 1
            assert said == LINK
            assert place == len(TOKEN) - 1
    assert accepted <= 3


@pytest.mark.parametrize("length", range(0, len(TOKEN), 7))
def test_a_link_that_was_copied_in_part_is_refused(length: int) -> None:
    assert_forged(TOKEN[:length])


def test_a_link_of_another_waves_key_is_refused() -> None:
    assert_forged(TOKEN, OTHER_KEY)
    assert_forged(links.sign(OTHER_KEY, LINK))


@pytest.mark.parametrize(
    "better",
    [
        replace(LINK, cohort=4),
        replace(LINK, wave="0a1b2c3e"),
        replace(LINK, expires=LINK.expires + timedelta(days=365)),
        replace(LINK, nonce=bytes(16)),
    ],
    ids=["another cohort", "another wave", "a later end", "a fresh nonce"],
)
def test_what_a_link_says_cannot_be_exchanged_under_its_signature(better: Link) -> None:
    said = links.sign(OTHER_KEY, better).rpartition(".")[0]
    signature = TOKEN.rpartition(".")[2]
    assert_forged(f"{said}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        "", ".", "....", "a.b.c.d.e", "../../etc/passwd", "%00.%00.0.AA.AA", f"{TOKEN}.{TOKEN}", f" {TOKEN}",
        f"{TOKEN}\n", "ä.1.1.AA.AA", "\x00", "0a1b2c3d.1.-1.AA.AA", "0a1b2c3d.9" + "9" * 5000 + ".1.AA.AA",
        "0a1b2c3d.1." + "f" * 40 + ".AA.AA", "0a1b2c3d.1.7fffffffffffffff.AA.AA",
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_breaks_nothing(token: str) -> None:
    assert_forged(token)
    try:
        assert isinstance(links.wave_of(token), str)  # unverified: it only says where to look
    except LinkRefused as error:
        assert error.why == "forged"  # noqa: PT017  # either is right


def test_an_expired_link_is_refused_from_the_very_second_on() -> None:
    assert links.verify(KEY, TOKEN, LINK.expires - timedelta(seconds=1)) == LINK
    for late in (LINK.expires, LINK.expires + timedelta(days=1)):
        error = refusal(TOKEN, now=late)
        assert error.why == "expired"
        assert "expired" in str(error)


def test_a_forged_link_is_called_forged_though_it_says_it_expired() -> None:
    expired = links.sign(OTHER_KEY, replace(LINK, expires=NOW - timedelta(days=1)))
    assert_forged(expired)


def test_a_personal_nonce_is_the_same_for_a_reminder_and_tells_nothing_without_the_key() -> None:
    nonce = links.personal_nonce(KEY, "Ada@Example.org ")
    assert nonce == links.personal_nonce(KEY, "ada@example.org")
    assert nonce != links.personal_nonce(KEY, "grace@example.org")
    assert nonce != links.personal_nonce(OTHER_KEY, "ada@example.org")
    assert len(nonce) == 16


def test_nothing_of_the_person_is_in_the_link() -> None:
    address = "ada.lovelace@example.org"
    token = links.sign(KEY, replace(LINK, nonce=links.personal_nonce(KEY, address)))
    plain = b"".join(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")[3:])
    assert address not in token
    assert address.encode() not in plain
    assert "ada" not in token.lower()


def test_the_digest_that_is_kept_is_not_the_nonce() -> None:
    assert links.digest(LINK.nonce) != LINK.nonce
    assert LINK.nonce.hex() not in links.digest(LINK.nonce).hex()
