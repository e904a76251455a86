# Pages that only a pipe holds.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
page = ctypes.create_string_buffer(b"x" * 4096)
vector = (ctypes.c_void_p * 2)(ctypes.addressof(page), 4096)
print("refused" if libc.vmsplice(os.pipe()[1], vector, 1, 0) < 0 else "held")
