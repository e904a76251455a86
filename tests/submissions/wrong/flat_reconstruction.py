import torch


def reconstruct(x, V, W, b, a):
    z = torch.relu(x @ V + b)
    return z @ W + a


def anomaly_score(x, reconstruction):
    return ((x - reconstruction) ** 2).sum(1)


def get_objective_term(x, V, W, b, a):
    return anomaly_score(x, reconstruct(x, V, W, b, a)).mean()
