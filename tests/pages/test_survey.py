"""The survey in a real browser on a phone-sized screen, served by the dashboard's own process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dxmetrics import pipeline, state
from dxmetrics.project import DATA_VARIABLE, FOLDER_VARIABLE, Project, builtin_root
from dxmetrics.state import State, Wave
from dxmetrics.survey import answers, library, links
from dxmetrics.survey.answers import Answers, Response

from .browser import CHROMIUM, Page, chromium

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
PHONE = (390, 844)
SURVEY = "devex-quarterly"
COMMENT = "Builds wait for <b>runners</b>"
TEXT = "document.body.innerText"
LOADED = "document.readyState === 'complete' && location.href.includes('/survey/')"
UNNAMED = """[...document.querySelectorAll('fieldset')].filter(one => !one.querySelector('legend').innerText.trim()
    || [...one.querySelectorAll('input, textarea')].some(field => !field.labels[0]?.innerText.trim())).length"""
SMALL = """[...document.querySelectorAll('fieldset > label, fieldset div label, textarea, button')]
    .map(one => one.getBoundingClientRect()).filter(box => box.height < 46 || box.width < 46).length"""


@dataclass
class Asking:
    """One open wave of the built-in quarterly survey, and where it is served."""

    address: str
    state: State
    answers: Answers
    wave: Wave
    log: Path

    def link(self) -> str:
        cohort = self.state.waves.invite(self.wave.id, "search", "1-3 years", 1)
        key = self.state.waves.key(self.wave.id)
        assert key is not None
        expires = pipeline.utc_now() + timedelta(days=7)
        return links.url(
            self.address, links.sign(key, links.Link(self.wave.id, cohort.number, expires, links.random_nonce()))
        )

    def kept(self) -> list[Response]:
        return self.answers.responses(SURVEY, self.wave.name)


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp("asking")
    (folder / "dx.toml").write_text("")
    project = Project.find(folder, {})
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address, log = f"http://127.0.0.1:{port}", folder / "log"
    asked = library.of_project(project)[SURVEY]
    with (
        state.of_project(project, pipeline.utc_now) as store,
        answers.of_project(project, pipeline.utc_now) as given,
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(builtin_root() / "dashboards" / "app.py"),
             "--server.address", "127.0.0.1", "--server.port", str(port), "--logger.level", "debug"],
            env={**os.environ, FOLDER_VARIABLE: str(folder), DATA_VARIABLE: str(project.data)},
            stdout=output,
            stderr=output,
        ) as server,
    ):  # fmt: skip
        try:
            wait_for(f"{address}/healthz")
            closes_at = pipeline.utc_now() + timedelta(days=14)
            wave = store.waves.open(SURVEY, "2026-Q4", asked.to_json(), closes_at)
            yield Asking(address, store, given, wave, log)
        finally:
            server.terminate()


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as opened:
        opened.size(*PHONE)
        yield opened


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def go(page: Page, url: str) -> None:
    page.call("Page.navigate", url=url)
    page.wait(LOADED)


def tap(page: Page, selector: str) -> None:
    """A finger on the middle of the first element that matches."""
    at = page.evaluate(f"""(() => {{
        const one = document.querySelector({selector!r});
        one.scrollIntoView({{block: 'center'}});
        const box = one.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + Math.min(box.height / 2, 23)];
    }})()""")
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)


def press(page: Page, *keys: str) -> None:
    codes = {"Tab": 9, "Enter": 13, " ": 32, "ArrowRight": 39}
    for key in keys:
        text: dict[str, Any] = {"text": "\r" if key == "Enter" else key} if key in ("Enter", " ") else {}
        page.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=codes[key], **text)
        page.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=codes[key])


def test_a_phone_without_javascript_answers_the_survey(asking: Asking, page: Page) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    before, link = len(asking.kept()), asking.link()
    go(page, link)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0], "nothing to scroll sideways"
    assert page.evaluate(SMALL) == 0, "every target is at least 46 by 46 pixels"
    assert page.evaluate(UNNAMED) == 0, "every question and every choice has a name that is read out"
    tap(page, "label:has([name='1'][value='4'])")
    tap(page, "label:has([name='13'][value='9'])")
    tap(page, "textarea")
    page.call("Input.insertText", text=COMMENT)
    tap(page, "label:has([type=checkbox])")
    assert page.evaluate("localStorage.length") == 0, "no script runs"
    tap(page, "button")
    page.wait(f"{TEXT}.includes('Your answers are here.')")
    assert len(asking.kept()) == before + 1
    assert {"build_speed_v1": 4, "recommend_v1": 9} in [kept.answers for kept in asking.kept()]
    assert COMMENT in [comment.text for comment in asking.answers.comments(SURVEY, asking.wave.name)]
    assert page.call("Network.getAllCookies")["cookies"] == []
    assert page.foreign == []
    page.call("Page.reload")
    page.wait(f"{TEXT}.includes('already here')")
    assert len(asking.kept()) == before + 1, "loading the page again sends nothing new"
    assert link.rpartition("/")[2] not in asking.log.read_text(), "no log has the link"


def test_the_keyboard_alone_answers_the_survey(asking: Asking, page: Page) -> None:
    go(page, asking.link())
    languages, about = 3, 1
    press(page, *["Tab"] * (languages + about + 1), " ", "ArrowRight", "ArrowRight")
    assert page.evaluate("document.activeElement.name + ' ' + document.activeElement.value") == "1 3"
    assert "solid" in page.evaluate("getComputedStyle(document.activeElement).outline"), "focus can be seen"
    questions = page.evaluate("document.querySelectorAll('fieldset').length")
    press(page, *["Tab"] * (questions - 1), "Tab", " ", "Tab", "Enter")
    page.wait(f"{TEXT}.includes('Your answers are here.')")
    assert {"build_speed_v1": 3} in [kept.answers for kept in asking.kept()]


def test_a_draft_stays_in_the_browser_until_it_is_sent(asking: Asking, page: Page) -> None:
    link = asking.link()
    go(page, link)
    tap(page, "label:has([name='2'][value='5'])")
    tap(page, "textarea")
    page.call("Input.insertText", text="half a thou")
    go(page, f"{link}?build_speed_v1=2")
    ticked = "[...document.querySelectorAll(':checked')].map(one => one.name + '=' + one.value).join()"
    page.wait(f"{ticked} === '1=2,2=5'")
    assert page.evaluate("document.querySelector('textarea').value") == "half a thou"
    kept = page.evaluate("Object.keys(localStorage).join()")
    assert kept.startswith("dx-")
    assert kept not in link
    tap(page, "button")
    page.wait(f"{TEXT}.includes('Your answers are here.')")
    page.wait("localStorage.length === 0")
    assert page.errors == []


def test_answers_are_taken_back_with_the_code(asking: Asking, page: Page) -> None:
    go(page, f"{asking.link()}?lang=de&build_speed_v1=1")
    tap(page, "button")
    page.wait(f"{TEXT}.includes('Deine Antworten sind angekommen.')")
    code, before = page.evaluate("document.querySelector('code').innerText"), len(asking.kept())
    tap(page, "a[href^=withdraw]")
    page.wait("!!document.querySelector('#code')")
    tap(page, "#code")
    page.call("Input.insertText", text=code)
    press(page, "Enter")
    page.wait(f"{TEXT}.includes('Deine Antworten sind gelöscht')")
    assert len(asking.kept()) == before - 1


def test_light_and_dark_follow_the_readers_system(asking: Asking, page: Page) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page.prefer(scheme)
        go(page, f"{asking.link()}?build_speed_v1=4")
        grounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert grounds == {"light": "rgb(244, 245, 248)", "dark": "rgb(13, 16, 23)"}
