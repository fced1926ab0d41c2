"""Programs that call https://api.iluma.ai and reach a sandbox: `python3 tests/sidecar/fixed_address.py BINARY FOLDER`.

FOLDER has the examples of docs/fixed-address.md, as tests/sidecar/documents.py writes them. Each way of the page is tried in a
network of its own, with the clients as they are.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ruamel.yaml

from sandboxes import eventually, expect, needs_networks_of_its_own

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNPRIVILEGED = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
ANOTHER_USER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
URL = "https://api.iluma.ai/health"
CLIENTS = {
    "curl": ["curl", "--fail", "--silent", "--show-error", URL],
    "python": ["python3", "-c", f"import urllib.request; print(urllib.request.urlopen('{URL}').read().decode())"],
    "node": ["node", "-e", f"fetch('{URL}').then(answer => answer.text()).then(console.log)"],
}
CLIENTS = {name: command for name, command in CLIENTS.items() if shutil.which(command[0], path=TOOLS)}
TRUST = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")


def main():
    if sys.argv[1] == "--run":
        return globals()[sys.argv[2]](Path(sys.argv[3]), Path(sys.argv[4]))
    binary, examples = Path(sys.argv[1]).resolve(), sys.argv[2]
    needs_networks_of_its_own("fixed addresses were not checked")
    print("clients:", ", ".join(CLIENTS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for file in (binary, REPOSITORY / "examples/fixed-address.sh"):
            shutil.copy2(file, folder / file.name)
        (folder / "home").mkdir()
        os.chown(folder / "home", 65532, 65532)
        by_the_script(folder)
        for scene in (on_a_machine, with_compose, in_a_pod):
            print(scene.__name__.replace("_", " "))
            inside = ["unshare", "--net", "--mount", "--pid", "--fork", sys.executable, __file__, "--run", scene.__name__, name, examples]
            subprocess.run(inside, check=True)
            shutil.rmtree(folder / "ca", ignore_errors=True)
    print("fixed address: ok")


def by_the_script(folder):
    print("by the script, without privileges")
    environment = {"PATH": f"{folder}:{TOOLS}", "HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}

    def output(*command, user=tuple(UNPRIVILEGED), home="home"):
        whole = [*user, str(folder / "fixed-address.sh"), *command]
        done = subprocess.run(whole, env=environment | {"HOME": str(folder / home)}, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
        return done.returncode, done.stdout.strip()

    expect("as root", output(*CLIENTS["curl"], user=(), home="home of root"), (0, '{"status":"ok"}'))
    if subprocess.run([*UNPRIVILEGED, "unshare", "--user", "true"], check=False).returncode:
        print("  skipped without privileges: this machine forbids user namespaces", file=sys.stderr)
        return
    for name, command in CLIENTS.items():
        expect(name, output(*command), (0, '{"status":"ok"}'))
    untrusting = ["env", *[f"--unset={name}" for name in TRUST], *CLIENTS["curl"]]
    expect("without trust", output(*untrusting)[0], 60)
    expect("the exit code is that of the command", output("sh", "-c", "exit 7"), (7, ""))
    control = 'curl --fail --silent --cacert "$ILUMA_SANDBOX_CA_FILE" "$ILUMA_SANDBOX_URL/__sandbox/livez" >/dev/null'
    expect("the control API", output("sh", "-c", control), (0, ""))
    expect("the file of this machine is as it was", "api.iluma.ai" in Path("/etc/hosts").read_text(), False)


def on_a_machine(folder, _examples):
    prepare(folder, "127.0.0.1", "443")
    flags = ["--tls", "--port", "443", "--tls-host", "api.iluma.ai"]
    expect_clients(folder, flags, {"HOME": str(folder / "home")}, folder / "home/.local/share/iluma-sandbox/ca.pem", UNPRIVILEGED, client_user=UNPRIVILEGED)


def with_compose(folder, examples):
    service = ruamel.yaml.YAML(typ="safe").load(examples / "compose.fixed-address.yaml")["services"]["iluma"]
    (alias,) = service["networks"]["default"]["aliases"]
    expect("the alias", alias, "api.iluma.ai")
    (sysctl, port), = service["sysctls"].items()
    expect("the setting", sysctl, "net.ipv4.ip_unprivileged_port_start")
    prepare(folder, "127.0.0.1", port)
    # A new volume belongs to root, and so does this folder; root without capabilities writes into it.
    (folder / "ca").mkdir(mode=0o755)
    expect("the user and its rights", (service["user"], service["cap_drop"]), ("0:0", ["ALL"]))
    user = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    expect_container(folder, service["environment"], user)


def in_a_pod(folder, examples):
    pod = ruamel.yaml.YAML(typ="safe").load(examples / "pod.yaml")["spec"]
    (alias,), (sysctl,) = pod["hostAliases"], pod["securityContext"]["sysctls"]
    expect("the alias", alias["hostnames"], ["api.iluma.ai"])
    prepare(folder, alias["ip"], sysctl["value"])
    (folder / "ca").mkdir()
    (folder / "ca").chmod(0o777)  # as an emptyDir
    authority, container = pod["initContainers"]
    arguments = [text.replace("/ca", str(folder / "ca"), 1) if text.startswith("/ca") else text for text in authority["args"]]
    subprocess.run([*UNPRIVILEGED, folder / "iluma-sandbox", *arguments], env={"PATH": TOOLS}, check=True)
    expect("it is a sidecar", container["restartPolicy"], "Always")
    probe = container["startupProbe"]["httpGet"]
    asked = ["curl", "--fail", "--silent", "--insecure", "--output", "/dev/null", f"{probe['scheme'].lower()}://127.0.0.1:{probe['port']}{probe['path']}"]
    expect_container(folder, {entry["name"]: entry["value"] for entry in container["env"]}, UNPRIVILEGED, asked)


def expect_container(folder, environment, user, probe=None):
    """The sandbox of an image with these variables, whose folder /ca is mounted."""
    environment = {"ILUMA_SANDBOX_BIND": "0.0.0.0"} | environment
    environment["ILUMA_SANDBOX_CA_DIR"] = f"{folder}{environment['ILUMA_SANDBOX_CA_DIR']}"
    probe = probe or [str(folder / "iluma-sandbox"), "readyz"]
    expect_clients(folder, [], environment, folder / "ca/ca.pem", user, probe)


def prepare(folder, address, port):
    """The network of a machine or container in which any user may open this port, and api.iluma.ai has this address."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text(port)
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{address} api.iluma.ai\n")
    subprocess.run(["mount", "--bind", folder / "hosts", "/etc/hosts"], check=True)


def expect_clients(folder, flags, environment, authority, user, probe=None, client_user=tuple(ANOTHER_USER)):
    environment = {"PATH": TOOLS} | environment
    probe = probe or ["curl", "--fail", "--silent", "--insecure", URL]
    command = [*user, str(folder / "iluma-sandbox"), "serve", "--log-format", "off", *flags]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        def ready():
            return process.poll() or subprocess.run(probe, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode

        eventually("the probe", ready, 0)
        trusting = {"PATH": TOOLS} | {name: str(authority) for name in TRUST}
        for name, client in CLIENTS.items():
            done = subprocess.run([*client_user, *client], env=trusting, stdout=subprocess.PIPE, text=True, timeout=30, check=False)
            expect(name, (done.returncode, done.stdout.strip()), (0, '{"status":"ok"}'))
        without = subprocess.run(CLIENTS["curl"], env={"PATH": TOOLS}, stderr=subprocess.DEVNULL, check=False)
        expect("without trust", without.returncode, 60)
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main()
