"""Which known mistakes explain the answers of a function."""

import functools
import itertools
from dataclasses import dataclass

import numpy as np

from ..sheet.probes import Batch
from ..sheet.rubric import Exercise
from ..sheet.steps import Formula, Search, Way, evaluate


@dataclass(frozen=True)
class Right:
    """The answers are those of the sheet's formula."""

    mistakes: tuple[()] = ()


@dataclass(frozen=True)
class Known:
    """Known mistakes give these answers."""

    mistakes: tuple[Way, ...]


@dataclass(frozen=True)
class Unknown:
    """No known mistakes give these answers."""


Explanation = Right | Known | Unknown


def same_values(candidate: np.ndarray, answer: np.ndarray, ways: tuple[Way, ...] = ()) -> bool:
    """Whether they are equal up to float32 rounding, also where (x − x̂)² is multiplied out.

    Where something is rounded on the way, a few numbers may differ.
    """
    if candidate.shape != answer.shape or not np.isfinite(answer).all():
        return False
    with np.errstate(all="ignore"):
        largest = np.abs(answer).max(initial=0)
        close = np.abs(candidate - answer) <= 3e-5 * np.abs(candidate) + 1e-5 * largest
    if not any(way.rounds for way in ways):
        return bool(close.all())
    return bool(close.mean() > 0.95)


def same_order(candidate: np.ndarray, answer: np.ndarray, ways: tuple[Way, ...] = ()) -> bool:
    """Whether the answer is a strictly increasing function of the candidate, without ties of its own."""
    if candidate.shape != answer.shape or (candidate.size > 1 and not np.ptp(candidate)):
        return False
    if candidate.shape == (1,):
        return True  # one image has no order
    if candidate.size <= 1 or np.allclose(candidate, answer, rtol=1e-5, atol=0):
        return bool(np.allclose(candidate, answer, rtol=1e-3))
    levels, within = _levels(candidate.ravel(), answer.ravel())
    steps = np.diff(levels)
    if len(levels) == 1:
        return False
    nearest = np.minimum(np.append(steps, np.inf), np.insert(steps, 0, np.inf))
    return bool((steps > 1e-6 * np.abs(levels[1:])).all() and (within <= 0.02 * nearest).all())


def nearly_same_order(candidate: np.ndarray, answer: np.ndarray, ways: tuple[Way, ...] = ()) -> bool:
    """The same for a mistake, where float32's rounding may exchange neighbours."""
    if same_order(candidate, answer):
        return True
    if not ways or candidate.shape != answer.shape or candidate.size < 2:
        return False
    levels, within = _levels(candidate.ravel(), answer.ravel())
    order = np.argsort(candidate.ravel(), kind="stable")
    candidate, answer = candidate.ravel()[order], answer.ravel()[order]
    rounding = 1e-3 * np.abs(candidate) + 1e-5 * np.abs(candidate).max()
    smaller = np.searchsorted(candidate, candidate - rounding)  # how many are so for certain
    largest = np.append(-np.inf, np.maximum.accumulate(answer))[smaller]  # of their answers
    return bool((answer > largest).all() and within.max() <= 0.02 * np.ptp(levels))


def _levels(candidate, answer):
    """For groups of equal candidates, upwards: the mean answer, and how far others are from it."""
    order = np.argsort(candidate, kind="stable")
    candidate, answer = candidate[order], answer[order]
    is_new = np.append(True, np.diff(candidate) > 1e-4 * np.abs(candidate[1:]))
    begins = np.flatnonzero(is_new)
    means = np.add.reduceat(answer, begins) / np.diff(np.append(begins, len(answer)))
    return means, np.maximum.reduceat(np.abs(answer - means[np.cumsum(is_new) - 1]), begins)


@functools.lru_cache(maxsize=64)
def right_value(formula: Formula, batch: Batch) -> np.ndarray:
    """What the sheet's formula gives; not to be written to. All submissions are asked the same."""
    value = evaluate(formula, (), batch.exact_for(formula))
    value.flags.writeable = False
    return value


def expected_value(formula: Formula, explanation: Right | Known, batch: Batch) -> np.ndarray | None:
    """What the formula gives with these mistakes; None if it gives no finite numbers."""
    return _expected(formula, explanation.mistakes, batch)


def _expected(formula, ways, batch):
    return evaluate(formula, ways, batch.exact_for(formula)) if ways else right_value(formula, batch)


@functools.lru_cache(maxsize=256)  # more than the batches of one run: a table takes a while
def search(formula: Formula, batch: Batch, same) -> Search:
    return Search(formula, batch.exact_for(formula), same)


def explain(
    exercise: Exercise, formula: Formula, answers: list[tuple[Batch, np.ndarray]], depth: int = 2
) -> Explanation:
    """The fewest known mistakes that give these answers.

    All answers have to follow from the same mistakes. Where one or none is enough, answers of another size
    may not: then it is right for some sizes only, which is for the caller to find out.
    """
    if exercise.by_order:
        ways = _mistakes(formula, answers, same_order, depth)
        ways = _mistakes(formula, answers, nearly_same_order, min(depth, 1)) if ways is None else ways
    else:
        ways = _mistakes(formula, answers, same_values, depth, may_be_partly=True)
    return Unknown() if ways is None else Known(ways) if ways else Right()


def _mistakes(formula, answers, same, depth, may_be_partly=False):
    batch, answer = answers[0]
    partly = None
    found = search(formula, batch, same).explanations(answer, depth)
    for ways in itertools.islice(found, 1000):
        is_guessed = any(way.guessed for way in ways)
        if len(answers) == 1 and is_guessed:
            continue  # a number can always be found for a single answer
        right = [_follows(formula, ways, same, *other) for other in answers[1:]]
        if all(right):
            return ways
        wrong = {other.size for (other, _), ok in zip(answers[1:], right, strict=True) if not ok}
        if partly is None and len(ways) <= 1 and any(right) and batch.size not in wrong and not is_guessed:
            partly = ways
    return partly if may_be_partly else None


def follows(
    exercise: Exercise, formula: Formula, explanation: Right | Known, batch: Batch, answer: np.ndarray
) -> bool:
    """Whether the answer to `batch` follows from these mistakes; yes where they have no value there."""
    same = nearly_same_order if exercise.by_order else same_values
    return _follows(formula, explanation.mistakes, same, batch, answer)


def _follows(formula, ways, same, batch, answer):
    if same is not same_values and any(way.rounds for way in ways):
        return True  # ties fall in another order
    value = _expected(formula, ways, batch)
    return value is None or same(value, answer, ways)
