"""The program as it is released, and what it says of itself."""

import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile

from release import REPOSITORY
from release.archive import PROGRAM, Entry

# The name of the file that a shell looks for.
COMPLETIONS = {"bash": "keyward", "fish": "keyward.fish", "zsh": "_keyward"}


@dataclasses.dataclass(frozen=True)
class Program:
    path: pathlib.Path
    # The target of Rust's that it is for, as its folder is called.
    target: str
    version: str

    @property
    def name(self):
        """Of the files that are made of it."""
        return f"keyward-{self.version}-{self.target}"

    def entry(self, name="keyward"):
        return Entry(name, self.path.read_bytes(), PROGRAM)

    def manual(self):
        """The pages, as entries of the folder `man1`."""
        with tempfile.TemporaryDirectory() as folder:
            self._said("man", "--folder", folder)
            return [Entry(f"man1/{page.name}", page.read_bytes()) for page in sorted(pathlib.Path(folder).iterdir())]

    def completions(self):
        return [Entry(f"{shell}/{name}", self._said("completions", shell)) for shell, name in COMPLETIONS.items()]

    def _said(self, *arguments):
        return subprocess.run([self.path, *arguments], stdout=subprocess.PIPE, check=True).stdout


def build():
    """Builds it, or finds that it is built already."""
    built = subprocess.run([REPOSITORY / "scripts/build-release"], stdout=subprocess.PIPE, check=True, text=True)
    path = pathlib.Path(built.stdout.strip())
    said = subprocess.run([path, "version"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    # target/TARGET/dist/keyward
    return Program(path, path.parent.parent.name, said[1])


def epoch():
    """How old the files of a release are: SOURCE_DATE_EPOCH, else the last commit's time."""
    named = os.environ.get("SOURCE_DATE_EPOCH")
    if named:
        return int(named)
    asked = subprocess.run(["git", "-C", REPOSITORY, "log", "-1", "--format=%ct"], stdout=subprocess.PIPE, text=True)
    if asked.returncode != 0:
        fail("no commit says how old the sources are: set SOURCE_DATE_EPOCH")
    return int(asked.stdout)


def say(text):
    print(f"{pathlib.Path(sys.argv[0]).name}: {text}", file=sys.stderr)


def fail(text):
    say(text)
    sys.exit(1)
