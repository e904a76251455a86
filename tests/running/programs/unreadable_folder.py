import os

os.mkdir("a", 0o300)
for i in range(COUNT):
    open(f"a/{i}", "wb").write(bytes(8 << 20))
