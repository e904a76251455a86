import os

import numpy

for name in ("/dev/shm/left", os.path.join(os.path.dirname(numpy.__file__), "left.py")):
    print(os.path.exists(name))
    try:
        open(name, "w").close()
    except OSError as error:
        print(os.strerror(error.errno))
