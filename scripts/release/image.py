"""A container image that has the program alone, as an OCI image layout in an archive. It is a few JSON files and one layer: no daemon,
no Dockerfile and no base image take part."""

import hashlib
import json

from release import archive
from release.archive import Entry

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

# Whom it runs as unless the pod says otherwise: nobody that a node has.
USER = "65532:65532"

# What OCI, and Go, call the architectures of Rust's targets.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture(target):
    """Of a target of Rust's."""
    processor = target.split("-")[0]
    if processor not in ARCHITECTURES or "-linux-" not in target:
        raise ValueError(f"no image is made for {target}: name it in scripts/release/image.py")
    return ARCHITECTURES[processor]


def build(files, *, target, version, epoch):
    """The archive's bytes, and the digest that the image is pinned by."""
    layer = archive.tar(files, epoch)
    compressed = archive.compressed(layer)
    labels = {
        "org.opencontainers.image.title": "keyward",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
    }
    configuration = _json({
        "architecture": architecture(target),
        "os": "linux",
        "config": {"Entrypoint": ["/keyward"], "User": USER, "WorkingDir": "/", "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    })
    manifest = _json({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor(CONFIGURATION, configuration),
        "layers": [_descriptor(LAYER, compressed)],
    })
    named = {"annotations": {"org.opencontainers.image.ref.name": version}}
    index = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [_descriptor(MANIFEST, manifest) | named]})
    blobs = [Entry(f"blobs/sha256/{_hash(blob)}", blob) for blob in (compressed, configuration, manifest)]
    layout = [Entry("oci-layout", _json({"imageLayoutVersion": "1.0.0"})), Entry("index.json", index), *blobs]
    return archive.tar(layout, epoch), _digest(manifest)


def _descriptor(media_type, blob):
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob):
    return f"sha256:{_hash(blob)}"


def _hash(blob):
    return hashlib.sha256(blob).hexdigest()


def _json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
