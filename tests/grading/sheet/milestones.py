"""Values on the way to a result: what a function that stops may have computed rightly by then."""

from dataclasses import dataclass

import numpy as np

from .mistakes import forward, get_objective_term, reconstruct
from .steps import Formula


@dataclass(frozen=True)
class Milestone:
    """A value on the way to a result.

    Attributes:
        name: for the author.
        formula: what it is, for the arguments of the exercise; one row for each image, but for a number.
        parts: the parts of the rubric that are right if this is.
        shape: of an image's row, where it counts.
    """

    name: str
    formula: Formula
    parts: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None


def _sums(at, x, V, W, b, a):
    return x @ V + b


def _hidden(at, x, V, W, b, a):
    return np.maximum(x @ V + b, 0)


def _squares(at, x, V, W, b, a):
    return (x - forward(at, x, V, W, b, a)) ** 2


def _errors(at, *arguments):
    return _squares(at, *arguments).sum(1)


def _error_of_all(at, *arguments):
    return _squares(at, *arguments).sum()


def _squares_of_pairs(at, x, reconstruction):
    return (x - reconstruction) ** 2


def _errors_of_pairs(at, x, reconstruction):
    return ((x - reconstruction) ** 2).sum(1)


_NETWORK = (
    Milestone("xV + b", _sums, ("encoder_bias",)),
    Milestone("the hidden layer z", _hidden, ("hidden",)),
    Milestone("the reconstruction x̂", forward, ("output",)),
)
_SQUARES = "the squared differences (x − x̂)²"

# In the order in which they are computed, for each exercise.
MILESTONES = {
    1: (
        *_NETWORK,
        Milestone(_SQUARES, _squares),
        Milestone("the images' errors", _errors, ("error",)),
        Milestone("the sum of all errors", _error_of_all, ("error",)),
        Milestone("the loss", get_objective_term, ("average",)),
    ),
    2: (*_NETWORK, Milestone("the images", reconstruct, ("pixels",), shape=(28, 28))),
    3: (
        Milestone(_SQUARES, _squares_of_pairs),
        Milestone("the scores", _errors_of_pairs, ("direction", "error", "own")),
    ),
}
