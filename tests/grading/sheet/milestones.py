"""Values on the way to a result, for functions that stop: what was right by then, and what comes after it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .mistakes import FORMULAS, forward
from .steps import At, Formula


@dataclass(frozen=True, eq=False)
class Milestone:
    """A value on the way to a result.

    Attributes:
        place: how many steps lead to it.
        name: for the author.
        parts: the parts of the rubric that its last step belongs to.
        formula: what it is, for the arguments of the exercise; one row for each image, but for a number.
        rest: rest(value, *arguments), the result of the exercise if all after this value is right.
        shape: of an image's row, where it counts.
        signed: whether its sign matters.
        shows: the parts that its last step alone shows to be right.
        is_size: whether it is no value but a size.
    """

    place: int
    name: str
    parts: frozenset[str]
    formula: Formula
    rest: Callable[..., np.ndarray]
    shape: tuple[int, ...] | None = None
    signed: bool = True
    shows: frozenset[str] = frozenset()
    is_size: bool = False


@dataclass(frozen=True)
class _Step:
    """A step to a milestone from the one before: step(value, *arguments).

    `formula` gives the same from the arguments alone, and knows the mistakes that can be made by then.
    """

    name: str
    parts: str
    step: Callable[..., np.ndarray]
    formula: Formula | None = None
    shape: tuple[int, ...] | None = None
    signed: bool = True
    shows: str = ""


_NETWORK = (
    _Step("the product xV", "hidden", lambda v, x, V, W, b, a: v @ V),
    _Step("xV + b", "encoder_bias", lambda v, x, V, W, b, a: v + b),
    _Step("the hidden layer z", "hidden", lambda v, *_: np.maximum(v, 0)),
    _Step("the product zW", "output", lambda v, x, V, W, b, a: v @ W),
    _Step("the reconstruction x̂", "output", lambda v, x, V, W, b, a: v + a, forward),
)
_TO_SQUARES = (
    _Step("the differences x − x̂", "error", lambda v, x, *_: x - v, signed=False),
    _Step("the squared differences (x − x̂)²", "error", lambda v, *_: v**2),
)
_BY_IMAGE = (
    _Step("the images' errors", "error", lambda v, *_: v.sum(1)),
    _Step("the loss", "average", lambda v, *_: v.mean(), FORMULAS[1]),
)
_ALTOGETHER = (
    _Step("the sum of all errors", "error", lambda v, *_: v.sum()),
    _Step("the loss", "average", lambda v, x, *_: v / len(x), FORMULAS[1]),
)
_PAIRS = (
    _Step("the differences x − x̂", "error", lambda v, x, _: x - v, signed=False),
    _Step("the squared differences (x − x̂)²", "error", lambda v, *_: v**2, shows="direction"),
    _Step("the scores", "own", lambda v, *_: v.sum(1), shows="direction"),
)
_IMAGES = _Step("the images", "pixels", lambda v, *_: v.reshape(-1, 28, 28), FORMULAS[2], shape=(28, 28))

# For each exercise: the routes to its result, each as steps from one of the arguments.
_ROUTES = {
    1: [("x", (*_NETWORK, *_TO_SQUARES, *_BY_IMAGE)), ("x", (*_NETWORK, *_TO_SQUARES, *_ALTOGETHER))],
    2: [("x", (*_NETWORK, _IMAGES))],
    3: [("reconstruction", _PAIRS)],
}


def _along(steps, value, arguments, at=None):
    """Where the steps lead from a value; with mistakes, as far as one of them knows any."""
    for step in steps:
        value = step.formula(at, *arguments) if at and step.formula else step.step(value, *arguments)
    return value


@functools.cache
def milestones(number: int, names: tuple[str, ...]) -> tuple[Milestone, ...]:
    """Those of an exercise with these arguments, in the order of their places.

    At place 0 are the size N, and the arguments: in the formula, and that with which the steps begin. An
    exercise whose steps are not told here has none.
    """
    if number not in _ROUTES:
        return ()

    def argument(place):
        def rest(value, *arguments):
            return FORMULAS[number](At(), *arguments[:place], value, *arguments[place + 1 :])

        return Milestone(0, names[place], frozenset(), lambda at, *arguments: arguments[place], rest)

    found = {name: argument(place) for place, name in enumerate(names)}
    found["N"] = Milestone(
        0,
        "N",
        frozenset(),
        lambda at, x, *_: np.asarray(float(len(x))),
        lambda N, *arguments: FORMULAS[number](At(), *arguments),
        is_size=True,
    )
    for start, steps in _ROUTES[number]:
        begin = names.index(start)
        for place in range(len(steps) + 1):
            before, after = steps[:place], steps[place:]
            step = before[-1] if before else _Step(start, "", lambda v, *_: v)

            parts, shows = frozenset(step.parts.split()), frozenset(step.shows.split())

            def formula(at, *arguments, before=before, begin=begin):
                return _along(before, arguments[begin], arguments, at)

            def rest(value, *arguments, after=after):
                return _along(after, value, arguments)

            how = step.shape, step.signed, shows
            one = Milestone(place, step.name, parts, formula, rest, *how)
            found.setdefault((place, step.name), one)
    return tuple(sorted(found.values(), key=lambda milestone: milestone.place))
