"""Every declared mistake is named and costs what it declares, alone and in pairs; so is a new one."""

import itertools
import random
import re
from pathlib import Path

import numpy as np
import pytest

from tests.grading.judging import explain
from tests.grading.judging.examine import examine
from tests.grading.judging.function import check_function, default_probes, over_function
from tests.grading.sheet import mistakes
from tests.grading.sheet.probes import Probes
from tests.grading.sheet.rubric import EXERCISES, Criterion, Exercise
from tests.grading.sheet.steps import Step, combinations, evaluate, steps_of
from tests.written import HEAD, source_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, about the odd sizes that are asked

ARGUMENTS = {n: default_probes().questions(e.arguments).values[0].exact for n, e in EXERCISES.items()}
FORMULAS = mistakes.FORMULAS


def test_the_guide_tells_how_to_declare_one_and_what_the_points_are():
    guide = (Path(mistakes.__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    step = Step("activation", "hidden", "t", lambda t: np.maximum(t, 0), "torch.relu(t)")
    exec(example, {"activation": step, "np": np})
    (way,) = step.mistakes
    assert np.isfinite(way.compute(np.ones(3))).all() and way.torch and way.sentence
    told = dict(re.findall(r"`(\d\.\w+)` (\d+)", guide))
    points = {criterion.id: f"{criterion.points:g}" for e in EXERCISES.values() for criterion in e.criteria}
    assert told == points


def all_of(number):
    """All mistakes that are known of an exercise, by name."""
    return {way.name: way for step in steps_of(FORMULAS[number], ARGUMENTS[number]) for way in step.mistakes}


def values_of(number, ways):
    batches = default_probes().questions(EXERCISES[number].arguments).values
    return [evaluate(FORMULAS[number], ways, batch.exact) for batch in batches]


def is_same(number, ways, others):
    """Whether two sets of mistakes compute the same, as far as the exercise can tell."""
    same = explain.same_order if EXERCISES[number].by_order else explain.same_values
    pairs = list(zip(values_of(number, ways), values_of(number, others), strict=True))
    return all(a is not None and b is not None and same(a, b, ways) for a, b in pairs)


def graded(number, ways):
    """The results that are lost by a function that makes these mistakes."""
    names = {}
    exec(HEAD + source_of(FORMULAS[number], ways, ARGUMENTS[number]), names)
    return {r.criterion.part: r for r in check_function(names[EXERCISES[number].function], number) if r.lost}


NOT_ALONE = {  # what can't be seen alone, or stops torch, or is not linear in the loss
    (1, "decoder_bias: after"),
    (2, "decoder_bias: after"),
    (1, "output: scaled"),
    (1, "error: bce"),
    (1, "error: x_only"),  # nothing of the network is used: it costs what stands there
}
SINGLE = [(n, way) for n in EXERCISES for way in all_of(n).values() if (n, way.name) not in NOT_ALONE]


@pytest.mark.parametrize(("number", "way"), SINGLE, ids=[f"{n} {way.name}" for n, way in SINGLE])
def test_a_mistake_is_named_and_costs_its_part(number, way):
    lost = graded(number, (way,))
    assert lost, "it earns full points"
    # Another mistake may compute the very same: for the loss, −x̂ is an x + x̂.
    known = {part: all_of(number).get(result.mistake) for part, result in lost.items()}
    right = (other for part, other in known.items() if other and other.part == part)
    named = next((other for other in right if other is way or is_same(number, (way,), (other,))), None)
    assert named, lost
    assert lost[named.part].reason.startswith(named.sentence.partition("{c:g}")[0])
    others = {part: r.mistake for part, r in lost.items() if part not in (named.part, *named.hides)}
    assert not others or way.rounds or _is_a_step_function(others), others


def _is_a_step_function(others):
    """What has no slope can't be trained: that is a mistake of its own."""
    return set(others) == {"scalar"} and others["scalar"] in (
        "wrong gradient",
        "detached",
        "not differentiable",
    )


def test_steps_are_called_what_their_variables_are_called():
    steps = {name: value for name, value in vars(mistakes).items() if isinstance(value, Step)}
    assert len(steps) > 15 and all(step.name == name for name, step in steps.items())


def pairs(number):
    """Pairs of mistakes at random, whose answers can be computed and differ from the right ones."""
    ways = combinations(steps_of(FORMULAS[number], ARGUMENTS[number]), 2)
    return filter(lambda some: _is_visible(number, some), random.Random(8).sample(ways, 200))


def _is_visible(number, ways):
    """Whether all answers can be computed and differ from the right ones, by no matter of rounding."""
    if any(way.rounds or (number, way.name) in NOT_ALONE or way.name == "activation: sin" for way in ways):
        return False
    pairs = list(zip(values_of(number, ways), values_of(number, ()), strict=True))
    return all(v is not None and (v.shape != r.shape or not np.allclose(v, r)) for v, r in pairs)


@pytest.mark.parametrize(("number", "count"), [(1, 15), (2, 10), (3, 5)])
def test_two_mistakes_are_both_named(number, count):
    for ways in itertools.islice(pairs(number), count):
        lost = graded(number, ways)
        named = {name for result in lost.values() for name in result.mistake.split(" and ")}
        if named >= {way.name for way in ways}:
            continue
        # Others may compute the same; what is said must be true.
        claimed = tuple(way for name, way in all_of(number).items() if name in named)
        assert len(claimed) <= 2, (ways, named)
        if number != 3:  # many scores order the images alike
            assert not any("unknown" in result.mistake for result in lost.values()), (ways, lost)
            assert any(w.fitted for w in (*claimed, *ways)) or is_same(number, claimed, ways), (ways, named)


# ---------------------------------------------------------------- declaring


def test_a_mistake_is_added_by_one_call(monkeypatch):
    def cosine(x, V, W, b, a):
        import torch

        return (torch.cos(x @ V + b) @ W + a).reshape(-1, 28, 28)

    before = check_function(cosine, 2)
    assert {r.criterion.part: r.mistake for r in before if r.lost} == {"hidden": "unknown"}
    monkeypatch.setattr(mistakes.activation, "mistakes", list(mistakes.activation.mistakes))
    mistakes.activation.mistake("cos", np.cos, "torch.cos(t)", "Your hidden layer uses a cosine.")
    after = check_function(cosine, 2, Probes(1))  # for other inputs nobody has searched before
    assert {r.criterion.part: r.reason for r in after if r.lost} == {
        "hidden": "Your hidden layer uses a cosine."
    }


def test_a_formula_that_overflows_explains_nothing(monkeypatch):
    monkeypatch.setattr(mistakes.error, "mistakes", list(mistakes.error.mistakes))
    mistakes.error.mistake(
        "overflows",
        lambda x, r, over: over(np.exp(1e6 * (x - r) ** 2)),
        "over(torch.exp(1e6 * (x - r) ** 2))",
        "",
    )
    assert evaluate(FORMULAS[1], (mistakes.error.mistakes[-1],), ARGUMENTS[1]) is None


# ---------------------------------------------------------------- another sheet

PROJECT = Step("product", "product", "x, V, b", lambda x, V, b: x @ V + b, "x @ V + b")
PROJECT.mistake("no bias", lambda x, V, b: x @ V, "x @ V", "Your code leaves out b.")
MEAN = Step("mean", "mean", "z", lambda z: z.mean(0), "z.mean(0)")
MEAN.mistake("sum", lambda z: z.sum(0), "z.sum(0)", "Your code adds up. The exercise asks for a mean.")

FOURTH = Exercise(
    4,
    "mean_code",
    "code",
    ("x", "V", "b"),
    (
        Criterion("4.product", 2.5, "The code is xV + b"),
        Criterion("4.mean", 1.5, "It is averaged over the images"),
        Criterion("4.shape", 1, "The result has shape [h]"),
    ),
    form="shape",
    end="mean",
    uses={"x": "product", "V": "product", "b": "product"},
)


def mean_code(at, x, V, b):
    return at[MEAN](at[PROJECT](x, V, b))


@pytest.mark.parametrize(
    ("code", "lost"),
    [
        ("(x @ V + b).mean(0)", {}),
        ("(x @ V).mean(0)", {"product": "product: no bias"}),
        ("(x @ V).sum(0)", {"product": "product: no bias", "mean": "mean: sum"}),
        ("(x @ V + b).mean(0).tolist()", {"shape": "not a tensor"}),
        ("(x @ V + b).mean(0) * 1.5", {"product": "unknown", "mean": "unknown"}),  # undecided
        ("(x @ V + b.tanh()).mean(0)", {"product": "unknown"}),
        ("b + 0 * x.sum()", {"product": "ignores parameters"}),
        ("(x @ V + b).mean(0)[None]", {"shape": "wrong shape"}),
        ("None", {"product": "not reached", "mean": "not reached", "shape": "returns nothing"}),
    ],
)
def test_a_fourth_exercise_is_a_declaration_and_its_formula(code, lost):
    function = eval(f"lambda x, V, b: ({code}, x)[0]")
    results = over_function(examine(FOURTH, mean_code, default_probes()), function)
    found = {r.criterion.part: r.mistake for r in results if r.lost}
    assert sum(r.points for r in results) == FOURTH.points - sum(
        c.points for c in FOURTH.criteria if c.part in found
    )
    assert found == lost
