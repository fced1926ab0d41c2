"""Writes the examples of some pages of docs/ to files, so that tools can check them.

    python3 tests/sidecar/documents.py FOLDER

A block of YAML or of a Dockerfile begins with the name of its file. The shell blocks become scripts, of which `a-shell.sh` can
be run.
"""

import re
import sys
from pathlib import Path

PAGES = {
    "ci.md": [
        "one-command.sh",
        "a-shell.sh",
        "install-a-release.sh",
        ".github/workflows/test.yml",
        ".github/workflows/service.yml",
        "the-image.sh",
        "a-gate-for-coverage.sh",
    ],
    "gitlab.md": [
        ".gitlab-ci.yml",
        "jobs.Dockerfile",
        "exec.gitlab-ci.yml",
        "scenarios.Dockerfile",
        "service.gitlab-ci.yml",
    ],
    "fixed-address.md": ["compose.fixed-address.yaml", "pod.yaml"],
}

folder = Path(sys.argv[1])
docs = Path(__file__).resolve().parents[2] / "docs"
for page, expected in PAGES.items():
    section = "introduction"
    names = []
    for heading, language, block in re.findall(r"^## ([^\n]*)$|^```(\w+)\n(.*?)^```$", (docs / page).read_text(), re.M | re.S):
        if heading:
            section = re.sub(r"\W+", "-", heading.lower()).strip("-")
            continue
        if language == "text":
            continue
        if language in ("yaml", "dockerfile"):
            name = block.split("\n", 1)[0].removeprefix("# ")
        else:
            name, block = f"{section}.sh", f"#!/bin/sh\nset -eu\n{block}"
        if name in names:
            sys.exit(f"docs/{page} has two examples for {name}")
        names.append(name)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(block)
    if names != expected:
        sys.exit(f"docs/{page} holds the examples {names}, and {expected} are checked")
