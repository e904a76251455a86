# Files that are removed and closed, and held by one page that is mapped.
import ctypes
import os

libc = ctypes.CDLL(None)
for i in range(COUNT):
    with open(str(i), "w+b") as file:
        file.write(bytes(8 << 20))
        file.flush()
        libc.mmap(None, ctypes.c_size_t(4096), 1, 1, file.fileno(), ctypes.c_long(0))  # PROT_READ, MAP_SHARED
    os.unlink(str(i))
