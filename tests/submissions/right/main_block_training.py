#!/usr/bin/env python3
"""Sheet 8 - autoencoder.  Run me to train:  python solution.py"""
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.metrics import roc_auc_score

torch.manual_seed(0)
print("torch", torch.__version__)


def get_objective_term(x, V, W, b, a):
    Z = torch.relu(x @ V + b)
    print("batch", tuple(x.shape), "active units: %.2f" % (Z > 0).float().mean().item())
    Xhat = Z @ W + a
    obj = torch.mean(torch.sum((x - Xhat) ** 2, dim=1))
    print("objective:", obj.item())
    return obj


def reconstruct(x, V, W, b, a):
    Z = torch.relu(x @ V + b)
    return (Z @ W + a).view(x.shape[0], 28, 28)


def anomaly_score(x, reconstruction):
    s = ((x - reconstruction) ** 2).mean(1)
    return s.numpy() if not s.requires_grad else s.detach().numpy()


if __name__ == "__main__":
    data = np.load("mnist.npz")
    X = torch.tensor(data["x_train"].reshape(-1, 784) / 255., dtype=torch.float32)
    V = torch.nn.Parameter(0.01 * torch.randn(784, 64))
    W = torch.nn.Parameter(0.01 * torch.randn(64, 784))
    b = torch.nn.Parameter(torch.zeros(64))
    a = torch.nn.Parameter(torch.zeros(784))
    opt = torch.optim.Adam([V, W, b, a], lr=1e-3)
    for epoch in range(20):
        for idx in torch.randperm(len(X)).split(100):
            opt.zero_grad()
            get_objective_term(X[idx], V, W, b, a).backward()
            opt.step()
    plt.imshow(reconstruct(X[:1], V, W, b, a)[0].detach(), cmap="gray")
    plt.savefig("reconstruction.png")
    y = data["y_train"] == 0
    print("AUC", roc_auc_score(y, anomaly_score(X, reconstruct(X, V, W, b, a).view(-1, 784))))
