import numpy as np
import torch as th

RELU = th.nn.ReLU()


def get_objective_term(x, V, W, b, a):
    total = 0.0
    for image in x:
        total = total + th.linalg.vector_norm(image - RELU(image @ V + b) @ W - a) ** 2
    return total / len(x)


def reconstruct(x, V, W, b, a):
    return th.stack([(RELU(image @ V + b) @ W + a).reshape(28, 28) for image in x])


def anomaly_score(x, reconstruction):
    return np.sqrt(np.square(x.numpy() - reconstruction.numpy()).mean(axis=1))
