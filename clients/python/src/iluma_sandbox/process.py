"""Runs the sandbox as a process: from the ready file to its end."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Optional

from .errors import SandboxError

#: The pause between two looks for the ready file. The sandbox needs a few milliseconds to write it.
_LOOK_S = 0.005
#: How long a sandbox may take to stop before it is killed.
_STOP_S = 10.0


class Process:
    """A sandbox that runs until `stop` or until this process ends.

    Its standard input is a pipe that nobody writes to. However this process ends, the pipe is closed, and
    ``--exit-with-parent`` stops the sandbox.
    """

    def __init__(
        self, binary: Path, arguments: list[str], stderr: Optional[IO[bytes]], timeout_s: float
    ) -> None:
        """Its output goes to ``stderr``, a file that this object closes, or else to the stderr of this process."""
        with tempfile.TemporaryDirectory(prefix="iluma-sandbox-") as folder:
            ready_file = Path(folder) / "ready.json"
            command = [os.fspath(binary), "serve", *arguments]
            command += ["--ready-file", os.fspath(ready_file), "--exit-with-parent"]
            self._stderr = stderr
            self._said_before = stderr.seek(0, os.SEEK_END) if stderr else 0
            try:
                self._process = subprocess.Popen(
                    command,
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    start_new_session=os.name != "nt",  # Ctrl-C must reach only the tests, which still need the sandbox
                )
            except OSError as error:
                if stderr:
                    stderr.close()
                raise SandboxError(f"cannot start {binary}: {error}") from error
            try:
                self.ready: dict[str, Any] = self._wait(ready_file, timeout_s)
            except BaseException:
                self.stop()
                raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Stops the sandbox, first gently. Does nothing if it has ended."""
        process = self._process
        if process.stdin:
            process.stdin.close()
        if os.name != "nt":  # on Windows, closing its input is the gentle way
            process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._stderr:
            self._stderr.close()

    def _wait(self, ready_file: Path, timeout_s: float) -> dict[str, Any]:
        give_up = time.monotonic() + timeout_s
        while True:
            ended = self._process.poll()
            try:
                ready: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
                return ready
            except FileNotFoundError:
                pass  # not yet; the file appears whole
            if ended is not None:
                raise SandboxError(f"the sandbox did not start, exit code {ended}{self._said()}")
            if time.monotonic() > give_up:
                raise SandboxError(f"the sandbox was not ready within {timeout_s:g} s{self._said()}")
            time.sleep(_LOOK_S)

    def _said(self) -> str:
        if not self._stderr:
            return ""
        self._stderr.seek(self._said_before)
        said = self._stderr.read().decode(errors="replace").strip()
        return f":\n{said}" if said else ""
