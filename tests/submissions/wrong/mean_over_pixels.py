import torch
import torch.nn.functional as F


def get_objective_term(x, V, W, b, a):
    z = F.relu(x @ V + b)
    x_hat = z @ W + a
    return F.mse_loss(x_hat, x)


def reconstruct(x, V, W, b, a):
    z = F.relu(x @ V + b)
    return (z @ W + a).view(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return F.mse_loss(reconstruction, x, reduction="none").mean(1)
