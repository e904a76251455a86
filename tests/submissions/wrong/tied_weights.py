import torch


def get_objective_term(x, V, W, b, a):
    z = torch.relu(x @ V + b)
    x_hat = z @ V.T + a
    return torch.sum((x - x_hat) ** 2, dim=1).mean()


def reconstruct(x, V, W, b, a):
    z = torch.relu(x @ V + b)
    x_hat = z @ V.T + a
    return x_hat.reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return torch.sum((x - reconstruction) ** 2, dim=1)
