"""Finds the sandbox's binary."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path
from typing import Optional, Union

from .errors import SandboxError

PathLike = Union[str, "os.PathLike[str]"]

_NAME = "iluma-sandbox.exe" if os.name == "nt" else "iluma-sandbox"


def find_binary(binary: Optional[PathLike] = None) -> Path:
    """The first of these: the given binary, ``ILUMA_SANDBOX_BIN``, the binary in the wheel, the one on PATH.

    If a given binary does not exist, that is an error; no other is used.
    """
    for named, how in (
        (binary, "`binary`"),
        (os.environ.get("ILUMA_SANDBOX_BIN"), "`ILUMA_SANDBOX_BIN`"),
    ):
        if named:
            found = shutil.which(os.fspath(named))  # a path, or a name on PATH
            if found is None:
                raise SandboxError(f"{how} says `{os.fspath(named)}`, and no program is there")
            return Path(found)
    for folder in _beside():
        if os.access(folder / _NAME, os.X_OK):
            return folder / _NAME
    on_path = shutil.which(_NAME)
    if on_path is not None:
        return Path(on_path)
    looked = ", ".join(str(folder) for folder in _beside())
    raise SandboxError(
        f"no `{_NAME}` found: it is neither beside this package ({looked}) nor on PATH; "
        "install the wheel, which carries it, or name one with `binary` or `ILUMA_SANDBOX_BIN`"
    )


def _beside() -> list[Path]:
    """The folders in which installers put programs: of the environment, of the user, and of `pip install --target`."""
    users = ("nt_user",) if os.name == "nt" else ("posix_user", "osx_framework_user")
    schemes = [scheme for scheme in users if scheme in sysconfig.get_scheme_names()]
    site = Path(__file__).resolve().parent.parent
    folders = [sysconfig.get_path("scripts")]
    folders += [sysconfig.get_path("scripts", scheme) for scheme in schemes]
    return [Path(folder) for folder in dict.fromkeys([*folders, str(site / "bin")])]
