# The room of 40 files, without writing any.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
taken = 0
for i in range(40):
    number = os.open(str(i), os.O_CREAT | os.O_RDWR)
    if libc.fallocate(number, 1, ctypes.c_long(0), ctypes.c_long(8 << 20)) == 0:  # without a size to be seen
        taken += os.fstat(number).st_blocks * 512
print(taken >> 20)
