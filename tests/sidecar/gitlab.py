"""Checks what docs/gitlab.md says, without GitLab: `python3 tests/sidecar/gitlab.py BINARY FOLDER`.

FOLDER has the examples of the page, as tests/sidecar/documents.py writes them.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import ruamel.yaml

from sandboxes import Sandbox, expect, skip

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY, EXAMPLES = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
SCENARIO = 'extends = "v1.1/bank_account_data_requests"\n[outcomes.COMPLETED_MINE]\nbody.result = {}\n'


def main():
    the_job_waits_for_a_sandbox_that_starts_later()
    the_command_of_the_job_finds_its_sandbox()
    if os.geteuid() != 0 or shutil.which("buildah") is None:
        skip("the images of the page were not built: it needs root and buildah")
    with tempfile.TemporaryDirectory() as folder:
        images_with_scenarios_and_with_the_binary(Path(folder))
    print("gitlab: ok")


def script(file, part):
    job = ruamel.yaml.YAML(typ="safe").load(EXAMPLES / file)["test"]
    return job[part]


def the_job_waits_for_a_sandbox_that_starts_later():
    print("the job waits for a sandbox that starts later")
    (line,) = [line for line in script(".gitlab-ci.yml", "before_script") if "readyz" in line]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"ILUMA_SANDBOX_URL": f"http://127.0.0.1:{port}"}
    # curl writes this line after its first try.
    waiting = subprocess.Popen(["sh", "-c", line.replace("--silent", "")], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for said in waiting.stderr:
        if "Will retry" in said:
            break
    with Sandbox(BINARY, port=port):
        said, _ = waiting.communicate(timeout=30)
        expect("readyz", (waiting.returncode, '"ready"' in said), (0, True))


def the_command_of_the_job_finds_its_sandbox():
    print("the command of the job finds its sandbox")
    (line,) = script("exec.gitlab-ci.yml", "script")
    line = line.replace("npm test", "sh -c 'curl --fail --silent --user $ILUMA_API_KEY: $ILUMA_BASE_URL/v1/callback/authentication_tokens >/dev/null && exit 7'")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tests/scenarios").mkdir(parents=True)
        environment = os.environ | {"PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, timeout=30, check=False)
        expect("the job fails as its command", done.returncode, 7)
        expect("the artefact", "/v1/callback/authentication_tokens" in Path(folder, "export.ndjson").read_text(), True)


def images_with_scenarios_and_with_the_binary(folder):
    print("the images of the page hold the scenarios and the binary")
    (folder / "storage.conf").write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run"\n')
    environment = os.environ | {"CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"), "BUILDAH_ISOLATION": "chroot"}

    def run(*command):
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        expect(" ".join(command), done.returncode, 0)
        return done.stdout.strip()

    run("packaging/image.sh", str(BINARY), "localhost/sandbox")
    context = folder / "context"
    (context / "tests/scenarios").mkdir(parents=True)
    (context / "tests/scenarios/mine.toml").write_text(SCENARIO)
    for name in ("scenarios", "jobs"):
        lines = (EXAMPLES / f"{name}.Dockerfile").read_text().splitlines()
        image = next(word.removeprefix("--from=") for line in lines for word in line.split() if "iluma-sandbox:" in word)
        base = next(line.split()[1] for line in lines if line.startswith("FROM "))
        text = "\n".join(lines).replace(image, "localhost/sandbox").replace(f"FROM {base}\n", "FROM scratch\n" if base != image else "FROM localhost/sandbox\n")
        (context / "Dockerfile").write_text(text + "\n")
        run("buildah", "build", "--quiet", "--format", "docker", "--tag", name, str(context))
        root = run("buildah", "mount", run("buildah", "from", "--pull-never", name))
        program = {"scenarios": "/iluma-sandbox", "jobs": "/usr/local/bin/iluma-sandbox"}[name]
        expect(f"the program of {name}", run("chroot", "--userspec=65532:65532", root, program, "--version").split()[0], "iluma-sandbox")
        if name == "scenarios":
            listed = run("chroot", "--userspec=65532:65532", root, program, "list", "--scenarios", "/scenarios", "v1.1/bank_account_data_requests")
            expect("its outcome", "COMPLETED_MINE" in listed, True)


main()
