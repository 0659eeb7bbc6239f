"""The Debian package, by cargo-deb: host/Cargo.toml says what is in it."""

import os
import pathlib
import shutil
import subprocess

from release import REPOSITORY
from release.program import fail

# Where host/Cargo.toml finds what is made for the package alone.
STAGE = REPOSITORY / "target/deb"


def build(program, folder, epoch):
    """Returns the package's file, in the folder."""
    _stage(program)
    # cargo-deb takes the program from where scripts/build-release has put it, and builds nothing.
    options = ["--no-build", "--no-strip", "--package", "keyward", "--profile", "dist", "--target", program.target]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch), "CARGO_TARGET_DIR": str(REPOSITORY / "target")}
    made = subprocess.run(
        [_cargo_deb(), *options, "--quiet", "--output", folder],
        cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True,
    )
    if made.returncode != 0:
        fail(f"cargo-deb ended with {made.returncode}, and has said why above")
    return pathlib.Path(made.stdout.strip())


def _stage(program):
    """Writes what the program says of itself, by the names that it has in the package."""
    shutil.rmtree(STAGE, ignore_errors=True)
    for entry in [*program.manual(), *program.completions()]:
        file = STAGE / entry.name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(entry.data)


def _cargo_deb():
    own = REPOSITORY / "target/tools/bin/cargo-deb"
    found = str(own) if own.exists() else shutil.which("cargo-deb")
    return found or fail("cargo-deb is not installed; type: scripts/setup-tools")
