"""Checks the wheel that packaging/wheel.sh has built, and the list of its crates: `python3 tests/sidecar/wheel.py FOLDER`."""

import json
import platform
import re
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from support import REPOSITORY, VERSION, expect, run

folder = Path(sys.argv[1])
machine = platform.machine()
[wheel] = folder.glob("*.whl")
platforms = [f"manylinux2014_{machine}", f"manylinux_2_17_{machine}", f"musllinux_1_1_{machine}"]

print("the wheel is tagged for glibc and for musl, because its binary needs neither")
expect("its name", wheel.name, f"iluma_sandbox-{VERSION}-py3-none-{'.'.join(platforms)}.whl")
with zipfile.ZipFile(wheel) as files:
    expect("a damaged file in it", files.testzip(), None)
    tags = files.read(f"iluma_sandbox-{VERSION}.dist-info/WHEEL").decode()
    expect("its tags", re.findall("^Tag: (.*)$", tags, re.M), [f"py3-none-{it}" for it in platforms])

with tempfile.TemporaryDirectory() as work:
    venv.create(work, with_pip=True)
    pip = [f"{work}/bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--no-index", "--no-deps"]
    print("pip accepts it where it runs, and nowhere else")
    for name in [*platforms, "musllinux_1_1_riscv64", "macosx_11_0_arm64", "win_amd64"]:
        code, output = run(*pip, "--dry-run", "--target", f"{work}/other", "--only-binary", ":all:", "--platform", name, str(wheel))
        expect(f"{name}: {output}", code, 0 if name in platforms else 1)
    code, output = run(*pip, str(wheel))
    expect(output, code, 0)
    expect("the installed program", run(f"{work}/bin/iluma-sandbox", "--version", env={}), (0, f"iluma-sandbox {VERSION}\n"))
    expect("its libraries", run("ldd", f"{work}/bin/iluma-sandbox")[1].strip() in ("statically linked", "not a dynamic executable"), True)

print("the list of crates has those of Cargo.lock and not those of the tests")
[document] = folder.glob("*.cdx.json")
crates = json.loads(document.read_text())
expect("its name", document.name, f"iluma-sandbox-{machine}-unknown-linux-gnu.cdx.json")
expect("its format", (crates["bomFormat"], crates["metadata"]["component"]["name"]), ("CycloneDX", "iluma-sandbox"))
listed = {(it["name"], it["version"]) for it in crates["components"]}
locked = set(re.findall(r'^name = "(.*)"\nversion = "(.*)"$', (REPOSITORY / "Cargo.lock").read_text(), re.M))
expect("crates that are not locked", listed - locked, set())
names = {name for name, _ in listed}
expect("crates of the program", {"hyper", "rustls", "clap", "iluma-sandbox-give-back"} - names, set())
expect("crates of the tests", {"insta", "proptest", "reqwest"} & names, set())
print("wheel: ok")
