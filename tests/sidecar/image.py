"""Builds the image from its Dockerfile without an engine, and starts its program as an engine would.

    python3 tests/sidecar/image.py BINARY     # where the image's binary is left, for other checks

buildah builds with this machine's own toolchain in the place of the builder image, so every line of the Dockerfile is
carried out. What comes of it runs in a chroot and a network of its own, as the image's user, with the image's
environment: what it lacks there it lacks in every container.
"""

import base64
import fcntl
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
KEY = "iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw"
DOCKER_DNS = "127.0.0.11"  # where Docker's containers find theirs


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--run":
        return start_it(Path(sys.argv[2]))
    binary = Path(sys.argv[1]).resolve()
    lacking = [tool for tool in ("buildah", "chroot", "unshare") if shutil.which(tool) is None]
    if os.geteuid() != 0 or lacking:
        why = f"{', '.join(lacking)} not found" if lacking else "it needs root, for a chroot and a network of its own"
        print(f"the image was not built and started: {why}", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") and not os.environ.get("WITHOUT_IMAGE") else 0)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{work}/images"\nrunroot = "{work}/run"\n'
        )
        os.environ |= {
            "CONTAINERS_STORAGE_CONF": str(work / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot",
        }
        whole = build_by_dockerfile(work)
        expect_contents(whole)
        expect_config(whole)
        binary.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(whole["root"] / "iluma-sandbox", binary)
        expect_the_same_from_a_binary(whole, binary, work)
        (work / "root").mkdir()
        shutil.copytree(whole["root"], work / "root", dirs_exist_ok=True)
        (work / "config.json").write_text(json.dumps(whole["config"]))
        run("unshare", "--net", sys.executable, __file__, "--run", str(work))
    print("image: ok")


# Building


def build_by_dockerfile(work):
    """The image of the Dockerfile, with a builder image that uses the folders of this machine."""
    machine = work / "machine"
    for name in ("usr", "tmp", "target", "etc", "proc", "dev", "sys"):
        (machine / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64", "sbin"):
        if Path("/", name).is_symlink():
            (machine / name).symlink_to(f"usr/{name}")
    home = Path.home()
    cargo = Path(os.environ.get("CARGO_HOME", home / ".cargo"))
    rustup = Path(os.environ.get("RUSTUP_HOME", home / ".rustup"))
    (machine / "Dockerfile").write_text(
        "FROM scratch\nCOPY . /\n"
        f"ENV HOME={home} CARGO_HOME={cargo} RUSTUP_HOME={rustup} CARGO_TARGET_DIR=/target CARGO_NET_OFFLINE=true"
        f" PATH={Path(shutil.which('cargo')).parent}:/usr/local/bin:/usr/bin:/bin\n"
    )
    run("buildah", "build", "--quiet", "--tag", "machine", str(machine))
    run("cargo", "fetch", "--locked", "--quiet", cwd=REPOSITORY)
    TARGET.mkdir(parents=True, exist_ok=True)
    seen = ["/usr:/usr:ro", "/etc/alternatives:/etc/alternatives:ro", f"{cargo}:{cargo}", f"{rustup}:{rustup}:ro"]
    volumes = [part for volume in [*seen, f"{TARGET}:/target"] for part in ("--volume", volume)]
    build = ["buildah", "build", "--format", "docker", "--tag", "whole", "--build-arg", "RUST_IMAGE=localhost/machine"]
    build += ["--build-arg", f"REVISION={revision()}"]
    run(*build, *volumes, ".", cwd=REPOSITORY)
    return opened("whole")


def revision():
    return run("git", "-C", str(REPOSITORY), "rev-parse", "HEAD").strip()


def expect_the_same_from_a_binary(whole, binary, work):
    run("packaging/image.sh", str(binary), "alone", cwd=REPOSITORY)
    alone = opened("alone")
    expect("the config of packaging/image.sh", alone["config"], whole["config"])
    expect_contents(alone)
    for arch in ("amd64", "arm64"):
        run("packaging/image.sh", str(binary), "both", arch, cwd=REPOSITORY)
    both = json.loads(run("buildah", "manifest", "inspect", "both"))
    platforms = [(it["platform"]["os"], it["platform"]["architecture"]) for it in both["manifests"]]
    expect("the platforms of the list", sorted(platforms), [("linux", "amd64"), ("linux", "arm64")])
    pushed = work / "pushed"
    run("buildah", "manifest", "push", "--all", "--format", "v2s2", "both", f"dir:{pushed}")
    for image in json.loads((pushed / "manifest.json").read_text())["manifests"]:
        manifest = json.loads((pushed / f"{image['digest'].removeprefix('sha256:')}.manifest.json").read_text())
        config = json.loads((pushed / manifest["config"]["digest"].removeprefix("sha256:")).read_text())
        expect("the architecture", config["architecture"], image["platform"]["architecture"])
        expect_labels(config["config"]["Labels"], "https://github.com/OWNER/iluma-sandbox")
    run("packaging/image.sh", str(binary), "elsewhere", cwd=REPOSITORY, env={**os.environ, "SOURCE": "https://example.com/mine"})
    expect_labels(opened("elsewhere")["config"]["Labels"], "https://example.com/mine")


def expect_labels(labels, source):
    name = "org.opencontainers.image."
    received = {key: labels[name + key] for key in ("version", "source", "revision")}
    version = re.search(r'^version = "(.*)"', (REPOSITORY / "Cargo.toml").read_text(), re.M)[1]
    expect("the labels", received, {"version": version, "source": source, "revision": revision()})


def opened(image):
    container = run("buildah", "from", "--pull-never", image).strip()
    config = json.loads(run("buildah", "inspect", "--type", "image", image))["Docker"]["config"]
    del config["Hostname"]  # that of the container it was built in
    return {"root": Path(run("buildah", "mount", container).strip()), "config": config}


def expect_contents(image):
    files = sorted(str(path.relative_to(image["root"])) for path in image["root"].rglob("*"))
    expect("what is in the image", files, ["iluma-sandbox", "scenarios"])
    expect("who may run it", oct((image["root"] / "iluma-sandbox").stat().st_mode & 0o777), "0o755")


def expect_config(image):
    config = image["config"]
    for name, value in {
        "User": "65532:65532",
        "Entrypoint": ["/iluma-sandbox"],
        "ExposedPorts": {"4586/tcp": {}},
    }.items():
        expect(name, config[name], value)
    expect("Healthcheck", config["Healthcheck"]["Test"], ["CMD", "/iluma-sandbox", "readyz"])
    expect("ILUMA_SANDBOX_BIND", "ILUMA_SANDBOX_BIND=0.0.0.0" in config["Env"], True)


# Starting


def start_it(work):
    bring_loopback_up()
    root, config = work / "root", json.loads((work / "config.json").read_text())
    work.chmod(0o755)
    # Its user can write everywhere, so the test shows that the program itself writes nothing.
    uid, gid = map(int, config["User"].split(":"))
    for path in [root, *root.rglob("*")]:
        os.chown(path, uid, gid)

    print("it serves where there is no /etc, /proc, /dev, /tmp or home, and writes nothing")
    before = listing(root)
    expect("health before it runs", healthcheck(root, config), 1)
    with sandbox(root, config) as process:
        expect("health while it runs", healthcheck(root, config), 0)
        status, answer = post("/v1.1/identity/bank_account_data_requests", {}, magic="COMPLETED_FOUND")
        expect(f"an answer, {answer}", (status, answer.get("status")), (200, "COMPLETED"))
        expect("its user", user_of(process.pid), (uid, gid))
        with receiver() as received:
            expect("a callback to an address", registered(f"http://127.0.0.1:{received.port}/"), "SUCCESSFUL")
            expect("a callback to localhost, which no resolver is asked for", registered(f"http://localhost:{received.port}/"), "SUCCESSFUL")
            refused = registered(f"http://nowhere.test:{received.port}/")
            expect("a name where nothing resolves names", refused.endswith("`nowhere.test` is not known. The former URL stays."), True)
    expect("health after it ran", healthcheck(root, config), 1)
    expect("what was written", listing(root), before)

    print("it takes a changed scenario file from the mounted folder")
    with sandbox(root, config):
        (root / "scenarios/mine.toml").write_text(
            'extends = "v1.1/bank_account_data_requests"\n[outcomes.COMPLETED_MINE]\nbody.result = {}\n'
        )
        eventually("the new outcome", lambda: post("/v1.1/identity/bank_account_data_requests", {}, magic="COMPLETED_MINE")[0], 200)

    print("callbacks find hosts by the /etc/hosts and the name server that an engine gives a container")
    (root / "etc").mkdir()
    (root / "etc/hosts").write_text("127.0.0.1\tlocalhost\n127.0.0.1\thost.docker.internal\n")
    (root / "etc/resolv.conf").write_text(f"nameserver {DOCKER_DNS}\noptions ndots:0\n")
    with sandbox(root, config), receiver() as received, name_server({"app": "127.0.0.1"}):
        for host in ("host.docker.internal", "localhost", "app"):
            expect(f"a callback to {host}", registered(f"http://{host}:{received.port}/"), "SUCCESSFUL")
            expect("the host that was called", received.hosts.pop(), f"{host}:{received.port}")
        expect("a name that nobody knows", registered("http://elsewhere/").endswith("`elsewhere` is not known. The former URL stays."), True)


def bring_loopback_up():
    up_and_running = 0x1 | 0x40
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", up_and_running))


def in_the_image(root, config, arguments):
    user = ["chroot", f"--userspec={config['User']}", "--groups=", str(root)]
    return {"args": user + arguments, "env": dict(text.split("=", 1) for text in config["Env"])}


@contextmanager
def sandbox(root, config):
    process = subprocess.Popen(**in_the_image(root, config, config["Entrypoint"]), stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            if " is ready at " in line:
                break
        else:
            sys.exit("it ended before it was ready: its words are above")
        yield process
        process.terminate()
        expect("how it ends when it is told to", process.wait(10), 0)
    finally:
        process.kill()
        process.wait()


def healthcheck(root, config):
    command = config["Healthcheck"]["Test"]
    expect("how the health check is run", command[0], "CMD")
    return subprocess.run(**in_the_image(root, config, command[1:]), capture_output=True, timeout=10).returncode


def post(path, body, magic=None):
    connection = http.client.HTTPConnection("127.0.0.1", 4586, timeout=15)
    headers = {
        "authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode(),
        "content-type": "application/json",
    }
    if magic:
        headers["x-magic-reply"] = magic
    connection.request("POST", path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)


def registered(url):
    """`SUCCESSFUL`, or why a URL could not be registered. The sandbox sends a test to it first."""
    _, answer = post("/v1/callback/urls", {"type": "NAME_VALIDATOR_REQUEST", "url": url})
    return answer.get("status") or answer["message"]


def user_of(pid):
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    expect("its further groups", lines["Groups"].split(), [])
    return int(lines["Uid"].split()[0]), int(lines["Gid"].split()[0])


def listing(root):
    paths = sorted([root, *root.rglob("*")])
    return [(str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths]


@contextmanager
def receiver():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.hosts.append(self.headers["host"])
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.hosts, server.port = [], server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def name_server(addresses):
    """A name server that answers for the given names, as Docker's does for services. No other names exist."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((DOCKER_DNS, 53))

    def serve():
        while True:
            try:
                query, client = server.recvfrom(512)
            except OSError:
                return
            at, labels = 12, []
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
            address, answer = addresses.get(".".join(labels)), b""
            if address and kind == 1:
                answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
            head = struct.pack(">HHHHH", 0x8180 if address else 0x8183, 1, 1 if answer else 0, 0, 0)
            server.sendto(query[:2] + head + query[12 : at + 5] + answer, client)

    threading.Thread(target=serve, daemon=True).start()
    yield
    server.close()


# Common


def run(*command, **options):
    """The output of a command. If it fails, this shows the output and ends the check."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode:
        sys.exit(f"{done.stdout}\n`{' '.join(command)}` exited with {done.returncode}")
    return done.stdout


def expect(what, received, expected):
    if received != expected:
        sys.exit(f"{what}:\n  expected {expected!r}\n  received {received!r}")


def eventually(what, ask, expected):
    deadline = time.monotonic() + 10
    while (received := ask()) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    expect(what, received, expected)


if __name__ == "__main__":
    main()
