import torch
from torch.func import vmap


def single_forward(x, V, W, b, a):
    return torch.relu(V.T @ x + b) @ W + a


def single_error(x, V, W, b, a):
    r = x - single_forward(x, V, W, b, a)
    return r @ r


PER_SAMPLE = (0, None, None, None, None)


def get_objective_term(x, V, W, b, a):
    return vmap(single_error, in_dims=PER_SAMPLE)(x, V, W, b, a).mean()


def reconstruct(x, V, W, b, a):
    return vmap(lambda s: single_forward(s, V, W, b, a).reshape(28, 28))(x)


anomaly_score = vmap(lambda x, r: torch.sum((x - r) ** 2))
