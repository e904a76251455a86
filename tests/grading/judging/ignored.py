"""Arguments that a function does not use: nothing that is done with them has been seen to be right."""

import numpy as np

from . import sentences
from .asking import Conversation, Examinee
from .explain import Explanation, Known, Unknown


def ignored_arguments(examinee: Examinee) -> Conversation[list[str]]:
    """The arguments whose values change nothing, though they should."""
    first, *others = examinee.probes.questions(examinee.exercise.arguments).values[:3]
    uses = examinee.exercise.uses
    changed = [(name, first.with_(**{name: other.arrays[name]})) for name in uses for other in others]
    usual, *values = yield from examinee.values(first, *(batch for _, batch in changed))
    if usual is None or (usual.size > 1 and not np.ptp(usual)):
        return []
    used = {
        name
        for (name, batch), value in zip(changed, values, strict=True)
        if np.array_equal(examinee.right(batch), examinee.right(first))  # nor does the sheet use it here
        or value is None
        or value.shape != usual.shape
        or not np.allclose(value, usual, rtol=1e-6)
    }
    return [name for name in uses if name not in used]


def ignored_by_chance(examinee: Examinee) -> Conversation[list[str]]:
    """The parameters that a random function does not use: it has no slope along them, or no larger values
    where they are large."""
    batch = examinee.probes.questions(examinee.exercise.arguments).values[0]
    (answer,) = yield [examinee.question(batch, differentiate=True)]
    gradients = getattr(answer, "gradients", ())
    names = examinee.exercise.arguments[1:]
    if not gradients:
        larger = batch.with_(**{name: 1000 * batch.arrays[name] for name in names})
        one, other = yield from examinee.values(batch, larger)
        is_used = one is None or other is None or np.abs(other).max() > 10 * np.abs(one).max()
        return [] if is_used else list(names)
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
    names = [name for name in exercise.arguments if name in names]
    without = f"{sentences.listed(names)} {'has' if len(names) == 1 else 'have'}"
    cause = sentences.IGNORES(exercise, without=without, all=sentences.listed(exercise.arguments))
    if _is_the_input(answers[0], values[0].arrays["x"]):
        cause = sentences.RETURNS_INPUT()
    parts = {exercise.uses[name] for name in names}
    if len(names) > 2 and examinee.probes.simple.left in names:  # then there is no reconstruction
        explanation = explanation or Unknown()
        is_known = isinstance(explanation, Known)
        parts |= {exercise.end} if is_known else set(exercise.parts) - {exercise.form}
    else:
        explanation = examinee.explain_values(zero, answers[1:])
    if isinstance(explanation, Unknown) and exercise.arguments[0] in names:
        parts |= set(exercise.parts) - {exercise.form}  # without the images, nothing of it is right
    for part in exercise.parts:
        if part in parts:
            verdict.lose(part, cause)
    if isinstance(explanation, Unknown):
        examinee.leave_undecided()
    else:
        examinee.charge(explanation, but=parts)


def _is_the_input(value, x):
    return value is not None and value.size == x.size and np.allclose(value.ravel(), x.ravel(), atol=1e-5)
