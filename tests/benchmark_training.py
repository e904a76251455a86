"""Time the notebook's training against the sheet's own loop, in one run: python tests/benchmark_training.py

Both train on all digits (5 epochs) and on the zeros (20 epochs) with one thread, and print the same
25 losses. The sheet's loop reads MNIST image by image through torchvision's ToTensor.
"""

import sys
import time
from pathlib import Path

import nbformat
import torch
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

ROOT = Path(__file__).parent.parent


def sheet_training(dataset, epochs):
    """The loop as the sheet prints it."""
    torch.manual_seed(0)
    V = torch.nn.Parameter(torch.randn(784, 32) / 28)
    W = torch.nn.Parameter(torch.zeros(32, 784))
    b, a = torch.nn.Parameter(torch.zeros(32)), torch.nn.Parameter(torch.zeros(784))
    optimizer = torch.optim.Adam([V, W, b, a], lr=1e-4)
    loader = DataLoader(dataset, batch_size=64, shuffle=True)
    losses = []
    for _ in range(epochs):
        for x, _ in loader:
            x = x.view(-1, 784)
            optimizer.zero_grad()
            reconstruction = torch.relu(x @ V + b) @ W + a
            loss = ((x - reconstruction) ** 2).sum(1).mean()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    print("loss after each epoch:", *(f"{loss:.2f}" for loss in losses))


def notebook_names():
    """What the notebook's cells define, up to and without its first training."""
    names = {}
    for cell in nbformat.read(ROOT / "exercise_sheet_8.ipynb", as_version=4).cells:
        if "train(train_set" in cell.source:
            break
        if cell.cell_type == "code" and "plt.show" not in cell.source:
            lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
            exec("\n".join(lines), names)
    return names


def main():
    sys.path.insert(0, str(ROOT))
    names = notebook_names()
    fast_set = names["train_set"]
    if fast_set.is_sample:
        sys.exit("This needs the full MNIST in data/MNIST/raw.")
    slow_set = MNIST(ROOT / "data", train=True, transform=ToTensor())
    zeros = torch.nonzero(fast_set.targets == 0).flatten().tolist()
    torch.set_num_threads(1)
    seconds = {}
    for title, training, dataset in (
        ("the sheet's loop", sheet_training, slow_set),
        ("the notebook's", names["train"], fast_set),
    ):
        print(f"\n{title}")
        start = time.perf_counter()
        training(dataset, epochs=5)
        middle = time.perf_counter()
        training(Subset(dataset, zeros), epochs=20)
        seconds[title] = time.perf_counter() - start
        print(f"{middle - start:.1f} s + {seconds[title] - (middle - start):.1f} s")
    slow, fast = seconds.values()
    print(f"\nThe notebook's training is {slow / fast:.1f} times as fast as the sheet's loop.")


if __name__ == "__main__":
    main()
