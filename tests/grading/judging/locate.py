"""In which step an unknown mistake sits: probes so simple that steps drop out, one after the other.

What is shown to be right keeps its points, and what differs is named by its place, as a fair human would do
it. What nothing shows to be right or wrong is left to a human.
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
        return
    for search in (_penalty, _batch, _steps, _end):
        if (yield from search(examinee)):
            return
    examinee.leave_undecided()


def locate_random(examinee: Examinee) -> Conversation[bool]:
    """The same for what answers differently each time. Returns whether it is that arguments are not used."""
    ignored = yield from ignored_by_chance(examinee)
    if ignored:
        yield from charge_ignored(examinee, ignored)
    elif not (yield from _steps(examinee, is_random=True)):
        examinee.leave_undecided()
    return bool(ignored)


def _penalty(examinee):
    """Whether the loss is the right one and a number that is the same for other images."""
    exercise = examinee.exercise
    if not exercise.differentiable:
        return False
    batches = examinee.probes.simple.other_images
    values = yield from examinee.values(*batches)
    rights = [examinee.right(batch) for batch in batches]
    pairs = list(zip(values, rights, strict=True))
    if any(value is None or value.shape != right.shape for value, right in pairs):
        return False
    rest = [float(value - right) for value, right in pairs]
    if abs(rest[0]) < 1e-4 or np.ptp(rest) > 0.01 * abs(rest[0]):
        return False
    examinee.verdict.lose(exercise.end, sentences.PENALTY())
    return True


def _batch(examinee):
    """Whether it is right for single images."""
    exercise = examinee.exercise
    first = examinee.probes.questions(exercise.arguments).values[0]
    singles = [first.of([i]) for i in range(4)]
    values = yield from examinee.values(*singles)
    pairs = zip(values, singles, strict=True)
    if not all(value is not None and same_values(examinee.right(one), value) for value, one in pairs):
        return False
    examinee.verdict.lose(exercise.together or exercise.end, sentences.RIGHT_ALONE(exercise))
    return True


def _steps(examinee, is_random=False):
    """Whether it is right, or a known mistake, where one step drops out: then it is that step."""
    exercise, verdict = examinee.exercise, examinee.verdict
    simple = examinee.probes.simple
    used = [
        one for one in simple.simplifications if one.changed in exercise.uses and one.blamed in exercise.uses
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
            verdict.lose(part, sentences.RIGHT_WHERE_SIMPLE(exercise, **words))
            examinee.charge(explanation)
            if one is simple.last and not is_random:
                yield from _check_beside_the_hidden_layer(examinee)
            return True
    return False


def _check_beside_the_hidden_layer(examinee):
    """W = 0 has hidden a wrong hidden layer: are b and W used as they should be?"""
    exercise, simple = examinee.exercise, examinee.probes.simple
    if "b" in exercise.uses:
        one, other = yield from examinee.values(*simple.sums)
        if one is None or other is None or not same_values(one, other):
            examinee.verdict.lose(exercise.uses["b"], sentences.UNKNOWN())
    values = yield from examinee.values(*simple.scaled)
    are_there = all(value is not None and value.shape == values[0].shape for value in values)
    if not are_there or np.abs(np.diff(values, 3, axis=0)).max() > 1e-4 * np.abs(values).max():
        examinee.verdict.lose(exercise.uses["W"], sentences.UNKNOWN())


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
    last, shifted = simple.shifted
    value, moved = yield from examinee.values(last, shifted)
    if exercise.together and _holds_the_same(value, examinee.right(last)):
        verdict.lose(exercise.together, sentences.MOVED_PIXELS())
    else:
        given = simple.last.given
        given = given[0].lower() + given[1:]
        verdict.lose(exercise.end, sentences.WRONG_AT_THE_END(exercise, given=given))
        if exercise.differentiable:
            yield from _check_beside_the_error(examinee)
        elif not _is_shifted(value, moved):
            verdict.lose(exercise.together, sentences.UNKNOWN())
    yield from _check_before_the_end(examinee)
    return True


def _holds_the_same(value, right):
    """Whether each image holds the right pixels, in any places."""
    if value is None or value.shape != right.shape or right.ndim < 2:
        return False
    one, other = (np.sort(images.reshape(len(images), -1), axis=1) for images in (value, right))
    return bool(np.allclose(one, other, atol=1e-5))


def _is_shifted(value, moved):
    """Whether pixels that are shifted in x̂ are so in the images: then they are in their places."""
    if value is None or moved is None or value.shape != moved.shape:
        return False
    one, other = (images.reshape(len(images), -1) for images in (value, moved))
    return same_values(np.roll(one, 1, axis=1), other)


def _check_beside_the_error(examinee):
    """Whether images go together as they should, and x̂ is compared as it is."""
    exercise, verdict = examinee.exercise, examinee.verdict
    if not (yield from _is_mean_of_images(examinee)):
        verdict.lose(exercise.together, sentences.NOT_THE_MEAN())
    one, other = yield from examinee.values(*examinee.probes.simple.moved)
    if one is None or other is None or not same_values(one, other):
        verdict.lose(exercise.uses["a"], sentences.UNKNOWN())


def _is_mean_of_images(examinee):
    first = examinee.probes.questions(examinee.exercise.arguments).values[0]
    whole, *singles = yield from examinee.values(first.of(slice(3)), *(first.of([i]) for i in range(3)))
    if whole is None or any(single is None or single.shape != whole.shape for single in singles):
        return False
    return same_values(np.mean(singles, axis=0), whole)


def _check_before_the_end(examinee):
    """Encoder and decoder, told by the function itself: what depends on x and x̂ alone gives the same for
    W = 0 and an `a` that is this x̂."""
    uses, parts = examinee.exercise.uses, examinee.exercise.parts
    for name, twins in examinee.probes.simple.twins.items():
        one, other = yield from examinee.values(*twins)
        if one is not None and other is not None and same_values(one, other):
            if name:
                cause = sentences.NOT_BY_RECONSTRUCTION(given=f"{name} = 0")
                examinee.verdict.lose(uses[name], cause)
            return
    for part in dict.fromkeys(uses.values()):
        if part in parts:
            examinee.verdict.lose(part, sentences.UNKNOWN())
