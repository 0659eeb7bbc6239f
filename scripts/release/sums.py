"""SHA256SUMS, as `sha256sum --check` reads it."""

import hashlib

NAME = "SHA256SUMS"


def write(folder):
    """Of every file in the folder, in the order of their names."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / NAME)
    lines = [f"{_hash(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / NAME).write_text("".join(lines))


def _hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
