import torch


def get_objective_term(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    return ((x - x_hat).sum(1) ** 2).mean()


def reconstruct(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    return x_hat.reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return (x - reconstruction).sum(1) ** 2
