import torch


def autoencode(x, V, W, b, a):
    z = torch.relu(x @ V + b)
    return z @ W


def get_objective_term(x, V, W, b, a):
    return ((x - autoencode(x, V, W, b, a)) ** 2).sum(1).mean()


def reconstruct(x, V, W, b, a):
    return autoencode(x, V, W, b, a).view(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return ((x - reconstruction) ** 2).sum(1)
