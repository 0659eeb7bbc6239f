"""What is in the archive, the image and the Debian package of a release, beside the program."""

from release import REPOSITORY
from release.archive import Entry

# Links under the program's other names, which are those that docker and the kubelet know programs by.
HELPER = "docker-credential-keyward"

# Of the repository, by the names that they have in the archive.
FILES = {
    "LICENSE": "LICENSE",
    "README.md": "README.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "keyward.toml": "docs/keyward.toml",
    "kubelet/credential-provider-config.yaml": "deploy/kubelet/credential-provider-config.yaml",
}

# Those of systemd, in the folders `system` and `user`.
UNITS = REPOSITORY / "deploy/systemd"


def of_archive(program):
    """Under one folder, as archives are."""
    entries = [program.entry(), Entry(HELPER, link="keyward")]
    entries += [Entry(name, (REPOSITORY / file).read_bytes()) for name, file in FILES.items()]
    entries += [Entry(f"systemd/{unit.relative_to(UNITS)}", unit.read_bytes()) for unit in sorted(UNITS.glob("*/keyward.*"))]
    entries += [_within("man", page) for page in program.manual()]
    entries += [_within("completions", script) for script in program.completions()]
    return [_within(program.name, entry) for entry in entries]


def of_image(program):
    """The program installs itself, so nothing else has to be there but its licence."""
    return [program.entry(), Entry("LICENSE", (REPOSITORY / "LICENSE").read_bytes())]


def _within(folder, entry):
    return Entry(f"{folder}/{entry.name}", entry.data, entry.mode, entry.link)
