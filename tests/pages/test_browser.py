"""The main paths in a real browser: `make test-real`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from dxmetrics.project import DATA_VARIABLE, FOLDER_VARIABLE, Project, builtin_root

from .browser import CHROMIUM, Page, chromium

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
TEXT = "document.body.innerText"


@pytest.fixture(scope="module")
def address(published: Project) -> Iterator[str]:
    """Where the dashboard of the published sample answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(builtin_root() / "dashboards" / "app.py"),
         "--server.address", "127.0.0.1", "--server.port", str(port)],
        env={**os.environ, FOLDER_VARIABLE: str(published.folder), DATA_VARIABLE: str(published.data)},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    _wait_for(f"{url}/_stcore/health")
    yield url
    process.terminate()
    process.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.fixture
def tab() -> Iterator[Page]:
    with chromium() as page:
        page.size(1440, 900)
        yield page


def test_the_delivery_page_is_drawn_without_asking_any_other_host(address: str, tab: Page) -> None:
    tab.open(f"{address}/delivery")
    assert tab.evaluate("document.querySelectorAll('[data-testid=\"stPlotlyChart\"] .main-svg').length") >= 3
    assert tab.evaluate("[...document.fonts].some(face => face.family.includes('Inter') && face.status === 'loaded')")
    assert (tab.foreign, tab.errors) == ([], [])


def test_five_cards_are_in_one_row_on_a_desktop_and_in_two_columns_on_a_phone(address: str, tab: Page) -> None:
    lefts = (
        "new Set([...document.querySelectorAll('.st-key-cards > *')].map(one => one.getBoundingClientRect().left)).size"
    )
    tab.open(f"{address}/delivery")
    assert tab.evaluate(lefts) == 5
    tab.size(390, 844)
    tab.open(f"{address}/delivery")
    assert tab.evaluate(lefts) == 2
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_receipt_opens_at_a_click_is_in_the_address_and_closes(address: str, tab: Page) -> None:
    tab.open(f"{address}/delivery")
    tab.evaluate("document.querySelector('.st-key-receipt-card-change_lead_time button').click()")
    tab.wait(f"{TEXT}.includes('The rows')")
    assert "receipt=change_lead_time" in tab.evaluate("location.search")
    tab.evaluate('document.querySelector(\'[role="dialog"] button[aria-label="Close"]\').click()')
    tab.wait("!location.search.includes('receipt')")


def test_a_shared_address_opens_filtered(address: str, tab: Page) -> None:
    tab.open(f"{address}/delivery?team=Mobile&period=26+weeks")
    tags = "[...document.querySelectorAll('.st-key-filters [data-tag]')].map(one => one.innerText.trim())"
    assert tab.evaluate(tags) == ["Mobile"]
    assert "by service" in tab.evaluate(TEXT)


def test_dark_cards_stand_on_a_darker_page(address: str, tab: Page) -> None:
    tab.prefer("dark")
    tab.open(f"{address}/delivery")
    colour = "getComputedStyle(document.querySelector('{}')).backgroundColor"
    assert tab.evaluate(colour.format('[data-testid="stMain"]')) == "rgb(13, 16, 23)"
    assert tab.evaluate(colour.format(".st-key-card-change_lead_time")) == "rgb(21, 26, 35)"


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("", "Overview"),
        ("data_health", "Data health"),
        ("definitions", "Definitions"),
        ("experience", "Developer experience"),
        ("surveys", "Surveys"),
        ("reports", "Reports"),
    ],
)
def test_every_page_can_be_opened_by_its_address(address: str, tab: Page, path: str, title: str) -> None:
    tab.open(f"{address}/{path}")
    assert tab.evaluate("document.querySelector('h1').innerText") == title
    assert tab.errors == []


def test_a_card_of_the_overview_leads_to_its_page_without_a_reload(address: str, tab: Page) -> None:
    tab.open(address)
    tab.evaluate("window.stays = true")
    corner = "(box => [box.left + box.width / 2, box.top + box.height / 2])"
    x, y = tab.evaluate(f"{corner}(document.querySelector('.st-key-card-cost').getBoundingClientRect())")
    for kind in ("mousePressed", "mouseReleased"):
        tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    tab.wait("document.querySelector('h1')?.innerText === 'Cost'")
    assert tab.evaluate("location.pathname") == "/cost"
    assert tab.evaluate("window.stays")
    assert (tab.foreign, tab.errors) == ([], [])


def test_the_overview_fits_a_phone(address: str, tab: Page) -> None:
    tab.size(390, 844)
    tab.open(address)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
