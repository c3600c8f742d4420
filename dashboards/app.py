"""The web process: pages, HTTP for machines below `/api`, badges, `/mcp`, surveys below `/survey`.

`streamlit run dashboards/app.py`, or any ASGI server.

Environment: `DX_PROJECT` names the project's folder, `DX_DATA` the data folder to read; both default to the project
of the current folder.
"""

import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import streamlit as st
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from dxmetrics import api, ui
from dxmetrics.processes import end_with_parent

TURN = 0.0005  # seconds a thread that draws a page keeps others waiting: whoever pushes must not wait for many of them

stores = api.Stores.of_environment()


@asynccontextmanager
async def warmed_up(_app: st.App) -> AsyncIterator[None]:
    """Imports and first queries happen before the first reader comes, and the collector never walks them again."""
    from dxmetrics.ui import warmup  # only now: its caches need the running server

    end_with_parent(os.environ)
    api.answer_at_once()
    sys.setswitchinterval(TURN)
    await anyio.to_thread.run_sync(warmup.run)
    gc.collect()
    gc.freeze()
    yield
    stores.close()


app = st.App(
    Path(ui.__file__).with_name("navigation.py"),
    lifespan=warmed_up,
    routes=[
        Mount("/app/static", StaticFiles(directory=Path(__file__).parent / "static")),
        Mount("/api", api.create(stores)),
        *api.assistants(stores),
        *api.badges(stores),
        *api.operations(stores),
        *api.surveys(stores),
    ],
)
