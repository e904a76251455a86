import torch
import torch.nn.functional as F


def get_objective_term(x, V, W, b, a):
    z = F.dropout(F.relu(x @ V + b), p=0.2)
    x_hat = z @ W + a
    return 0.5 * torch.sum((x - x_hat) ** 2, dim=1).mean()


def reconstruct(x, V, W, b, a):
    z = F.relu(x @ V + b)
    x_hat = z @ W + a
    return x_hat.reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return torch.sum((x - reconstruction) ** 2, dim=1)
