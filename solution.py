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
        TypeError: an argument is no tensor, or holds no floating-point numbers.
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
        TypeError: an argument is no tensor, or holds no floating-point numbers.
        ValueError: the two shapes differ, or are not those of a batch of images.
    """
    _check_floats(x=x, reconstruction=reconstruction)
    if x.shape != reconstruction.shape:
        # Broadcasting [N, 784] against [N, 28, 28] can succeed and mean nothing.
        raise ValueError(
            f"reconstruction must have the shape of x, {list(x.shape)}, got {list(reconstruction.shape)}"
        )
    if x.ndim < 2 or x.numel() == 0:
        raise ValueError(f"x must hold at least one image, [N, 784] or [N, 28, 28], got {list(x.shape)}")
    return _squared_error(x, reconstruction)


def _forward(x: Tensor, V: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Tensor:
    _check_model(x, V, W, b, a)
    z = torch.addmm(b, x, V).relu()  # addmm(b, x, V) is xV + b in one step
    return torch.addmm(a, z, W)


def _squared_error(x: Tensor, x_hat: Tensor) -> Tensor:
    return mse_loss(x_hat, x, reduction="none").flatten(1).sum(dim=1)


def _check_model(x: Tensor, V: Tensor, W: Tensor, b: Tensor, a: Tensor) -> None:
    _check_floats(x=x, V=V, W=W, b=b, a=a)
    if x.ndim != 2 or x.numel() == 0:
        raise ValueError(f"x must be flattened images, [N, 784] with N ≥ 1, got {list(x.shape)}")
    d = x.shape[1]
    if V.ndim != 2 or V.shape[0] != d:
        raise ValueError(f"V must have shape [{d}, h], got {list(V.shape)}")
    h = V.shape[1]
    for name, tensor, expected in (("W", W, (h, d)), ("b", b, (h,)), ("a", a, (d,))):
        if tensor.shape != expected:
            raise ValueError(f"{name} must have shape {list(expected)}, got {list(tensor.shape)}")


def _check_floats(**arguments: Tensor) -> None:
    for name, tensor in arguments.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} must be a torch.Tensor, got {type(tensor).__name__}")
        if not tensor.is_floating_point():
            raise TypeError(f"{name} must hold floating-point numbers, got {tensor.dtype}")
