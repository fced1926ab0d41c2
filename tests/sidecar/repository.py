"""Compares the files of the repository with each other: `python3 tests/sidecar/repository.py`.

Actions are pinned, images are named in full, there is one placeholder, and all files name the same version and targets.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import ruamel.yaml  # comes with check-jsonschema
from support import REPOSITORY, TARGETS, VERSION, expect, expect_in, run

# Actions that are pinned by a tag and not by a commit: the commit was not known when the line was written. Replace the tag by
# the commit of the release that you have looked at, and remove the action from here and from .github/zizmor.yml.
BY_TAG = {"actions/attest-build-provenance@v3"}
# Who publishes: a placeholder until packaging/owner.sh has replaced it.
OWNER = re.match(r"module github\.com/(.*)/iluma-sandbox/", (REPOSITORY / "clients/go/go.mod").read_text())[1]
OWN = f"{OWNER}/iluma-sandbox@v{VERSION}"

tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.split("\n")
files = [it for it in tracked if it and (REPOSITORY / it).is_file() and not it.endswith((".png", ".snap", "-lock.json"))]
own = {"tests/sidecar/repository.py"}
texts = {it: (REPOSITORY / it).read_text(errors="replace") for it in files if it not in own}


def found(pattern, paths=texts):
    """(file, match) of each place."""
    return [(path, match) for path in paths for match in re.finditer(pattern, texts[path], re.M)]


print("actions are pinned by commit, and each by the same one everywhere")
pins, by_tag = {}, set()
for path, use in found(r"^[ -]*uses: (\S+)(.*)$"):
    action, _, ref = use[1].partition("@")
    if action.startswith("./") or use[1] == OWN:
        continue
    if re.fullmatch("[0-9a-f]{40}", ref):
        expect(f"{path}: the comment of {use[1]}", bool(re.fullmatch(r" # v\d+\.\d+\.\d+", use[2])), True)
        pins.setdefault(action, set()).add(ref + use[2])
    else:
        by_tag.add(use[1])
expect("actions that are pinned by a tag", by_tag, BY_TAG)
expect("actions with two pins", {action: refs for action, refs in pins.items() if len(refs) > 1}, {})
for action in sorted(pins):
    print(f"  {action} {''.join(pins[action])}")
for action in sorted(by_tag):
    print(f"  {action} is pinned by its tag")

print("images are named in full")
yaml = [it for it in texts if it.endswith((".yml", ".yaml")) or it.startswith("docs/")]
images = found(r"^\s*(?:- )?(?:image|container): ([^\s#]\S*)", yaml) + found(r"^(?:FROM|ARG RUST_IMAGE=)\s*(\S+)", ["Dockerfile"])
for path, image in images:
    name = re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", image[1])
    registry = name.split("/")[0]
    expect(f"{path}: the registry of {name}", name == "scratch" or "." in registry or "$" in registry, True)

print("compose.yaml needs no other file")
compose = ruamel.yaml.YAML(typ="safe").load(REPOSITORY / "compose.yaml")
expect("services that are built", [name for name, it in compose["services"].items() if "build" in it], [])

print("who publishes is the same everywhere, and there is no other placeholder")
made_up = {"packaging/owner.sh", "packaging/release.sh", "tests/sidecar/release.py"}
for path, place in found(r"(?:github\.com/|ghcr\.io/|uses: |repository=)([\w${.}-]+)/iluma-sandbox\b"):
    if path not in made_up:
        small = place[0].startswith("ghcr.io/") and OWNER != "OWNER"
        expect(f"{path}: {place[0]}", place[1], OWNER.lower() if small else OWNER)
for path, other in found(r"\b(?:REGISTRY|USERNAME|YOUR[_-]\w+|ORG)/|<(?:owner|org|user|your[ -]\w+)>|:VERSION\b|@VERSION\b"):
    expect(f"{path}: another placeholder", other[0], "")

print("all files name the same version")
for path, version in found(r"iluma-sandbox(?:/clients/go|-junit5)?[@:]v?(\d+\.\d+\.\d+)|/download/v(\d[\w.]*\d)/"):
    if not path.startswith("docs/speed"):
        expect(f"{path}: {version[0]}", version[1] or version[2], VERSION)
for path, pattern in {
    "crates/give-back/Cargo.toml": r'^version = "(.*)"',
    "clients/java/README.md": r"<version>(.*)</version>",
    "clients/java/pom.xml": r"sandbox-junit5</artifactId>\s*<version>(.*)</version>",
    "clients/node/package.json": r'"version": "(.*)"',
    "clients/php/composer.json": r'"version": "(.*)"',
    "compose.yaml": r"iluma-sandbox:([\d.]+)}",
    "Dockerfile": r"^ARG VERSION=(.*)",
    "packaging/install.sh": r" version=(\d\S+) ",
    "packaging/templates/iluma-sandbox.json": r'"version": "(.*)"',
    "packaging/templates/iluma-sandbox.rb": r'version "(.*)"',
}.items():
    expect(path, [it[1] for _, it in found(pattern, [path])], [VERSION])

print("the same targets are built, packed and installed")
release = ruamel.yaml.YAML(typ="safe").load(REPOSITORY / ".github/workflows/release.yml")
expect("the release", [it["target"] for it in release["jobs"]["binary"]["strategy"]["matrix"]["include"]], list(TARGETS))
for path in ("packaging/install.sh", "packaging/templates/iluma-sandbox.rb"):
    named = {it[0] for _, it in found(r"(?:x86_64|aarch64)-(?:unknown|apple|pc)-[a-z-]*[a-z]", [path])}
    expect(path, named - set(TARGETS), set())


def owner_replaces_the_placeholder(folder):
    print("owner.sh replaces the placeholder everywhere, and the Go module is tagged only then")
    copy = Path(folder, "copy")
    expect("a copy", run("git", "clone", "--quiet", str(REPOSITORY), str(copy))[0], 0)
    for name in files:  # those that are not committed yet, too
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((REPOSITORY / name).read_bytes())
        (copy / name).chmod((REPOSITORY / name).stat().st_mode)
    run("git", "add", "--all", cwd=copy)
    gh = Path(folder, "gh")
    gh.write_text('#!/bin/sh\necho "gh $*"\n')
    gh.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "Acme-Inc/iluma-sandbox"}
    tag = (str(copy / "packaging/tag-go.sh"), f"v{VERSION}", "c0ffee")
    code, output = run(*tag, env=environment)
    expect_in("the tag before", output, "::notice title=Go module::not tagged, because go.mod names github.com/OWNER/iluma-sandbox/clients/go and not")
    expect("a wrong name", run(str(copy / "packaging/owner.sh"), "a/b"), (1, "`a/b` is not the name of a user or organisation\n"))
    code, output = run(str(copy / "packaging/owner.sh"), "Acme-Inc")
    expect(output, code, 0)
    left = run("git", "grep", "-l", "OWNER/iluma-sandbox", cwd=copy)[1].split()
    expect("what is left", set(left) - own, {"packaging/owner.sh"})
    expect_in("compose.yaml", (copy / "compose.yaml").read_text(), f"ghcr.io/acme-inc/iluma-sandbox:{VERSION}")
    expect("programs", os.access(copy / "packaging/install.sh", os.X_OK), True)
    code, output = run(*tag, env=environment)
    ref = f"--raw-field ref=refs/tags/clients/go/v{VERSION} --raw-field sha=c0ffee --silent"
    expected = f"gh api repos/Acme-Inc/iluma-sandbox/git/refs {ref}\ntagged clients/go/v{VERSION}\n"
    expect("the tag", (code, output), (0, expected))


if OWNER == "OWNER":
    with tempfile.TemporaryDirectory() as temporary:
        owner_replaces_the_placeholder(temporary)
print("repository: ok")
