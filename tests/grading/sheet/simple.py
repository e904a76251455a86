"""Probes of the network so simple that a step drops out, with what that tells and how to say it."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .batch import Batch
from .mistakes import forward
from .steps import At

_FAR = 50.0  # of a pixel, from what a hidden unit gives


@dataclass(frozen=True)
class Simplification:
    """Batches in which one argument is so simple that a step drops out. Is the result right, it is this step.

    Attributes:
        changed: the argument that is made simple.
        blamed: the argument whose use is wrong if the result is right here.
        given, rest: for the author, "{given} your loss is right: {rest}."
        shows_unit: whether what a hidden unit gives tells more.
    """

    changed: str
    blamed: str
    given: str
    rest: str
    batches: tuple[Batch, ...]
    shows_unit: bool = False


class Simple:
    """All of them, and other probes that tell the steps of the network apart.

    Args:
        values: batches with random parameters, the first one smooth and telling.
    """

    left = "a"

    def __init__(self, values: Sequence[Batch]):
        self._first, self._two = values[0], values[:3:2]

    @functools.cached_property
    def simplifications(self) -> list[Simplification]:
        """In the order in which they are tried."""
        return [
            self._filled("b", 0, "b", "With b = 0", "the difference lies in what is done with b"),
            self._filled("b", 1, "b", "With b = 1", "the difference lies in what is done with b"),
            self._filled("V", 0, "V", "With V = 0", "the difference begins in xV", True),
            self._filled(
                "W",
                np.eye(*self._first.arrays["W"].shape),
                "W",
                "With a W that copies the hidden units into the first pixels",
                "the difference lies in zW",
            ),
            self._filled("a", 0, "a", "With a = 0", "the difference lies in what is done with a"),
            self._filled("a", 1, "a", "With a = 1", "the difference lies in what is done with a"),
            self._filled(
                "W", 0, "V", "With W = 0, where x̂ = a,", "the difference begins in the hidden layer", True
            ),
        ]

    def _filled(self, name, values, blamed, given, rest, shows_unit=False):
        batches = (batch.with_(**{name: np.full_like(batch.arrays[name], values)}) for batch in self._two)
        return Simplification(name, blamed, given, rest, tuple(batches), shows_unit)

    @functools.cached_property
    def last(self) -> Simplification:
        """With W = 0: only the last steps are left, and `left`."""
        return self.simplifications[-1]

    @functools.cached_property
    def other_images(self) -> list[Batch]:
        """Batches with the same parameters and other images: what a penalty adds to each is the same."""
        x = self._first.arrays["x"]
        return [self._first.with_(x=one) for one in (x, 1 - x, np.float32(0.4) * x[:, ::-1])]

    def _zero(self, names):
        return {name: np.zeros_like(self._first.arrays[name]) for name in names}

    @functools.cached_property
    def twins(self) -> dict[str, tuple[Batch, Batch]]:
        """Pairs that give the same where the network is right: one computes its x̂, the other has it as `a`.

        By the name of the argument that is zero in both, or "".
        """
        first = self._first.of(slice(1))
        found = {}
        for name in ("", "b", "V"):
            one = first.with_(**self._zero(name))
            reconstruction = forward(At(), *one.exact)[0].astype(np.float32)
            found[name] = one, one.with_(a=reconstruction, **self._zero("W"))
        return found

    @functools.cached_property
    def sums(self) -> tuple[Batch, Batch]:
        """A pair that gives the same where b is added to xV, whatever is done with the sum."""
        one = self._first.of(slice(1))
        x, V, _, b, _ = one.exact
        return one, one.with_(b=(x @ V + b)[0].astype(np.float32), **self._zero("V"))

    @functools.cached_property
    def scaled(self) -> list[Batch]:
        """W times 0, 1, 2 and 3: x̂ moves along a line, and a squared error along a parabola."""
        return [self._first.with_(W=np.float32(c) * self._first.arrays["W"]) for c in range(4)]

    @functools.cached_property
    def moved(self) -> tuple[Batch, Batch]:
        """A pair in which x̂ = a, once with the same added to images and `a`: their difference stays."""
        last = self.last.batches[0]
        x, a = last.arrays["x"], last.arrays["a"]
        more = np.float32(0.5) * a[::-1]
        return last, last.with_(x=x + more, a=a + more)

    @functools.cached_property
    def shifted(self) -> tuple[Batch, Batch]:
        """A pair in which x̂ = a, once with the pixels of `a` shifted by one."""
        last = self.last.batches[0]
        return last, last.with_(a=np.roll(last.arrays["a"], 1))

    @functools.cached_property
    def units(self) -> list[tuple[float, Batch]]:
        """Inputs of a hidden unit, each with a batch of which `unit` reads what it gives."""
        found = []
        for t in (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0):
            arrays = {name: np.zeros_like(array) for name, array in self._first.of(slice(1)).arrays.items()}
            arrays["x"][0, 0] = _FAR
            arrays["b"][:] = t
            arrays["W"][0, 0] = 1
            found.append((t, Batch(arrays)))
        return found

    def unit(self, value: np.ndarray) -> float:
        """What the hidden unit gives, from a loss, (far − u)², or from an image's first pixel."""
        flat = np.ravel(value)
        return (
            float(flat[0])
            if flat.size == self._first.arrays["x"].shape[1]
            else _FAR - float(np.sqrt(flat.sum()))
        )
