import torch


def get_objective_term(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    return torch.abs(x - x_hat).sum(dim=1).mean()


def reconstruct(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    return x_hat.reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return torch.abs(x - reconstruction).sum(dim=1)
