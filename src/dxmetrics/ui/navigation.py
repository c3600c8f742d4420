"""The script Streamlit runs: the sidebar, then the chosen page.

It lives outside `dashboards/` because Streamlit takes a `pages/` folder beside its script for a navigation of its own.
"""

from pathlib import Path

import streamlit as st

from dxmetrics.project import Project, builtin_root
from dxmetrics.ui import reading

STATIC = builtin_root() / "dashboards" / "static"

# section -> page file -> (title, icon). A file that does not exist is not listed.
SECTIONS = {
    "Metrics": {
        "overview.py": ("Overview", "dashboard"),
        "delivery.py": ("Delivery", "rocket_launch"),
        "experience.py": ("Experience", "sentiment_satisfied"),
    },
    "Platform": {
        "adoption.py": ("Adoption", "hub"),
        "standards.py": ("Standards", "verified"),
        "does_it_help.py": ("Does it help", "balance"),
        "cost.py": ("Cost", "payments"),
        "ai_assistants.py": ("AI assistants", "smart_toy"),
    },
    "Share": {"reports.py": ("Reports", "description")},
    "Manage": {
        "surveys.py": ("Surveys", "ballot"),
        "data_health.py": ("Data health", "database"),
        "definitions.py": ("Definitions", "menu_book"),
    },
}
DEFAULT = "overview.py"
OWN_SECTION = "Our pages"


def pages(project: Project) -> dict[str, list[st.Page]]:
    """Every page by section: the built-in ones in their order, then those of the user's project by file name."""
    files = {file.name: file for file in project.pages}
    sections = {
        section: [
            st.Page(files.pop(name), title=title, icon=f":material/{icon}:", default=name == DEFAULT)
            for name, (title, icon) in listed.items()
            if name in files
        ]
        for section, listed in SECTIONS.items()
    }
    sections[OWN_SECTION] = [st.Page(file, title=_title(file), icon=":material/insights:") for file in files.values()]
    return {section: listed for section, listed in sections.items() if listed}


def run() -> None:
    """Draws the frame around the chosen page and runs it."""
    st.set_page_config(page_title="dxmetrics", page_icon=str(STATIC / "favicon.svg"), layout="wide")
    st.logo(str(STATIC / "logo.svg"), icon_image=str(STATIC / "favicon.svg"), size="medium")
    st.navigation(pages(reading.project())).run()


def _title(file: Path) -> str:
    return file.stem.replace("_", " ").capitalize()


if __name__ == "__main__":
    run()
