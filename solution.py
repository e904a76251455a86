"""Exercise Sheet 8, programming part: a two-layer autoencoder, and anomaly detection with it.

Rows are samples. With x [N, d], V [d, h], b [h], W [h, d], a [d] (on MNIST d = 784, the pixels):

    z = max(0, xV + b)      the code, [N, h]
    x̂ = zW + a              the reconstruction, [N, d]
"""

import torch
from torch import Tensor
from torch.nn.functional import mse_loss


def get_objective_term(x: Tensor, V: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Average reconstruction error of a batch (Exercise 1): (1/N) Σᵢ ‖xᵢ − x̂ᵢ‖².

    Squared differences are summed over the pixels of an image and averaged over the N images.

    Args:
        x: images, one per row, [N, 784], pixels in [0, 1].
        V: encoder weights, [784, h].    b: encoder bias, [h].
        W: decoder weights, [h, 784].    a: decoder bias, [784].

    Returns:
        The loss, a scalar (shape []) that is differentiable in all five arguments.

    Raises:
        ValueError: an argument has the wrong shape.
    """
    return _squared_error(x, _forward(x, V, W, b, a)).mean()


def reconstruct(x: Tensor, V: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Reconstructed images x̂ (Exercise 2), as the decoder gives them: neither clipped nor rounded.

    Arguments and errors are those of `get_objective_term`.

    Returns:
        The reconstructions as images, [N, 28, 28], row by row like the input.
    """
    return _forward(x, V, W, b, a).reshape(-1, 28, 28)


def anomaly_score(x: Tensor, reconstruction: Tensor) -> Tensor:
    """Squared reconstruction error of each image (Exercise 3): ‖xᵢ − x̂ᵢ‖², larger for stranger ones.

    Args:
        x: images, [N, 784] or [N, 28, 28].
        reconstruction: their reconstructions, of the same shape as x.

    Returns:
        One score per image, [N], ≥ 0, summed over its pixels.

    Raises:
        ValueError: the two shapes differ, or are not those of a batch.
    """
    return _squared_error(x, reconstruction)


def _forward(x: Tensor, V: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Tensor:
    d, h = x.shape[-1], V.shape[-1]
    if x.ndim != 2 or (V.shape, W.shape, b.shape, a.shape) != ((d, h), (h, d), (h,), (d,)):
        got = ", ".join(f"{name} {list(t.shape)}" for name, t in zip("xVWba", (x, V, W, b, a), strict=True))
        raise ValueError(f"need x [N, d], V [d, h], W [h, d], b [h], a [d], got {got}")
    z = torch.relu(x @ V + b)
    return z @ W + a


def _squared_error(x: Tensor, x_hat: Tensor) -> Tensor:
    if x.shape != x_hat.shape or x.ndim < 2:  # broadcasting [N, 784] against [N, 28, 28] means nothing
        raise ValueError(f"need two batches of one shape, got {list(x.shape)} and {list(x_hat.shape)}")
    return mse_loss(x_hat, x, reduction="none").flatten(1).sum(dim=1)  # (x̂ − x)² in one step
