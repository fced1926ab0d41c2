"""Runs the shell steps of action.yml as a runner does: `python3 tests/sidecar/action.py BINARY`.

Of the runner there is as much as these steps use: inputs and their defaults, `if`, `env`, the files that a step
writes for later ones, and a cache.
"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import ruamel.yaml  # comes with check-jsonschema
from support import REPOSITORY, VERSION, expect, expect_in, file_server, make_release

ACTION = ruamel.yaml.YAML(typ="safe").load(REPOSITORY / "action.yml")
BINARY = Path(sys.argv[1]).resolve()
KEY = "iluma_development_MadeUpForTheActionMadeUpForTheAction"


class Job:
    """The common data of the steps of one job."""

    def __init__(self, folder, path=os.environ["PATH"], action=REPOSITORY, environment=None, **github):
        self.folder = Path(folder)
        self.github = {"action_repository": "", **github}
        self.environment = {
            "PATH": path,
            "HOME": os.environ["HOME"],
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_ACTION_PATH": str(action),
            "GITHUB_SERVER_URL": github.get("server_url", ""),
            **(environment or {}),
        }
        shutil.rmtree(self.folder / "temp", ignore_errors=True)
        (self.folder / "temp").mkdir()
        self.outputs = {}
        self.summary = ""

    def use(self, **given):
        """Exit code, output and used actions of `uses: ./` with these inputs."""
        unknown = set(given) - set(ACTION["inputs"])
        assert not unknown, f"action.yml has no input {unknown}"
        inputs = {name: str(it["default"]) for name, it in ACTION["inputs"].items()} | given
        said, used, cached = "", [], None
        self.steps = {}
        for step in ACTION["runs"]["steps"]:
            left, operator, right = re.fullmatch(r"([\w.]+) (==|!=) '(\w*)'", step["if"]).groups()
            if (self.value(left, inputs) == right) != (operator == "=="):
                continue
            if "uses" in step:
                used.append(step["uses"].split("@")[0])
                with_ = {name: self.fill(value, inputs) for name, value in step["with"].items()}
                if used[-1] == "actions/cache":
                    cached = (Path(with_["path"]), self.folder / "cache" / with_["key"])
                    if cached[1].exists():
                        shutil.copytree(cached[1], cached[0])
                else:
                    assert Path(with_["path"]).is_dir(), f"there is no {with_['path']} to keep"
                continue
            code, words = self.run(step, inputs)
            said += words
            if code:
                return code, said, used
        if cached and not cached[1].exists():  # the action saves after the job
            shutil.copytree(*cached)
        return 0, said, used

    def run(self, step, inputs):
        assert step["shell"] == "bash"
        names = ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        files = {name: self.folder / name.lower() for name in names}
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
        outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        self.outputs |= outputs
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        if "id" in step:
            self.steps[step["id"]] = outputs
        for line in files["GITHUB_PATH"].read_text().splitlines():
            self.environment["PATH"] = f"{line}:{self.environment['PATH']}"
        return done.returncode, words

    def value(self, name, inputs):
        match name.split("."):
            case ["steps", step, "outputs", output]:
                return self.steps.get(step, {}).get(output, "")
            case ["inputs", it]:
                return inputs[it]
            case ["github", it]:
                return self.github[it]
            case ["runner", "temp"]:
                return self.environment["RUNNER_TEMP"]
        raise AssertionError(name)

    def fill(self, text, inputs):
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: self.value(match[1], inputs), text)

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


@check("a started sandbox is found by the steps behind it, and what it has seen is kept")
def _(job, folder):
    (folder / "scenarios").mkdir()
    one = job()
    code, said, _ = one.use(binary=str(BINARY), scenarios=str(folder / "scenarios"), arguments=f"--api-key {KEY} --clock '2027-01-01T00:00:00Z'")
    expect(said, code, 0)
    expect("ILUMA_API_KEY", one.environment["ILUMA_API_KEY"], KEY)
    expect("ILUMA_SANDBOX_API_KEY", one.environment["ILUMA_SANDBOX_API_KEY"], KEY)
    expect("ILUMA_SANDBOX_URL", one.environment["ILUMA_SANDBOX_URL"], one.environment["ILUMA_BASE_URL"])
    expect("ILUMA_SANDBOX_CONTROL_TOKEN", one.environment["ILUMA_SANDBOX_CONTROL_TOKEN"], "")
    token = json.loads(one.get("/v1/callback/authentication_tokens"))["callback_authentication_token"]
    expect("ILUMA_CALLBACK_TOKEN", one.environment["ILUMA_CALLBACK_TOKEN"], token)
    expect("an answer", one.get("/health"), '{"status":"ok"}')
    expect("the output `version`", one.outputs["version"], VERSION)
    expect("the summary", one.summary, (
        f"### iluma-sandbox {VERSION}\n\nBinary: already there. URL: `{one.outputs['url']}`. Scenarios: {folder / 'scenarios'}.\n"
    ))
    expect("the output `url`", one.outputs["url"], one.environment["ILUMA_BASE_URL"])
    expect("the ready file is there", Path(one.outputs["ready-file"]).exists(), True)
    found = subprocess.run(["iluma-sandbox", "coverage"], env=one.environment, capture_output=True, text=True, check=False)
    expect(found.stderr, found.returncode, 0)

    code, said, _ = one.use(binary=str(BINARY))
    expect("a second start", (code, "a sandbox runs in this job already" in said), (1, True))

    one.summary = ""
    code, said, used = one.use(do="export")
    expect(said, (code, said), (0, ""))
    expect("what keeps the artefact", used, ["actions/upload-artifact"])
    kept = folder / "temp/iluma-sandbox/artefacts"
    expect("what is kept", sorted(it.name for it in kept.iterdir()), ["coverage.txt", "export.ndjson", "inspector.html", "log.txt"])
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


@check("an export has a summary")
def _(job, folder):
    one = job()
    expect("the start", one.use(binary=str(BINARY))[0], 0)
    one.get("/v1/callback/authentication_tokens")
    one.summary = ""
    expect("the export", one.use(do="export")[0], 0)
    exported = (folder / "temp/iluma-sandbox/artefacts/export.ndjson").read_text().count("\n")
    beginning = f"### iluma-sandbox: export\n\nThe artefact `iluma-sandbox` has {exported} exchanges and callbacks.\n\n```text\n"
    expect("the summary", one.summary[: len(beginning)], beginning)
    coverage = (folder / "temp/iluma-sandbox/artefacts/coverage.txt").read_text().splitlines()
    expect("the coverage in it", one.summary[len(beginning) :].splitlines(), [*coverage[:100], "```"])


@check("with `fail-on: warning` an export keeps the artefact and then fails for a live key, and only for a warning")
def _(job, folder):
    one = job()
    expect("the start", one.use(binary=str(BINARY))[0], 0)
    expect("the exit code without a warning", one.use(do="export", **{"fail-on": "warning"})[:2], (0, ""))
    one.environment["ILUMA_API_KEY"] = f"iluma_live_{'0' * 42}"
    one.get("/v1/callback/authentication_tokens")
    expect("the exit code of an export without it", one.use(do="export")[:2], (0, ""))
    code, said, used = one.use(do="export", **{"fail-on": "warning"})
    expect("the exit code", (code, used), (1, ["actions/upload-artifact"]))
    why = "`--fail-on warning`: the sandbox has warned of this: a key of the live environment was sent to a sandbox (world "
    expect_in("the reason", said, f"::error title=iluma-sandbox::{why}")
    expect("what is kept", (folder / "temp/iluma-sandbox/artefacts/inspector.html").stat().st_size > 0, True)
    code, said, _ = one.use(do="export", **{"fail-on": "error"})
    expect("a wrong input", (code, "`fail-on` is `warning` or empty, not `error`" in said), (1, True))


@check("a control token reaches the steps behind it and the export, and the log of the job hides it")
def _(job, folder):
    one = job()
    code, said, _ = one.use(binary=str(BINARY), arguments="--control-token secret-of-the-job")
    expect(said, code, 0)
    expect("ILUMA_SANDBOX_CONTROL_TOKEN", one.environment["ILUMA_SANDBOX_CONTROL_TOKEN"], "secret-of-the-job")
    expect("what the log says of it", [line for line in said.splitlines() if "secret-of-the-job" in line], ["::add-mask::secret-of-the-job"])
    expect("the summary has it", "secret-of-the-job" in one.summary, False)
    found = subprocess.run(["iluma-sandbox", "coverage"], env=one.environment, capture_output=True, text=True, check=False)
    expect(found.stderr, found.returncode, 0)
    del one.environment["ILUMA_SANDBOX_CONTROL_TOKEN"]  # the ready file has it too
    code, said, _ = one.use(do="export")
    expect("the export", (code, said), (0, ""))
    expect("an exchange is kept", (folder / "temp/iluma-sandbox/artefacts/coverage.txt").stat().st_size > 0, True)


@check("with HTTPS, the commands and the export trust the certificate of the sandbox")
def _(job, folder):
    one = job(environment={"HOME": str(folder / "home")})
    code, said, _ = one.use(binary=str(BINARY), arguments="--https-only")
    expect(said, (code, one.outputs["url"].split(":")[0]), (0, "https"))
    found = subprocess.run(["iluma-sandbox", "coverage"], env=one.environment, capture_output=True, text=True, check=False)
    expect(found.stderr, found.returncode, 0)
    code, said, _ = one.use(do="export")
    expect("the export", (code, said), (0, ""))


@check("the sandbox gets no secret of the job")
def _(job, folder):
    secrets = {"GH_TOKEN": "s1", "GITHUB_TOKEN": "s2", "ACTIONS_RUNTIME_TOKEN": "s3", "AWS_SECRET_ACCESS_KEY": "s4", "DB_PASSWORD": "s5"}
    one = job(environment={**secrets, "ILUMA_SANDBOX_SEED": "7"})
    code, said, _ = one.use(binary=str(BINARY))
    expect(said, code, 0)
    ready = json.loads(Path(one.outputs["ready-file"]).read_text())
    environment = dict(it.split("=", 1) for it in Path(f"/proc/{ready['pid']}/environ").read_text().split("\0") if it)
    expect("the secrets", secrets.keys() & environment.keys(), set())
    expect("a variable of its own", environment["ILUMA_SANDBOX_SEED"], "7")
    given = {name for step in ACTION["runs"]["steps"] for name in step.get("env", {}) if "TOKEN" in name}
    expect("tokens that action.yml hands over", given, set())


def tools_without_cargo(folder):
    """A PATH without cargo: what cannot be downloaded cannot be built either."""
    tools = folder / "tools"
    tools.mkdir()
    names = "bash sh env dirname basename uname mkdir curl tar gzip sed xargs printf nohup cat sleep find sort tr cksum cut sha256sum mktemp rm cp mv chmod head wc"
    for name in names.split():
        (tools / name).symlink_to(shutil.which(name))
    return tools


@check("pinned by a tag or a commit, it downloads the release of its own version, once, and verifies it each time")
def _(job, folder):
    release = make_release(folder / "owner/sandbox/releases/download", BINARY)
    tools = tools_without_cargo(folder)
    archive = "iluma-sandbox-x86_64-unknown-linux-gnu.tar.gz"
    with file_server(folder) as server:
        where = {"server_url": server.url, "action_repository": "owner/sandbox", "path": str(tools)}
        one = job(**where)
        code, said, used = one.use()
        expect(said, (code, used), (0, ["actions/cache"]))
        place = f"/owner/sandbox/releases/download/v{VERSION}"
        expect("what is downloaded", server.paths, [f"{place}/SHA256SUMS", f"{place}/{archive}"])
        expect("an answer", one.get("/health"), '{"status":"ok"}')
        expect_in("the summary", one.summary, "Binary: the release of owner/sandbox.")
        one.end()

        again = job(**where)
        expect("the next job", again.use()[0], 0)
        expect("what it downloads", server.paths[2:], [])
        again.end()

        for kept in (folder / "cache").glob(f"*/{archive}"):
            kept.write_bytes(b"something else")
        third = job(**where)
        expect("a job with a changed cache", third.use()[0], 0)
        expect("what it downloads", server.paths[2:], [f"{place}/SHA256SUMS", f"{place}/{archive}"])
        third.end()

        shutil.rmtree(folder / "cache")
        (release / archive).write_bytes(b"something else")
        code, said, _ = job(**where, ).use()
        expect("a wrong checksum", code, 1)
        expect_in("words", said, f"refused: the SHA-256 of {archive} is ")
        expect_in("words", said, "::error title=iluma-sandbox::the release could not be installed: the reason is above")
        expect("a program", (folder / "temp/iluma-sandbox/bin/iluma-sandbox").exists(), False)


@check("`version` chooses another release, and it wins over the binary on PATH")
def _(job, folder):
    release = make_release(folder / "owner/sandbox/releases/download", BINARY)
    release.rename(release.parent / "v9.8.7")
    tools = tools_without_cargo(folder)
    (folder / "bin").mkdir()
    shutil.copy2(BINARY, folder / "bin/iluma-sandbox")
    with file_server(folder) as server:
        where = {"server_url": server.url, "action_repository": "owner/sandbox", "path": f"{folder}/bin:{tools}"}
        for version in ("9.8.7", "v9.8.7"):
            one = job(**where)
            code, said, _ = one.use(version=version)
            expect(said, code, 0)
            one.end()
            shutil.rmtree(folder / "cache")
        expect("what is downloaded", {path.split("/")[-2] for path in server.paths}, {"v9.8.7"})
        code, said, _ = job(**where).use(version="1.0.0")
        words = "owner/sandbox has no release 1.0.0: see the input `version`"
        expect("a release that does not exist", (code, said.splitlines()[-1]), (1, f"::error title=iluma-sandbox::{words}"))
    code, said, _ = job(path=where["path"]).use(version="1.0.0")
    words = "the input `version` needs an action that is used by its repository and not by its path"
    expect("without a repository", (code, said.splitlines()[-1]), (1, f"::error title=iluma-sandbox::{words}"))


@check("a version that is not released yet is built, once, with a warning")
def _(job, folder):
    # A copy of the action whose build takes no time.
    action = folder / "action"
    for name in ("src", "crates", "scenarios", "docs", "packaging"):
        shutil.copytree(REPOSITORY / name, action / name)
    for name in ("Cargo.toml", "Cargo.lock"):
        shutil.copy(REPOSITORY / name, action / name)
    (action / "packaging/binary.sh").write_text(f'#!/bin/sh\nmkdir -p "$(dirname "$1")"\ncp {BINARY} "$1"\n')
    tools = tools_without_cargo(folder)
    (folder / "web").mkdir()
    with file_server(folder / "web") as server:
        where = {"server_url": server.url, "action_repository": "owner/sandbox", "path": str(tools), "action": action}
        code, said, _ = job(**where).use()
        nothing = f"no iluma-sandbox on PATH, no release {VERSION} to download, and no cargo to build one: give the input `binary` or `version`"
        expect("without cargo", (code, said.splitlines()[-1]), (1, f"::error title=iluma-sandbox::{nothing}"))
        (tools / "cargo").symlink_to("/bin/true")
        warning = f"::warning title=iluma-sandbox::there is no release {VERSION} to download, so the sandbox is built, which takes minutes"
        for warnings in (1, 0):
            one = job(**where)
            code, said, _ = one.use()
            expect(said, (code, said.count(warning)), (0, warnings))
            expect_in("the summary", one.summary, "Binary: built from the source of the action.")
            one.end()
        with open(action / "src/main.rs", "a") as file:
            file.write("// a change\n")
        one = job(**where)
        code, said, _ = one.use()
        expect("after a change of the source", (code, said.count(warning)), (0, 1))


print("action: ok")
