"""What authors are told where a function stops or isn't what it should be, and what that costs."""

import pytest
import torch

from tests.examples import RIGHT
from tests.grading.judging.function import check_function
from tests.grading.sheet.rubric import EXERCISES

from .functions import FORWARD, LOSS, lost, points, results_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, about the odd sizes that are asked


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
    assert lost(found) == {part: mistake}


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
    assert {"shape", "error", "own"} <= set(lost(found))


@pytest.mark.parametrize(
    ("body", "earned"),
    [
        ("return (x**2).sum(1).mean()", 2),  # the average
        ("return ((x - a) ** 2).sum(1).mean()", 7),  # the error, the average, a gradient
        ("V, W, b, a = (0 * t.detach() for t in (V, W, b, a))\n" + f"r = {FORWARD}\n{LOSS}", 2),
        (f"r = {FORWARD}\nreturn r", 8),  # what stands right there
        ("r = torch.sigmoid(x @ V + b) @ W\nreturn ((x - r) ** 2).mean()", 6),  # three mistakes
    ],
)
def test_only_what_is_seen_to_be_right_earns_points(body, earned):
    assert points(results_of(1, body)) == earned


@pytest.mark.parametrize(
    "body",
    [
        "(x**2).flatten(1).sum(1)",
        "reconstruction.flatten(1).std(1)",
        "(70 * x.flatten(1).sum(1) + 30 * reconstruction.flatten(1).sum(1)).sin()",
    ],
)
def test_a_score_that_does_not_grow_with_the_error_has_no_direction(body):
    assert set(lost(results_of(3, f"return {body}"))) == {"direction", "error"}


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
    assert lost(found) == {"shape": "size"}
    assert f"only right for {size}." in found["shape"].reason


def test_the_nearest_reconstruction_of_the_batch_depends_on_the_batch():
    body = (
        "x, r = x.reshape(len(x), -1), reconstruction.reshape(len(x), -1)\nreturn torch.cdist(x, r).amin(1)"
    )
    assert set(lost(results_of(3, body))) == {"own"}


def test_scores_may_be_a_generator_as_they_may_be_a_list():
    body = "return (((i - j) ** 2).sum() for i, j in zip(x, reconstruction))"
    assert not lost(results_of(3, body))


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


E = "e = ((x - reconstruction) ** 2).flatten(1).sum(1)\n"


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ("return e.argsort().argsort() / (len(e) - 1)", "are ranks within"),
        ("return (e - e.min()) / (e.max() - e.min())", "are stretched to [0, 1] within"),
        ("e = e.log()\nreturn (e - e.min()) / (e.max() - e.min())", "are stretched to [0, 1] within"),
        ("return (e - e.mean()) / e.std()", "are standardised within"),
        ("return e / e.max()", "are divided by their maximum"),
        ("return e - e.min()", "are changed by the other images"),
    ],
)
def test_how_scores_depend_on_the_batch_is_said_if_it_is_so(body, made):
    found = results_of(3, E + body)
    assert set(lost(found)) == {"own"} and made in found["own"].reason


@pytest.mark.parametrize("power", [1.6, 1.8, 3.2])
def test_a_mistake_is_named_only_if_it_orders_the_images_as_they_are(power):
    found = results_of(3, f"return (x - reconstruction).abs().pow({power}).flatten(1).sum(1)")
    assert lost(found).keys() == {"error"} and "power" not in found["error"].reason


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import random; random.seed(1)", "Python's random numbers"),
        ("np.random.seed(1)", "NumPy's random numbers"),
        ("import os; os.chdir('/')", "the working directory"),
        ("torch.set_printoptions(precision=len(kept) + 2); kept[len(kept)] = 0", "how tensors are printed"),
        ("V.requires_grad_(False)", "`requires_grad` of an argument"),
        ("V.grad = None", "`.grad` of an argument"),
        ("V.grad is None or V.grad.zero_()", "`.grad` of an argument"),
    ],
)
def test_what_is_changed_for_all_that_follows_costs_the_form(body, said):
    found = results_of(1, f"{body}\nr = {FORWARD}\n{LOSS}")
    assert lost(found) == {"scalar": "changes settings"} and said in found["scalar"].reason


def test_one_tensor_for_all_results_costs_the_form():
    body = (
        f"r = ({FORWARD}).reshape(-1, 28, 28)\nreturn kept.setdefault(len(x), torch.empty_like(r)).copy_(r)"
    )
    found = results_of(2, body)
    assert lost(found) == {"shape": "changes settings"} and "returned before" in found["shape"].reason


@pytest.mark.parametrize(
    ("number", "body", "part", "said"),
    [
        (1, "kept[len(kept)] = l\nreturn sum(kept.values()) / len(kept)", "scalar", "Asked once more"),
        (3, E + "kept[len(kept)] = e\nreturn torch.cat(list(kept.values()))", "shape", "shape [48]"),
    ],
)
def test_what_grows_from_call_to_call_is_told(number, body, part, said):
    loss = f"r = {FORWARD}\nl = ((x - r) ** 2).sum(1).mean()\n" if number == 1 else ""
    found = results_of(number, loss + body)
    assert lost(found) == {part: "state"} and said in found[part].reason
