"""How a function behaves beside its values: pure, repeatable, for each image alone, trainable."""

import functools

import numpy as np

from ..running.answers import Died, Returned
from ..sheet.probes import Batch, Probes
from ..sheet.rubric import Exercise
from ..sheet.steps import Formula, Way, evaluate
from .asking import Asker
from .explain import expected_value, right_value
from .result import Verdict
from .sentences import place, trouble

RANDOM = (
    "Asked twice with the same arguments, your function gives two answers. Everything it needs is given: "
    "no `nn.Linear`, no random numbers, no dropout, and nothing kept from one call to the next.",
    "random",
)
_DETACHED = (
    "Your loss can't be differentiated: it is cut off from the parameters (by `detach`, `no_grad`, `.data`, "
    "or by making a new tensor).",
    "detached",
)
_OWN_BACKWARD = (
    "Your function calls `backward()` itself, so the gradients add up. The notebook does that, once, with "
    "what you return.",
    "own backward",
)


def changed(answer: Returned, batch: Batch) -> list[str]:
    """The names of the arguments that the function has written to."""
    pairs = zip(batch.arrays.items(), answer.after, strict=False)
    return [name for (name, array), after in pairs if not np.array_equal(array, after.reshape(array.shape))]


def repeats(answer: np.ndarray, again: np.ndarray | None) -> bool:
    return (
        again is not None and again.shape == answer.shape and np.allclose(answer, again, rtol=1e-4, atol=1e-5)
    )


def check_own(
    exercise: Exercise,
    formula: Formula,
    ways: tuple[Way, ...] | None,
    asker: Asker,
    batch: Batch,
    whole: np.ndarray,
    verdict: Verdict,
) -> None:
    """A part of the batch must get the numbers that it got in the whole."""
    if whole.shape != (len(batch.arrays["x"]),):
        return
    inner = np.sort(whole.argsort()[3:-3])  # not the smallest and largest, by which some scores are scaled
    rows = inner[(inner > 0) & (inner < len(whole) - 1)]
    some = Batch({name: array[rows] for name, array in batch.arrays.items()})
    if ways:
        expected, predicted = evaluate(formula, ways, some.exact), evaluate(formula, ways, batch.exact)
        if expected is None or predicted is None or not np.allclose(expected, predicted[rows]):
            return  # it is the mistake that has been named
    answer = asker(some)
    if isinstance(answer, Died):
        verdict.lose(exercise.own, *trouble(answer))
        return
    part = asker.numbers(answer)
    if part is None and isinstance(answer, Returned) and answer.shape == (len(rows),):
        part = np.full(len(rows), np.nan)
    if part is None or part.shape != (len(rows),):
        verdict.lose(exercise.form, f"It works for some sizes, but not for {some.size}.", "size")
    elif not np.allclose(part, whole[rows], rtol=1e-3, atol=1e-6):
        made = _batch_made(whole)
        reason = f"Your scores are {made}, so an image's score depends on what else is in the batch."
        verdict.lose(exercise.own, reason, "depends on the batch")


def _batch_made(scores):
    if np.isclose(scores.min(), 0, atol=1e-6) and np.isclose(scores.max(), 1, atol=1e-6):
        return "stretched to [0, 1] within the batch"
    if np.isclose(scores.mean(), 0, atol=1e-4):
        return "standardised within the batch"
    if np.isclose(np.abs(scores).sum(), 1, atol=1e-4):
        return "divided by their sum"
    if np.isclose(np.abs(scores).max(), 1, atol=1e-6):
        return "divided by their maximum"
    if np.isclose(scores.min(), 0, atol=1e-6):
        return "measured from the smallest of the batch"
    return "changed by the other images of the batch, or by earlier calls"


# ---------------------------------------------------------------- gradients


def check_gradient(
    exercise: Exercise,
    formula: Formula,
    ways: tuple[Way, ...] | None,
    batch: Batch,
    answer: Returned,
    verdict: Verdict,
) -> None:
    """The gradient, as `backward()` leaves it, must be the slope of the function's own value."""
    if answer.graded_inside:
        verdict.lose(exercise.form, *_OWN_BACKWARD)
    elif not answer.requires_grad:
        if ways and _is_flat(formula, ways, batch):
            return
        verdict.lose(exercise.form, *_DETACHED)
    elif answer.gradient_error is not None:
        error = answer.gradient_error
        reason = f"`backward()` stops with {error.kind}: {error.message.rstrip('.')}{place(error)}."
        if "a second time" in error.message:
            reason, _ = _OWN_BACKWARD
        verdict.lose(exercise.form, reason, "not differentiable")
    else:
        wrong = _wrong_gradients(formula, ways, batch, answer)
        if wrong:
            reason = (
                f"`backward()` gives a gradient for {', '.join(wrong)} that is not the slope of the loss. "
                "Is a part of the computation cut off, or rounded?"
            )
            verdict.lose(exercise.form, reason, "wrong gradient")


def _wrong_gradients(formula, ways, batch, answer):
    """The arguments whose gradient is not the slope of what the function computes (central differences).

    Of an unknown mistake only the function itself could tell the slope, in float32: let it be.
    """
    names = list(batch.arrays)[1:]
    if len(answer.gradients) != len(names) or not all(np.isfinite(g).all() for g in answer.gradients):
        return ["the parameters"]
    is_flat = ways and not any(way.rounds for way in ways) and _is_flat(formula, ways, batch)
    if not any(gradient.any() for gradient in answer.gradients):
        return [] if is_flat else ["the parameters (it is zero)"]
    if ways is None:
        return []
    directions = _directions(batch)
    along = {name: np.vdot(g, directions[name]) for name, g in zip(names, answer.gradients, strict=True)}
    tolerance = 1e-5 * sum(np.linalg.norm(gradient) for gradient in answer.gradients) + 1e-6

    def differ(*some):
        got = [along[name] for name in some]
        return abs(_slope(formula, ways, batch, some) - sum(got)) > 2e-3 * sum(map(abs, got)) + tolerance

    # All at once first: that is what right gradients take.
    return [name for name in names if differ(name)] or ["the parameters"] if differ(*names) else []


def _is_flat(formula, ways, batch):
    """Whether the mistakes that have been named leave nothing of the parameters in the value."""
    moved = [batch.exact[0], *(1.1 * array + 0.1 for array in batch.exact[1:])]
    return np.array_equal(expected_value(formula, ways, batch), evaluate(formula, ways, moved))


@functools.lru_cache(maxsize=16)
def _directions(batch):
    """A direction for each argument but the first, of length 1."""
    random = np.random.default_rng(1)
    directions = {name: random.normal(size=array.shape) for name, array in [*batch.arrays.items()][1:]}
    return {name: direction / np.linalg.norm(direction) for name, direction in directions.items()}


@functools.lru_cache(maxsize=16)
def _slope(formula, ways, batch, names, step=1e-6):
    """How steeply the formula rises where these arguments go in their directions."""
    values = []
    for sign in (1, -1):
        moved = dict(zip(batch.arrays, batch.exact, strict=True))
        for name in names:
            moved[name] = moved[name] + sign * step * _directions(batch)[name]
        value = evaluate(formula, ways, list(moved.values()))
        values.append(np.nan if value is None else value.sum())
    return (values[0] - values[1]) / (2 * step)


def check_training(
    exercise: Exercise, formula: Formula, asker: Asker, probes: Probes, verdict: Verdict
) -> None:
    """Steps of training, with a large batch first: at each the value and the gradient must be those of the
    sheet's formula."""
    for step, batch in enumerate(probes.training):
        answer = asker(batch, differentiate=True)
        if not isinstance(answer, Returned):
            reason, mistake = trouble(answer, batch.letters)
            verdict.lose(
                exercise.form, f"It works for some sizes, but not for {batch.size}: {reason}", mistake
            )
            return
        right, value = right_value(formula, batch), asker.numbers(answer)
        if value is None or value.shape != right.shape or not np.allclose(value, right, rtol=2e-4):
            again = " after a few calls" if step else ""
            reason = (
                f"In training, with {batch.size}, your {exercise.result} is not right{again}. "
                "Take the sizes from the arguments, and keep nothing between calls."
            )
            verdict.lose(exercise.form, reason, "state" if step else "size")
            return
        check_gradient(exercise, formula, (), batch, answer, verdict)
        if exercise.form in verdict.lost:
            return
