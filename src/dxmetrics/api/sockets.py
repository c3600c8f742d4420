"""The server's own sockets."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

OPEN_FILES = Path("/dev/fd")  # Linux and macOS


def answer_at_once() -> None:
    """Send small answers without waiting for the client to confirm the ones before; 40 ms each otherwise.

    asyncio does so by itself for sockets that are made as TCP ones. Streamlit 1.67 leaves the protocol of the socket it
    listens on open, so it is not known as one; what is accepted from it inherits the option.
    """
    for file in OPEN_FILES.iterdir() if OPEN_FILES.is_dir() else ():
        number = int(file.name)
        with suppress(OSError):  # it was closed meanwhile
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                with socket.socket(fileno=os.dup(number)) as one:
                    if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
