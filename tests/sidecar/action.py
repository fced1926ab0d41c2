"""Runs the shell steps of action.yml as a runner does: `python3 tests/sidecar/action.py BINARY`.

Of the runner there is as much as these steps use: inputs and their defaults, `if`, `env`, and the files that a step
writes for later ones.
"""

import base64
import http.server
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
from functools import partial
from pathlib import Path

import ruamel.yaml  # comes with check-jsonschema

REPOSITORY = Path(__file__).resolve().parents[2]
ACTION = ruamel.yaml.YAML(typ="safe").load(REPOSITORY / "action.yml")
BINARY = Path(sys.argv[1]).resolve()
KEY = "iluma_development_MadeUpForTheActionMadeUpForTheAction"


class Job:
    """The common data of the steps of one job."""

    def __init__(self, folder, path=os.environ["PATH"], **github):
        self.folder = Path(folder)
        self.github = {"action_repository": "", "action_ref": "", "token": "none", **github}
        self.environment = {
            "PATH": path,
            "HOME": os.environ["HOME"],
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_ACTION_PATH": str(REPOSITORY),
            "GITHUB_SERVER_URL": github.get("server_url", ""),
        }
        (self.folder / "temp").mkdir()
        self.outputs = {}

    def use(self, **given):
        """Exit code and output of `uses: ./` with these inputs."""
        unknown = set(given) - set(ACTION["inputs"])
        assert not unknown, f"action.yml has no input {unknown}"
        inputs = {name: str(it["default"]) for name, it in ACTION["inputs"].items()} | given
        said, used = "", []
        for step in ACTION["runs"]["steps"]:
            left, operator, right = re.fullmatch(r"inputs\.(\w+) (==|!=) '(\w+)'", step["if"]).groups()
            if (inputs[left] == right) != (operator == "=="):
                continue
            if "uses" in step:
                used.append(step["uses"])
                path = self.fill(step["with"]["path"], inputs)
                assert Path(path).is_dir(), f"there is no {path} to keep"
                continue
            code, words = self.run(step, inputs)
            said += words
            if code:
                return code, said, used
        return 0, said, used

    def run(self, step, inputs):
        assert step["shell"] == "bash"
        files = {name: self.folder / name.lower() for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT")}
        for file in files.values():
            file.write_text("")
        environment = self.environment | {name: str(file) for name, file in files.items()}
        environment |= {name: self.fill(value, inputs) for name, value in step.get("env", {}).items()}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        # Into a file, because a sandbox that outlives the step must not keep its output open.
        with open(self.folder / "said", "w+") as said:
            done = subprocess.run(command, env=environment, stdout=said, stderr=said, timeout=60, check=False)
            said.seek(0)
            words = said.read()
        self.environment |= dict(line.split("=", 1) for line in files["GITHUB_ENV"].read_text().splitlines())
        self.outputs |= dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        for line in files["GITHUB_PATH"].read_text().splitlines():
            self.environment["PATH"] = f"{line}:{self.environment['PATH']}"
        return done.returncode, words

    def fill(self, text, inputs):
        def value(match):
            context, name = match[1].split(".")
            return {"inputs": inputs, "github": self.github, "runner": {"temp": self.environment["RUNNER_TEMP"]}}[context][name]

        return re.sub(r"\$\{\{ (.*?) \}\}", value, text)

    def get(self, path):
        request = urllib.request.Request(self.environment["ILUMA_BASE_URL"] + path)
        user = base64.b64encode(f"{self.environment['ILUMA_API_KEY']}:".encode()).decode()
        request.add_header("authorization", f"Basic {user}")
        return urllib.request.urlopen(request, timeout=10).read().decode()

    def end(self):
        """Stops processes that a job leaves behind, as a runner does. The sandbox removes its ready file when it stops."""
        ready = self.folder / "temp/iluma-sandbox/ready.json"
        if not ready.exists():
            return
        os.kill(int(re.search(r'"pid":(\d+)', ready.read_text())[1]), signal.SIGTERM)
        until = time.monotonic() + 10
        while ready.exists() and time.monotonic() < until:
            time.sleep(0.01)


def check(claim):
    def around(scene):
        print(claim)
        with tempfile.TemporaryDirectory() as folder:
            jobs = []

            def job(**options):
                jobs.append(Job(folder, **options))
                return jobs[-1]

            try:
                scene(job, Path(folder))
            finally:
                for one in jobs:
                    one.end()

    return around


def expect(what, received, expected):
    if received != expected:
        sys.exit(f"{what}:\n  expected {expected!r}\n  received {received!r}")


@check("a started sandbox is found by the steps behind it, and what it has seen is kept")
def _(job, folder):
    (folder / "scenarios").mkdir()
    one = job()
    code, said, _ = one.use(binary=str(BINARY), scenarios=str(folder / "scenarios"), arguments=f"--api-key {KEY} --clock '2027-01-01T00:00:00Z'")
    expect(said, code, 0)
    expect("ILUMA_API_KEY", one.environment["ILUMA_API_KEY"], KEY)
    expect("ILUMA_SANDBOX_PORT", one.environment["ILUMA_SANDBOX_PORT"], one.environment["ILUMA_BASE_URL"].split(":")[2])
    token = json.loads(one.get("/v1/callback/authentication_tokens"))["callback_authentication_token"]
    expect("ILUMA_CALLBACK_TOKEN", one.environment["ILUMA_CALLBACK_TOKEN"], token)
    expect("an answer", one.get("/health"), '{"status":"ok"}')
    expect("the output `url`", one.outputs["url"], one.environment["ILUMA_BASE_URL"])
    expect("the ready file is there", Path(one.outputs["ready-file"]).exists(), True)
    found = subprocess.run(["iluma-sandbox", "coverage"], env=one.environment, capture_output=True, text=True, check=False)
    expect(found.stderr, found.returncode, 0)

    code, said, _ = one.use(binary=str(BINARY))
    expect("a second start", (code, "a sandbox runs in this job already" in said), (1, True))

    code, said, used = one.use(do="export")
    expect(said, (code, said), (0, ""))
    expect("what keeps the artefact", used, ["actions/upload-artifact@v4"])
    kept = folder / "temp/iluma-sandbox/artefacts"
    expect("what is kept", sorted(it.name for it in kept.iterdir()), ["coverage.txt", "export.ndjson", "log.txt"])
    expect("an exchange is kept", "/v1/callback/authentication_tokens" in (kept / "export.ndjson").read_text(), True)
    for file in kept.iterdir():
        expect(f"{file.name} holds the key", KEY in file.read_text(), False)
        expect(f"{file.name} is empty", file.stat().st_size == 0, False)


@check("a sandbox that cannot start fails the step, with its own words")
def _(job, folder):
    (folder / "scenarios").mkdir()
    code, said, _ = job().use(binary=str(BINARY), scenarios=f"{folder / 'scenarios'} , {folder / 'nowhere'},")
    expect("the exit code", code, 1)
    expect("the list is one folder", f"{folder / 'scenarios'} ," in said, False)
    expect(said, (str(folder / "nowhere") in said, "::error title=iluma-sandbox::" in said), (True, True))


@check("a wrong input is a sentence")
def _(job, folder):
    one = job()
    for given, expected in (
        ({"do": "strat"}, "the input `do` is `start` or `export`, not `strat`"),
        ({"binary": f"{folder}/none"}, f"the input `binary` names no program: {folder}/none"),
        ({"do": "export"}, "there is nothing to export: no sandbox runs in this job (`do: start` comes first)"),
    ):
        code, said, _ = one.use(**given)
        expect(str(given), (code, said.strip()), (1, f"::error title=iluma-sandbox::{expected}"))


@check("the binary on PATH is taken before any other")
def _(job, folder):
    (folder / "bin").mkdir()
    shutil.copy2(BINARY, folder / "bin/iluma-sandbox")
    one = job(path=f"{folder}/bin:{os.environ['PATH']}")
    code, said, _ = one.use()
    expect(said, code, 0)
    expect("its place on PATH", one.environment["PATH"].split(":")[0], str(folder / "bin"))


@check("used at a release's tag, it takes that release's binary; elsewhere none is asked for")
def _(job, folder):
    asset = f"owner/sandbox/releases/download/v1.2.3/iluma-sandbox-{platform.machine()}-unknown-linux-gnu.tar.gz"
    (folder / "web" / asset).parent.mkdir(parents=True)
    with tarfile.open(folder / "web" / asset, "w:gz") as archive:
        archive.add(BINARY, "iluma-sandbox")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder / "web")
    handler.func.log_message = lambda *_: None
    # A PATH without cargo: if nothing can be downloaded, nothing can be built either.
    tools = folder / "tools"
    tools.mkdir()
    for name in ("bash", "env", "dirname", "basename", "uname", "mkdir", "curl", "tar", "gzip", "sed", "xargs", "printf", "nohup", "cat", "sleep"):
        (tools / name).symlink_to(shutil.which(name))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = {"server_url": f"http://127.0.0.1:{server.server_port}", "action_repository": "owner/sandbox"}
        one = job(path=str(tools), action_ref="v1.2.3", **where)
        code, said, _ = one.use()
        expect(said, code, 0)
        expect("an answer", one.get("/health"), '{"status":"ok"}')
        one.end()
        shutil.rmtree(folder / "temp")
        code, said, _ = job(path=str(tools), action_ref="main", **where).use()
        nothing = "no iluma-sandbox on PATH, none to download, and no cargo to build one: give the input `binary`"
        expect("words", (code, said.strip()), (1, f"::error title=iluma-sandbox::{nothing}"))
        server.shutdown()


print("action: ok")
