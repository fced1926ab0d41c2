"""A running sandbox."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Optional, Sequence, Union

from .binary import PathLike, find_binary
from .control import Control
from .process import Process
from .shapes import given
from .world import World

#: The key that the provider's documentation prints: every sandbox lets it in, and its world is shared by all who use it.
DOCUMENTED_API_KEY = "iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw"


class Sandbox:
    """A sandbox, started by `start` or found by `connect`. As a context manager it stops at the end."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str = DOCUMENTED_API_KEY,
        callback_token: str,
        control_token: Optional[str] = None,
        ca_pem: Optional[str] = None,
        process: Optional[Process] = None,
    ) -> None:
        #: Where the API is: ``http://127.0.0.1:34567``.
        self.url = url
        #: What clients have to trust where it is https: ``ssl.create_default_context(cadata=sandbox.ca_pem)``.
        self.ca_pem = ca_pem
        #: The key of the world that is there from the start; each test does better with a `world` of its own.
        self.api_key = api_key
        #: What callbacks of that world carry as ``x-callback-token``.
        self.callback_token = callback_token
        self._control = Control(url, control_token=control_token, ca_pem=ca_pem)
        self._process = process

    @classmethod
    def start(
        cls,
        *,
        seed: Optional[int] = None,
        clock: Optional[str] = None,
        scenarios: Union[PathLike, Sequence[PathLike]] = (),
        strict: bool = False,
        tls: bool = False,
        bind: str = "127.0.0.1",
        port: int = 0,
        args: Sequence[str] = (),
        binary: Optional[PathLike] = None,
        log_format: str = "off",
        log_file: Optional[PathLike] = None,
        timeout_s: float = 30.0,
    ) -> Sandbox:
        """Starts one, on a free port unless ``port`` says otherwise, and returns when it answers.

        ``seed``, ``clock``, ``scenarios`` (a folder, or several), ``strict`` and ``bind`` are the flags of
        ``iluma-sandbox serve``, and ``args`` takes any others: ``args=["--callback-retries", "none"]``.
        ``tls`` has it speak HTTPS, by an authority of its own that is kept nowhere but in ``ca_pem``.
        ``log_format="pretty"`` logs to this process's stderr, or at the end of ``log_file``. Raises
        `SandboxError` with what the sandbox said when it does not start.
        """
        arguments = ["--bind", bind, "--port", str(port), "--log-format", log_format]
        if seed is not None:
            arguments += ["--seed", str(seed)]
        if clock is not None:
            arguments += ["--clock", clock]
        for folder in _several(scenarios):
            arguments += ["--scenarios", folder]
        if strict:
            arguments.append("--strict")
        program = find_binary(binary)
        # A file and not a pipe: nobody has to read it for the sandbox to go on.
        stderr: Optional[IO[bytes]] = None
        if log_file is not None:
            stderr = open(log_file, "ab+")
        elif log_format == "off":
            stderr = tempfile.TemporaryFile()
        with tempfile.TemporaryDirectory(prefix="iluma-sandbox-ca-") as folder:
            if tls:
                arguments += ["--tls", "--ca-dir", folder]
            process = Process(program, [*arguments, *args], stderr, timeout_s)
            ready = process.ready
            ca_file = ready.get("ca_file")
            ca_pem = Path(ca_file).read_text(encoding="ascii") if ca_file else None
        return cls(
            ready["url"],
            api_key=ready["api_key"],
            callback_token=ready["callback_token"],
            control_token=ready.get("control_token"),
            ca_pem=ca_pem,
            process=process,
        )

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        api_key: str = DOCUMENTED_API_KEY,
        control_token: Optional[str] = None,
        ca_pem: Optional[str] = None,
    ) -> Sandbox:
        """One that runs already: a sidecar in CI, or that of a colleague. `stop` leaves it alone."""
        url = url.rstrip("/")
        control = Control(url, api_key=api_key, control_token=control_token, ca_pem=ca_pem)
        secrets = control.call("GET", "world")
        return cls(
            url,
            api_key=api_key,
            callback_token=secrets["callback_token"],
            control_token=control_token,
            ca_pem=ca_pem,
        )

    @property
    def pid(self) -> Optional[int]:
        """The process, where this object started it."""
        return self._process.pid if self._process else None

    @property
    def control(self) -> Control:
        """For control calls that belong to no world: ``sandbox.control.call("GET", "coverage")``."""
        return self._control

    def world(self, name: Optional[str] = None, *, reset: bool = False) -> World:
        """A world of its own: its records, counters, callbacks, clock, faults and journal are nobody else's.

        The key follows from the seed and the name, so that a test which names itself gets the same ids in
        every run. A name in use is a `SandboxError` (409), unless ``reset`` empties that world.
        """
        made = self._control.call("POST", "worlds", body=given({"name": name, "reset": reset}))
        return World(
            self.url,
            name=made["name"],
            tag=made["world"],
            api_key=made["api_key"],
            callback_token=made["callback_token"],
            control_token=self._control.control_token,
            ca_pem=self.ca_pem,
        )

    def stop(self) -> None:
        """Stops the sandbox that `start` started; a second time does nothing."""
        if self._process:
            self._process.stop()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.stop()


def _several(folders: Union[PathLike, Sequence[PathLike]]) -> list[str]:
    if isinstance(folders, (str, os.PathLike)):
        return [os.fspath(folders)]
    return [os.fspath(folder) for folder in folders]
