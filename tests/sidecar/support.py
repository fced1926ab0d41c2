"""Common parts of these tests."""

import http.server
import re
import subprocess
import sys
import tarfile
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
VERSION = re.search(r'^version = "(.*)"', (REPOSITORY / "Cargo.toml").read_text(), re.M)[1]
TARGETS = dict(line.split() for line in (REPOSITORY / "packaging/targets").read_text().splitlines())


def expect(what, received, expected):
    if received != expected:
        sys.exit(f"{what}:\n  expected {expected!r}\n  received {received!r}")


def expect_in(what, text, part):
    if part not in text:
        sys.exit(f"{what}:\n  expected {part!r}\n  within   {text!r}")


def run(*command, **options):
    """Exit code and output of a command."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False, **options)
    return done.returncode, done.stdout


@contextmanager
def file_server(folder):
    """Serves a folder. `paths` are the requested paths."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            self.server.paths.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        server.paths, server.url = [], f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def make_release(folder, program, owner="acme"):
    """A release in which the archive of every target has this program. Returns the folder."""
    dist = Path(folder) / f"v{VERSION}"
    dist.mkdir(parents=True)
    for target in TARGETS:
        with tarfile.open(dist / f"iluma-sandbox-{target}.tar.gz", "w:gz", compresslevel=1) as archive:
            archive.add(program, "iluma-sandbox.exe" if "windows" in target else "iluma-sandbox")
    code, output = run(str(REPOSITORY / "packaging/release.sh"), str(dist), owner)
    expect(output, code, 0)
    return dist
