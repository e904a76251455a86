"""In which step an unknown mistake sits: probes so simple that steps drop out, one after the other.

What is right keeps its points, and what differs is named by its place, as a fair human would do it.
"""

import numpy as np

from . import sentences
from .asking import Conversation, Examinee
from .explain import Unknown, same_values
from .ignored import charge_ignored, ignored_arguments, ignored_by_chance


def locate(examinee: Examinee) -> Conversation[None]:
    """Charge an unknown mistake to its own step."""
    ignored = yield from ignored_arguments(examinee)
    if ignored:
        yield from charge_ignored(examinee, ignored)
    else:
        for search in (_penalty, _batch, _steps, _end):
            if (yield from search(examinee)):
                break
    _charge_somewhere(examinee)


def locate_random(examinee: Examinee) -> Conversation[bool]:
    """The same for what can't be asked step by step: it answers differently each time.

    Returns whether it is that arguments are not used.
    """
    ignored = yield from ignored_by_chance(examinee)
    if ignored:
        yield from charge_ignored(examinee, ignored)
    _charge_somewhere(examinee)
    return bool(ignored)


def _charge_somewhere(examinee):
    """Wrong numbers are never without a place."""
    exercise, verdict = examinee.exercise, examinee.verdict
    if verdict.lost <= {exercise.form}:
        verdict.lose(exercise.end, *sentences.UNKNOWN(), needs_human=True)


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
    examinee.verdict.lose(
        exercise.together or exercise.end, *sentences.RIGHT_ALONE(exercise), needs_human=True
    )
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
            explanation = examinee.explain_values(one.batches, some, depth)
            if isinstance(explanation, Unknown):
                continue
            ways = explanation.mistakes
            if any(way.part == part or way.rounds for way in ways):
                continue
            curve = (yield from _curve(examinee)) if one.shows_unit and not ways else ""
            words = {"given": one.given, "but": sentences.BUT * bool(ways), "rest": one.rest, "curve": curve}
            verdict.lose(part, *sentences.RIGHT_WHERE_SIMPLE(exercise, **words), needs_human=True)
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
        verdict.lose(exercise.together, *sentences.MOVED_PIXELS(), needs_human=True)
    else:
        yield from _charge_the_end(examinee)
    for part in (yield from _wrong_before(examinee)):
        verdict.lose(part, *sentences.NOT_BY_RECONSTRUCTION(), needs_human=True)
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
    verdict.lose(exercise.end, *sentences.WRONG_AT_THE_END(exercise, given=given), needs_human=True)
    if exercise.differentiable and not (yield from _is_mean_of_images(examinee)):
        verdict.lose(exercise.together, *sentences.NOT_THE_MEAN(), needs_human=True)


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
