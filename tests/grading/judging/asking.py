"""How a function of a submission is asked, and how its answers are read as numbers."""

from collections.abc import Callable

import numpy as np

from ..running.answers import Answer, Returned
from ..running.question import Question
from ..sheet.probes import Batch
from ..sheet.rubric import Exercise


class Asker:
    """Asks one function, in the way that suits it.

    Attributes:
        order: the places of its parameters, where they stand in another order than the sheet's.
        shapes: what shapes its arguments are given, where the sheet leaves that open.
        item: which thing of a tuple that it returns counts.
    """

    def __init__(
        self,
        exercise: Exercise,
        call: Callable[[Question], Answer],
        shapes: tuple[tuple[int, ...], ...] | None = None,
        foreseen: list[tuple[tuple, Answer]] = (),
    ):
        """`call` as in `examine`; `foreseen` are answers that are there already, with what was asked: the
        arguments of `__call__`."""
        self.exercise, self.shapes = exercise, shapes
        self._foreseen = list(foreseen)
        self.order: tuple[int, ...] | None = None
        self.item: int | None = None
        self._call = call

    def __call__(self, batch: Batch, differentiate: bool = False, echo: bool = False) -> Answer:
        """The answer; `echo` says whether to see the arguments after the call, too."""
        if not self.order:
            for i, (asked, answer) in enumerate(self._foreseen):
                if asked == (batch, differentiate, echo):
                    del self._foreseen[i]
                    return answer
        return self._call(self.question(batch, differentiate, echo))

    def question(self, batch: Batch, differentiate: bool = False, echo: bool = False) -> Question:
        arrays = list(batch.arrays.values())
        if self.shapes:
            pairs = zip(arrays, self.shapes, strict=True)
            arrays = [a if a.shape[1:] == shape[1:] else a.reshape(shape) for a, shape in pairs]
        if self.order:
            arrays = [arrays[place] for place in self.order]
        return Question(self.exercise.function, tuple(arrays), differentiate, echo)

    def numbers(self, answer: Answer) -> np.ndarray | None:
        """The numbers of an answer, finite ones; None if there are none."""
        if not isinstance(answer, Returned):
            return None
        value = answer.value
        if self.item is not None and self.item < len(answer.items):
            value = answer.items[self.item].value
        elif (
            answer.items
            and len({item.shape for item in answer.items}) == 1
            and answer.length == len(answer.items)
        ):
            values = [item.value for item in answer.items]
            value = None if any(one is None for one in values) else np.stack(values)
        return value if value is not None and value.size and np.isfinite(value).all() else None

    def is_not_finite(self, answer: Returned) -> bool:
        """Whether there are numbers, but not all of them finite."""
        return answer.value is not None and not np.isfinite(answer.value).all()

    def value(self, batch: Batch) -> np.ndarray | None:
        """What the function gives for `batch`, as numbers."""
        return self.numbers(self(batch))
