"""In which step an unknown mistake sits: probes so simple that steps drop out, one after the other.

What is right keeps its points, and what differs is named by its place, as a fair human would do it.
"""

import numpy as np

from . import sentences
from .asking import Conversation, Examinee
from .explain import Explanation, Unknown, same_values


def locate(examinee: Examinee, is_random: bool) -> Conversation[bool]:
    """Charge an unknown mistake to its own step. Returns whether it is that arguments are not used."""
    verdict, end = examinee.verdict, examinee.exercise.end
    ignored = yield from ignored_arguments(examinee, is_random)
    if ignored:
        yield from charge_ignored(examinee, ignored)
    if is_random and end not in verdict.lost:  # what answers differently can't be asked step by step
        verdict.lose(end, *sentences.UNKNOWN(), look=True)
    elif not ignored:
        for search in (_penalty, _batch, _steps, _end):
            if (yield from search(examinee)):
                break
    if verdict.lost <= {examinee.exercise.form}:  # wrong numbers are never without a place
        verdict.lose(end, *sentences.UNKNOWN(), look=True)
    return bool(ignored)


# ---------------------------------------------------------------- arguments that are not used


def ignored_arguments(examinee: Examinee, is_random: bool) -> Conversation[list[str]]:
    """The arguments whose values change nothing, though they should."""
    first, other, *_ = examinee.probes.questions(examinee.exercise.arguments).values
    uses = examinee.exercise.uses
    if is_random:
        return (yield from _without_gradient(examinee, first))
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


def _without_gradient(examinee, batch):
    """The parameters that a random function does not use: it has no slope along them, or no larger values
    where they are large."""
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
        explanation = _explanation(examinee, zero, answers[1:], depth=2)
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
        verdict.lose(exercise.end, *sentences.UNKNOWN(), look=True)


def _is_the_input(value, x):
    return value is not None and value.size == x.size and np.allclose(value.ravel(), x.ravel(), atol=1e-5)


def _explanation(examinee, batches, values, depth):
    if any(value is None for value in values):
        return Unknown()
    return examinee.explain(list(zip(batches, values, strict=True)), depth)


# ---------------------------------------------------------------- one search after the other


def _penalty(examinee):
    """Whether the loss is the right one and a number that is the same for other images."""
    if not examinee.exercise.differentiable:
        return False
    for batches in examinee.probes.simple.other_images:
        values = yield from examinee.values(*batches)
        rights = [examinee.right(batch) for batch in batches]
        pairs = list(zip(values, rights, strict=True))
        if any(value is None or value.shape != right.shape for value, right in pairs):
            continue
        rest = [float(value - right) for value, right in pairs]
        if np.ptp(rest) < 0.01 * abs(rest[0]) and abs(rest[0]) > 1e-4:
            examinee.verdict.lose(examinee.exercise.end, *sentences.PENALTY())
            return True
    return False


def _batch(examinee):
    """Whether it is right for single images."""
    exercise = examinee.exercise
    first = examinee.probes.questions(exercise.arguments).values[0]
    singles = [first.of([i]) for i in range(4)]
    values = yield from examinee.values(*singles)
    pairs = zip(values, singles, strict=True)
    if not all(value is not None and same_values(examinee.right(one), value) for value, one in pairs):
        return False
    examinee.verdict.lose(exercise.together or exercise.end, *sentences.RIGHT_ALONE(exercise), look=True)
    return True


def _steps(examinee):
    """Whether it is right, or a known mistake, where one step drops out: then it is that step."""
    exercise, verdict = examinee.exercise, examinee.verdict
    used = [
        one
        for one in examinee.probes.simple.simplifications
        if one.changed in exercise.uses and one.blamed in exercise.uses
    ]
    values = []
    for one in used:
        values.append((yield from examinee.values(*one.batches)))
    for depth in range(2):  # first without a known mistake beside the unknown one
        for one, some in zip(used, values, strict=True):
            part = exercise.uses[one.blamed]
            explanation = _explanation(examinee, one.batches, some, depth)
            if isinstance(explanation, Unknown):
                continue
            ways = explanation.mistakes
            if any(way.part == part or way.rounds for way in ways):
                continue
            curve = (yield from _curve(examinee)) if one.shows_unit and not ways else ""
            words = {"given": one.given, "but": sentences.BUT * bool(ways), "rest": one.rest, "curve": curve}
            verdict.lose(part, *sentences.RIGHT_WHERE_SIMPLE(exercise, **words), look=True)
            examinee.charge(explanation)
            return True
    return False


def _curve(examinee):
    """What a hidden unit gives for the first input for which it is not what the sheet's gives, in words."""
    simple = examinee.probes.simple
    if simple.last.changed not in examinee.exercise.uses:
        return ""
    values = yield from examinee.values(*(batch for _, batch in simple.units))
    for (t, _), value in zip(simple.units, values, strict=True):
        got = np.nan if value is None else simple.unit(value)
        if not np.isfinite(got) or abs(got) > 5:  # that is no hidden unit
            return ""
        if abs(got - max(t, 0)) > 1e-3:
            return sentences.CURVE.format(t=t, right=max(t, 0), got=got)
    return ""


def _end(examinee):
    """Not even x̂ = a is right: the mistake sits in the last steps. Is what comes before right?"""
    exercise, verdict = examinee.exercise, examinee.verdict
    simple = examinee.probes.simple
    if simple.last.changed not in exercise.uses:
        return False
    last = simple.last.batches[0]
    (value,) = yield from examinee.values(last)
    if exercise.together and _holds_the_same(value, examinee.right(last)):
        verdict.lose(exercise.together, *sentences.MOVED_PIXELS(), look=True)
    else:
        yield from _charge_the_end(examinee)
    for part in (yield from _wrong_before(examinee)):
        verdict.lose(part, *sentences.NOT_BY_RECONSTRUCTION(), look=True)
    return True


def _holds_the_same(value, right):
    """Whether each image holds the right pixels, in any places."""
    if value is None or value.shape != right.shape or right.ndim < 2:
        return False
    one, other = (np.sort(images.reshape(len(images), -1), axis=1) for images in (value, right))
    return bool(np.allclose(one, other, atol=1e-5))


def _charge_the_end(examinee):
    exercise, verdict = examinee.exercise, examinee.verdict
    given = examinee.probes.simple.last.given
    given = given[0].lower() + given[1:]
    verdict.lose(exercise.end, *sentences.WRONG_AT_THE_END(exercise, given=given), look=True)
    if exercise.differentiable and not (yield from _is_mean_of_images(examinee)):
        verdict.lose(exercise.together, *sentences.NOT_THE_MEAN(), look=True)


def _is_mean_of_images(examinee):
    first = examinee.probes.questions(examinee.exercise.arguments).values[0]
    whole, *singles = yield from examinee.values(first.of(slice(3)), *(first.of([i]) for i in range(3)))
    if whole is None or any(single is None or single.shape != whole.shape for single in singles):
        return False
    return same_values(np.mean(singles, axis=0), whole)


def _wrong_before(examinee):
    """The parts of encoder and decoder that are wrong, told by the function itself: what depends on x and
    x̂ alone gives the same for W = 0 and an `a` that is this x̂."""
    uses, parts = examinee.exercise.uses, examinee.exercise.parts
    for name, *twins in examinee.probes.simple.twins:
        one, other = yield from examinee.values(*twins)
        if one is None or other is None or same_values(one, other):  # without a value, nobody can tell
            return [uses[name]] if name else []
    return [part for part in dict.fromkeys(uses.values()) if part in parts]
