"""The arguments of one question."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Batch:
    """The arguments of one question: float32 arrays, by their names on the sheet."""

    arrays: dict[str, np.ndarray]

    @functools.cached_property
    def exact(self) -> list[np.ndarray]:
        """The same numbers in float64, for the formulas."""
        return [array.astype(np.float64) for array in self.arrays.values()]

    def exact_for(self, formula: Callable) -> list[np.ndarray]:
        """Of these, what a formula takes by name; all, if it takes any number."""
        code, exact = formula.__code__, dict(zip(self.arrays, self.exact, strict=True))
        return [exact[name] for name in code.co_varnames[1 : code.co_argcount] or exact]

    @property
    def size(self) -> str:
        """As in "N = 7, h = 5"."""
        h = f", h = {len(self.arrays['b'])}" if "b" in self.arrays else ""
        return f"N = {len(self.arrays['x'])}{h}"

    @property
    def letters(self) -> dict[int, str]:
        """What the sizes of its arrays are called on the sheet."""
        letters = {784: "784", len(self.arrays["x"]): "N"}
        return letters | ({len(self.arrays["b"]): "h"} if "b" in self.arrays else {})

    def with_(self, **arrays) -> "Batch":
        return Batch(self.arrays | arrays)

    def of(self, rows) -> "Batch":
        """Some of the images, with the same parameters."""
        images = {name: self.arrays[name][rows] for name in ("x", "reconstruction") if name in self.arrays}
        return self.with_(**images)
