"""data.load_mnist: from files, from a network with every kind of trouble, from the offline sample.

The tests serve tiny stand-ins for the four archives from a server on the loopback interface.
"""

import gzip
import hashlib
import http.server
import os
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, Subset
from torchvision.datasets import MNIST

import data

SIZES = {"train": 20, "t10k": 7}


@pytest.fixture
def archives(monkeypatch):
    """Small files in MNIST's format, {name: bytes}, whose checksums `data` takes for the right ones."""
    random = np.random.default_rng(0)
    files, checksums = {}, {}
    for name in data._FILES:
        n = SIZES[name.split("-")[0]]
        pixels = random.integers(0, 256, n * 784 if "images" in name else n, dtype=np.uint8)
        content = bytes(16 if "images" in name else 8) + pixels.tobytes()
        files[f"{name}.gz"] = gzip.compress(content)
        checksums[name] = tuple(hashlib.md5(part).hexdigest() for part in (files[f"{name}.gz"], content))
    monkeypatch.setattr(data, "_FILES", checksums)
    return files


@pytest.fixture
def offline(monkeypatch):
    """No mirror to ask, and a stand-in for the slow-to-read sample."""
    monkeypatch.setattr(MNIST, "mirrors", [])
    monkeypatch.setattr(data, "_offline_sample", lambda: "the sample")


@pytest.fixture
def serve(monkeypatch, clock):
    """serve(f, g): two mirrors, each a function of (handler, file name)."""
    servers = []

    def start(*mirrors):
        urls = []
        for respond in mirrors:

            class Handler(http.server.BaseHTTPRequestHandler):
                answer = staticmethod(respond)

                def do_GET(self):
                    self.answer(self, self.path.lstrip("/"))

                do_HEAD = do_GET

                def log_message(self, *_):
                    pass

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            server.handle_error = lambda *_: None  # clients that give up are expected
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            servers.append(server)
            urls.append(f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setattr(MNIST, "mirrors", urls)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Clock:
    """Stands for `time` in `data`: only while a mirror lets it wait does time pass there, and at once."""

    def __init__(self):
        self.now, self.looks, self.is_slow, self.test_ends = 0, 0, False, threading.Event()

    def monotonic(self):
        if self.is_slow:
            self.looks += 1
            if self.looks == 3:  # the first may be before it waits
                self.now, self.is_slow = self.now + 100, False
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(data, "time", clock)
    yield clock
    clock.test_ends.set()


@pytest.fixture
def silent(clock):
    def respond(handler, name):
        clock.is_slow = True
        clock.test_ends.wait()

    return respond


@pytest.fixture
def dripping(clock, archives):
    """Sends some bytes every now and then: that is no progress."""

    def respond(handler, name):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(archives[name])))
        handler.end_headers()
        if handler.command == "GET":
            clock.is_slow = True
            for i in range(len(archives[name])):
                handler.wfile.write(archives[name][i : i + 1])
                if clock.test_ends.wait(0.05):
                    break

    return respond


def sending(files):
    def respond(handler, name):
        if name not in files:
            return handler.send_error(404)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(files[name])))
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(files[name])

    return respond


def put(root, files):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (raw / name).write_bytes(content)
    return raw


def assert_intact(sets, archives):
    for dataset, part in zip(sets, SIZES, strict=True):
        pixels = gzip.decompress(archives[f"{part}-images-idx3-ubyte.gz"])[16:]
        labels = gzip.decompress(archives[f"{part}-labels-idx1-ubyte.gz"])[8:]
        assert dataset.data.numpy().tobytes() == pixels
        assert bytes(dataset.targets.tolist()) == labels
        assert not dataset.is_sample


def test_files_in_place_need_no_network(tmp_path, archives, offline, capsys):
    put(tmp_path, archives)
    assert_intact(data.load_mnist(tmp_path), archives)
    assert capsys.readouterr().out == ""


def test_unpacked_files_alone_are_enough(tmp_path, archives, offline):
    raw = put(tmp_path, archives)
    data.load_mnist(tmp_path)
    for name in archives:
        (raw / name).unlink()
    assert_intact(data.load_mnist(tmp_path), archives)


def test_items_are_those_of_torchvision(tmp_path, archives, offline):
    put(tmp_path, archives)
    train, _ = data.load_mnist(tmp_path)
    image, label = train[3]
    assert image.shape == (1, 28, 28) and image.dtype == torch.float32 and type(label) is int
    assert torch.equal(image[0], train.data[3] / 255) and label == train.targets[3]
    assert torch.equal(train[-1][0], train[19][0])
    with pytest.raises(IndexError):
        train[20]


@pytest.mark.parametrize("subset", [False, True])
def test_both_ways_of_batching_agree(tmp_path, archives, offline, subset):
    put(tmp_path, archives)
    train, _ = data.load_mnist(tmp_path)
    chosen = Subset(train, [19, 3, 3, 0, 7]) if subset else train
    plain = list(DataLoader(chosen, batch_size=3))
    gathered = list(
        DataLoader(chosen, sampler=BatchSampler(SequentialSampler(chosen), 3, False), batch_size=None)
    )
    for (x, y), (x2, y2) in zip(plain, gathered, strict=True):
        assert torch.equal(x, x2) and torch.equal(y, y2) and y.dtype == y2.dtype == torch.int64
    assert torch.equal(torch.cat([x for x, _ in plain]), torch.stack([x for x, _ in chosen]))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_damaged_file_is_named_and_replaced(tmp_path, archives, serve, capsys, suffix, damage):
    raw = put(tmp_path, archives)
    data.load_mnist(tmp_path)
    victim = raw / f"train-images-idx3-ubyte{suffix}"
    good = victim.read_bytes()
    victim.write_bytes(good[:-5] if damage == "truncated" else good[:-1] + bytes([good[-1] ^ 1]))
    if suffix:  # an intact unpacked file would make the archive irrelevant
        (raw / "train-images-idx3-ubyte").unlink()
    serve(sending(archives))
    assert_intact(data.load_mnist(tmp_path), archives)
    out = capsys.readouterr().out
    assert f"{victim} is damaged" in out
    assert victim.read_bytes() == good


def test_download(tmp_path, archives, serve, capsys):
    serve(sending(archives))
    assert_intact(data.load_mnist(tmp_path), archives)
    assert capsys.readouterr().out.startswith("Downloading MNIST")
    assert not list((tmp_path / "MNIST" / "raw").glob(".*"))  # no leftovers


def test_second_mirror_helps(tmp_path, archives, serve, damaged):
    serve(damaged, sending(archives))
    assert_intact(data.load_mnist(tmp_path), archives)


def test_second_mirror_helps_when_the_first_is_silent(tmp_path, archives, serve, silent):
    serve(silent, sending(archives))
    assert_intact(data.load_mnist(tmp_path), archives)


@pytest.fixture
def refusing():
    return lambda handler, name: handler.send_error(503)


@pytest.fixture
def damaged(archives):
    return sending({name: content[:-1] for name, content in archives.items()})


@pytest.mark.parametrize("trouble", ["silent", "refusing", "dead", "damaged", "dripping"])
def test_network_trouble_ends_in_the_sample(tmp_path, serve, offline, capsys, monkeypatch, request, trouble):
    if trouble == "dead":
        monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    else:
        serve(request.getfixturevalue(trouble))
    assert data.load_mnist(tmp_path) == "the sample"
    out = capsys.readouterr().out
    assert ("no answer for 8 seconds" in out) == (trouble in ("silent", "dripping"))
    assert out.count("MNIST could not be downloaded: ") == 1 and "put its four .gz files into" in out
    assert out.count("Your numbers will differ from the sheet's") == 1


def test_files_are_known_by_their_contents(tmp_path, archives, offline, capsys):
    raw = put(tmp_path, archives)
    for name in data._FILES:
        packed = (raw / f"{name}.gz").rename(raw / f"{name.replace('-idx', '.idx')}.gz")
        if "images" in name:
            packed.write_bytes(gzip.decompress(packed.read_bytes()))  # and still called .gz
    (raw / "labels.txt").write_text("7 2 1")
    assert_intact(data.load_mnist(tmp_path), archives)
    assert [
        line for line in capsys.readouterr().out.splitlines() if "is none of" in line and "labels.txt" in line
    ]


def test_an_unpacked_file_that_is_called_gz(tmp_path, archives, offline):
    raw = put(tmp_path, archives)
    for path in raw.glob("*.gz"):
        path.write_bytes(gzip.decompress(path.read_bytes()))
    assert_intact(data.load_mnist(tmp_path), archives)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no read-only folders")
def test_read_only_folder(archives, offline, capsys):
    with tempfile.TemporaryDirectory() as folder:
        full, empty = Path(folder) / "full", Path(folder) / "empty"
        raw = put(full, archives)
        empty.mkdir()
        for path in (full, *full.rglob("*")):
            path.chmod(0o755)  # whatever the umask is
        is_root = os.geteuid() == 0
        Path(folder).chmod(0o755)
        raw.chmod(0o555)
        empty.chmod(0o555)
        try:
            if is_root:
                os.seteuid(65534)  # root may write anywhere
            assert_intact(data.load_mnist(full), archives)
            assert data.load_mnist(empty) == "the sample"
        finally:
            if is_root:
                os.seteuid(0)
            raw.chmod(0o755)
            empty.chmod(0o755)
    assert capsys.readouterr().out.count("nothing can be written there (Permission denied)") == 1


def test_several_at_once(tmp_path, archives, serve):
    serve(sending(archives))
    results = []
    threads = [threading.Thread(target=lambda: results.append(data.load_mnist(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for sets in results:
        assert_intact(sets, archives)


def test_offline_sample():
    train, test = data._offline_sample()
    assert train.is_sample and test.is_sample
    assert (len(train), len(test)) == (60_000, 1_000)
    assert train.targets.bincount().tolist() == [6_000] * 10
    assert test.targets.bincount().tolist() == [100] * 10
    assert train.targets[:20].tolist() == test.targets[:20].tolist() == [*range(10), *range(10)]
    assert train.data.dtype == torch.uint8 and train.data.max() == 255
    seen = {image.numpy().tobytes() for image in train.data[:4000]}
    assert not any(image.numpy().tobytes() in seen for image in test.data)


def test_a_file_that_was_just_moved_away_has_no_size(tmp_path):
    # The fetcher moves a finished file between being listed and being measured.
    (tmp_path / "there").write_bytes(b"1234")
    assert [data._size(tmp_path / name) for name in ("there", "gone")] == [4, 0]
