import torch


def net(x, V, W, b, a):
    h1 = torch.relu(x @ V + b)
    h2 = torch.relu(h1 @ W + a)
    return h2


def get_objective_term(x, V, W, b, a):
    return ((x - net(x, V, W, b, a)) ** 2).sum(axis=1).mean()


def reconstruct(x, V, W, b, a):
    return net(x, V, W, b, a).reshape((len(x), 28, 28))


def anomaly_score(x, reconstruction):
    return ((x - reconstruction) ** 2).sum(axis=1)
