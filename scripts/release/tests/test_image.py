import gzip
import hashlib
import io
import json
import tarfile
import unittest

from release import image
from release.archive import PROGRAM, Entry

FILES = [Entry("keyward", b"program", PROGRAM)]


def build(**changed):
    return image.build(FILES, **({"target": "x86_64-unknown-linux-gnu", "version": "0.1.0", "epoch": 1} | changed))


class Layout:
    """An image, as a reader of the specification follows it."""

    def __init__(self, data):
        self.archive = tarfile.open(fileobj=io.BytesIO(data))

    def file(self, name):
        return self.archive.extractfile(name).read()

    def blob(self, descriptor):
        blob = self.file("blobs/" + descriptor["digest"].replace(":", "/"))
        assert "sha256:" + hashlib.sha256(blob).hexdigest() == descriptor["digest"], descriptor
        assert len(blob) == descriptor["size"], descriptor
        return blob


class Images(unittest.TestCase):
    def test_every_digest_leads_to_its_blob_down_to_the_files(self):
        data, digest = build()
        layout = Layout(data)
        self.assertEqual(json.loads(layout.file("oci-layout")), {"imageLayoutVersion": "1.0.0"})
        [described] = json.loads(layout.file("index.json"))["manifests"]
        self.assertEqual(described["digest"], digest)
        manifest = json.loads(layout.blob(described))
        configuration = json.loads(layout.blob(manifest["config"]))
        [layer] = [gzip.decompress(layout.blob(layer)) for layer in manifest["layers"]]
        self.assertEqual(configuration["rootfs"]["diff_ids"], ["sha256:" + hashlib.sha256(layer).hexdigest()])
        self.assertEqual((configuration["os"], configuration["architecture"]), ("linux", "amd64"))
        [entrypoint] = configuration["config"]["Entrypoint"]
        program = tarfile.open(fileobj=io.BytesIO(layer)).getmember(entrypoint.strip("/"))
        self.assertEqual(program.mode, 0o755)

    def test_the_same_files_are_the_same_image_and_others_are_another(self):
        self.assertEqual(build(), build())
        self.assertNotEqual(build()[1], build(version="0.2.0")[1])
        self.assertNotEqual(build()[1], build(target="aarch64-unknown-linux-gnu")[1])

    def test_of_a_target_that_no_container_runs_on_there_is_none(self):
        for target in ["x86_64-apple-darwin", "riscv64gc-unknown-linux-gnu"]:
            with self.assertRaises(ValueError):
                build(target=target)
