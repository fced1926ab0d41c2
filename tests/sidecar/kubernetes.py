"""Checks packaging/kubernetes/iluma-sandbox.yaml without a cluster: `python3 tests/sidecar/kubernetes.py BINARY [FILE…]`.

Every manifest, and every further FILE, must fit the schemas of Kubernetes. The container is then started as a kubelet would
start it: with its arguments, variables, user, read-only root and mounted ConfigMap, in a network of its own.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import ruamel.yaml

from sandboxes import ask, eventually, expect, needs_networks_of_its_own

REPOSITORY = Path(__file__).resolve().parents[2]
MANIFEST = REPOSITORY / "packaging/kubernetes/iluma-sandbox.yaml"
KEY = "iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw"


def main():
    if sys.argv[1] == "--run":
        return start_it(Path(sys.argv[2]))
    for file in (MANIFEST, *map(Path, sys.argv[2:])):
        for document in documents_of(file):
            kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    print("the manifests fit the schemas of Kubernetes", kubernetes_validate.latest_version())
    needs_networks_of_its_own("the container was not started")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        (root / "scenarios").mkdir(parents=True)
        shutil.copy2(sys.argv[1], root / "iluma-sandbox")
        Path(folder).chmod(0o755)
        inside = ["unshare", "--mount", "--net", sys.executable, __file__, "--run", folder]
        subprocess.run(inside, check=True)
    print("kubernetes: ok")


def documents_of(file):
    return list(ruamel.yaml.YAML(typ="safe").load_all(file.read_text()))


class ConfigMap:
    """A folder as a kubelet mounts a ConfigMap: files are links by `..data`, which is replaced in one step."""

    def __init__(self, folder, data):
        self.folder, self.number = folder, 0
        folder.mkdir()
        self.put(data)

    def put(self, data):
        self.number += 1
        version = self.folder / f"..2026_01_01_{self.number}"
        version.mkdir()
        for name, text in data.items():
            (version / name).write_text(text)
        former = os.readlink(self.folder / "..data") if self.number > 1 else None
        (self.folder / "..data_tmp").symlink_to(version.name)
        os.rename(self.folder / "..data_tmp", self.folder / "..data")
        for link in self.folder.iterdir():
            if not link.name.startswith("..") and link.name not in data:
                link.unlink()
        for name in data:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        if former:
            shutil.rmtree(self.folder / former)


def start_it(work):
    config_map, secret, deployment, service = documents_of(MANIFEST)
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    port = port_of(container, service["spec"]["ports"][0]["targetPort"])
    expect("the labels that the service selects", service["spec"]["selector"], deployment["spec"]["template"]["metadata"]["labels"])
    expect("the ConfigMap", pod["volumes"][0]["configMap"]["name"], config_map["metadata"]["name"])
    expect("variables of services", pod["enableServiceLinks"], False)
    memory = {name: bytes_of(value) for name, value in (("limit", container["resources"]["limits"]["memory"]), ("flag", env_of(container, secret)["ILUMA_SANDBOX_MEMORY"]))}
    expect("--memory is three quarters of the limit", memory["flag"], memory["limit"] * 3 // 4)

    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    root, mounted = work / "root", ConfigMap(work / "configmap", config_map["data"])
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "--bind", work / "configmap", f"{root}{container['volumeMounts'][0]['mountPath']}"], check=True)
    for place in (root, root / "scenarios"):
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)

    user = pod["securityContext"]
    expect("its root is read-only", container["securityContext"]["readOnlyRootFilesystem"], True)
    # The image's entry point and variables, then those of the manifest, and those that every pod has.
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    image = dict(re.findall(r"(ILUMA_SANDBOX_\w+)=(\S+)", dockerfile))
    cluster = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443", "HOSTNAME": "iluma-sandbox-0"}
    command = [shutil.which("setpriv"), "--no-new-privs", shutil.which("chroot"), f"--userspec={user['runAsUser']}:{user['runAsGroup']}", "--groups=", root]
    process = subprocess.Popen(
        [*command, "/iluma-sandbox", *container["args"]],
        env=image | cluster | env_of(container, secret),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        check_container(container, secret, port, mounted, process)
    finally:
        process.kill()
        process.wait()


def check_container(container, secret, port, mounted, process):
    def status(path, **headers):
        try:
            return ask(port, "GET", path, key=KEY, **headers).status
        except ConnectionError:
            return process.poll()

    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container[name]["httpGet"]
        expect(f"the port of {name}", port_of(container, probe["port"]), port)
        eventually(name, lambda: status(probe["path"]), 200)
    status_line = Path(f"/proc/{process.pid}/status").read_text()
    expect("its user", re.search(r"Uid:\s+(\d+)", status_line)[1], "65532")
    expect("its capabilities", re.search(r"CapEff:\s+(\w+)", status_line)[1], "0" * 16)

    print("the token of the Secret opens the control API")
    token = env_of(container, secret)["ILUMA_SANDBOX_CONTROL_TOKEN"]
    expect("without it", status("/__sandbox/world"), 401)
    expect("with it", status("/__sandbox/world", x_sandbox_control_token=token), 200)

    print("scenarios of the ConfigMap are loaded, and again when it changes")

    def found(name):
        body = {"given_names": name, "user_id": "1", "nationality": "ID", "score_threshold": 90, "scopes": ["PEP"]}
        return [one["names"] for one in ask(port, "POST", "/v0/identity/individual_cft_peps", body, KEY).json()["results"]]

    def ready():
        return ask(port, "GET", "/__sandbox/readyz").json()

    expect("the person of the manifest", found("Ratna Example"), [["Ratna Example"]])
    (name, text), = documents_of(MANIFEST)[0]["data"].items()
    for round_number, person in enumerate(("Sinta Example", "Wayan Example", "Putri Example")):
        mounted.put({name: text.replace("Ratna Example", person)})
        eventually(f"change {round_number} of the ConfigMap", lambda: found(person), [[person]])
    account = {"bank_account_number": "1234567890", "bank_code": "BCA"}
    mine = 'extends = "v1.1/bank_account_data_requests"\n[outcomes.COMPLETED_MINE]\nbody.result = {}\n'

    def chosen():
        return ask(port, "POST", "/v1.1/identity/bank_account_data_requests", account, KEY, x_magic_reply="COMPLETED_MINE").status

    expect("before there is such an outcome", chosen(), 400)
    mounted.put({name: text, "mine.toml": mine})
    eventually("a new file", chosen, 200)
    mounted.put({name: text, "mine.toml": "broken"})
    eventually("the error of a broken file", lambda: "mine.toml" in str(ready()), True)
    expect("the last correct scenarios stay", chosen(), 200)
    mounted.put({name: text})
    eventually("a file that is gone", chosen, 400)

    print("it ends in time")
    process.send_signal(signal.SIGTERM)
    expect("its exit code", process.wait(10), 0)


def port_of(container, name):
    return next(port["containerPort"] for port in container["ports"] if port["name"] == name)


def env_of(container, secret):
    def value(entry):
        if "value" in entry:
            return entry["value"]
        reference = entry["valueFrom"]["secretKeyRef"]
        expect("the Secret", reference["name"], secret["metadata"]["name"])
        return secret["stringData"][reference["key"]]

    return {entry["name"]: value(entry) for entry in container["env"]}


def bytes_of(text):
    number, unit = re.fullmatch(r"(\d+)(Mi)B?", text).groups()
    return int(number) * {"Mi": 1 << 20}[unit]


if __name__ == "__main__":
    main()
