# A session of its own for a child, which the scheduler gives a fair share of the machine.
import os

before = os.getsid(0)
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    os.write(writing, str(os.getsid(0) == before).encode())
    os._exit(0)
print(os.read(reading, 10).decode())
