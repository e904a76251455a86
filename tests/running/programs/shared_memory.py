# Memory that belongs to no process: shared, written, and dropped from this one's own account.
import mmap


def hold(file):
    held = mmap.mmap(file.fileno() if file else -1, 64 << 20)
    for place in range(0, len(held), 4096):
        held[place] = 1
    held.madvise(mmap.MADV_DONTNEED)


for name in ("", "/dev/zero"):
    try:
        hold(open(name, "r+b", buffering=0) if name else None)
        print("held")
    except OSError:
        print("refused")
