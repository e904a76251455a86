"""What was right before a function stopped and after it is earned, and nothing else is."""

from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest

from tests.grading.judging.examine import examine
from tests.grading.judging.function import check_function
from tests.grading.judging.grade import default_probes
from tests.grading.running.answers import Raised, Returned
from tests.grading.running.inside import call
from tests.grading.sheet.mistakes import FORMULAS
from tests.grading.sheet.rubric import EXERCISES

from .functions import FORWARD, lost, points, results_of

Z, R, S = "z = torch.relu(x @ V + b)\n", "r = z @ W + a\n", "s = (x - r) ** 2\n"
SIGMOID = "z = torch.sigmoid(x @ V + b)\n"
COLUMNS = "z = torch.relu(V.T @ x.T + b[:, None])\n"
LOOP = "r = torch.stack([W.T @ torch.relu(V.T @ i + b) + a for i in x])\n"


@pytest.mark.parametrize(
    ("number", "body", "earned", "said"),
    [
        (1, "z = torch.max(x @ V + b, 0)\n" + R + "return r", 2, "right up to xV + b. Then: Your function"),
        (1, Z + "return z * W", 5, "right up to the hidden layer z. Then: `*` multiplies"),
        (1, Z + R + "return (x - R) ** 2", 8, "Apart from that, it is right up to the squared diff"),
        (1, COLUMNS + "return W.T @ z + a", 5, "right up to the product zW"),
        (1, LOOP + "return s", 8, "right up to the reconstruction x̂"),
        (1, "r = [W.T @ torch.relu(V.T @ i + b) + a + B for i in x]", 8, "right up to the reconstruction"),
        (1, Z + R + S + "return s.sum(2)", 8, "right up to the squared differences"),
        (1, Z + R + S + "return s.sum(1).mean(1)", 11, "right up to the images' errors"),
        (1, Z + R + S + "return s.sum() / N", 13, "that, your function"),
        (1, Z + R + S + "loss = s.sum(1).mean()", 13, "You compute the loss, and do not return it."),
        (1, SIGMOID + R + S + "return s.sum(2)", 5, "gets as far as the squared differences"),
        (1, SIGMOID + R + "return r.tanh(1)", 5, "gets as far as the reconstruction"),
        (1, Z + "return z", 5, "Your function returns the hidden layer z. What comes after it is still"),
        (1, Z + R + "return r", 8, "Your function returns the reconstruction x̂."),
        (1, Z + R + "return (x - r) ** 2", 8, "Your function returns the squared differences"),
        (2, Z + R + "return r.reshape(-1, 27, 28)", 5, "right up to the reconstruction x̂"),
        (2, Z + R + "r.reshape(-1, 28, 28)", 7, "You compute the images, and do not return them."),
        (3, "s = ((x - reconstruction) ** 2).flatten(1).sum(1)\ns", 8, "You compute the scores"),
        (3, "return ((x - reconstruction) ** 2).sum(3)", 6, "right up to the squared differences"),
        # Nothing is to be seen there:
        (1, f"r = {FORWARD}".replace("V", "V.sin()") + "\nreturn R", 0, "not defined"),
        (1, "z = torch.zeros(len(x), V.shape[1])\nreturn z.nothing", 0, "no attribute"),
        (1, "e = (x ** 2).sum(1)\nreturn E", 0, "not defined"),
        (2, "return x.reshape(-1, 28, 28).nothing", 0, "no attribute"),
    ],
)
def test_what_was_right_before_it_stopped_is_earned(number, body, earned, said):
    found = results_of(number, body)
    form = found[EXERCISES[number].form]
    assert points(found) == earned and said in form.reason
    assert not any(result.needs_human for result in found.values())
    others = {mistake for part, mistake in lost(found).items() if part != form.criterion.part}
    assert others <= {"not reached", "activation: sigmoid"}


END = "return ((x - r) ** 2).sum(1).mean()"
NO_R = "r = x @ Q\n"
BY_IMAGE = "s = 0\nfor i in range(len(x)):\n    s = s + ((x[i] - ({})) ** 2).sum()\nreturn s / len(x)"
WHILE = "i = 0\nwhile i < 3:\n    i += 1\n"


@pytest.mark.parametrize(
    ("number", "body", "earned", "said"),
    [
        (1, "z = torch.relu(x @ V + B)\n" + R + END, 13, "). Apart from that, your"),
        (1, "z = torch.relu(V @ x + b)\n" + R + END, 10, "What comes after the product xV is right."),
        (1, "z = torch.relu(x @ V, b)\n" + R + END, 11, "What comes after xV + b is right."),
        (1, "z = relu(x @ V + b)\n" + R + END, 10, "Apart from that, it is right up to xV + b. What comes"),
        (1, "N = x.size[0]\n" + Z + R + S + "return s.sum() / N", 13, "that, your function"),
        (1, Z + "r = W @ z + a\n" + END, 10, "up to the hidden layer z. Then: You multiply W"),
        (
            1,
            Z + R + "return torch.square(x, r).sum(1).mean()",
            10,
            "What comes after the differences",
        ),
        (
            1,
            Z + R + "return ((x - r) ** 2).sum(2).mean()",
            10,
            "What comes after the images' errors is right",
        ),
        (1, "net = lambda z: z @ w + a\n" + Z + "r = net(z)\n" + END, 13, "that, your function"),
        (2, "z = torch.relu(x @ v + b)\n" + R + "return r.reshape(-1, 28, 28)", 7, "that, your function"),
        (2, Z + "r = z @ V + a\nreturn r.reshape(len(r), 28, 28)", 8, "Your decoder uses"),  # with h = 784
        (3, "d = x - r\nreturn (d ** 2).flatten(1).sum(1)", 8, "that, your function"),
        (3, "d = x - reconstruction\nreturn d.cubed().flatten(1).sum(1)", 4, "up to the differences"),
        (1, BY_IMAGE.format("relu(x[i] @ V + b) @ W + a"), 10, "Apart from that, it is right up to xV + b."),
        (1, BY_IMAGE.format("torch.relu(x[i] @ V + b) @ w + a"), 13, "that, your function"),
        (2, "return torch.stack([(i @ V).relu(b) @ W + a for i in x]).view(-1, 28, 28)", 4, "after the"),
        (1, Z + "r = (z @ W) ** a\n" + END, 10, "What comes after the reconstruction x̂ is right."),  # nan
        (
            3,
            "return torch.stack([((x[i] - reconstruction[i]) ** 2).sum() for i in rang(len(x))])",
            8,
            "that, your function",
        ),
        (
            1,
            WHILE.replace("3", "n") + Z + R + END,
            13,
            "that, your function",
        ),  # with most other values it never ends
        (1, "r = F.relu(x @ V + b) @ W + a\n" + END, 15, ""),  # (F is there)
        (1, "r = func.relu(x @ V + b) @ W + a\n" + END, 10, "Apart from that"),
        (1, "n = x.len()\n" + Z + R + "return (x - r).pow(2).sum() / n", 13, "that, your function"),
        (1, "with Timer():\n    " + Z + R + END, 13, "that, your function"),
        (1, Z + R + "if True:\n    n, d, c = x.shape\n" + END, 13, "that, your function"),
        (1, Z + R + "with torch.nograd():\n    print(1)\n" + END, 13, "that, your function"),
        (1, "r = torch.zeros(len(x), 784)\nr[0, 800] = 1\n" + Z + R + END, 13, "that, your function"),
        (1, "for i in range(N):\n    i\n" + Z + R + S + "return s.sum() / N", 13, "that, your function"),
        (1, Z + R + S + "return torch.add_up(s) / len(x)", 10, "after the sum of all errors is right"),
        # No more than what is there:
        (1, NO_R + END, 5, "What comes after the reconstruction x̂ is right."),
        (1, NO_R + "return (x - r).abs().sum()", 0, "not defined"),
        (1, NO_R + "return ((x - r) ** 4).sum(1).mean()", 2, "after the squared differences"),
        (1, "z = torch.sigmoid(x @ V + B)\n" + R + END, 10, "What comes after the hidden layer z is right."),
        (1, "return loss", 0, "not defined"),
        (1, Z + "raise SystemExit", 5, "Then: Your function stops with SystemExit"),
        (1, WHILE + NO_R + END, 5, "What comes after the reconstruction x̂ is right."),
        (2, NO_R + "return x.reshape(-1, 28, 28) * r", 0, "not defined"),
        (3, "d = x - r\nreturn -(d ** 2).flatten(1).sum(1)", 0, "not defined"),
    ],
)
def test_what_is_right_after_the_place_where_it_stops_is_earned(number, body, earned, said):
    found = results_of(number, body)
    assert (points(found), said in " ".join(r.reason for r in found.values())) == (earned, True), found


ENCODER = "def encode(x, V, b):\n    return torch.relu(x @ V + b)\n"
NET = """class Net(torch.nn.Module):
    def __init__(self, V):
        self.V = {}
    def forward(self, x, b):
        return torch.relu(x @ self.V + b)
"""


@pytest.mark.parametrize(
    ("number", "body", "head"),
    [
        (1, "z = torch.relu(x.matmull(V) + b)\nr = z.matmull(W) + a\n" + S + "return s.summ() / len(x)", ""),
        (1, "N, d = x.shape()\n" + Z + R + S + "return s.sum() / N", ""),
        (3, "d = x.view(x.shape(0), -1)\nd -= reconstruction.view(x.size[0], -1)\nreturn (d**2).sum(1)", ""),
        (1, Z + R + S + "return s.sum() / x.size[0]", ""),
        (1, "z = encode(x, V)\n" + R + END, ENCODER),
        (1, "z = encode(x, V, b, a)\n" + R + END, ENCODER),
        (1, "z = Net().encode(x, V, b)\n" + R + END, "class Net:\n    " + ENCODER.replace("\n", "\n    ")),
        (1, "z = Net(V)(x, b)\n" + R + END, NET.format("V")),
        (1, "z = Net(V)(x, b)\n" + R + END, NET.format("torch.nn.Parameter(V)")),
        (3, "return (x - reconstruction).square.flatten(1).sum(1)", ""),
        (3, "return torch.sum((x - reconstruction).flatten(1) ** 2, axes=1)", ""),
        (3, "s = nn.functional.mse_loss(x, reconstruction, reduction='None')\nreturn s.sum(1)", ""),
    ],
)  # fmt: skip
def test_an_obvious_slip_costs_the_form_alone(number, body, head):
    assert points(found := results_of(number, body, head)) == (13 if number == 1 else 8)
    assert "Apart from that, your function is right." in found[EXERCISES[number].form].reason


def test_what_is_wrong_beside_an_obvious_slip_costs_what_it_costs():
    assert points(results_of(1, Z + R + "return (x - r).abs().summ(1).mean()")) == 10  # its error
    assert points(results_of(3, "return torch.zero(len(x))")) == 0


def test_it_goes_on_in_functions_that_it_calls_and_is_silent(capsys):
    head = "def forward(x, V, W, b, a):\n    print('again')\n    return torch.relu(x @ V + b) @ w + a\n"
    for body in ("r = forward(x, V, W, b, a)\n" + END, "r = Net().forward(x, V, W, b, a)\n" + END):
        in_class = (
            "class Net:\n    def forward(self, x, V, W, b, a):\n        return self.encode(x, V, b) @ w + a\n"
        )
        in_class += "    def encode(self, x, V, b):\n        return torch.relu(x @ V + b)\n"
        assert points(results_of(1, body, head + in_class)) == 13
    assert capsys.readouterr().out.count("again") < 40  # of more than a thousand calls


def test_it_goes_on_in_solution_py_where_a_cell_hands_all_to_it(tmp_path):
    path = tmp_path / "solution.py"
    path.write_text(
        "import torch\ndef anomaly_score(x, reconstruction):\n    return ((x - r) ** 2).flatten(1).sum(1)\n"
    )
    spec = spec_from_file_location("solution", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    names = {"solution": module}
    exec("def anomaly_score(x, reconstruction):\n    return solution.anomaly_score(x, reconstruction)", names)
    assert sum(result.points for result in check_function(names["anomaly_score"], 3)) == 8


def test_who_forgets_an_import_loses_the_form_alone(tmp_path):
    path = tmp_path / "no_import.py"
    path.write_text("def anomaly_score(x, r):\n    return torch.square(torch.sub(x, r)).flatten(1).sum(1)\n")
    spec = spec_from_file_location("no_import", path)
    spec.loader.exec_module(module := module_from_spec(spec))
    assert sum(result.points for result in check_function(module.anomaly_score, 3)) == 8


def stopped(number, traced):
    """The results of a function that stops and says that it has computed this on the way.

    `traced` gets the arrays of a question.
    """
    conversation = examine(EXERCISES[number], FORMULAS[number], default_probes())
    message = next(conversation)
    try:
        while True:
            answers = []
            for question in message:
                found = traced(*question.arrays) if question.trace else ()
                answers.append(Raised("ValueError", "No.", traced=tuple(found)))
            message = conversation.send(answers)
    except StopIteration as end:
        return sum(result.points for result in end.value)


def test_only_what_is_right_for_each_question_counts():
    def right(x, V, W, b, a):
        return [np.maximum(x.astype(float) @ V + b, 0)]

    assert stopped(2, right) == 3  # the hidden layer with its bias
    assert stopped(2, lambda *arrays: [z + 0.01 for z in right(*arrays)]) == 0
    assert stopped(2, lambda x, *more: right(x, *more) if len(x) == 3 else []) == 0
    assert stopped(2, lambda x, *more: [np.zeros((len(x), len(more[2]))), np.full(9, np.nan)]) == 0


def test_who_answers_is_not_asked_what_it_computes():
    conversation = examine(EXERCISES[2], FORMULAS[2], default_probes())
    message = next(conversation)
    with pytest.raises(StopIteration):
        while True:
            assert not any(question.trace for question in message)
            values = [np.cos(question.arrays[0]).reshape(-1, 28, 28).astype(float) for question in message]
            message = conversation.send([Returned("tensor", v.shape, "torch.float32", v) for v in values])


def test_what_is_sent_is_bounded():
    def function(x, *_):
        for i in range(1000):
            x = x + 1 if i else torch.ones(700, 700)[: len(x)] + 0
        raise ValueError

    call.import_torch()
    torch = call.torch
    for images in (1, 200):
        x = np.zeros((images, 700), np.float32)
        report, numbers = call.call(function, (x, x), trace=True)
        assert report["traced"] == len(numbers) <= call.MAX_TRACED
        assert sum(array.size for array in numbers) <= call.MAX_NUMBERS
