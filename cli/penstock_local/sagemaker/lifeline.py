"""Model servers must not outlive this server, not even when it is killed.

Each one is started by a small shell that leaves a watcher in the model server's process group. The
watcher reads from a pipe whose other end only this process holds: when this process ends, however
it ends, the read returns and the watcher kills the group. Unlike PR_SET_PDEATHSIG this reaches the
model server's own children too, and works wherever there is a POSIX shell.
"""

import os

# The watcher reads file descriptor 3 because a background job's standard input is /dev/null.
_SCRIPT = 'exec 3<&0; (trap "" TERM; cat <&3 >/dev/null; kill -9 0) & exec "$0" </dev/null 3<&-'


class Lifeline:
    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()  # not inheritable: see PEP 446

    @property
    def read_end(self) -> int:
        """To be the standard input of every command."""
        return self._read_end

    def close(self) -> None:
        os.close(self._write_end)
        os.close(self._read_end)


def guarded_command(program: str) -> list[str]:
    return ["/bin/sh", "-c", _SCRIPT, program]
