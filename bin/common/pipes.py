"""Give a program that opens its input several times a stream, from its beginning each time.

A program such as fastp reads the head of a file to learn what it holds, closes it, and opens it again. A
named pipe serves one reader only; so each time it is opened, another one takes its place, and another thread
writes to it from the beginning. Nothing is written before the new pipe stands: so a program that
has read a byte meets the next pipe when it opens it again.
"""

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

PIPE_BYTES = 2**20
WAIT = 0.002  # seconds between looks for a reader


class Pipe:
    """A named pipe that can be opened for reading again and again, until it is closed here.

    `content` makes what a reader gets, in pieces, in a thread of each reader. A reader may go away early.
    """

    def __init__(self, path: Path, content: Callable[[], Iterator[bytes]]) -> None:
        """Make the pipe, and wait for readers."""
        self.path, self.content = path, content
        self.closed = threading.Event()
        self.writers: list[threading.Thread] = []
        os.mkfifo(path)
        self.server = threading.Thread(target=self.serve, daemon=True)
        self.server.start()

    def serve(self) -> None:
        """Wait for each reader, put another pipe in the place of its own, and let a thread write to it."""
        while not self.closed.is_set():
            try:
                end = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # nobody reads
                    raise
                time.sleep(WAIT)
                continue
            following = self.path.with_name(f"{self.path.name}.next")
            os.mkfifo(following)
            following.rename(self.path)
            os.set_blocking(end, True)
            with suppress(OSError):  # more than an unprivileged process may have
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            writer = threading.Thread(target=self.write, args=(end,), daemon=True)
            self.writers.append(writer)
            writer.start()

    def write(self, end: int) -> None:
        """Write all to one reader."""
        with os.fdopen(end, "wb", buffering=0) as pipe, suppress(BrokenPipeError):
            for piece in self.content():
                view = memoryview(piece)
                while view:
                    view = view[pipe.write(view) :]

    def close(self) -> None:
        """Wait for no more readers; the program that read must have ended."""
        self.closed.set()
        self.server.join()
        for writer in self.writers:
            writer.join()
