"""Messages between the grader and a submission's process: a JSON header, and the bytes of arrays."""

import json
import os
import struct

import numpy as np

MAX_ARRAYS = 32
READY = b"\n"  # said once, by a process that is no fork, when its imports are done

# As they were before a stranger's code ran.
_dumps, _loads, _pack, _read, _write = json.dumps, json.loads, struct.pack, os.read, os.write


def send(fd, message, arrays=()):
    """Write one message: a length, a JSON header that tells the arrays' shapes, and their bytes."""
    message = message | {"arrays": [list(array.shape) for array in arrays]}
    header = _dumps(message, default=repr).encode()
    parts = [_pack("<I", len(header)), header, *(np.ascontiguousarray(a).tobytes() for a in arrays)]
    data = memoryview(b"".join(parts))
    while data:
        data = data[_write(fd, data) :]


def receive(fd, dtype, limit=1 << 30, header=1 << 30):
    """Read one message: (message, arrays). Raises EOFError or ValueError if there is no proper one."""
    (length,) = struct.unpack("<I", _read_exactly(fd, 4))
    if length > header:
        raise ValueError("message too long")
    message = _loads(_read_exactly(fd, length))
    shapes = message.pop("arrays")
    if len(shapes) > MAX_ARRAYS:
        raise ValueError("too many arrays")
    sizes = [int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize for shape in shapes]
    if min(sizes, default=0) < 0 or sum(sizes) > limit:
        raise ValueError("message too long")
    blobs = [_read_exactly(fd, size) for size in sizes]
    return message, [
        np.frombuffer(blob, dtype).reshape(shape) for blob, shape in zip(blobs, shapes, strict=True)
    ]


def _read_exactly(fd, size):
    parts = []
    while size:
        part = _read(fd, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
