# Files that are removed and closed, and held by one page that is mapped.
import mmap
import os

held = []
for i in range(COUNT):
    with open(str(i), "w+b") as file:
        file.write(bytes(8 << 20))
        file.flush()
        held.append(mmap.mmap(file.fileno(), 4096))
    os.unlink(str(i))
