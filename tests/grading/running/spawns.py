"""Starts a process of its own for each submission, where forking isn't safe."""

import os
import subprocess
import threading

from .inside import processes
from .inside.settings import BARE, Level
from .inside.wire import READY
from .launch import NO_TORCH, PATIENCE, Starter, command, environment
from .process import Process, SandboxError, memory_of


class Spawns(Starter):
    """A new process for each submission, with its own import of torch. Nothing shuts it in."""

    def levels(self, _) -> list[Level]:
        return super().levels([BARE])

    def start(self, level: Level, preload: list[str]) -> Process:
        """A fresh process that has imported torch already, and these: no author's time is spent on that.

        Raises:
            SandboxError: torch can't be imported.
        """
        folder, settings = self.new_settings(level)
        uid = settings.uid
        process = subprocess.Popen(
            command("serve", settings.to_json(), *preload),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment() | {"HOME": os.path.expanduser("~")},
            start_new_session=True,
        )

        def kill():
            if os.name == "posix":
                processes.end(process.pid)
                processes.end_below(process.pid)
            if uid is not None:
                command = ["/bin/sh", "-c", "kill -KILL -1"]  # whoever has left that family
                subprocess.run(command, user=uid, group=uid, extra_groups=[], check=False)
            process.kill()
            process.wait()
            return True

        fds = [os.dup(pipe.fileno()) for pipe in (process.stdin, process.stdout, process.stderr)]
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        started = Process(folder, *fds, process.pid, 0, self.limits.folder_bytes, kill)
        too_late = threading.Timer(PATIENCE, process.kill)
        too_late.start()
        try:
            if os.read(fds[1], 1) != READY:
                raise SandboxError(NO_TORCH)
        except BaseException:
            started.end()
            for fd in fds:
                os.close(fd)
            raise
        finally:
            too_late.cancel()
        started.memory_bytes = memory_of([process.pid]) + self.limits.memory_bytes
        return started
