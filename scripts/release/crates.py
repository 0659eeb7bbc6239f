"""The crates that are compiled into the component, or into the command, by cargo and its lock file."""

import dataclasses
import re
import subprocess
import tomllib

from release import REPOSITORY

PACKAGE = "keyward-ecr"
TARGET = "wasm32-wasip2"

# What `cargo tree` prints of each, in one line. The depth comes first.
FORMAT = "\t{p}\t{l}\t{r}"
LINE = re.compile(r"(?P<depth>\d+)\t(?P<name>\S+) v(?P<version>\S+)(?: \(.*\))?\t(?P<licence>[^\t]*)\t(?P<repository>[^\t]*)")


@dataclasses.dataclass(frozen=True)
class Crate:
    name: str
    version: str
    licence: str = ""
    repository: str = ""

    @property
    def purl(self):
        # The build metadata of a version has the one character that has to be escaped.
        return f"pkg:cargo/{self.name}@{self.version.replace('+', '%2B')}"


def compiled_in(package=PACKAGE, target=TARGET, features=()):
    """The package's own crate, and of every crate those that it uses itself. Macros are not compiled in: they have written what is."""
    command = ["cargo", "tree", "--locked", "--package", package, "--target", target, "--edges", "normal,no-proc-macro"]
    command += [f"--features={feature}" for feature in features]
    command += ["--no-dedupe", "--prefix", "depth", "--format", FORMAT]
    # The workspace says which features of a crate are on, so it is the one of the build: this package, and no other.
    tree = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True).stdout
    return parse(tree)


def parse(tree):
    """What `cargo tree` has printed in FORMAT: the crate at the root, and the crates that each uses."""
    path = []
    uses = {}
    for line in tree.splitlines():
        match = LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"cargo tree has printed what is no crate: {line!r}")
        depth = int(match["depth"])
        crate = Crate(match["name"], match["version"], match["licence"], match["repository"])
        del path[depth:]
        if path:
            uses[path[-1]].add(crate)
        uses.setdefault(crate, set())
        path.append(crate)
    root = next(iter(uses))
    return root, uses


def checksums(lock_file=REPOSITORY / "Cargo.lock"):
    """The SHA-256 of the archive that each crate of a registry comes in, by name and version."""
    packages = tomllib.loads(lock_file.read_text())["package"]
    return {(package["name"], package["version"]): package["checksum"] for package in packages if "checksum" in package}
