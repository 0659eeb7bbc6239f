import io
import tarfile
import unittest

from release import archive
from release.archive import PROGRAM, Entry

ENTRIES = [Entry("b/keyward", b"program", PROGRAM), Entry("b/a/LICENSE", b"licence"), Entry("b/helper", link="keyward")]


def read(data):
    return tarfile.open(fileobj=io.BytesIO(data))


class Archives(unittest.TestCase):
    def test_the_order_in_which_files_are_found_does_not_matter(self):
        self.assertEqual(archive.tar(ENTRIES, 1), archive.tar(ENTRIES[::-1], 1))

    def test_files_are_nobodys_and_as_old_as_the_sources_and_the_folders_lead_to_them(self):
        members = read(archive.tar(ENTRIES, 1_700_000_000)).getmembers()
        self.assertEqual([member.name for member in members], ["b", "b/a", "b/a/LICENSE", "b/helper", "b/keyward"])
        for member in members:
            self.assertEqual((member.uid, member.gid, member.uname, member.gname), (0, 0, "", ""))
            self.assertEqual(member.mtime, 1_700_000_000)
        self.assertEqual([member.mode for member in members], [0o755, 0o755, 0o644, 0o777, 0o755])

    def test_what_is_in_it_comes_out_of_it(self):
        opened = read(archive.tar(ENTRIES, 1))
        self.assertEqual(opened.extractfile("b/keyward").read(), b"program")
        self.assertEqual(opened.getmember("b/helper").linkname, "keyward")

    def test_two_files_of_one_name_are_refused(self):
        with self.assertRaises(ValueError):
            archive.tar([ENTRIES[0], Entry(ENTRIES[0].name, b"other")], 1)

    def test_no_clock_gets_into_what_is_compressed(self):
        compressed = archive.compressed(b"text" * 100)
        # The header's time, and its flags: no name either.
        self.assertEqual((compressed[3], compressed[4:8]), (0, bytes(4)))
        self.assertEqual(compressed, archive.compressed(b"text" * 100))
