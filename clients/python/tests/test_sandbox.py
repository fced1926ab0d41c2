"""How a sandbox is found, started and ended."""

from __future__ import annotations

import os
import select
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from iluma_sandbox import DOCUMENTED_API_KEY, Sandbox, SandboxError
from iluma_sandbox.binary import find_binary
from product import BANK_PATH, account, ask


def test_a_sandbox_answers_until_it_is_stopped() -> None:
    with Sandbox.start() as sandbox:
        assert sandbox.api_key == DOCUMENTED_API_KEY
        assert sandbox.control.call("GET", "livez") == {"status": "alive"}
    with pytest.raises(SandboxError, match="does not answer"):
        sandbox.control.call("GET", "livez")
    sandbox.stop()


def test_seed_clock_and_scenarios_are_those_that_were_asked_for(tmp_path: Path) -> None:
    (tmp_path / "v9").mkdir()
    (tmp_path / "v9" / "greetings.toml").write_text(
        'path = "/v9/greetings"\n[outcomes.HELLO]\ndefault = true\nbody = { said = "{{input.name}}" }\n'
    )
    with Sandbox.start(seed=7, clock="2026-02-01T00:00:00Z", scenarios=tmp_path) as sandbox:
        with sandbox.world("test") as world, Sandbox.start() as other, other.world("test") as elsewhere:
            assert world.now() == "2026-02-01T00:00:00.000Z"
            assert ask(world, "/v9/greetings", {"name": "Contoh"}).json == {"said": "Contoh"}
            asked = account(1234567890)
            ids = [ask(one, BANK_PATH, asked).json["id"] for one in (world, elsewhere)]
            assert ids[0] != ids[1], "another seed"


def test_strict_and_other_flags_are_passed_on() -> None:
    with Sandbox.start(strict=True, args=["--api-key", DOCUMENTED_API_KEY]) as sandbox:
        with sandbox.world() as world:
            reply = ask(world, "/v1/credit/drawdowns", account(1234567890))
            assert reply.json["error_code"] == "STRICT_MODE_ERROR"


def test_a_sandbox_speaks_https_to_those_who_trust_its_authority() -> None:
    with Sandbox.start(tls=True) as sandbox, sandbox.world() as world:
        assert sandbox.url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cadata=sandbox.ca_pem)
        with urllib.request.urlopen(f"{sandbox.url}/health", context=trust, timeout=60) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(f"{sandbox.url}/health", timeout=60)
        assert world.requests() == []
        again = Sandbox.connect(sandbox.url, ca_pem=sandbox.ca_pem)
        assert again.callback_token == sandbox.callback_token


def test_a_sandbox_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("path = 7\n")
    with pytest.raises(SandboxError, match="(?s)exit code 2.*broken.toml.*correct the scenario files"):
        Sandbox.start(scenarios=[tmp_path])
    with Sandbox.start() as first:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(SandboxError, match=f"(?s)exit code 1.*{port}"):
            Sandbox.start(port=port)


def test_a_log_is_written_at_the_end_of_a_file(tmp_path: Path) -> None:
    log = tmp_path / "sandbox.log"
    log.write_text("before\n")
    with Sandbox.start(log_format="json", log_file=log) as sandbox, sandbox.world() as world:
        ask(world, BANK_PATH, account(1234567890))
    assert log.read_text().startswith("before\n{")
    assert '"message":"answered"' in log.read_text()


def test_a_running_sandbox_is_shared_and_left_alone() -> None:
    with Sandbox.start() as sandbox:
        with Sandbox.connect(sandbox.url + "/") as same, same.world("shared") as world:
            assert same.pid is None
            assert same.callback_token == sandbox.callback_token
            assert ask(world, BANK_PATH, account(1234567890)).status == 200
        assert sandbox.control.call("GET", "livez") == {"status": "alive"}


def test_the_environment_says_which_sandbox_is_connected_to_as_for_the_commands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name_the_token = r"\. Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass `control_token`$"
    with Sandbox.start(args=["--control-token", "secret-of-the-tests"]) as sandbox:
        monkeypatch.setenv("ILUMA_SANDBOX_URL", sandbox.url)
        monkeypatch.setenv("ILUMA_SANDBOX_CONTROL_TOKEN", "secret-of-the-tests")
        monkeypatch.setenv("ILUMA_SANDBOX_API_KEY", "")
        monkeypatch.setenv("ILUMA_BASE_URL", "https://api.iluma.ai")
        with Sandbox.connect() as same, same.world("by environment") as world:
            assert (same.url, same.callback_token) == (sandbox.url, sandbox.callback_token)
            assert world.requests() == []
        with pytest.raises(SandboxError, match=name_the_token) as wrong:
            Sandbox.connect(control_token="another")
        assert (wrong.value.status, wrong.value.error) == (401, "wrong_control_token")
        monkeypatch.delenv("ILUMA_SANDBOX_CONTROL_TOKEN")
        with pytest.raises(SandboxError, match=name_the_token) as missing:
            Sandbox.connect()
        assert (missing.value.status, missing.value.error) == (401, "control_token_required")
        monkeypatch.setenv("ILUMA_SANDBOX_URL", "")
        with pytest.raises(SandboxError, match="^no URL of a sandbox: set ILUMA_SANDBOX_URL, or pass `url`$"):
            Sandbox.connect()


def test_a_sandbox_that_asks_for_a_control_token_gets_it() -> None:
    with Sandbox.start(args=["--control-token", "secret-of-the-tests"]) as sandbox:
        with sandbox.world("guarded") as world:
            world.verify(exactly=0)
            assert world.inbox().received() == []
        with pytest.raises(SandboxError) as refused:
            Sandbox.connect(sandbox.url)
        assert (refused.value.status, refused.value.error) == (401, "control_token_required")
        with Sandbox.connect(sandbox.url, control_token="secret-of-the-tests") as same, same.world("too") as too:
            assert too.requests() == []


def test_a_binary_that_is_named_is_that_one_or_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = tmp_path / "my-sandbox"
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    assert find_binary(mine) == mine
    monkeypatch.setenv("ILUMA_SANDBOX_BIN", str(mine))
    assert find_binary() == mine
    with pytest.raises(SandboxError, match="`binary` says `/nowhere`, and no program is there"):
        find_binary("/nowhere")
    monkeypatch.setenv("ILUMA_SANDBOX_BIN", "/nowhere")
    with pytest.raises(SandboxError, match="`ILUMA_SANDBOX_BIN` says `/nowhere`"):
        find_binary()


def test_a_binary_is_found_beside_the_package_then_on_path_else_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    beside, on_path, nowhere = (tmp_path / name for name in ("beside", "path", "nowhere"))
    for folder in (beside, on_path):
        folder.mkdir()
        program = folder / "iluma-sandbox"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.delenv("ILUMA_SANDBOX_BIN", raising=False)
    monkeypatch.setenv("PATH", str(on_path))
    monkeypatch.setattr("iluma_sandbox.binary._beside", lambda: [nowhere, beside])
    assert find_binary() == beside / "iluma-sandbox"
    monkeypatch.setattr("iluma_sandbox.binary._beside", lambda: [nowhere])
    assert find_binary() == on_path / "iluma-sandbox"
    monkeypatch.setenv("PATH", str(nowhere))
    with pytest.raises(SandboxError, match="install the wheel.*`ILUMA_SANDBOX_BIN`"):
        find_binary()


def test_what_is_no_sandbox_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="the sandbox did not start, exit code 0"):
        Sandbox.start(binary="true")
    not_a_program = tmp_path / "text"
    not_a_program.write_text("#!/nowhere\n")
    not_a_program.chmod(0o755)
    with pytest.raises(SandboxError, match="cannot start .*text"):
        Sandbox.start(binary=not_a_program)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to wait for a process that is not a child")
@pytest.mark.parametrize("started_in", ["the main thread", "a thread that ends"])
def test_the_sandbox_goes_when_the_test_process_is_killed(started_in: str) -> None:
    script = (
        "import sys, threading\n"
        "from iluma_sandbox import Sandbox\n"
        "started = []\n"
        "thread = threading.Thread(target=lambda: started.append(Sandbox.start()))\n"
        "thread.run() if 'main' in sys.argv[1] else (thread.start(), thread.join())\n"
        "assert started[0].control.call('GET', 'livez')['status'] == 'alive'\n"
        "print(started[0].pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, started_in], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as test_process:
        assert test_process.stdout is not None
        sandbox = os.pidfd_open(int(test_process.stdout.readline()))
        try:
            gone = select.poll()
            gone.register(sandbox, select.POLLIN)
            assert gone.poll(0) == [], "the sandbox runs"
            test_process.send_signal(signal.SIGKILL)
            assert gone.poll(10_000) != [], "the sandbox still runs"
        finally:
            os.close(sandbox)
