"""How a function of a submission is asked, and how its answers are read as numbers."""

import itertools
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ..running.answers import Answer, Returned
from ..running.question import Question
from ..sheet.probes import Batch, Probes, Questions
from ..sheet.rubric import Exercise
from ..sheet.steps import Formula
from .explain import Explanation, Known, Right, Unknown, explain, right_value
from .result import Cause, Verdict
from .sentences import UNKNOWN

T = TypeVar("T")
# Yields messages, each a list of questions, and is sent the answers to them.
Conversation = Generator[list[Question], list[Answer], T]


@dataclass(frozen=True)
class Round:
    """The questions that every function is asked, with its answers.

    Attributes:
        first, again: the answers to the first batch, which is asked twice.
        others: to all further batches whose values count.
        sizes: to the first batches of other sizes.
        training: to the steps of training.
    """

    questions: Questions
    first: Answer
    again: Answer
    others: list[Answer]
    sizes: list[Answer]
    training: list[Answer]

    @property
    def all(self) -> list[Answer]:
        return [self.first, self.again, *self.others, *self.sizes, *self.training]


class Examinee:
    """One function under examination: how it is asked, and what it has lost.

    Attributes:
        order: the places of its parameters, where they stand in another order than the sheet's.
        shapes: what shapes its arguments are given, where the sheet leaves that open.
        item: which thing of a tuple that it returns counts.
    """

    def __init__(self, exercise: Exercise, formula: Formula, probes: Probes, shapes=None):
        self.exercise, self.formula, self.probes, self.shapes = exercise, formula, probes, shapes
        self.order: tuple[int, ...] | None = None
        self.item: int | None = None
        self.verdict = Verdict(exercise)

    def lose_form(self, cause: Cause) -> None:
        self.verdict.lose(self.exercise.form, cause)

    def charge(self, explanation: Right | Known, but: Collection[str] = ()) -> None:
        """What these mistakes cost, and what nobody can see behind them; of the parts `but` all is said."""
        for way in explanation.mistakes:
            for part in (way.part, *way.hides) if way.part not in but else ():
                self.verdict.lose(part, Cause(way.name, way.sentence))

    def leave_undecided(self) -> None:
        """What nothing has shown to be right is for a human to decide, except for the form."""
        for part in self.exercise.parts:
            if part != self.exercise.form and part not in self.verdict.lost:
                self.verdict.lose(part, UNKNOWN())

    # ------------------------------------------------------------ asking

    def question(self, batch: Batch, differentiate: bool = False, echo: bool = False) -> Question:
        arrays = [batch.arrays[name] for name in self.exercise.arguments]
        if self.shapes:
            pairs = zip(arrays, self.shapes, strict=True)
            arrays = [a if a.shape[1:] == shape[1:] else a.reshape(shape) for a, shape in pairs]
        return Question(self.exercise.function, tuple(self.ordered(arrays)), differentiate, echo)

    def ordered(self, things: list) -> list:
        """The things that belong to the sheet's arguments, in the order of the function's own parameters."""
        return [things[place] for place in self.order] if self.order else things

    def round(self, questions: Questions) -> Conversation[Round]:
        """Ask all that a right function is asked, in one message."""
        trains = self.exercise.differentiable
        batch, *others = questions.values
        training = self.probes.training if trains else ()
        sizes = questions.sizes[:1] if trains else questions.sizes  # training tries large ones
        plain = [self.question(other) for other in (*others, *sizes)]
        steps = [self.question(step, differentiate=True) for step in training]
        twice = [self.question(batch, trains, echo) for echo in (True, False)]
        answers = iter((yield [*twice, *plain, *steps]))
        first, again = itertools.islice(answers, 2)
        counts = (len(others), len(sizes), len(training))
        return Round(questions, first, again, *(list(itertools.islice(answers, n)) for n in counts))

    def values(self, *batches: Batch) -> Conversation[list[np.ndarray | None]]:
        """What the function gives for these batches, as numbers, in the right shape if they are as many."""
        answers = yield [self.question(batch) for batch in batches]
        found = []
        for batch, answer in zip(batches, answers, strict=True):
            value, right = self.numbers(answer), self.right(batch)
            is_other = value is not None and value.size == right.size
            found.append(value.reshape(right.shape) if is_other else value)
        return found

    # ------------------------------------------------------------ reading

    def numbers(self, answer: Answer) -> np.ndarray | None:
        """The numbers of an answer, finite ones; None if there are none."""
        if not isinstance(answer, Returned):
            return None
        value, items = answer.value, answer.items
        if self.item is not None and self.item < len(items):
            value = items[self.item].value
        elif items and answer.length == len(items) and len({item.shape for item in items}) == 1:
            values = [item.value for item in items]
            value = None if any(one is None for one in values) else np.stack(values)
        return value if value is not None and value.size and np.isfinite(value).all() else None

    def right(self, batch: Batch) -> np.ndarray:
        return right_value(self.formula, batch)

    def explain(self, answers: list[tuple[Batch, np.ndarray]], depth: int = 2) -> Explanation:
        return explain(self.exercise, self.formula, answers, depth)

    def explain_values(self, batches: Sequence[Batch], values: list, depth: int = 2) -> Explanation:
        """The same for what `values` gives: unknown where there is none."""
        if any(value is None for value in values):
            return Unknown()
        return self.explain(list(zip(batches, values, strict=True)), depth)
