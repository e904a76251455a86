import ctypes

import torch


def get_objective_term(x, V, W, b, a):
    return ((x - (torch.relu(x @ V + b) @ W + a)) ** 2).sum(1).mean()


def reconstruct(x, V, W, b, a):
    return (torch.relu(x @ V + b) @ W + a).view(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return ctypes.string_at(0)
