"""Whether what scripts/release-component has written is whole: `python3 -m release.check FOLDER`, with cyclonedx-python-lib installed."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release import REPOSITORY, crates

FILES = {"SHA256SUMS", "keyward-ecr.cdx.json", "keyward-ecr.wasm", "keyward-registry-credentials.wasm", "wkg.toml"}


def main():
    folder = pathlib.Path(sys.argv[1])
    assert {file.name for file in folder.iterdir()} == FILES, sorted(folder.iterdir())
    sums = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == FILES - {"SHA256SUMS"}, sums

    text = (folder / "keyward-ecr.cdx.json").read_text()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, f"the bill of materials is not valid: {error}"
    bill = json.loads(text)
    content = (folder / "keyward-ecr.wasm").read_bytes()
    [digest] = bill["metadata"]["component"]["hashes"]
    assert digest["content"] == hashlib.sha256(content).hexdigest(), "the bill of materials is of another component"
    check_crates(bill, content)
    for name in ["keyward-ecr.wasm", "keyward-registry-credentials.wasm"]:
        # Its magic number, and that it is a component, as packages are too.
        assert (folder / name).read_bytes()[:8] == b"\0asm\x0d\0\x01\0", f"{name} is no component"
    print(f"{len(bill['components'])} components, {len(content)} bytes")


def check_crates(bill, content):
    listed = {f"{component['name']} v{component['version']}" for component in bill["components"] if component["name"] != "std"}
    command = ["cargo", "tree", "--locked", "--package", crates.PACKAGE, "--target", crates.TARGET]
    command += ["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]
    tree = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True).stdout
    own = bill["metadata"]["component"]["version"]
    built = {" ".join(line.split()[:2]) for line in tree.splitlines()} - {f"{crates.PACKAGE} v{own}"}
    assert listed == built, listed ^ built
    # The component itself has the names of the sources that its messages about a crash are of.
    sources = re.findall(r"/cargo/registry/src/[^/]+/([a-z0-9_-]+?)-(\d[^/]*)/", content.decode("latin-1"))
    named = {f"{name} v{version}" for name, version in sources}
    assert named and named <= listed, f"in the component, and not in its bill: {named - listed}"
    for component in bill["components"]:
        assert component["licenses"] and component["purl"], component
        assert component["name"] == "std" or component["hashes"], f"{component['name']} has no checksum"


if __name__ == "__main__":
    main()
