"""In which step an unknown mistake sits: probes so simple that steps drop out, one after the other.

What is right keeps its points, and what differs is named by its place, as a fair human would do it.
"""

import numpy as np

from ..sheet.mistakes import forward
from ..sheet.probes import Batch, Probes
from ..sheet.rubric import Exercise
from ..sheet.steps import At, Formula, evaluate
from .explain import explain, right_value, same_values
from .result import Verdict

UNKNOWN = "The values are not those of the sheet's formula, and no mistake known to the grader explains them."

# What is made simple, the part that drops out with it, and how to say that it is right then.
_SIMPLER = {
    "b = 0": (
        "encoder_bias",
        "With b = 0 your {result} {is_} right: the difference lies in what is done with b.",
    ),
    "b = 1": (
        "encoder_bias",
        "With b = 1 your {result} {is_} right: the difference lies in what is done with b.",
    ),
    "V = 0": ("hidden", "With V = 0 your {result} {is_} right: the difference begins in xV."),
    "W copies": (
        "output",
        "With a W that copies the hidden units into the first pixels your {result} {is_} right: "
        "the difference lies in zW.",
    ),
    "a = 0": ("output", "With a = 0 your {result} {is_} right: the difference lies in what is done with a."),
    "a = 1": ("output", "With a = 1 your {result} {is_} right: the difference lies in what is done with a."),
    "W = 0": (
        "hidden",
        "With W = 0, where x̂ = a, your {result} {is_} right: the difference begins in the hidden layer.",
    ),
}


def locate(exercise: Exercise, formula: Formula, value, probes: Probes, verdict: Verdict) -> None:
    """Charge an unknown mistake to its own step.

    Args:
        value: value(batch), the answer of the function as an array, or None.
    """
    if exercise.differentiable and _has_a_penalty(exercise, formula, value, probes):
        verdict.lose(exercise.end, _PENALTY, "penalty")
        return
    if _is_right_for_single_images(formula, value, probes.questions(exercise.arguments).values[0]):
        part = next((part for part in ("average", "pixels") if part in exercise.parts), exercise.end)
        reason = (
            f"{UNKNOWN} For a single image your {exercise.result} {exercise.are} right: the "
            "difference lies in how the images of a batch go together."
        )
        verdict.lose(part, reason, "unknown", look=True)
        return
    for depth in range(2):  # first without a known mistake beside the unknown one
        for name, (part, sentence) in _SIMPLER.items():
            answers = [(batch, value(batch)) for batch in probes.simpler[name]]
            if part not in exercise.parts or any(answer is None for _, answer in answers):
                continue
            ways = explain(exercise, formula, answers, depth)
            if ways is None or any(way.part == part or way.rounds for way in ways):
                continue
            reason = sentence.format(result=exercise.result, is_=exercise.are)
            if ways:
                reason = reason.replace(" right:", " right but for what is said here:")
            if part == "hidden" and "output" in exercise.parts and not ways:
                reason += _curve(exercise, value, answers[0][0])
            verdict.lose(part, f"{UNKNOWN} {reason}", "unknown", look=True)
            for way in ways:
                verdict.lose(way.part, way.sentence, way.name)
            return
    _at_the_end(exercise, formula, value, probes, verdict)


# The parts where the parameters are used.
_USED_IN = {"x": "hidden", "V": "hidden", "b": "encoder_bias", "W": "output", "a": "output"}


def ignored_parameters(
    exercise: Exercise, formula: Formula, value, probes: Probes, is_random: bool
) -> list[str]:
    """The arguments whose values change nothing, though they should."""
    batch, other, *_ = probes.questions(exercise.arguments).values
    usual = value(batch)

    def is_same(name):
        changed = batch.with_(**{name: other.arrays[name]})
        if np.array_equal(evaluate(formula, (), changed.exact), right_value(formula, batch)):
            return False  # nor does the sheet use it here
        again = value(changed)
        return again is not None and again.shape == usual.shape and np.allclose(again, usual, rtol=1e-6)

    if usual is None or (usual.size > 1 and not np.ptp(usual)):
        return []
    # Random weights are none without noise, so that x is of no use then.
    return [name for name in _USED_IN if not (name == "x" and is_random) and is_same(name)]


def charge_ignored(
    exercise: Exercise, formula: Formula, value, names: list[str], probes: Probes, verdict: Verdict
) -> None:
    """Charge parameters that are not used, and the last steps, if they are not right at W = 0."""
    batch = probes.questions(exercise.arguments).values[0]
    usual, x = value(batch), batch.arrays["x"]
    held = " and ".join(", ".join(names).rsplit(", ", 1))
    reason = (
        f"Your {exercise.result} {exercise.are} the same whatever {held} hold{'s' * (len(names) == 1)}. "
        "V, W, b and a are given: no `nn.Linear`, and no numbers of your own."
    )
    if usual.size == x.size and np.allclose(usual.reshape(x.shape), x, atol=1e-5):
        reason = "Your function returns its input, not the reconstruction."
    parts = {_USED_IN[name] for name in names}
    if "x" in names or len(names) > 2:  # there is nothing left that could be right
        parts = set(exercise.parts) - {exercise.form}
    for part in parts & set(exercise.parts):
        verdict.lose(part, reason, "ignores parameters")
    if "a" in names:
        return  # at W = 0, it is all that is left
    answers = [(batch, value(batch)) for batch in probes.simpler["W = 0"]]
    if any(answer is None for _, answer in answers) or explain(exercise, formula, answers, 1) is None:
        _charge_the_end(exercise, value, batch, verdict)


def _curve(exercise, value, batch):
    """What a hidden unit gives for some inputs, where it is not what the sheet's gives."""
    inputs = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
    for t in inputs:
        got = _unit(exercise, value, batch, t)
        if got is None or not np.isfinite(got) or abs(got) > 5:  # that is no hidden unit
            return ""
        if abs(got - max(t, 0)) > 1e-3:
            return f" Where the sheet's unit gives {max(t, 0):g}, for the input {t:g}, yours gives {got:.3g}."
    return ""


def _unit(exercise, value, batch, t):
    """What a hidden unit gives for the input t, read from the first pixel of one image; or None."""
    arrays = {
        name: np.zeros_like(batch.arrays[name][:1] if name == "x" else batch.arrays[name])
        for name in batch.arrays
    }
    far = 50.0
    arrays["x"][0, 0] = far
    arrays["b"][:] = t
    arrays["W"][0, 0] = 1
    answer = value(Batch(arrays))
    if answer is None:
        return None
    if exercise.differentiable:  # (far − u)², for u below far
        return far - float(np.sqrt(np.ravel(answer).sum()))
    return float(np.ravel(answer)[0])


def _at_the_end(exercise, formula, value, probes, verdict):
    """Not even x̂ = a is right: the mistake sits in the last steps. Is what comes before right?"""
    first, still = probes.questions(exercise.arguments).values[0], probes.simpler["W = 0"][0]
    if "pixels" in exercise.parts and _moves_pixels(value(still), still):
        verdict.lose(
            "pixels",
            "Your images hold the right pixels, but not in their places.",
            "pixels: unknown",
            look=True,
        )
    else:
        _charge_the_end(exercise, value, first, verdict)
    for part in _wrong_before(exercise, value, first):
        verdict.lose(part, f"{UNKNOWN} It depends on V, W and b not only by x̂.", "unknown", look=True)


def _charge_the_end(exercise, value, batch, verdict):
    where = (
        "the output layer" if exercise.end == "output" else "the error of an image, or in the output layer"
    )
    reason = (
        f"{UNKNOWN} Even with W = 0, where x̂ = a, your {exercise.result} {exercise.are} not right: "
        f"the difference lies in {where}."
    )
    verdict.lose(exercise.end, reason, "unknown", look=True)
    if "average" in exercise.parts and not _is_mean_of_images(value, batch):
        reason = f"{UNKNOWN} Nor is it the mean of what your function gives for each image alone."
        verdict.lose("average", reason, "unknown", look=True)


_PENALTY = (
    "Your loss adds something to the error, such as a penalty on the weights. The sheet's loss is the "
    "reconstruction error alone."
)


def _has_a_penalty(exercise, formula, value, probes):
    batch = probes.questions(exercise.arguments).values[0]
    no_V, no_W = ({name: np.zeros_like(batch.arrays[name])} for name in "VW")
    return any(_adds_something(formula, value, batch.with_(**zero)) for zero in (no_V | no_W, no_W, no_V))


def _adds_something(formula, value, still):
    """Whether the loss is the right one and a number that is the same for other images."""
    rest = []
    x = still.arrays["x"]
    for images in (x, 1 - x, np.float32(0.4) * x[:, ::-1]):
        batch = still.with_(x=images)
        right, got = right_value(formula, batch), value(batch)
        if got is None or got.shape != right.shape:
            return False
        rest.append(float(got - right))
    return np.ptp(rest) < 0.01 * abs(rest[0]) and abs(rest[0]) > 1e-4


def _moves_pixels(images, still):
    rows = None if images is None else np.sort(images.reshape(len(still.arrays["x"]), -1), axis=1)
    wanted = np.sort(still.arrays["a"])
    return rows is not None and rows.shape[1] == wanted.size and bool(np.allclose(rows, wanted, atol=1e-5))


def _is_right_for_single_images(formula, value, batch):
    singles = [batch.with_(x=batch.arrays["x"][i : i + 1]) for i in range(4)]
    answers = [(value(single), right_value(formula, single)) for single in singles]
    return all(got is not None and same_values(right, got) for got, right in answers)


def _is_mean_of_images(value, batch):
    singles = [value(batch.with_(x=batch.arrays["x"][i : i + 1])) for i in range(3)]
    whole = value(batch.with_(x=batch.arrays["x"][:3]))
    if whole is None or any(single is None or single.shape != whole.shape for single in singles):
        return False
    return same_values(np.mean(singles, axis=0), whole)


def _wrong_before(exercise, value, batch):
    """The parts of encoder and decoder that are wrong, told by the function itself: what depends on x and
    x̂ alone gives the same for W = 0 and an `a` that is this x̂."""
    batch = batch.with_(x=batch.arrays["x"][:1])

    def agrees(**simple):
        tried = batch.with_(**{name: np.zeros_like(batch.arrays[name]) for name in simple})
        reconstruction = forward(At(), *tried.exact)[0].astype(np.float32)
        direct = tried.with_(W=np.zeros_like(batch.arrays["W"]), a=reconstruction)
        one, other = value(tried), value(direct)
        return one is None or other is None or same_values(one, other)  # without a value, nobody can tell

    if agrees():
        return ()
    if agrees(b=0):
        return ("encoder_bias",)
    if agrees(V=0):
        return ("hidden",)
    return tuple(part for part in ("hidden", "encoder_bias", "output") if part in exercise.parts)
