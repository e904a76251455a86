"""What right submissions may do. The grader's trial loads this file as it loads a submission."""

import importlib

import torch


def print_a_tensor():
    loss = torch.ones(2, requires_grad=True).sum()
    loss.backward()
    print(loss)


def plot():
    plt = importlib.import_module("matplotlib.pyplot")
    plt.title("x")
    plt.imshow([[0, 1]])
    plt.savefig("x.png")


def import_torchvision():
    importlib.import_module("torchvision")
