"""The README's examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iluma_sandbox import Sandbox

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SUITE, CONFTEST, CALLBACKS, WITHOUT_PYTEST = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_test_suites_pass(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_suite=SUITE, test_callbacks=CALLBACKS)
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=3)


def test_the_conftest_gives_its_options(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        test_suite=SUITE,
        test_clock="def test_it(iluma_world):\n    assert iluma_world.now() == '2026-05-01T00:00:00.000Z'\n",
    )
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=3)


def test_a_sandbox_that_runs_takes_the_place_of_one_that_would_be_started(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox.start(clock="2026-06-01T00:00:00Z", args=["--control-token", "secret"]) as sandbox:
        monkeypatch.setenv("ILUMA_SANDBOX_URL", sandbox.url)
        monkeypatch.setenv("ILUMA_SANDBOX_CONTROL_TOKEN", "secret")
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(
            "def test_it(iluma_world):\n    assert iluma_world.now() == '2026-06-01T00:00:00.000Z'\n"
        )
        pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)


def test_the_script_without_pytest_runs(pytester: pytest.Pytester) -> None:
    script = pytester.makepyfile(script=WITHOUT_PYTEST)
    result = pytester.runpython(script)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["http://127.0.0.1:* iluma_development_* *"])
