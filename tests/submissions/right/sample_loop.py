import torch

# one sample after the other, as on the blackboard


def encode_one(xi, V, b):
    return torch.maximum(xi.matmul(V) + b, torch.zeros_like(b))


def decode_one(zi, W, a):
    return zi.matmul(W) + a


def get_objective_term(x, V, W, b, a):
    N = x.shape[0]
    loss = 0
    for i in range(N):
        xi = x[i]
        xi_hat = decode_one(encode_one(xi, V, b), W, a)
        loss = loss + torch.dot(xi - xi_hat, xi - xi_hat)
    return loss / N


def reconstruct(x, V, W, b, a):
    images = torch.empty(x.shape[0], 28, 28)
    for i in range(x.shape[0]):
        images[i] = decode_one(encode_one(x[i], V, b), W, a).reshape(28, 28)
    return images


def anomaly_score(x, reconstruction):
    scores = []
    for xi, ri in zip(x, reconstruction):
        scores.append(float(((xi - ri) ** 2).sum()))
    return torch.tensor(scores)
