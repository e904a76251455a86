"""The form of an answer: which numbers it holds, and what is odd about it."""

import numpy as np

from ..running.answers import Returned
from ..sheet.rubric import Exercise
from .asking import Asker
from .result import Verdict
from .sentences import NOT_IMPLEMENTED, NOTHING, what


def read(ask: Asker, answer: Returned, right: np.ndarray, verdict: Verdict) -> np.ndarray | None:
    """The numbers of the first answer; what is odd about its form is put down. None if there are none.

    Args:
        right: a right answer, for its size.
    """
    exercise = ask.exercise
    if answer.items:
        _choose_item(ask, answer, right, verdict)
    value = ask.numbers(answer)
    if value is None:
        verdict.lose_all(*_no_value(exercise, answer))
        return None
    if answer.idle:
        reason = f"{NOT_IMPLEMENTED[0]} (Your function returns the same whatever it is given.)"
        verdict.lose_all(reason, NOT_IMPLEMENTED[1])
        return None
    if answer.items and ask.item is None:
        reason = f"Your function returns {what(answer)}. It should return one tensor."
        verdict.lose(exercise.form, reason, "a list of tensors")
    returned = answer if ask.item is None else answer.items[ask.item]
    if returned.kind != "tensor" and not answer.items and not exercise.by_order:
        verdict.lose(exercise.form, _no_tensor(exercise, returned), "not a tensor")
    return value


def _choose_item(ask, answer, right, verdict):
    """Of a tuple, the first thing that has the size of a right answer counts."""
    for i, item in enumerate(answer.items):
        if item.value is not None and item.value.size == right.size and np.isfinite(item.value).all():
            ask.item = i
            is_plain = answer.kind in ("tuple", "list")
            returned = what(answer) if is_plain else f"a pair, torch.return_types.{answer.kind}"
            end = " (is there a comma behind it?)." if answer.length == 1 else "."
            reason = f"Your function returns {returned}. Return the {ask.exercise.result} alone{end}"
            verdict.lose(ask.exercise.form, reason, "returns more than one thing")
            return


def _no_tensor(exercise: Exercise, answer):
    if answer.kind == "list":
        return f"Your function returns a list. It should return a tensor: the {exercise.result} alone."
    if exercise.differentiable:
        return (
            f"Your {exercise.result} is a plain number and no tensor, so `backward()` can't differentiate "
            "it. Stay in torch: no `.item()`, `float()` or NumPy."
        )
    return f"Your function returns {what(answer)}. It should return a torch tensor."


def _no_value(exercise, answer):
    if answer.kind == "NoneType":
        return NOT_IMPLEMENTED if answer.idle else NOTHING
    if answer.value is not None and answer.value.size:
        return f"Your {exercise.result} {exercise.are} not finite (nan or inf).", "not finite"
    wanted = "a single real number" if exercise.differentiable else exercise.result
    return f"Your function returns {what(answer)}, not {wanted}.", "wrong type"
