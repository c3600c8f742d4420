"""A world of a given size, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from .world import START, Node, World

PEOPLE = [f"dev{number}" for number in range(40)]


def generate(
    seed: int = 7,
    *,
    owner: str = "acme",
    repositories: int = 4,
    pulls: int = 40,
    runs: int = 0,
    deployments: int = 0,
    issues: int = 0,
    days: int = 365,
    until: datetime = START,
) -> World:
    """`pulls`, `runs`, `deployments` and `issues` in all, spread over `repositories` and the last `days`."""
    dice = random.Random(seed)  # noqa: S311
    world = World(now=until - timedelta(days=days))
    for login in PEOPLE:
        world.user(login)
    world.user("renovate", "Bot")
    repos = [
        world.repository(owner, f"service-{number}", created_at=world.now - timedelta(days=1))
        for number in range(repositories)
    ]
    count = pulls + runs + deployments + issues
    kinds = ["pull"] * pulls + ["run"] * runs + ["deployment"] * deployments + ["issue"] * issues
    dice.shuffle(kinds)
    step = timedelta(days=days) / max(count, 1)
    begin = world.now
    for place, kind in enumerate(kinds):
        world.now = begin + place * step
        repo = repos[place % repositories]
        if kind == "pull":
            _pull(world, dice, repo, until)
        elif kind == "run":
            run = world.run(repo, dice.choice(["CI", "Deploy"]), conclusion=dice.choice(["success", "failure"]))
            if dice.random() < 0.05:
                world.rerun(run)
        elif kind == "deployment":
            world.deploy(repo, f"{world.next_id():040x}")
        else:
            issue = world.issue(repo, dice.choice(PEOPLE), dice.choice([(), ("bug",), ("incident", "sev2")]))
            if dice.random() < 0.5:
                world.close(issue)
    world.now = until
    return world


def _pull(world: World, dice: random.Random, repo: Node, until: datetime) -> None:
    """A request that lives for hours or days: written, reviewed by some, merged by most."""
    pull = world.pull(repo, dice.choice(PEOPLE) if dice.random() > 0.1 else "renovate", isDraft=dice.random() < 0.1)
    steps: list[Callable[[], object]] = [partial(world.push, pull) for _ in range(dice.randint(0, 3))]
    if pull["isDraft"]:
        steps.append(partial(_ready, world, pull))
    for _ in range(dice.randint(0, 3)):
        reviewer, verdict = dice.choice(PEOPLE), dice.choice(["APPROVED", "COMMENTED", "CHANGES_REQUESTED"])
        steps.append(partial(world.review, pull, reviewer, verdict))
    if dice.random() < 0.85:
        steps.append(partial(world.merge, pull, dice.choice(PEOPLE), dice.choice(["squash", "merge", "rebase"])))
    elif dice.random() < 0.5:
        steps.append(partial(world.close, pull))
    for step in steps:
        world.wait(minutes=dice.expovariate(1 / 400))
        if world.now >= until:
            return
        step()


def _ready(world: World, pull: Node) -> None:
    pull["isDraft"] = False
    world.event(pull, "ReadyForReviewEvent")
