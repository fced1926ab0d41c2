"""Completes a release of made-up archives, and installs it: `python3 tests/sidecar/release.py`."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from support import REPOSITORY, TARGETS, VERSION, expect, expect_in, file_server, make_release, run

INSTALL = REPOSITORY / "packaging/install.sh"
OWN = "iluma-sandbox-x86_64-unknown-linux-gnu.tar.gz"


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        program = work / "program"
        program.write_text(f"#!/bin/sh\necho iluma-sandbox {VERSION}\n")
        program.chmod(0o755)
        dist = make_release(work / "web", program)
        the_files_of_a_release(dist)
        a_release_without_an_archive_is_refused(work)
        with file_server(work / "web") as server:
            it_installs(work, server)
            every_machine_gets_its_archive(work, server)
            a_wrong_checksum_is_refused(work, server, dist)
            a_cache_is_verified(work, server, dist)
            mistakes_are_sentences(work, server)
            what_cannot_be_verified_is_not_downloaded(work, server)
            the_published_script_is_the_same(work, server, dist)
        it_installs_from_a_folder(work)
    a_script_that_arrived_in_part_does_nothing()
    print("release: ok")


def the_files_of_a_release(dist):
    print("SHA256SUMS names every file, and the templates have the owner and the checksums")
    sums = dict(line.split("  ")[::-1] for line in (dist / "SHA256SUMS").read_text().splitlines())
    expect("the files", sorted(sums), sorted(it.name for it in dist.iterdir() if it.name != "SHA256SUMS"))
    for name, checksum in sums.items():
        expect(name, hashlib.sha256((dist / name).read_bytes()).hexdigest(), checksum)
    place = f"https://github.com/acme/iluma-sandbox/releases/download/v{VERSION}"
    formula = (dist / "iluma-sandbox.rb").read_text()
    pairs = re.findall(r'url "(.*)/(.*)"\n +sha256 "(.*)"', formula)
    expect("the formula", pairs, [(place, it, sums[it]) for _, it, _ in pairs])
    expected = sorted(f"iluma-sandbox-{target}.tar.gz" for target in TARGETS if "windows" not in target)
    expect("the targets of the formula", sorted(it for _, it, _ in pairs), expected)
    manifest = json.loads((dist / "iluma-sandbox.json").read_text())
    windows = "iluma-sandbox-x86_64-pc-windows-msvc.tar.gz"
    one = {"url": f"{place}/{windows}", "hash": sums[windows]}
    expect("the manifest", manifest["architecture"], {"64bit": one, "arm64": one})
    for name in ("install.sh", "iluma-sandbox.rb", "iluma-sandbox.json"):
        expect(f"OWNER in {name}", "OWNER" in (dist / name).read_text().replace("fills in OWNER", ""), False)


def a_release_without_an_archive_is_refused(work):
    print("a release without the archive of a target is refused")
    dist = work / "partial"
    shutil.copytree(work / "web" / f"v{VERSION}", dist)
    (dist / "iluma-sandbox-aarch64-apple-darwin.tar.gz").unlink()
    (dist / "SHA256SUMS").unlink()
    code, output = run(str(REPOSITORY / "packaging/release.sh"), str(dist), "acme")
    expect("words", (code, output.strip()), (1, f"{dist} has no archive for aarch64-apple-darwin"))
    expect("checksums of it", (dist / "SHA256SUMS").exists(), False)


def install(server, to, *more, shell="sh", script=INSTALL, **options):
    return run(shell, str(script), "--base-url", server.url, "--to", str(to), *more, **options)


def it_installs(work, server):
    print("the script installs with every shell")
    for shell in filter(shutil.which, ("sh", "dash", "bash", "busybox")):
        to = work / f"bin of {shell}"
        command = (shell, "sh") if shell == "busybox" else (shell,)
        code, output = run(*command, str(INSTALL), "--base-url", server.url, "--to", str(to))
        expect(output, code, 0)
        expect("what it says", output.splitlines()[-2:], [f"iluma-sandbox: installed {to}/iluma-sandbox", f"iluma-sandbox: {to} is not on PATH"])
        expect("the folder", [it.name for it in to.iterdir()], ["iluma-sandbox"])
        expect("the program", run(str(to / "iluma-sandbox"), "--version"), (0, f"iluma-sandbox {VERSION}\n"))
    home = work / "home"
    code, output = run("sh", "-s", "--", "--base-url", server.url, "--version", f"v{VERSION}", input=INSTALL.read_text(), env={**os.environ, "HOME": str(home)})
    expect(output, (code, (home / ".local/bin/iluma-sandbox").exists()), (0, True))


def every_machine_gets_its_archive(work, server):
    print("every machine gets its archive")
    for system, machine, target in (
        ("Linux", "x86_64", "x86_64-unknown-linux-gnu"),
        ("Linux", "aarch64", "aarch64-unknown-linux-gnu"),
        ("Darwin", "x86_64", "x86_64-apple-darwin"),
        ("Darwin", "arm64", "aarch64-apple-darwin"),
        ("MINGW64_NT-10.0-22631", "x86_64", "x86_64-pc-windows-msvc"),
        ("MSYS_NT-10.0-26100-ARM64", "aarch64", "x86_64-pc-windows-msvc"),
    ):
        code, output = install(server, work / "machine", env=machine_of(work, system, machine))
        expect(output, code, 0)
        expect(f"{system} {machine}", server.paths[-1], f"/v{VERSION}/iluma-sandbox-{target}.tar.gz")
    expect("the programs", sorted(it.name for it in (work / "machine").iterdir()), ["iluma-sandbox", "iluma-sandbox.exe"])
    code, output = install(server, work / "machine", env=machine_of(work, "FreeBSD", "amd64"))
    words = "there is no binary for FreeBSD on amd64; build it from source with cargo"
    expect("another machine", (code, output), (1, f"iluma-sandbox: {words}\n"))


def machine_of(work, system, machine):
    tools = work / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "uname").write_text(f'#!/bin/sh\ncase $1 in -s) echo {system} ;; -m) echo {machine} ;; esac\n')
    (tools / "uname").chmod(0o755)
    return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}


def a_wrong_checksum_is_refused(work, server, dist):
    print("an archive with another checksum is refused before it is unpacked, and what was installed stays")
    to = work / "kept"
    to.mkdir()
    (to / "iluma-sandbox").write_text("the old one")
    whole, sums = (dist / OWN).read_bytes(), (dist / "SHA256SUMS").read_text()

    def refused(words):
        code, output = install(server, to)
        expect_in("the refusal", output.splitlines()[-1], words)
        expect("the exit code and the folder", (code, [it.name for it in to.iterdir()]), (1, ["iluma-sandbox"]))
        expect("the program", (to / "iluma-sandbox").read_text(), "the old one")

    for broken in (whole[:-1], whole + b"x", b""):
        (dist / OWN).write_bytes(broken)
        refused(f"refused: the SHA-256 of {OWN} is {hashlib.sha256(broken).hexdigest()}, and the release says otherwise")
    (dist / OWN).write_bytes(whole)
    # Neither a checksum for another file nor an abbreviated one counts, and two for one file are none.
    for line in (f"{'0' * 64}  other-{OWN}\n", f"{'0' * 63}  {OWN}\n", "<html>not found</html>\n", ""):
        (dist / "SHA256SUMS").write_text(line)
        refused(f"SHA256SUMS of release {VERSION} does not name {OWN}")
    (dist / "SHA256SUMS").write_text(f"{'0' * 64}  {OWN}\n{sums}")
    refused("refused: ")
    (dist / "SHA256SUMS").write_text(sums)
    (dist / OWN).unlink()
    refused(f"{server.url}/v{VERSION}/{OWN} cannot be downloaded (HTTP status 404)")
    (dist / OWN).write_bytes(whole)


def a_cache_is_verified(work, server, dist):
    print("a cache is used without the network, and only if its checksum is right")
    cache, to = work / "cache", work / "cached"
    expect("the first time", install(server, to, "--cache", str(cache))[0], 0)
    before = len(server.paths)
    expect("the second time", install(server, to, "--cache", str(cache))[0], 0)
    expect("what it downloads then", server.paths[before:], [])
    (cache / OWN).write_bytes(b"something else")
    expect("with a changed archive", install(server, to, "--cache", str(cache))[0], 0)
    expect("what it downloads then", len(server.paths[before:]), 2)
    expect("the archive is whole again", (cache / OWN).read_bytes(), (dist / OWN).read_bytes())


def mistakes_are_sentences(work, server):
    print("mistakes are sentences")
    to = work / "never"
    nobody = "http://127.0.0.1:9"
    for arguments, code, words in (
        (["--version", "9.9.9"], 3, f"there is no release 9.9.9 at {server.url}"),
        (["--version", "1/../2"], 1, "1/../2 is not a version, such as 0.1.0"),
        (["--version"], 1, "--version needs a value"),
        (["--prefix", "/"], 1, "there is no option --prefix; there are --to, --version, --cache and --base-url"),
        (["--base-url", nobody], 1, f"{nobody}/v{VERSION}/SHA256SUMS cannot be downloaded (HTTP status 000)"),
    ):
        received, output = install(server, to, *arguments)
        expect(str(arguments), (received, output.splitlines()[-1]), (code, f"iluma-sandbox: {words}"))
    expect("a folder of them", to.exists() and list(to.iterdir()), [])


def what_cannot_be_verified_is_not_downloaded(work, server):
    print("without a program for checksums nothing is downloaded; shasum does as well as sha256sum")
    tools = work / "few tools"
    tools.mkdir()
    names = "sh uname curl tar gzip sed cut mktemp rm mkdir cp mv chmod cat".split()
    for name in names:
        (tools / name).symlink_to(shutil.which(name))
    options = {"shell": str(tools / "sh"), "env": {"PATH": str(tools)}}
    before = len(server.paths)
    code, output = install(server, work / "never", **options)
    words = "neither sha256sum nor shasum is here, so a download cannot be verified"
    expect("words", (code, output, server.paths[before:]), (1, f"iluma-sandbox: {words}\n", []))
    (tools / "shasum").write_text(f'#!/bin/sh\n[ "$1 $2" = "-a 256" ] && exec {shutil.which("sha256sum")}\n')
    (tools / "shasum").chmod(0o755)
    code, output = install(server, work / "with shasum", **options)
    expect(output, code, 0)


def the_published_script_is_the_same(work, server, dist):
    print("the script of the release installs the release")
    code, output = install(server, work / "published", script=dist / "install.sh")
    expect(output, code, 0)
    expect_in("its address", (dist / "install.sh").read_text(), "base_url=https://github.com/acme/iluma-sandbox/releases/download\n")


def it_installs_from_a_folder(work):
    print("the script installs from a folder, as the workflow of the release does")
    place = (work / "web").as_uri()
    code, output = run("sh", str(INSTALL), "--base-url", place, "--to", str(work / "from a folder"))
    expect(output, code, 0)
    code, output = run("sh", str(INSTALL), "--base-url", place, "--to", str(work / "never"), "--version", "9.9.9")
    expect("a folder without the release", (code, output.splitlines()[-1]), (3, f"iluma-sandbox: there is no release 9.9.9 at {place}"))


def a_script_that_arrived_in_part_does_nothing():
    print("a script that arrived only in part does nothing")
    text = INSTALL.read_text()
    for size in range(0, len(text) - len('main "$@"\n') + 1, 97):
        _, output = run("sh", "-s", input=text[:size], env={"PATH": "/nowhere"}, executable="/bin/sh")
        expect(f"{size} bytes, {output}", "iluma-sandbox:" in output, False)  # everything that it does has such a line


main()
