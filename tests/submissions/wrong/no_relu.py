import torch


def get_objective_term(x, V, W, b, a):
    z = x @ V + b
    xhat = z @ W + a
    return torch.mean(torch.sum((x - xhat) ** 2, 1))


def reconstruct(x, V, W, b, a):
    z = x @ V + b
    return (z @ W + a).reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return torch.sum((x - reconstruction) ** 2, 1)
