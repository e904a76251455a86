"""Right code never loses a point, whatever it looks like: solutions written at random."""

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.grading.judging.function import check_function
from tests.grading.sheet.probes import Probes
from tests.grading.sheet.rubric import EXERCISES

STYLES = {
    "product": [
        "x @ V",
        "torch.mm(x, V)",
        "torch.einsum('ij,jk->ik', x, V)",
        "F.linear(x, V.T)",
        "torch.stack([i @ V for i in x])",
        "(V.T @ x.T).T",
        "torch.tensordot(x, V, dims=1)",
    ],
    "sum": ["{product} + b", "b + {product}", "torch.addmm(b, x, V)", "torch.add({product}, b)"],
    "relu": [
        "torch.relu(p)",
        "p.clamp(min=0)",
        "F.relu(p)",
        "torch.maximum(p, torch.zeros_like(p))",
        "torch.where(p > 0, p, 0 * p)",
        "p * (p > 0)",
        "(p + p.abs()) / 2",
        "torch.threshold(p, 0, 0)",
        "torch.max(p, torch.tensor(0.0))",
        "p.clone().relu_()",
    ],
    "output": [
        "z @ W + a",
        "torch.addmm(a, z, W)",
        "F.linear(z, W.T, a)",
        "(z.double() @ W.double() + a.double()).to(x.dtype)",
        "(z[:, :, None] * W).sum(1) + a",
        "sum(z[:, [j]] * W[j] for j in range(len(b))) + a",
        "torch.cat([z, torch.ones(len(z), 1)], 1) @ torch.cat([W, a[None]])",
    ],
    "errors": [
        "((x - r) ** 2).sum(1)",
        "(r - x).square().sum(dim=-1)",
        "torch.linalg.vector_norm(x - r, dim=1) ** 2",
        "F.mse_loss(r, x, reduction='none').sum(-1)",
        "x.shape[1] * (x - r).pow(2).mean(1)",
        "torch.stack([(i - j) @ (i - j) for i, j in zip(x, r)])",
        "torch.einsum('ij,ij->i', x - r, x - r)",
        "(x * x).sum(1) - 2 * (x * r).sum(1) + (r * r).sum(1)",
        "((x - r) @ (x - r).T).diagonal()",
        "torch.vmap(lambda i, j: (i - j).pow(2).sum())(x, r)",
    ],
    "average": ["e.mean()", "e.sum() / len(x)", "sum(e) / x.size(0)", "e.double().mean()"],
    "images": [
        "r.view(-1, 28, 28)",
        "r.reshape(len(x), 28, 28)",
        "r.unflatten(1, (28, 28))",
        "torch.stack([i.view(28, 28) for i in r])",
        "r.detach().reshape(x.shape[0], 28, -1)",
        "r.double().reshape(-1, 28, 28)",
    ],
    "score": [
        "e",
        "e.sqrt()",
        "e.log()",
        "e / 784",
        "1 - torch.exp(-e / 50)",
        "e.numpy()",
        "e.tolist()",
        "-1 / e",
        "torch.log1p(e)",
        "e.detach().double()",
        "[float(i) for i in e]",
        "tuple(e)",
        "e ** 2",
        "1000 + 3 * e",
    ],
}  # fmt: skip

SOURCE = """
import torch
import torch.nn.functional as F

def _forward(x, V, W, b, a):
    p = {sum}
    z = {relu}
    return {output}

def _errors(x, r):
    return {errors}

def get_objective_term(x, V, W, b, a):
    e = _errors(x, _forward(x, V, W, b, a))
    return {average}

def reconstruct(x, V, W, b, a):
    r = _forward(x, V, W, b, a)
    return {images}

def anomaly_score(x, reconstruction):
    e = _errors(x, reconstruction)
    return {score}
"""


SEEDS = {seed: Probes(seed) for seed in (0, 8, 815)}  # each has tables of all mistakes, which take a second


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.fixed_dictionaries({part: st.sampled_from(styles) for part, styles in STYLES.items()}),
    st.sampled_from(sorted(SEEDS)),
)
def test_right_code_never_loses_a_point(style, seed):
    style["sum"] = style["sum"].format(**style)
    source = SOURCE.format(**style)
    names = {}
    exec(source, names)
    for number, exercise in EXERCISES.items():
        found = check_function(names[exercise.function], number, SEEDS[seed])
        assert sum(result.points for result in found) == exercise.points, (found, source)


@pytest.mark.parametrize("shape", ["(-1, 784)", "(-1, 28, 28)"])
@pytest.mark.parametrize("dim", ["1", "(1, 2)"])
def test_a_score_may_take_one_of_the_shapes_only(shape, dim):
    def anomaly_score(x, reconstruction):
        wanted = 2 if dim == "1" else 3
        if x.ndim != wanted or reconstruction.ndim not in (wanted, 3):
            raise ValueError("another shape")
        return ((x - reconstruction.reshape(x.shape)) ** 2).sum(dim=eval(dim))

    assert not [result for result in check_function(anomaly_score, 3) if result.lost]
