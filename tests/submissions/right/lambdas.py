import torch
relu = lambda t: t.clamp(min=0)
forward = lambda x, V, W, b, a: relu(x @ V + b) @ W + a
anomaly_score = lambda x, reconstruction: (x - reconstruction).pow(2).sum(1)
reconstruct = lambda x, V, W, b, a: forward(x, V, W, b, a).view(x.shape[0], 28, 28)
get_objective_term = lambda x, V, W, b, a: anomaly_score(x, forward(x, V, W, b, a)).mean()
