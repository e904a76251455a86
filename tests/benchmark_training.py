"""Time the notebook's training against the sheet's loop: python tests/benchmark_training.py [EPOCHS [EVERY]]

Both train on all digits (EPOCHS, 5) and on the zeros (four times as many) with one thread, and print
the same losses. The sheet's loop reads MNIST image by image through torchvision's ToTensor. Both take
every EVERY-th (1st) image.
"""

import ast
import sys
import time
from pathlib import Path

import nbformat
import torch
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

ROOT = Path(__file__).parent.parent


def sheet_training(loader, h=32, epochs=5):
    """The loop as the sheet prints it."""
    torch.manual_seed(0)
    V = torch.nn.Parameter(torch.randn(784, h) / 28)
    W = torch.nn.Parameter(torch.zeros(h, 784))
    b = torch.nn.Parameter(torch.zeros(h))
    a = torch.nn.Parameter(torch.zeros(784))
    optimizer = torch.optim.Adam([V, W, b, a], lr=1e-4)
    for epoch in range(epochs):
        for x, _ in loader:
            optimizer.zero_grad()
            x = x.reshape(-1, 784)
            reconstruction = torch.relu(x @ V + b) @ W + a
            loss = ((x - reconstruction) ** 2).sum(1).mean()
            loss.backward()
            optimizer.step()
        print("Epoch %3d %8.2f" % (epoch, loss.data))  # noqa: UP031 (the sheet's line)


def notebook_names(*variables):
    """The notebook's imports, functions and classes, and these of its variables, without running the rest."""
    names = {}
    for cell in nbformat.read(ROOT / "exercise_sheet_8.ipynb", as_version=4).cells:
        statements = ast.parse(cell.source).body if cell.cell_type == "code" else []
        if statements and isinstance(statements[0], ast.Try):  # the imports
            statements[:1] = statements[0].body
        for statement in statements:
            if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)) or (
                isinstance(statement, ast.Assign) and _assigned(statement) <= set(variables)
            ):
                exec(compile(ast.Module([statement], []), "notebook", "exec"), names)
    return names


def _assigned(statement):
    targets = ast.Tuple(statement.targets)
    return {node.id for node in ast.walk(targets) if isinstance(node, ast.Name)}


def main(epochs=5, every=1):
    sys.path.insert(0, str(ROOT))
    names = notebook_names("train_dataset", "test_dataset", "batch_size")
    fast_set = names["train_dataset"]
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
        some = Subset(dataset, range(0, len(dataset), every))
        training(DataLoader(some, batch_size=64, shuffle=True), epochs=epochs)
        middle = time.perf_counter()
        training(DataLoader(Subset(dataset, zeros[::every]), batch_size=64, shuffle=True), epochs=4 * epochs)
        seconds[title] = time.perf_counter() - start
        print(f"{middle - start:.1f} s + {seconds[title] - (middle - start):.1f} s")
    slow, fast = seconds.values()
    print(f"\nThe notebook's training is {slow / fast:.1f} times as fast as the sheet's loop.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
