"""Colours as data: one palette for each appearance, on screen and on paper.

Colour carries meaning only: red needed a fix, the accent is the thing to look at, grey is neutral.
"""

from dataclasses import dataclass

FONT = "Inter, system-ui, sans-serif"


@dataclass(frozen=True)
class Tokens:
    """One palette: what charts and drawings are painted with."""

    name: str
    ink: str
    muted: str
    grid: str
    accent: str
    bad: str
    good: str
    card: str
    page: str
    bars: str
    coding: str
    pickup: str
    review: str
    deploy: str
    band: str


LIGHT = Tokens(
    name="light",
    ink="#14171F",
    muted="#667085",
    grid="#E9ECF0",
    accent="#4F46E5",
    bad="#D9486A",
    good="#0E9F8E",
    card="#FFFFFF",
    page="#F4F5F8",
    bars="#B9B5F5",
    coding="#C9CEDA",
    pickup="#4F46E5",
    review="#A7A1F7",
    deploy="#0E9F8E",
    band="rgba(79,70,229,0.12)",
)
DARK = Tokens(
    name="dark",
    ink="#E8EBF1",
    muted="#94A0B3",
    grid="#222938",
    accent="#8B83FF",
    bad="#F0708A",
    good="#2CC7B4",
    card="#151A23",
    page="#0D1017",
    bars="#4A4690",
    coding="#3A4252",
    pickup="#8B83FF",
    review="#5650B8",
    deploy="#2CC7B4",
    band="rgba(139,131,255,0.18)",
)
