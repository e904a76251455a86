import os


def fill(folder):
    made = 0
    try:
        for made in range(20_000):
            open(os.path.join(folder, str(made)), "w").close()
    except OSError:
        pass
    return made


print([fill(folder) < 10_000 for folder in (".", "/tmp", "/var", "/dev/shm", "/proc")])
