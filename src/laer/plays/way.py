"""The way of a run through a play's steps: the first, the next, and into a branch. A path is a text: `2`, `3.then.0`."""

from __future__ import annotations

from typing import Any

from laer.plays.play import BranchStep, Path, Play


def first(play: Play) -> str | None:
    return "0" if play.steps else None


def step_at(play: Play, path: str) -> Any | None:
    """The step of a path; None where the play has no such step any more."""
    steps, step = play.steps, None
    for place, part in enumerate(_path(path)):
        if place % 2 == 0:
            if not isinstance(part, int) or part >= len(steps):
                return None
            step = steps[part]
        elif not isinstance(step, BranchStep):
            return None
        else:
            steps = step.then if part == "then" else step.else_
    return step


def into(play: Play, path: str, truth: bool | None) -> str | None:
    """From a branch into one of its ways, or past it where that way is empty. What is unknown goes the way of `else`."""
    step = step_at(play, path)
    assert isinstance(step, BranchStep)
    way, steps = ("then", step.then) if truth else ("else", step.else_)
    return f"{path}.{way}.0" if steps else following(play, path)


def following(play: Play, path: str) -> str | None:
    """The step after this one, out of branches that are over; None at the end."""
    parts = _path(path)
    while parts:
        *above, place = parts
        after = ".".join(map(str, (*above, int(place) + 1)))
        if step_at(play, after) is not None:
            return after
        parts = tuple(above[:-1])
    return None


def _path(text: str) -> Path:
    return tuple(int(part) if part.isdigit() else part for part in text.split("."))
