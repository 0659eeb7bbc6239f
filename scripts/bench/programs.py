"""The programs that are compared: where they come from, what they are called, how large they are."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess

from bench import REPOSITORY, fail

KEYWARD = "keyward"
ECR_LOGIN = "ecr-login"
SDK = "sdk"
FLOOR = "floor"

ECR_LOGIN_PROGRAM = "docker-credential-ecr-login"
SDK_PROGRAM = "docker-credential-sdk"
TIME_PROGRAM = "/usr/bin/time"


@dataclasses.dataclass(frozen=True)
class Programs:
    """The credential helpers by their names in tables, of which Keyward is the first, and the fakes that they ask."""

    helpers: dict
    serve: str

    @property
    def peers(self):
        return [name for name in self.helpers if name != KEYWARD]


def require():
    """All that is needed and that no build makes."""
    for program in ["hyperfine", ECR_LOGIN_PROGRAM, TIME_PROGRAM, "openssl", "strip"]:
        if not found(program):
            fail(f"{program} is not installed; type as root: scripts/setup-debian")
    if not found("cargo"):
        fail("cargo is not installed; install Rust by rustup")
    if os.geteuid() != 0:
        fail("not root, which namespaces of its own need; type as root: scripts/bench-cli")


def found(program):
    return shutil.which(program) is not None


def build(keyward):
    """All helpers and the fakes. `keyward` is a program that is there already, or None to build it."""
    made = build_workspace(["--example", "serve", "--example", "floor"] + ([] if keyward else ["--bin", "keyward"]))
    helpers = {
        KEYWARD: str(keyward.resolve()) if keyward else made["keyward"],
        ECR_LOGIN: shutil.which(ECR_LOGIN_PROGRAM),
        SDK: build_sdk(),
        FLOOR: made["floor"],
    }
    return Programs(helpers, made["serve"])


def build_workspace(targets):
    """What cargo has built of these targets. The packages are those of the tests' builds, lest it builds all anew."""
    return cargo_build(["--package", "keyward", "--package", "keyward-testbed", "--features", "keyward/cli", *targets])


def build_sdk():
    """The peer on the AWS SDK for Rust, which is of a workspace of its own, lest the SDK's features reach the rest."""
    of_its_own = ["--manifest-path", "tests/aws-sdk/Cargo.toml", "--target-dir", "target/aws-sdk"]
    return cargo_build([*of_its_own, "--package", "keyward-sdk-peers", "--bin", SDK_PROGRAM])[SDK_PROGRAM]


def cargo_build(arguments):
    command = ["cargo", "build", "--release", "--locked", "--quiet", *arguments]
    built = subprocess.run(
        [*command, "--message-format", "json-render-diagnostics"], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    if built.returncode != 0:
        fail("the build failed; cargo says why above")
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return {message["target"]["name"]: message["executable"] for message in messages if message.get("executable")}


def stripped_sizes(programs, directory):
    """The bytes of each helper without symbols, whether or not its build has left them out already."""
    sizes = {}
    for name, path in programs.helpers.items():
        stripped = pathlib.Path(directory) / f"stripped-{name}"
        done = subprocess.run(["strip", "-o", stripped, path], capture_output=True)
        sizes[name] = (stripped if done.returncode == 0 else pathlib.Path(path)).stat().st_size
    return sizes


def ecr_login_version():
    query = ["dpkg-query", "--show", "--showformat=${Version}", "amazon-ecr-credential-helper"]
    shown = subprocess.run(query, capture_output=True, text=True)
    return shown.stdout or "of an unknown version"
