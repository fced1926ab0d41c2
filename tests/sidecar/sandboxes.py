"""Starts sandboxes and asks them, for the checks of this folder."""

import base64
import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


class Sandbox:
    """A sandbox at a port of 127.0.0.1 that is free, as a context."""

    def __init__(self, binary, *arguments, port=0):
        self.folder = tempfile.TemporaryDirectory()
        ready = Path(self.folder.name, "ready.json")
        command = [str(binary), "serve", "--port", str(port), "--ready-file", str(ready), "--log-format", "off", "--exit-with-parent"]
        self.process = subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        eventually("the sandbox is ready or has ended", lambda: ready.exists() or self.process.poll() is not None, True)
        expect("it has not ended", self.process.poll(), None)
        self.port = int(json.loads(ready.read_text())["url"].rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.bytes = response.read()

    def json(self):
        return json.loads(self.bytes)


def ask(port, method, path, body=None, key=None, **headers):
    """One request. `x_magic_reply="…"` is the header `x-magic-reply`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        headers["authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    if body is not None:
        headers["content-type"] = "application/json"
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def needs_networks_of_its_own(what):
    """Ends the check if this machine does not allow what it needs. In CI this is a failure, except for the job that cannot."""
    if os.geteuid() == 0 and subprocess.run(["unshare", "--net", "--mount", "true"], check=False).returncode == 0:
        return
    skip(f"{what}: it needs root, for a network of its own")


def skip(why):
    print(why, file=sys.stderr)
    sys.exit(1 if os.environ.get("CI") and not os.environ.get("WITHOUT_IMAGE") else 0)


def made_up_key(name):
    return "iluma_development_" + hashlib.sha256(name.encode()).hexdigest()


def expect(what, received, expected):
    if received != expected:
        sys.exit(f"{what}:\n  expected {expected!r}\n  received {received!r}")


def eventually(what, ask_again, expected):
    deadline = time.monotonic() + 20
    while (received := ask_again()) != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    expect(what, received, expected)
