"""`python -m docs.screenshots http://localhost:8501 docs`: pictures of every page, as a reader sees it.

Needs Chromium (see tests/pages/browser.py) and a dashboard that runs there. `overview.png` is the README's picture.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from tests.pages.browser import chromium

DESKTOP, PHONE = 1440, 390
PICTURES: dict[str, tuple[str, int, Literal["light", "dark"]]] = {
    "overview": ("/", DESKTOP, "light"),
    "overview-dark": ("/", DESKTOP, "dark"),
    "overview-390": ("/", PHONE, "light"),
    "delivery": ("/delivery", DESKTOP, "light"),
    "delivery-dark": ("/delivery", DESKTOP, "dark"),
    "delivery-390": ("/delivery", PHONE, "light"),
    "receipt": ("/delivery?receipt=change_fail_rate", DESKTOP, "light"),
    "data-health": ("/data_health", DESKTOP, "light"),
    "experience": ("/experience", DESKTOP, "light"),
    "experience-dark": ("/experience", DESKTOP, "dark"),
    "experience-390": ("/experience", PHONE, "light"),
    "adoption": ("/adoption", DESKTOP, "light"),
    "standards": ("/standards", DESKTOP, "light"),
    "does-it-help": ("/does_it_help", DESKTOP, "light"),
    "cost": ("/cost", DESKTOP, "light"),
    "ai-assistants": ("/ai_assistants", DESKTOP, "light"),
    "reports": ("/reports", DESKTOP, "light"),
    "surveys": ("/surveys", DESKTOP, "light"),
    "definitions": ("/definitions?change_lead_time=true", DESKTOP, "light"),
}


def take(address: str, folder: Path) -> None:
    """Writes one PNG for each of PICTURES; a receipt is a drawer, so only what is visible of it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (path, width, scheme) in PICTURES.items():
        with chromium() as page:
            page.prefer(scheme)
            page.size(width, 844 if width == PHONE else 900, scale=2 if width == PHONE else 1)
            page.open(address.rstrip("/") + path)
            page.picture(folder / f"{name}.png", whole=name != "receipt")


if __name__ == "__main__":
    take(sys.argv[1], Path(sys.argv[2]))
