import pathlib
import tempfile
import unittest

from release import crates, sbom
from release.crates import Crate

# As cargo prints it: what is used twice is there twice.
TREE = """\
0\tkeyward-ecr v0.1.0 (/somewhere/guest)\tApache-2.0\t
1\tbase64 v0.23.1\tMIT OR Apache-2.0\thttps://github.com/marshallpierce/rust-base64
1\thmac v0.13.0\tMIT OR Apache-2.0\thttps://github.com/RustCrypto/MACs
2\tdigest v0.11.3\tMIT OR Apache-2.0\thttps://github.com/RustCrypto/traits
1\tsha2 v0.11.1\tMIT OR Apache-2.0\thttps://github.com/RustCrypto/hashes
2\tdigest v0.11.3\tMIT OR Apache-2.0\thttps://github.com/RustCrypto/traits
"""

LOCK = """\
[[package]]
name = "digest"
version = "0.11.3"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "d1"

[[package]]
name = "keyward-ecr"
version = "0.1.0"
"""


class Crates(unittest.TestCase):
    def test_each_crate_is_known_with_those_that_it_uses_itself(self):
        root, uses = crates.parse(TREE)
        self.assertEqual((root.name, root.version, root.licence), ("keyward-ecr", "0.1.0", "Apache-2.0"))
        by_name = {crate.name: sorted(used.name for used in used_by) for crate, used_by in uses.items()}
        expected = {"keyward-ecr": ["base64", "hmac", "sha2"], "base64": [], "hmac": ["digest"], "sha2": ["digest"], "digest": []}
        self.assertEqual(by_name, expected)

    def test_a_line_that_is_no_crate_is_an_error_and_not_left_out(self):
        with self.assertRaisesRegex(ValueError, "no crate"):
            crates.parse(TREE + "[build-dependencies]\n")

    def test_the_lock_file_has_the_checksums_of_what_comes_from_a_registry(self):
        with tempfile.TemporaryDirectory() as folder:
            lock = pathlib.Path(folder) / "Cargo.lock"
            lock.write_text(LOCK)
            self.assertEqual(crates.checksums(lock), {("digest", "0.11.3"): "d1"})

    def test_what_cargo_prints_for_this_workspace_is_understood(self):
        root, uses = crates.compiled_in()
        self.assertEqual(root.name, crates.PACKAGE)
        names = {crate.name for crate in uses}
        self.assertLessEqual({"base64", "hmac", "serde_json", "sha2", "wit-bindgen"}, names)
        macros = {"syn", "quote", "proc-macro2", "thiserror-impl", "wit-bindgen-rust-macro"}
        self.assertFalse(macros & names, "macros are not in the component")


class Bill(unittest.TestCase):
    def setUp(self):
        root, uses = crates.parse(TREE)
        checksums = {("digest", "0.11.3"): "d1"}
        self.make = lambda content: sbom.bill("keyward-ecr.wasm", content, root, uses, checksums, "1.95.0")
        self.bill = self.make(b"content")

    def test_it_is_about_the_file_by_its_hash(self):
        component = self.bill["metadata"]["component"]
        digest = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
        self.assertEqual(component["hashes"], [{"alg": "SHA-256", "content": digest}])
        self.assertEqual(component["properties"], [{"name": "keyward:file", "value": "keyward-ecr.wasm"}])

    def test_each_crate_has_a_purl_a_licence_and_the_checksum_of_its_archive(self):
        [digest] = [component for component in self.bill["components"] if component["name"] == "digest"]
        self.assertEqual(digest["purl"], "pkg:cargo/digest@0.11.3")
        self.assertEqual(digest["licenses"], [{"expression": "MIT OR Apache-2.0"}])
        self.assertEqual(digest["hashes"], [{"alg": "SHA-256", "content": "d1"}])

    def test_the_standard_library_is_in_it(self):
        [std] = [component for component in self.bill["components"] if component["name"] == "std"]
        self.assertEqual(std["version"], "1.95.0")
        root = self.bill["metadata"]["component"]["bom-ref"]
        [depends] = [entry["dependsOn"] for entry in self.bill["dependencies"] if entry["ref"] == root]
        self.assertIn(std["bom-ref"], depends)

    def test_every_reference_leads_to_a_component(self):
        known = {component["bom-ref"] for component in self.bill["components"]}
        known.add(self.bill["metadata"]["component"]["bom-ref"])
        self.assertEqual({entry["ref"] for entry in self.bill["dependencies"]}, known)
        self.assertLessEqual({used for entry in self.bill["dependencies"] for used in entry["dependsOn"]}, known)

    def test_its_serial_number_is_that_of_the_content(self):
        self.assertEqual(self.bill, self.make(b"content"))
        self.assertNotEqual(self.bill["serialNumber"], self.make(b"other content")["serialNumber"])

    def test_old_spellings_of_licences_and_versions_with_metadata_are_written_as_they_have_to_be(self):
        crate = Crate("old", "1.0.0+1.2", "MIT/Apache-2.0")
        self.assertEqual(sbom.of_crate(crate, {})["licenses"], [{"expression": "MIT OR Apache-2.0"}])
        self.assertEqual(crate.purl, "pkg:cargo/old@1.0.0%2B1.2")
