import torch


def get_objective_term(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    return torch.linalg.norm(x - x_hat, dim=1).mean()


def reconstruct(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    return x_hat.reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return torch.linalg.norm(x - reconstruction, dim=1)
