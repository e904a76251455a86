import torch


def get_objective_term(x, V, W, b, a):
    return (x @ V).sum().to(torch.complex64)


def reconstruct(x, V, W, b, a):
    return torch.zeros(len(x), 28, 28).to_sparse()


def anomaly_score(x, reconstruction):
    return torch.zeros(len(x), device="meta")
