"""Several sandboxes behind a real HAProxy, with the configuration of packaging/haproxy:

    python3 tests/sidecar/replicas.py BINARY             # checks what docs/replicas.md says
    python3 tests/sidecar/replicas.py BINARY --measure   # prints its throughput; needs `wrk`
"""

import atexit
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from sandboxes import Sandbox, ask, eventually, expect, made_up_key, skip

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGURATION = REPOSITORY / "packaging/haproxy/haproxy.cfg"
SEED = "18446744073709551615"  # the largest one, because a balancer must read every seed
VALIDATOR = "/v1.1/identity/bank_account_data_requests"
ACCOUNT = {"bank_account_number": "1234567890", "bank_code": "BCA"}
KEYS = [made_up_key(f"replicas {number}") for number in range(40)]
OWN_HEADER = "x-sandbox-replica"


class Balancer:
    """HAProxy in front of sandboxes. Its port belongs to this process, so it stays open when HAProxy is replaced."""

    def __init__(self, sandboxes):
        self.folder = tempfile.TemporaryDirectory()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.process = None
        self.serve(sandboxes)

    def serve(self, sandboxes):
        """Serves these. The connections of an earlier HAProxy go on until they end."""
        folder = Path(self.folder.name)
        # Only the addresses of the sandboxes are others than in the file.
        text = CONFIGURATION.read_text()
        lines = [f"    server {name} 127.0.0.1:{one.port}\n" for name, one in sandboxes.items()]
        text, count = re.subn(r"(?m)(^    server .*\n)+", "".join(lines), text)
        expect("blocks of server lines", count, 1)
        shutil.copy2(CONFIGURATION.parent / "named_world.lua", folder)
        (folder / "haproxy.cfg").write_text(text)
        descriptor = self.listener.fileno()
        environment = os.environ | {
            "ILUMA_SANDBOX_SEED": SEED,
            "HAPROXY_ADDRESS": f"fd@{descriptor}",
            "HAPROXY_ADMIN": str(folder / "admin.sock"),
        }
        command = ["haproxy", "-db", "-q", "-f", str(folder / "haproxy.cfg")]
        before = self.process
        if before:
            command += ["-sf", str(before.pid)]
        self.process = subprocess.Popen(command, env=environment, pass_fds=[descriptor])
        atexit.register(self.process.kill)
        is_there = lambda: self.process.poll() is not None or f"Pid: {self.process.pid}" in self.admin("show info")
        eventually("HAProxy is there or has ended", is_there, True)
        expect("it has not ended", self.process.poll(), None)
        if before:
            expect("how the former HAProxy ends", before.wait(20), 0)

    def admin(self, command):
        """What HAProxy says to a command at its admin socket. Nothing if it is not there."""
        with socket.socket(socket.AF_UNIX) as admin:
            try:
                admin.connect(str(Path(self.folder.name, "admin.sock")))
                admin.sendall(command.encode() + b"\n")
                return b"".join(iter(lambda: admin.recv(65536), b"")).decode()
            except OSError:
                return ""

    def state(self, name):
        """`UP`, `DOWN`, `DRAIN` …"""
        rows = [row.split(",") for row in self.admin("show stat").splitlines()]
        return next(row[17].split(" ")[0] for row in rows if row[:2] == ["sandboxes", name])

    def replica_of(self, key):
        return ask(self.port, "GET", "/v1/callback/urls", key=key).headers[OWN_HEADER]

    def replicas_of(self, keys):
        return {key: self.replica_of(key) for key in keys}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.listener.close()
        self.folder.cleanup()


class Staging:
    """Four sandboxes behind HAProxy."""

    def __init__(self, binary, count=4, arguments=()):
        self.stack = ExitStack()
        self.binary, self.arguments = binary, ["--seed", SEED, *arguments]
        self.sandboxes = {f"r{number + 1}": self.sandbox() for number in range(count)}
        self.balancer = self.stack.enter_context(Balancer(self.sandboxes))
        self.port = self.balancer.port

    def sandbox(self, *arguments):
        return self.stack.enter_context(Sandbox(self.binary, *self.arguments, *arguments))

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        return self.stack.__exit__(*reason)


def conversation(port, key):
    """What one client sees: products, reading back, errors, the queue, a callback, the clock."""
    inbox = f"http://127.0.0.1:{port}/__sandbox/inbox/of-{key[-8:]}"
    first = ask(port, "POST", VALIDATOR, ACCOUNT, key)
    record = first.json()["id"]
    return [
        first,
        ask(port, "POST", VALIDATOR, ACCOUNT, key),
        ask(port, "GET", f"{VALIDATOR}/{record}", key=key),
        ask(port, "POST", VALIDATOR, {"bank_code": 5}, key),
        ask(port, "POST", "/v0/identity/individual_cft_peps", {"given_names": "Eko Hadi Salim", "user_id": "a", "nationality": "ID", "score_threshold": 90, "scopes": ["PEP"]}, key),
        ask(port, "POST", VALIDATOR, ACCOUNT, key, x_magic_reply="FAILED_TEMPORARY_NETWORK_ERROR"),
        ask(port, "GET", "/v1/callback/authentication_tokens", key=key),
        ask(port, "POST", "/v1/callback/urls", {"type": "NAME_VALIDATOR_REQUEST", "url": inbox}, key),
        ask(port, "POST", "/__sandbox/next", {"endpoint": "v1.1/bank_account_data_requests", "outcome": "SERVICE_UNAVAILABLE_ERROR"}, key),
        ask(port, "POST", VALIDATOR, ACCOUNT, key),
        ask(port, "POST", "/__sandbox/clock/advance", {"by": "1d"}, key),
        ask(port, "GET", "/__sandbox/clock", key=key),
    ]


def seen(answer, port):
    """An answer without what differs between any two runs: the date, and the port in links."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", OWN_HEADER)}
    body = answer.bytes.replace(f":{port}/".encode(), b":PORT/")
    body = re.sub(rb'"(sent_at|duration_ms)":("[^"]*"|[0-9.]+)', rb'"\1":0', body)
    if len(body) != len(answer.bytes):
        headers.pop("content-length")
    return answer.status, headers, body


def the_same_bytes_as_one_sandbox(staging):
    with staging.sandbox() as alone:
        used = set()
        for key in KEYS:
            behind = conversation(staging.port, key)
            direct = conversation(alone.port, key)
            used.update(answer.headers[OWN_HEADER] for answer in behind)
            for number, (one, other) in enumerate(zip(behind, direct)):
                expect(f"answer {number} of {key}", seen(one, staging.port), seen(other, alone.port))
            expect("one replica answers a key", len({answer.headers[OWN_HEADER] for answer in behind}), 1)
    expect("all replicas have answered", used, set(staging.sandboxes))


def calls_that_name_a_world_by_its_tag_reach_it(staging):
    for key in KEYS[:12]:
        answer = ask(staging.port, "POST", VALIDATOR, ACCOUNT, key)
        trace, replica = answer.headers["x-sandbox-trace"], answer.headers[OWN_HEADER]
        tag = trace.split("-")[0]
        for path in (f"clock?world={tag}", f"requests?world={tag}", f"explain/{trace}", f"clock?key={key}", f"inbox/{tag}-mine"):
            found = ask(staging.port, "GET", f"/__sandbox/{path}")
            expect(path, (found.status, found.headers[OWN_HEADER]), (200, replica))
        by_header = ask(staging.port, "GET", f"{VALIDATOR}/{answer.json()['id']}", x_sandbox_world=tag)
        expect("x-sandbox-world", (by_header.status, by_header.bytes), (200, answer.bytes))


def a_named_world_is_created_where_its_key_leads(staging):
    names = ["tests::pays_out", "a \"quoted\" \\ name/", "åäö 漢字 😀", "x" * 200, "tests/test_a.py::test[1-2]"] + [f"world of {n}" for n in range(20)]
    with staging.sandbox() as alone:
        for name in names:
            made = ask(staging.port, "POST", "/__sandbox/worlds", {"reset": True, "name": name})
            expect(name, made.bytes, ask(alone.port, "POST", "/__sandbox/worlds", {"name": name}).bytes)
            key = made.json()["api_key"]
            expect("its replica", staging.balancer.replica_of(key), made.headers[OWN_HEADER])
            first = ask(staging.port, "POST", VALIDATOR, ACCOUNT, key)
            expect("without `reset`", ask(staging.port, "POST", "/__sandbox/worlds", {"name": name}).status, 409)
            expect("with it", ask(staging.port, "POST", "/__sandbox/worlds", {"name": name, "reset": True}).status, 200)
            expect("it is as new", ask(staging.port, "POST", VALIDATOR, ACCOUNT, key).bytes, first.bytes)
    made = [ask(staging.port, "POST", "/__sandbox/worlds", key=key) for key in KEYS[:9]]
    expect("worlds without a name have numbers", [one.json()["name"] for one in made], [f"world {n + 1}" for n in range(9)])


def callbacks_reach_an_inbox_by_its_name(staging):
    url = f"http://127.0.0.1:{staging.port}/__sandbox/inbox/shared"
    for key in KEYS[:8]:
        ask(staging.port, "POST", "/v1/callback/urls", {"type": "NAME_VALIDATOR_REQUEST", "url": url}, key)
        ask(staging.port, "POST", "/__sandbox/trigger", {"type": "NAME_VALIDATOR_REQUEST", "outcome": "COMPLETED_FOUND"}, key)
    came = ask(staging.port, "GET", "/__sandbox/inbox/shared?wait=10s&count=16")  # a test and a callback of each key
    expect("what came", (came.status, len(came.json()["received"])), (200, 16))


def events_arrive_while_the_stream_is_open(staging):
    key = KEYS[1]
    tag = ask(staging.port, "GET", "/__sandbox/world", key=key).json()["world"]
    with Events(staging.port, tag) as events:
        events.until("event: hello")
        trace = ask(staging.port, "POST", VALIDATOR, ACCOUNT, key).headers["x-sandbox-trace"]
        events.until(f'"{trace}"')


class Events:
    """An open stream of events."""

    def __init__(self, port, tag):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        request = f"GET /__sandbox/events?world={tag} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n"
        self.connection.sendall(request.encode())
        self.text = ""

    def until(self, text):
        while text not in self.text:
            more = self.connection.recv(65536)
            expect(f"the stream goes on until {text}", more == b"", False)
            self.text += more.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def faults_on_the_wire_become_502_and_others_come_through(staging):
    def status(fault):
        try:
            return ask(staging.port, "POST", VALIDATOR, ACCOUNT, KEYS[0], x_magic_reply=f"COMPLETED_FOUND; fault={fault}").status
        except http.client.IncompleteRead:
            return "cut off"

    expected = {"reset": 502, "empty": 502, "garbage": 502, "truncate": "cut off", "malformed": 200, "status(418)": 418}
    expect("faults", {fault: status(fault) for fault in expected}, expected)


def requests_without_a_key_share_a_replica(staging):
    refused = [ask(staging.port, "POST", VALIDATOR, ACCOUNT) for _ in range(6)]
    refused += [ask(staging.port, "POST", VALIDATOR, ACCOUNT, f"no key {n}") for n in range(6)]
    expect("refused", {answer.status for answer in refused}, {401})
    expect("by one replica", len({answer.headers[OWN_HEADER] for answer in refused}), 1)
    found = ask(staging.port, "GET", f"/__sandbox/explain/{refused[0].headers['x-sandbox-trace']}")
    expect("its explanation", found.status, 200)
    keys = [ask(staging.port, "GET", "/businesses/acme/api_keys?token=once") for _ in range(2)]
    expect("a one-time token", [answer.status == 200 for answer in keys], [True, False])


def calls_about_all_worlds_ask_one_replica_or_each(staging):
    def tags(**headers):
        answer = ask(staging.port, "GET", "/__sandbox/worlds", **headers)
        return answer.headers[OWN_HEADER], {world["world"] for world in answer.json()["worlds"]}

    made = {ask(staging.port, "GET", "/__sandbox/world", key=key).json()["world"] for key in KEYS}
    _, of_one = tags()
    expect("one replica has not all worlds", made <= of_one, False)
    of_all = set()
    for name in staging.sandboxes:
        replica, found = tags(x_sandbox_replica=name)
        expect("the replica that was asked", replica, name)
        expect("no world is at two replicas", of_all & found & made, set())
        of_all |= found
    expect("all worlds", made <= of_all, True)
    expect("a replica that does not exist", tags(x_sandbox_replica="r9"), tags())


def only_named_worlds_are_accepted_everywhere_beside_configured_keys(binary):
    with Staging(binary, arguments=["--api-key", KEYS[0]]) as staging:
        for number in range(8):
            made = ask(staging.port, "POST", "/__sandbox/worlds", {"name": f"of {number}"}).json()
            expect("a named world", ask(staging.port, "POST", VALIDATOR, ACCOUNT, made["api_key"]).status, 200)
        made = [ask(staging.port, "POST", "/__sandbox/worlds").json() for _ in range(20)]
        statuses = {ask(staging.port, "POST", VALIDATOR, ACCOUNT, one["api_key"]).status for one in made}
        expect("worlds without a name", statuses, {200, 401})


def a_killed_replica_takes_only_its_own_worlds_along(staging):
    before = staging.balancer.replicas_of(KEYS)
    records = {key: ask(staging.port, "POST", VALIDATOR, ACCOUNT, key).json()["id"] for key in KEYS}
    lost = [key for key in KEYS if before[key] == "r2"]
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(ask, staging.port, "POST", VALIDATOR, ACCOUNT, lost[0], x_magic_reply="COMPLETED_FOUND; delay=1m")
        arrived = ask(staging.port, "GET", "/__sandbox/requests?outcome=COMPLETED_FOUND&header.x-magic-reply=COMPLETED_FOUND;%20delay=1m&wait=10s", key=lost[0])
        expect("a request is under way", arrived.status, 200)
        staging.sandboxes["r2"].kill()
        expect("its answer", slow.result().status, 502)
    for key in KEYS:
        answer = ask(staging.port, "GET", f"{VALIDATOR}/{records[key]}", key=key)
        expect(f"a record of {before[key]}", answer.status, 404 if key in lost else 200)
    for key in lost:
        with staging.sandbox() as fresh:
            expected = ask(fresh.port, "POST", VALIDATOR, ACCOUNT, key)
        # The GET above is the first request of the fresh world, and this is its first POST.
        expect("a lost world starts anew", ask(staging.port, "POST", VALIDATOR, ACCOUNT, key).bytes, expected.bytes)
    expect("its state", staging.balancer.state("r2"), "DOWN")
    after = staging.balancer.replicas_of(KEYS)
    expect("worlds that moved", [key for key in KEYS if after[key] != before[key]], lost)
    print(f"  {len(lost)} of {len(KEYS)} worlds were lost, and went to {sorted({after[key] for key in lost})}")


def a_replica_that_is_not_ready_gets_no_requests(staging):
    folder = Path(staging.balancer.folder.name, "scenarios")
    folder.mkdir()
    staging.sandboxes["r2"] = staging.sandbox("--scenarios", str(folder), "--strict-reload")
    staging.balancer.serve(staging.sandboxes)
    eventually("ready", lambda: staging.balancer.state("r2"), "UP")
    (folder / "broken.toml").write_text("broken")
    eventually("not ready", lambda: staging.balancer.state("r2"), "DOWN")
    expect("it gets none", "r2" in staging.balancer.replicas_of(KEYS).values(), False)
    (folder / "broken.toml").unlink()
    eventually("ready again", lambda: staging.balancer.state("r2"), "UP")
    expect("it gets its worlds again", "r2" in staging.balancer.replicas_of(KEYS).values(), True)


def a_drained_replica_finishes_what_it_began(staging):
    before = staging.balancer.replicas_of(KEYS)
    key = next(key for key in KEYS if before[key] == "r3")
    tag = ask(staging.port, "GET", "/__sandbox/world", key=key).json()["world"]
    with Events(staging.port, tag) as events:
        events.until("event: hello")
        staging.balancer.admin("set server sandboxes/r3 state drain")
        after = staging.balancer.replicas_of(KEYS)
        moved = [one for one in KEYS if after[one] != before[one]]
        expect("only its worlds move", moved, [one for one in KEYS if before[one] == "r3"])
        trace = ask(staging.port, "POST", VALIDATOR, ACCOUNT, key, x_sandbox_replica="r3").headers["x-sandbox-trace"]
        events.until(f'"{trace}"')
    staging.balancer.admin("set server sandboxes/r3 state ready")
    expect("it is back", staging.balancer.replicas_of(KEYS), before)


def an_added_replica_takes_a_fifth_of_the_worlds(staging):
    keys = [made_up_key(f"added {number}") for number in range(1000)]
    before = staging.balancer.replicas_of(keys)
    staging.sandboxes["r5"] = staging.sandbox()
    staging.balancer.serve(staging.sandboxes)
    after = staging.balancer.replicas_of(keys)
    moved = [key for key in keys if after[key] != before[key]]
    shares = {name: sum(1 for one in before.values() if one == name) for name in sorted(set(before.values()))}
    print(f"  1000 worlds were at {shares}; {len(moved)} moved, all to the added one")
    expect("where they went", {after[key] for key in moved}, {"r5"})
    expect("how many", 150 <= len(moved) <= 250, True)


SCENES = [
    the_same_bytes_as_one_sandbox,
    calls_that_name_a_world_by_its_tag_reach_it,
    a_named_world_is_created_where_its_key_leads,
    callbacks_reach_an_inbox_by_its_name,
    events_arrive_while_the_stream_is_open,
    requests_without_a_key_share_a_replica,
    calls_about_all_worlds_ask_one_replica_or_each,
    faults_on_the_wire_become_502_and_others_come_through,
    a_killed_replica_takes_only_its_own_worlds_along,
    a_replica_that_is_not_ready_gets_no_requests,
    a_drained_replica_finishes_what_it_began,
    an_added_replica_takes_a_fifth_of_the_worlds,
]


def main():
    binary = Path(sys.argv[1]).resolve()
    if shutil.which("haproxy") is None:
        skip("replicas were not checked: haproxy not found")
    if "--measure" in sys.argv:
        return measure(binary)
    with Staging(binary) as staging:
        for scene in SCENES:
            print(scene.__name__.replace("_", " "))
            scene(staging)
    print("only named worlds are accepted everywhere beside configured keys")
    only_named_worlds_are_accepted_everywhere_beside_configured_keys(binary)
    print("replicas: ok")


# Throughput


WRK = """
local keys, number = {%s}, 0
function request()
  number = number %% #keys + 1
  return wrk.format("POST", "%s", {authorization = keys[number], ["content-type"] = "application/json"}, '%s')
end
"""


def measure(binary):
    """Prints a row of the table in docs/replicas.md for each arrangement."""
    import base64
    import json

    keys = ", ".join('"Basic ' + base64.b64encode(f"{key}:".encode()).decode() + '"' for key in KEYS)
    print(f"{os.cpu_count()} cores, {len(KEYS)} keys, 32 connections, 10 s each")
    print("| arrangement | requests a second | median | 99th percentile |\n|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder, Staging(binary, 4) as four, Staging(binary, 1) as one:
        script = Path(folder, "requests.lua")
        script.write_text(WRK % (keys, VALIDATOR, json.dumps(ACCOUNT)))
        for name, port in (
            ("one sandbox, without HAProxy", one.sandboxes["r1"].port),
            ("one sandbox behind HAProxy", one.port),
            ("four sandboxes behind HAProxy", four.port),
        ):
            command = ["wrk", "--threads", "1", "--connections", "32", "--duration", "10s", "--latency", "--script", str(script)]
            said = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
            expect("answers that are no 200", "Non-2xx" in said, False)
            rate = float(re.search(r"Requests/sec: +([0-9.]+)", said)[1])
            median, most = (re.search(rf"{percent}% +(\S+)", said)[1] for percent in (50, 99))
            print(f"| {name} | {rate:,.0f} | {median} | {most} |", flush=True)


if __name__ == "__main__":
    main()
