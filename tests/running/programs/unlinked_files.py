import os

held = []
for i in range(COUNT):
    held.append(open(str(i), "wb"))
    os.unlink(str(i))
    held[-1].write(bytes(8 << 20))
    held[-1].flush()
