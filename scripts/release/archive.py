"""Archives whose bytes are those of their contents: no clock, no user, and no order of a file system gets into them."""

import dataclasses
import io
import subprocess
import tarfile

PROGRAM = 0o755
FILE = 0o644


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file of an archive, or a link where `link` says what it leads to."""

    name: str
    data: bytes = b""
    mode: int = FILE
    link: str | None = None


def tar(entries, epoch):
    """The bytes of a tar archive: sorted, of nobody, as old as `epoch`, with the folders that its files are in."""
    entries = sorted(entries, key=lambda entry: entry.name)
    names = {entry.name for entry in entries}
    if len(names) != len(entries):
        raise ValueError("an archive would have two files of one name")
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        folders = set()
        for entry in entries:
            for folder in _folders(entry.name):
                if folder not in folders:
                    folders.add(folder)
                    archive.addfile(_header(folder, tarfile.DIRTYPE, PROGRAM, epoch))
            if entry.link is None:
                header = _header(entry.name, tarfile.REGTYPE, entry.mode, epoch)
                header.size = len(entry.data)
                archive.addfile(header, io.BytesIO(entry.data))
            else:
                header = _header(entry.name, tarfile.SYMTYPE, 0o777, epoch)
                header.linkname = entry.link
                archive.addfile(header)
    return written.getvalue()


def compressed(data):
    """By gzip, which is the same on every machine; Python's zlib is not."""
    return subprocess.run(["gzip", "--no-name", "--best", "--stdout"], input=data, stdout=subprocess.PIPE, check=True).stdout


def _header(name, kind, mode, epoch):
    header = tarfile.TarInfo(name)
    header.type, header.mode, header.mtime = kind, mode, epoch
    return header


def _folders(name):
    """The folders that lead to a name, from the first one on."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
