"""The form of an answer: which numbers it holds, and what is odd about it."""

import numpy as np

from ..running.answers import Returned
from . import sentences
from .asking import Examinee
from .sentences import what


def check_form(examinee: Examinee, answer: Returned, right: np.ndarray) -> np.ndarray | None:
    """The numbers of the first answer; what is odd about its form is put down. None if there are none.

    Args:
        right: a right answer, for its size.
    """
    exercise, verdict = examinee.exercise, examinee.verdict
    if answer.items:
        _choose_item(examinee, answer, right)
    value = examinee.numbers(answer)
    if value is None:
        if answer.kind == "NoneType" and not answer.idle:
            verdict.stop(sentences.NOTHING())
        else:
            verdict.lose_all(_no_value(exercise, answer))
        return None
    if answer.idle:
        verdict.lose_all(sentences.PLACEHOLDER())
        return None
    if answer.items and examinee.item is None:
        examinee.lose_form(sentences.LIST_OF_TENSORS(what=what(answer)))
    returned = answer if examinee.item is None else answer.items[examinee.item]
    if returned.kind != "tensor" and not answer.items and not exercise.by_order:
        no_tensor = sentences.A_NUMBER if exercise.differentiable else sentences.NO_TENSOR
        no_tensor = sentences.A_LIST if returned.kind == "list" else no_tensor
        examinee.lose_form(no_tensor(exercise, what=what(returned)))
    return value


def _choose_item(examinee, answer, right):
    """Of a tuple, the first thing that has the size of a right answer counts."""
    for i, item in enumerate(answer.items):
        if item.value is not None and item.value.size == right.size and np.isfinite(item.value).all():
            examinee.item = i
            is_plain = answer.kind in ("tuple", "list")
            returned = what(answer) if is_plain else f"a pair, torch.return_types.{answer.kind}"
            end = " (is there a comma behind it?)" if answer.length == 1 else ""
            examinee.lose_form(sentences.SEVERAL_THINGS(examinee.exercise, what=returned, end=end))
            return


def _no_value(exercise, answer):
    if answer.kind == "NoneType":
        return sentences.NOT_IMPLEMENTED()
    if answer.value is not None and answer.value.size:
        return sentences.NOT_FINITE(exercise, when="")
    wanted = "a single real number" if exercise.differentiable else exercise.result
    return sentences.WRONG_TYPE(what=what(answer), wanted=wanted)
