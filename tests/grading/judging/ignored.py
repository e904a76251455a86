"""Arguments that a function does not use: nothing that is done with them has been seen to be right."""

import numpy as np

from . import sentences
from .asking import Conversation, Examinee
from .explain import Explanation, Unknown


def ignored_arguments(examinee: Examinee) -> Conversation[list[str]]:
    """The arguments whose values change nothing, though they should."""
    first, other, *_ = examinee.probes.questions(examinee.exercise.arguments).values
    uses = examinee.exercise.uses
    changed = {name: first.with_(**{name: other.arrays[name]}) for name in uses}
    usual, *values = yield from examinee.values(first, *changed.values())
    if usual is None or (usual.size > 1 and not np.ptp(usual)):
        return []
    return [
        name
        for (name, batch), value in zip(changed.items(), values, strict=True)
        if not np.array_equal(examinee.right(batch), examinee.right(first))  # nor does the sheet use it here
        and value is not None
        and value.shape == usual.shape
        and np.allclose(value, usual, rtol=1e-6)
    ]


def ignored_by_chance(examinee: Examinee) -> Conversation[list[str]]:
    """The parameters that a random function does not use: it has no slope along them, or no larger values
    where they are large."""
    batch = examinee.probes.questions(examinee.exercise.arguments).values[0]
    (answer,) = yield [examinee.question(batch, differentiate=True)]
    gradients = getattr(answer, "gradients", ())
    names = list(batch.arrays)[1:]
    if not gradients:
        larger = batch.with_(**{name: 1000 * batch.arrays[name] for name in names})
        one, other = yield from examinee.values(batch, larger)
        is_used = one is None or other is None or np.abs(other).max() > 10 * np.abs(one).max()
        return [] if is_used else names
    return [name for name, gradient in zip(names, gradients, strict=False) if not gradient.any()]


def charge_ignored(
    examinee: Examinee, names: list[str], explanation: Explanation | None = None
) -> Conversation[None]:
    """Charge arguments that are not used, and what is wrong where they are zero, so that they don't matter.

    Args:
        explanation: that of the usual answers; it counts if nothing of the network is used.
    """
    exercise, verdict = examinee.exercise, examinee.verdict
    values = examinee.probes.questions(exercise.arguments).values
    zero = [
        batch.with_(**{name: np.zeros_like(batch.arrays[name]) for name in names}) for batch in values[::3]
    ]
    answers = yield from examinee.values(values[0], *zero)
    are_most = "x" in names or len(names) > 2
    if are_most and examinee.probes.simple.left in names:
        explanation = explanation or Unknown()
    else:
        explanation = examinee.explain_values(zero, answers[1:])
    is_known = not isinstance(explanation, Unknown)
    held = f"{' and '.join(', '.join(names).rsplit(', ', 1))} hold{'s' * (len(names) == 1)}"
    reason = (sentences.IGNORES_MOST if are_most else sentences.IGNORES)(exercise, held=held)
    if _is_the_input(answers[0], values[0].arrays["x"]):
        reason = sentences.RETURNS_INPUT()
    parts = {exercise.uses[name] for name in names}
    if are_most and not is_known:  # there is nothing left that could be right
        parts = set(exercise.parts) - {exercise.form}
    for part in parts & set(exercise.parts):
        verdict.lose(part, *reason)
    if is_known:
        examinee.charge(explanation)
    elif exercise.end not in verdict.lost:
        verdict.lose(exercise.end, *sentences.UNKNOWN(), needs_human=True)


def _is_the_input(value, x):
    return value is not None and value.size == x.size and np.allclose(value.ravel(), x.ravel(), atol=1e-5)
