"""Scores that no known mistake explains: what the order of the images tells."""

import numpy as np

from ..sheet.probes import Batch
from ..sheet.steps import steps_of
from . import sentences
from .asking import Conversation, Examinee
from .explain import Explanation, Right, Unknown, follows
from .ignored import ignored_arguments
from .result import Cause


def locate_scores(examinee: Examinee, answers: list[tuple[Batch, np.ndarray]]) -> Conversation[None]:
    """Charge scores that no known mistake explains: ties, another order, or a dependence on other images."""
    exercise, verdict = examinee.exercise, examinee.verdict
    batch, scores = answers[0]
    right = examinee.right(batch)
    is_said = bool({exercise.form, exercise.own} & verdict.lost)
    if is_said or scores.shape == right.shape:
        wrong = [one for one in answers if not follows(exercise, examinee.formula, Right(), *one)]
        alone = yield from explain_images_alone(examinee, batch if is_said or not wrong else wrong[0][0])
        if is_said and not isinstance(alone, Unknown):
            examinee.charge(alone)
            return
        if isinstance(alone, Right):
            verdict.lose(exercise.own, sentences.DEPENDS_ON_BATCH(made=sentences.BY_OTHERS))
            return
    if scores.shape != right.shape:
        shapes = {"shape": list(scores.shape), "right": list(right.shape)}
        for part in exercise.parts:  # there is no number for each image, so nothing else can be seen
            verdict.lose(part, sentences.WRONG_SHAPE(exercise, **shapes, size=batch.size))
        return
    ignored = yield from ignored_arguments(examinee)
    if ignored:
        without, used = f"{sentences.listed(ignored)} has", sentences.listed(exercise.arguments)
        for part in (exercise.direction, exercise.end):
            verdict.lose(part, sentences.IGNORES(exercise, without=without, all=used))
    else:
        _locate_order(examinee, answers)


def explain_images_alone(examinee: Examinee, batch: Batch) -> Conversation[Explanation]:
    """What explains the scores of images that are asked one at a time."""
    x = batch.arrays["x"]
    values = yield from examinee.values(*(batch.of([i]) for i in range(len(x))))
    if any(value is None or value.size > x[0].size for value in values):
        return Unknown()
    return examinee.explain([(batch, np.array([value.sum() for value in values]))], depth=1)


def mean_scores(examinee: Examinee, batch: Batch) -> Conversation[np.ndarray | None]:
    """The mean of several answers, where each is another; None if they do not order the images alike.

    A batch of many images, since few may be in one order by chance.
    """
    values = yield from examinee.values(*[batch] * 6)
    if any(value is None or value.shape != values[0].shape or value.size < 2 for value in values):
        return None
    ranks = [value.ravel().argsort().argsort() for value in values]
    is_alike = np.mean(np.corrcoef(ranks)[np.triu_indices(6, 1)]) > 0.25
    return np.mean(values, axis=0) if is_alike else None


def _locate_order(examinee, answers):
    exercise, verdict = examinee.exercise, examinee.verdict
    batch, scores = answers[0]
    right = examinee.right(batch)
    if not np.ptp(scores):
        for part in (exercise.direction, exercise.end):
            verdict.lose(part, sentences.ALL_THE_SAME())
        return
    steps = np.diff(scores[np.argsort(right)])
    monotone = (steps >= 0).all() or (steps <= 0).all()
    levels = len(np.unique(scores))
    likeness = _likeness(examinee, answers)
    if monotone and levels <= len(scores) / 3:
        verdict.lose(exercise.end, sentences.THRESHOLD())
    elif (monotone and levels < len(scores)) or _levels_out(examinee, answers[1:]):
        verdict.lose(exercise.end, sentences.TIES())
    elif exercise.own not in verdict.lost or abs(likeness) <= 0.5:  # else it comes from the other images
        verdict.lose(exercise.end, sentences.NOT_ALONE() if monotone else sentences.ANOTHER_ORDER())
    _check_direction(examinee, batch, likeness)


def _check_direction(examinee, batch, likeness):
    exercise, verdict = examinee.exercise, examinee.verdict
    if likeness < -0.5:
        steps = steps_of(examinee.formula, batch.exact_for(examinee.formula))
        known = (way for step in steps for way in step.mistakes)
        direction = next(way for way in known if way.part == exercise.direction)
        verdict.lose(direction.part, Cause(direction.name, direction.sentence))
    elif likeness < 0.3:
        verdict.lose(exercise.direction, sentences.NOT_BY_ERROR())


def _likeness(examinee, answers):
    """From -1 to 1: how much the scores grow with the right ones, by ranks, on the average."""
    found = []
    for batch, scores in answers:
        right = examinee.right(batch)
        if scores.shape == right.shape and np.ptp(scores):
            found.append(np.corrcoef(right.argsort().argsort(), scores.argsort().argsort())[0, 1])
    return np.mean(found)


def _levels_out(examinee, answers):
    """Whether some larger error gets no larger score, while none gets a smaller one."""
    for batch, scores in answers:
        right = examinee.right(batch)
        if scores.shape == right.shape:
            in_order = scores[np.argsort(right)]
            steps = np.diff((in_order[::2] + in_order[1::2]) / 2)
            if (np.abs(steps) <= 1e-6 * np.abs(in_order[2::2])).any():
                return True
    return False
