"""What right submissions do. The grader's trial loads this file as it loads a submission."""

import importlib
import sys

import torch


def work():
    loss = torch.ones(2, requires_grad=True).sum()
    loss.backward()
    print(loss)
    if "matplotlib" in sys.modules:  # it is there, and somebody imports it
        plt = importlib.import_module("matplotlib.pyplot")
        plt.title("x")
        plt.imshow([[0, 1]])
        plt.savefig("x.png")
