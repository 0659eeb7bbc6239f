"""The bill of materials of the component, or of the command, as CycloneDX 1.6 has it: `python3 -m release.sbom FILE.wasm` prints the one,
`python3 -m release.sbom PROGRAM TARGET` the other.

It is the same for everybody who has built the same component: no time, no machine, and a serial number that comes of the component's hash.
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import uuid

from release import REPOSITORY, crates

# Of the serial numbers: it makes them differ from those that others have made of the same hash.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/keyward-ecr.wasm")


def main():
    file, *target = sys.argv[1:]
    built = pathlib.Path(file)
    document = of_command(built, *target) if target else of_component(built)
    print(json.dumps(document, indent=2))


def of_component(file):
    root, uses = crates.compiled_in()
    return bill(file.name, file.read_bytes(), root, uses, crates.checksums(), rust_version())


def of_command(file, target):
    """With the crates of the component, which is in it as machine code."""
    root, uses = crates.compiled_in("keyward", target, ["cli"])
    for crate, used in crates.compiled_in()[1].items():
        uses.setdefault(crate, set()).update(used)
    return bill(file.name, file.read_bytes(), root, uses, crates.checksums(), rust_version(), target)


def bill(name, content, root, uses, checksums, rust, target=crates.TARGET):
    digest = hashlib.sha256(content).hexdigest()
    standard_library = of_standard_library(rust, target)
    others = sorted((crate for crate in uses if crate != root), key=lambda crate: (crate.name, crate.version))
    depends = {crate.purl: sorted(used.purl for used in used_by) for crate, used_by in uses.items()}
    # Every crate uses it; who reads this wants to know that the component has it.
    depends[root.purl] = sorted([*depends[root.purl], standard_library["bom-ref"]])
    depends[standard_library["bom-ref"]] = []
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, digest)}",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                **of_crate(root, checksums),
                "type": "application",
                "mime-type": "application/wasm" if target == crates.TARGET else "application/octet-stream",
                "hashes": [sha_256(digest)],
                "properties": [{"name": "keyward:file", "value": name}],
            },
        },
        "components": [*(of_crate(crate, checksums) for crate in others), standard_library],
        "dependencies": [{"ref": ref, "dependsOn": depends[ref]} for ref in sorted(depends)],
    }


def of_crate(crate, checksums):
    component = {"type": "library", "bom-ref": crate.purl, "name": crate.name, "version": crate.version}
    component |= {"scope": "required", "purl": crate.purl}
    if crate.licence:
        # What older manifests have between two licences is no operator of SPDX.
        component["licenses"] = [{"expression": crate.licence.replace("/", " OR ")}]
    checksum = checksums.get((crate.name, crate.version))
    if checksum:
        component["hashes"] = [sha_256(checksum)]
    if crate.repository:
        component["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return component


def of_standard_library(version, target=crates.TARGET):
    purl = f"pkg:github/rust-lang/rust@{version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": "std",
        "version": version,
        "description": f"The standard library of Rust for {target}, as rustup installs it, with what it consists of",
        "scope": "required",
        "purl": purl,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "externalReferences": [{"type": "vcs", "url": "https://github.com/rust-lang/rust"}],
    }


def sha_256(digest):
    return {"alg": "SHA-256", "content": digest}


def rust_version():
    # Where rust-toolchain.toml is, so that it is the one that builds the component.
    said = subprocess.run(["rustc", "--version"], cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True).stdout
    return said.split()[1]


if __name__ == "__main__":
    main()
