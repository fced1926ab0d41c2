"""Writes the examples of docs/ci.md to files, so that tools can check them.

    python3 tests/sidecar/documents.py FOLDER

A YAML block begins with the name of its file. The shell blocks become scripts, of which `a-shell.sh` can be run.
"""

import re
import sys
from pathlib import Path

folder = Path(sys.argv[1])
page = Path(__file__).resolve().parents[2] / "docs/ci.md"
section = "introduction"
names = []
for heading, language, block in re.findall(r"^## ([^\n]*)$|^```(\w+)\n(.*?)^```$", page.read_text(), re.M | re.S):
    if heading:
        section = re.sub(r"\W+", "-", heading.lower()).strip("-")
        continue
    if language == "yaml":
        name = block.split("\n", 1)[0].removeprefix("# ")
    else:
        name, block = f"{section}.sh", f"#!/bin/sh\nset -eu\n{block}"
    if name in names:
        sys.exit(f"docs/ci.md has two examples for {name}")
    names.append(name)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(block)

expected = [
    "one-command.sh",
    "a-shell.sh",
    "install-a-release.sh",
    ".github/workflows/test.yml",
    ".github/workflows/service.yml",
    ".gitlab-ci.yml",
    "the-image.sh",
    "a-gate-for-coverage.sh",
]
if names != expected:
    sys.exit(f"docs/ci.md holds the examples {names}, and {expected} are checked")
