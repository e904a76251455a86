import torch
import torch.nn.functional as F


def get_objective_term(x, V, W, b, a):
    x_hat = F.linear(F.relu(F.linear(x, V.t(), b)), W.t(), a)
    return F.mse_loss(x_hat, x, reduction="sum") / x.size(0)


def reconstruct(x, V, W, b, a):
    x_hat = F.linear(F.relu(F.linear(x, V.t(), b)), W.t(), a)
    return x_hat.unflatten(1, (28, 28))


def anomaly_score(x, reconstruction):
    return F.mse_loss(reconstruction, x, reduction="none").mean(-1)
