"""A running sandbox."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Optional, Sequence, Union

from .binary import PathLike, find_binary
from .control import Control
from .errors import SandboxError
from .process import Process
from .shapes import given
from .world import World

#: The API key in the provider's documentation. Every sandbox accepts it, and everybody who uses it shares its world.
DOCUMENTED_API_KEY = "iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw"


class Sandbox:
    """A sandbox of `start` or `connect`. As a context manager, it stops at the end of the block."""

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
        #: The URL of the API: ``http://127.0.0.1:34567``.
        self.url = url
        #: The certificate authority that clients must trust, if the URL is https: ``ssl.create_default_context(cadata=sandbox.ca_pem)``.
        self.ca_pem = ca_pem
        #: The key of the world that exists from the start. Each test should use its own `world` instead.
        self.api_key = api_key
        #: The value of ``x-callback-token`` in callbacks of that world.
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
        """Starts a sandbox, on a free port or on ``port``, and returns when it is ready.

        ``seed``, ``clock``, ``scenarios`` (a folder, or several), ``strict`` and ``bind`` are the flags of
        ``iluma-sandbox serve``, and ``args`` takes any others: ``args=["--callback-retries", "none"]``.
        ``tls`` serves HTTPS, with its own certificate authority. Only ``ca_pem`` has its certificate.
        ``log_format="pretty"`` logs to this process's stderr, or at the end of ``log_file``. Raises
        `SandboxError` with the sandbox's error if it does not start.
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
        # A file and not a pipe, because nobody has to read a file.
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
        url: Optional[str] = None,
        *,
        api_key: Optional[str] = None,
        control_token: Optional[str] = None,
        ca_pem: Optional[str] = None,
    ) -> Sandbox:
        """Connects to a running sandbox, such as a sidecar in CI. `stop` does not stop it.

        The defaults are the variables that the commands of the sandbox read: ``ILUMA_SANDBOX_URL``,
        ``ILUMA_SANDBOX_API_KEY`` (else the key of the documentation), ``ILUMA_SANDBOX_CONTROL_TOKEN`` and the file
        ``ILUMA_SANDBOX_CA_FILE``. The container image always requires a token.
        """
        url = url or _variable("ILUMA_SANDBOX_URL")
        if url is None:
            raise SandboxError("no URL of a sandbox: set ILUMA_SANDBOX_URL, or pass `url`")
        url = url.rstrip("/")
        api_key = api_key or _variable("ILUMA_SANDBOX_API_KEY") or DOCUMENTED_API_KEY
        control_token = control_token or _variable("ILUMA_SANDBOX_CONTROL_TOKEN")
        ca_file = _variable("ILUMA_SANDBOX_CA_FILE")
        if ca_pem is None and ca_file is not None:
            ca_pem = Path(ca_file).read_text(encoding="ascii")
        control = Control(url, api_key=api_key, control_token=control_token, ca_pem=ca_pem)
        try:
            secrets = control.call("GET", "world")
        except SandboxError as refused:
            raise _naming_the_token(refused) from None
        return cls(
            url,
            api_key=api_key,
            callback_token=secrets["callback_token"],
            control_token=control_token,
            ca_pem=ca_pem,
        )

    @property
    def pid(self) -> Optional[int]:
        """The process, if this object started it."""
        return self._process.pid if self._process else None

    @property
    def control(self) -> Control:
        """For control calls without a world: ``sandbox.control.call("GET", "coverage")``."""
        return self._control

    def world(self, name: Optional[str] = None, *, reset: bool = False) -> World:
        """Creates a world with its own records, counters, callbacks, clock, faults and journal.

        The key is derived from the seed and the name, so a test that passes its name gets the same ids in
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
        """Stops the sandbox of `start`. A second call does nothing."""
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


def _variable(name: str) -> Optional[str]:
    """The value of a variable. An empty one counts as not set, as in the commands."""
    return os.environ.get(name) or None


def _naming_the_token(refused: SandboxError) -> SandboxError:
    if refused.error not in ("control_token_required", "wrong_control_token"):
        return refused
    message = f"{refused}. Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass `control_token`"
    return SandboxError(message, status=refused.status, error=refused.error, answer=refused.answer)


def _several(folders: Union[PathLike, Sequence[PathLike]]) -> list[str]:
    if isinstance(folders, (str, os.PathLike)):
        return [os.fspath(folders)]
    return [os.fspath(folder) for folder in folders]
