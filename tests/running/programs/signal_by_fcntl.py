# A pipe that tells the process VICTIM of news, by a signal that ends it.
import fcntl
import os
import signal

reading, writing = os.pipe()
F_SETSIG, F_SETOWN_EX = 10, 15
commands = (
    (reading, fcntl.F_SETOWN, VICTIM),
    (reading, F_SETSIG, signal.SIGKILL),
    (reading, F_SETOWN_EX, (1).to_bytes(4, "little") + VICTIM.to_bytes(4, "little")),
    (os.open(".", os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_CREATE),
)
FIOSETOWN, SIOCSPGRP = 0x8901, 0x8902
owner = VICTIM.to_bytes(4, "little")
attempts = [(fcntl.fcntl, *command) for command in commands]
attempts += [(fcntl.ioctl, reading, command, owner) for command in (FIOSETOWN, SIOCSPGRP)]
for call, *arguments in attempts:
    try:
        call(*arguments)
        print("done")
    except OSError:
        print("refused")
fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
os.write(writing, b"x")
