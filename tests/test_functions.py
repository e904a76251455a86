"""The three functions of solution.py against an independent computation in NumPy."""

import re

import numpy as np
import pytest
import torch

import data

SHAPES = [(1, 32), (2, 1), (7, 5), (64, 32), (67, 100)]  # N, h


def model(N, h, dtype=torch.float64, seed=0):
    """A random batch and parameters, with codes of which about half are zero."""
    torch.manual_seed(seed)
    x = torch.rand(N, 784, dtype=dtype)
    V, W = torch.randn(784, h, dtype=dtype) / 28, torch.randn(h, 784, dtype=dtype) / h**0.5
    return x, V, W, torch.randn(h, dtype=dtype), torch.randn(784, dtype=dtype)


def numpy_reconstruction(x, V, W, b, a):
    """Pixel by pixel from the sheet's column formulas, one image at a time."""
    x, V, W, b, a = (argument.numpy().astype(np.float64) for argument in (x, V, W, b, a))
    rows = []
    for image in x:
        code = V.T.dot(image) + b
        code[code < 0] = 0
        rows.append(W.T.dot(code) + a)
    return np.array(rows)


def numpy_scores(x, reconstruction):
    return [
        sum((p - q) ** 2 for p, q in zip(*rows, strict=True))
        for rows in zip(x.numpy(), reconstruction, strict=True)
    ]


@pytest.fixture(scope="module")
def digits():
    test_set = data.load_mnist()[1]
    return test_set[:7][0].flatten(1)


@pytest.mark.parametrize(("N", "h"), SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_against_numpy(N, h, dtype, tolerance, solution):
    x, *params = model(N, h, dtype)
    expected = numpy_reconstruction(x, *params)
    scores = numpy_scores(x, expected)
    loss = solution.get_objective_term(x, *params)
    images = solution.reconstruct(x, *params)
    assert loss.shape == () and loss.dtype == dtype
    assert images.shape == (N, 28, 28) and images.dtype == dtype
    assert loss.item() == pytest.approx(sum(scores) / N, rel=tolerance)
    np.testing.assert_allclose(images.reshape(N, 784).numpy(), expected, rtol=0, atol=10 * tolerance)
    for shape in ((N, 784), (N, 28, 28)):
        score = solution.anomaly_score(x.reshape(shape), images.reshape(shape))
        assert score.shape == (N,)
        np.testing.assert_allclose(score.numpy(), scores, rtol=tolerance)


def test_against_numpy_on_digits(digits, solution):
    _, *params = model(1, 32, torch.float32)
    expected = numpy_reconstruction(digits, *params)
    images = solution.reconstruct(digits, *params)
    np.testing.assert_allclose(images.flatten(1).numpy(), expected, atol=1e-4)
    loss = solution.get_objective_term(digits, *params)
    assert loss.item() == pytest.approx(np.mean(numpy_scores(digits, expected)), rel=1e-5)


@pytest.mark.parametrize("on_digits", [False, True])
def test_gradient_against_central_differences(on_digits, digits, solution):
    x, *params = model(7, 5)
    if on_digits:
        x = digits.double()
    for p in params:
        p.requires_grad_()
    solution.get_objective_term(x, *params).backward()
    step = 1e-6
    for i, p in enumerate(params):
        for seed in range(3):
            direction = torch.randn(p.shape, generator=torch.Generator().manual_seed(seed), dtype=p.dtype)
            losses = []
            for sign in (1, -1):
                moved = [q.detach().clone() for q in params]
                moved[i] += sign * step * direction
                losses.append(np.mean(numpy_scores(x, numpy_reconstruction(x, *moved))))
            slope = (losses[0] - losses[1]) / (2 * step)
            assert (p.grad * direction).sum().item() == pytest.approx(slope, rel=1e-5)


def test_functions_are_pure(solution):
    arguments = model(7, 5)
    before = [argument.clone() for argument in arguments]
    state = torch.get_rng_state()
    for _ in range(2):
        loss = solution.get_objective_term(*arguments)
        images = solution.reconstruct(*arguments).flatten(1)
        scores = solution.anomaly_score(arguments[0], images)
        assert scores.mean() == loss == solution.get_objective_term(*arguments)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(p, q) for p, q in zip(arguments, before, strict=True))


@pytest.mark.parametrize(
    ("name", "change", "got"),
    [
        ("x", lambda t: t.view(-1, 28, 28), "x [7, 28, 28]"),
        ("x", lambda t: t[0], "x [784]"),
        ("V", lambda t: t.T, "V [5, 784]"),
        ("V", lambda t: t[:, 0], "V [784]"),
        ("W", lambda t: t.T, "W [784, 5]"),
        ("b", lambda t: t[:1], "b [1]"),
        ("b", lambda t: t.sum(), "b []"),
        ("a", lambda t: t[:1], "a [1]"),
    ],
)
@pytest.mark.parametrize("function", ["get_objective_term", "reconstruct"])
def test_a_mistaken_shape_is_one_sentence(function, name, change, got, solution):
    arguments = dict(zip("xVWba", model(7, 5, torch.float32), strict=True))
    arguments[name] = change(arguments[name])
    with pytest.raises(ValueError, match=r"need x \[N, d\], V \[d, h\], .* got .*" + re.escape(got)):
        getattr(solution, function)(**arguments)


@pytest.mark.parametrize(
    ("shape", "other"), [((28, 784), (28, 28, 28)), ((7, 784), (7, 1)), ((784,), (784,))]
)
def test_anomaly_score_refuses_to_broadcast(shape, other, solution):
    with pytest.raises(ValueError, match="need two batches of one shape"):
        solution.anomaly_score(torch.rand(shape), torch.rand(other))


def test_whole_numbers_are_refused(solution):
    # Differences of bytes would wrap around in silence.
    pixels = torch.ones(3, 784, dtype=torch.uint8)
    with pytest.raises((RuntimeError, NotImplementedError)):
        solution.anomaly_score(pixels, pixels)
