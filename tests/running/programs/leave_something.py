import os

for folder in ("/", "/dev", "/home", "/proc", "/sys", "/tmp", "/var", "/usr/lib", "/dev/shm", os.getcwd()):
    try:
        print(folder, os.listdir(folder).count("left"), end=" ")
        open(f"{folder}/left", "w").close()
        print("written")
    except OSError:
        print()
