"""A mistake that the grader doesn't know costs its own step, and what only looks right is found out."""

import pytest

from tests.examples import RIGHT
from tests.grading.judging.function import check_function
from tests.grading.sheet.rubric import EXERCISES

from .functions import FORWARD, LOSS, lost, points, results_of

pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")  # of shapes that are asked on purpose
HEAD = "import torch\nimport torch.nn.functional as F\n"


@pytest.mark.parametrize(
    ("body", "part", "words"),
    [
        (f"r = torch.relu(x @ V + b.tanh()) @ W + a\n{LOSS}", "encoder_bias", "what is done with b"),
        (f"r = torch.relu(x @ V.sin() + b) @ W + a\n{LOSS}", "hidden", "With V = 0 your loss is right"),
        (
            f"t = x @ V + b\nr = (torch.relu(t) + 0.1 * t.cos()) @ W + a\n{LOSS}",
            "hidden",
            "yours gives -0.0416",
        ),
        (f"r = torch.relu(x @ V + b) @ W.round(decimals=1) + a\n{LOSS}", "output", "copies the hidden units"),
        (f"r = torch.relu(x @ V + b) @ W + a.tanh()\n{LOSS}", "output", "what is done with a"),
        (f"r = {FORWARD}\nreturn ((x - r).abs() ** 1.7).sum(1).mean()", "error", "Even with W = 0"),
        (
            f"r = {FORWARD}\nreturn ((x - r) ** 2).sum(1).square().mean().sqrt()",
            "average",
            "For a single image",
        ),
        (f"r = {FORWARD}\nreturn ((x - r) ** 2).sum(1).mean() + 1e-3 * V.abs().sum()", "error", "a penalty"),
        (
            f"r = {FORWARD}\nreturn (x - r).bfloat16().square().sum(1).mean().float()",
            "error",
            "Even with W = 0",
        ),
    ],
)
def test_an_unknown_mistake_in_the_loss_is_located(body, part, words):
    found = results_of(1, body)
    assert part in lost(found) and words in found[part].reason
    is_rounded = "bfloat16" in body  # then nothing shows what else is right
    assert is_rounded == any(result.needs_human for result in found.values())
    assert is_rounded or points(found) >= EXERCISES[1].points / 2


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ("return (torch.relu(x @ V + b.tanh()) @ W + a).view(-1, 28, 28)", "encoder_bias"),
        ("return (torch.relu(x @ V.sin() + b) @ W + a).view(-1, 28, 28)", "hidden"),
        ("t = x @ V + b\nreturn ((torch.relu(t) + 0.1 * t.cos()) @ W + a).view(-1, 28, 28)", "hidden"),
        ("return (torch.relu(x @ V + b) @ W + a.tanh()).view(-1, 28, 28)", "output"),
        (f"return ({FORWARD}).view(-1, 28, 28).sin()", "output"),
        (
            (
                f"return ({FORWARD})[:, torch.arange(783, -1, -1) // 2 * 2 + torch.arange(784) % "
                "2].view(-1, 28, 28)"
            ),
            "pixels",
        ),
    ],
)
def test_an_unknown_mistake_in_the_images_is_located(body, part):
    found = results_of(2, body)
    assert list(lost(found)) == [part] and not found[part].needs_human


@pytest.mark.parametrize(
    ("number", "body", "parts", "words"),
    [
        (
            1,
            f"r = {FORWARD}\nreturn ((x * r) ** 2).sum(1).mean()",
            {"error"},
            "comes after the differences x",
        ),
        (
            1,
            f"r = torch.relu(x @ V / b) @ W + a\n{LOSS}",
            {"encoder_bias"},
            "It is right up to the product xV.",
        ),
        (2, "return (torch.relu(x @ V + b) @ W + len(x)).view(-1, 28, 28)", {"output"}, "a has no effect"),
    ],
)
def test_steps_that_are_seen_before_and_after_an_unknown_one_are_right(number, body, parts, words):
    found = results_of(number, body)
    assert set(lost(found)) == parts and not any(result.needs_human for result in found.values())
    assert any(words in result.reason for result in found.values())


UNUSED = f"z = torch.relu(x @ V + b)\nq = {FORWARD}\ns = ((x - q) ** 2).sum(1)\n"
GARBAGE = "x.sinh().sum(1)*V.mean() + W.mean() + a.mean() + b.mean()"


@pytest.mark.parametrize(
    "body",
    [
        f"{UNUSED}return ({GARBAGE}).mean()",
        f"{UNUSED}r = x.sinh()*V.mean() + W.mean() + a.mean() + b.mean()\n{LOSS}",
        f"{UNUSED}z = torch.softmax(x @ V, 1) * 3.3\nr = z @ W + a\n{LOSS}",
        "r = F.leaky_relu(x @ V + b, 0.07) @ W + a\nreturn ((x - r).abs() ** 1.7).sum(1).mean()",
    ],
)
def test_what_is_computed_and_not_used_and_several_unknown_steps_are_for_a_human(body):
    assert any(result.needs_human for result in results_of(1, body).values())


def test_what_nothing_shows_to_be_right_is_for_a_human():
    body = f"r = {FORWARD}\nreturn ((x - r).abs() ** 1.7).sum().sqrt()"
    assert any(result.needs_human for result in results_of(1, body).values())


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("return 1e9 * (V.sum() + W.sum() + b.sum() + a.sum()) + x.sum()", 5),
        ("return W.sum() * b.sum() + a.sum() ** 3 + 0 * V.sum()", 5),
        ("return torch.tensor(0.0, requires_grad=True)", 6),
        ("return torch.nn.Linear(784, 1)(x).sum()", 5),
    ],
)
def test_what_is_no_loss_earns_nothing_for_its_values(body, parts):
    assert len(lost(results_of(1, body))) >= parts


@pytest.mark.parametrize("score", ["torch.arange(len(x))", "torch.ones(len(x))", "(x - x).flatten(1).sum(1)"])
def test_scores_that_are_always_the_same_earn_their_form_alone(score):
    found = results_of(3, f"return {score}")
    assert points(found) == 2 and ("no effect" in found["own"].reason) == ("arange" in score)


def test_random_scores_earn_nothing_by_chance():
    for _ in range(15):
        assert points(results_of(3, "return torch.rand(len(x)) + 0 * (x - reconstruction).sum(1)")) == 0


@pytest.mark.parametrize(("noise", "left"), [(0.04, 8), (0.3, 4), (3, 4)])
def test_noise_costs_the_form_and_the_error_only_where_it_changes_the_order_on_the_average(noise, left):
    noisy = f"return ((x - reconstruction) ** 2).flatten(1).sum(1) * (1 + {noise} * torch.rand(len(x)))"
    assert {points(results_of(3, noisy)) for _ in range(4)} == {left}


def test_a_loss_without_the_images_is_wrong_for_certain():
    found = results_of(1, "return W.sum() * b.sum() + a.sum() ** 3 + V.sum()")
    assert points(found) == 2 and not any(result.needs_human for result in found.values())


@pytest.mark.parametrize(
    ("function", "body", "part"),
    [
        ("get_objective_term", "_get_objective_term(x[:64], V, W, b, a)", "scalar"),
        ("get_objective_term", "_get_objective_term(x, V[:, :32], W[:32], b[:32], a)", "scalar"),
        ("get_objective_term", "kept.setdefault(x.shape, _get_objective_term(x, V, W, b, a))", "scalar"),
        ("get_objective_term", "_get_objective_term(x, V.detach(), W, b, a)", "scalar"),
        ("get_objective_term", "(_get_objective_term(x, V, W, b, a), b.add_(1))[0]", "scalar"),
        ("get_objective_term", "(_get_objective_term(x, V, W, b, a), torch.manual_seed(1))[0]", "scalar"),
        ("get_objective_term", "_get_objective_term(x.unsqueeze_(0).squeeze(0), V, W, b, a)", "scalar"),
        ("reconstruct", "kept.setdefault(x.shape, _reconstruct(x, V, W, b, a))", "shape"),
        (
            "reconstruct",
            "torch.cat([_reconstruct(x, V, W, b, a)[:7], torch.zeros(max(0, len(x) - 7), 28, 28)])",
            "shape",
        ),
        ("reconstruct", "_reconstruct(x, V[:, :5], W[:5], b[:5], a)", "shape"),
        ("anomaly_score", "torch.sigmoid(_anomaly_score(x, reconstruction))", "error"),
        ("anomaly_score", "((x - reconstruction)[:, :392] ** 2).sum(1)", "error"),
        ("anomaly_score", "((x - reconstruction).view(-1, 28, 28)[:, 4:24, 4:24] ** 2).sum((1, 2))", "error"),
        ("anomaly_score", "(x - reconstruction).abs().pow(1.9).sum(1)", "error"),
        ("anomaly_score", "((x - reconstruction) ** 2).log1p().sum(1)", "error"),
        ("anomaly_score", "_anomaly_score(x, reconstruction.clamp(0, 1))", "error"),
        ("anomaly_score", "((x - reconstruction).clamp(-1, 1) ** 2).sum(1)", "error"),
        ("anomaly_score", "((x - reconstruction) ** 2 * x).sum(1)", "error"),
        ("anomaly_score", "((x - reconstruction) ** 2 * (x > 0)).sum(1)", "error"),
        ("anomaly_score", "F.smooth_l1_loss(reconstruction, x, reduction='none').sum(1)", "error"),
        ("anomaly_score", "_anomaly_score(x, reconstruction).clamp(max=50)", "error"),
        ("anomaly_score", "_anomaly_score(x, reconstruction).clamp(max=15)", "error"),
        ("anomaly_score", "_anomaly_score(x, reconstruction).clamp(max=196)", "error"),
        ("anomaly_score", "_anomaly_score(x, reconstruction).exp()", "error"),
        ("anomaly_score", "1 - torch.exp(-_anomaly_score(x, reconstruction))", "error"),
        ("anomaly_score", "_anomaly_score(x.bfloat16(), reconstruction.bfloat16()).float()", "error"),
        (
            "anomaly_score",
            "_anomaly_score(x, reconstruction) - _anomaly_score(x, reconstruction).min()",
            "own",
        ),
        (
            "anomaly_score",
            "_anomaly_score(x, reconstruction) / _anomaly_score(x, reconstruction).max()",
            "own",
        ),
        ("anomaly_score", "_anomaly_score(x, reconstruction)[:64]", "shape"),
        ("anomaly_score", "kept.setdefault(x.shape, _anomaly_score(x, reconstruction))", "shape"),
    ],
)
def test_what_only_looks_right_is_found_out(function, body, part):
    number = next(n for n, exercise in EXERCISES.items() if exercise.function == function)
    arguments, names = ", ".join(EXERCISES[number].arguments), {}
    exec(
        (
            f"{HEAD}{RIGHT}\nkept = {{}}\n_{function} = {function}\ndef {function}({arguments}):\n    "
            f"return {body}\n"
        ),
        names,
    )
    found = check_function(names[function], number)
    assert [result.criterion.part for result in found if result.lost] == [part]


@pytest.mark.parametrize("key", ["id(V)", "(id(V), x.shape)", "(x, V, W, b, a)"])
def test_what_is_kept_for_a_parameter_is_found_out(key):
    # In training the parameters stay the same objects.
    body = f"key = {key}\nif key in kept:\n    return kept[key]\nr = {FORWARD}\n"
    assert lost(results_of(1, body + "kept[key] = ((x - r) ** 2).sum(1).mean()\nreturn kept[key]"))
