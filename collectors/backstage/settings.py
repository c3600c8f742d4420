"""The settings of `kind = "backstage"`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dxmetrics.collectors.hosts import ApiSettings

Part = Literal["catalog", "scaffolder"]


class BackstageSettings(ApiSettings):
    """How a Backstage backend is reached, and which marks of its entities mean what."""

    url: str = Field(description="address of the backend: https://backstage.example.org")
    reads: Annotated[tuple[Part, ...], Field(min_length=1)] = Field(
        default=("catalog", "scaffolder"), description="what is read; leave out what the portal does not have"
    )
    tier: str = Field(default="tier", description="label or annotation that tells a component's tier")
    tiers: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict,
        description="tier by the mark's value: { gold = 1, silver = 2 }; 1, T1 and tier-1 need no line",
    )
    languages: tuple[str, ...] = Field(
        default=(
            "c", "c#", "c++", "clojure", "csharp", "dart", "elixir", "go", "golang", "groovy", "haskell", "java",
            "javascript", "kotlin", "php", "python", "r", "ruby", "rust", "scala", "swift", "typescript",
        ),
        description="tags that are languages; the first of them that a component has is its own",
    )  # fmt: skip
    template: str = Field(
        default="backstage.io/source-template",
        description="annotation that names the template a component was made from",
    )
    template_version: str = Field(
        default="backstage.io/template-version",
        description="annotation that tells the version of that template",
    )
    capability: Annotated[str, Field(min_length=1)] = Field(
        default="scaffolder", description="the capability that a run of a template is a use of"
    )
    capabilities: dict[str, str] = Field(
        default_factory=dict,
        description='capability by template, where it is another one: { new-database = "databases" }',
    )
