"""What authors are told where a function stops or isn't what it should be, and what that costs."""

import linecache

import pytest
import torch

from tests.examples import RIGHT
from tests.grading.judging.function import check_function
from tests.grading.sheet.rubric import EXERCISES

FORWARD = "torch.relu(x @ V + b) @ W + a"
LOSS = "return ((x - r) ** 2).sum(1).mean()"


def results_of(number, body, head=""):
    """The results for a function with this body, with its lines to be seen."""
    exercise = EXERCISES[number]
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    source = (
        f"import torch, numpy as np\n{head}def {exercise.function}({', '.join(exercise.arguments)}):\n{lines}"
    )
    path = f"<exercise {number}: {hash(source)}>"
    linecache.cache[path] = len(source), None, source.splitlines(keepends=True), path
    namespace = {}
    exec(compile(source, path, "exec"), namespace)
    return {r.criterion.part: r for r in check_function(namespace[exercise.function], number)}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("max(0, x @ V + b) @ W + a", "Python's own `max` compares two whole tensors. Use `torch.relu`"),
        ("(x @ V + b if x @ V + b > 0 else 0) @ W + a", "is neither true nor false"),
        (
            "torch.relu(x * V + b) @ W + a",
            "`*` multiplies entry by entry. The product of two matrices is `@`",
        ),
        ("torch.relu(x @ V + b) * W + a", "`*` multiplies entry by entry"),
        ("torch.relu(V.T @ x + b) @ W + a", "images are the rows of x"),
        ("torch.relu(x @ V.T.T.T) @ W + a", "or one is transposed"),
        ("torch.relu(x @ V + W) @ b + a", "the sheet's order is x, V, W, b, a"),
    ],
)
def test_why_it_stops_is_said_and_only_the_form_is_lost(body, said):
    found = results_of(1, f"r = {body}\n{LOSS}")
    assert said in found["scalar"].reason
    assert {r.mistake for part, r in found.items() if part != "scalar" and r.lost} == {"not reached"}


@pytest.mark.filterwarnings("ignore:__array_wrap__")  # of NumPy and torch, which is what is tried
def test_nobody_is_told_to_detach():
    reason = results_of(1, f"r = np.maximum(x @ V + b, 0) @ W + a\n{LOSS}")["scalar"].reason
    assert "NumPy can't be differentiated. Use the functions of torch" in reason and "detach" not in reason


@pytest.mark.parametrize(
    ("body", "part", "mistake"),
    [
        ("torch.relu(x @ W + b) @ V + a", "hidden", "weights: mixed up weights"),
        ("torch.relu(x @ W + b) @ W + a", "hidden", "weights: W twice"),
        ("torch.relu(x @ V + b) @ V + a", "output", "weights: V twice"),
        ("torch.relu(x @ V + a) @ W + b", "encoder_bias", "weights: mixed up biases"),
        ("forward(x, V, W, b, a)", "hidden", "weights: mixed up weights"),
    ],
)
def test_arguments_that_are_exchanged_are_named(body, part, mistake):
    head = f"def forward(x, W, V, b, a):\n    return {FORWARD}\n"
    found = results_of(1, f"r = {body}\n{LOSS}", head)
    assert {part: r.mistake for part, r in found.items() if r.lost} == {part: mistake}


@pytest.mark.parametrize(
    "body",
    [
        "((x - reconstruction) ** 2).sum(1).mean()",
        "((x - reconstruction) ** 2).flatten(1).sum(1).amax()",
        "(x - reconstruction).square().median()",
    ],
)
def test_one_number_for_the_batch_orders_nothing(body):
    found = results_of(3, f"return {body}")
    assert {"shape", "error", "own"} <= {part for part, result in found.items() if result.lost}


@pytest.mark.parametrize(
    ("body", "points"),
    [
        ("return (x**2).sum(1).mean()", 2),  # the average
        ("return ((x - a) ** 2).sum(1).mean()", 7),  # the error, the average, a gradient
        ("V, W, b, a = (0 * t.detach() for t in (V, W, b, a))\n" + f"r = {FORWARD}\n{LOSS}", 2),
        (f"r = {FORWARD}\nreturn r", 8),  # what stands right there
        ("r = torch.sigmoid(x @ V + b) @ W\nreturn ((x - r) ** 2).mean()", 6),  # three mistakes
    ],
)
def test_only_what_is_seen_to_be_right_earns_points(body, points):
    assert sum(result.points for result in results_of(1, body).values()) == points


def test_a_score_of_the_images_alone_has_no_direction():
    found = results_of(3, "return (x**2).sum(-1) if x.ndim == 2 else (x**2).sum((1, 2))")
    assert {part for part, result in found.items() if result.lost} == {"direction", "error"}


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (f"return ({FORWARD}).reshape(28, 28)", "N = 1"),
        (f"return ({FORWARD}).reshape(64, 28, 28)", "N = 64"),
        (f"b = b.reshape(32)\nreturn ({FORWARD}).reshape(-1, 28, 28)", "h = 32"),
        (f"b = b.reshape(32)\nreturn ({FORWARD}).reshape(64, 28, 28)", "N = 64, h = 32"),
    ],
)
def test_one_size_alone_costs_the_form_and_is_named(body, size):
    found = results_of(2, body)
    assert {part: result.mistake for part, result in found.items() if result.lost} == {"shape": "size"}
    assert f"only right for {size}." in found["shape"].reason


def test_the_nearest_reconstruction_of_the_batch_depends_on_the_batch():
    body = (
        "x, r = x.reshape(len(x), -1), reconstruction.reshape(len(x), -1)\nreturn torch.cdist(x, r).amin(1)"
    )
    assert {part for part, result in results_of(3, body).items() if result.lost} == {"own"}


def test_scores_may_be_a_generator_as_they_may_be_a_list():
    body = "return (((i - j) ** 2).sum() for i, j in zip(x, reconstruction))"
    assert not any(result.lost for result in results_of(3, body).values())


def test_a_function_that_calls_itself_is_told_so():
    reason = results_of(2, "return reconstruct(x, V, W, b, a)")["shape"].reason
    assert "calls itself again and again" in reason


def test_a_tensor_on_another_device_is_judged_like_any_other(monkeypatch):
    on_cpu = []  # as if all others were on a GPU
    to_cpu, to_numpy = torch.Tensor.cpu, torch.Tensor.numpy

    def cpu(tensor):
        on_cpu.append(to_cpu(tensor).clone())
        return on_cpu[-1]

    def numpy(tensor):
        if not any(tensor is other for other in on_cpu):
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        return to_numpy(tensor)

    monkeypatch.setattr(torch.Tensor, "cpu", cpu)
    monkeypatch.setattr(torch.Tensor, "numpy", numpy)
    namespace = {}
    exec(RIGHT, namespace)
    for number, exercise in EXERCISES.items():
        found = check_function(namespace[exercise.function], number)
        assert not any(result.lost for result in found), found
