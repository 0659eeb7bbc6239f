import pathlib
import subprocess
import tempfile
import unittest

from release import sums


class Sums(unittest.TestCase):
    def test_they_are_of_every_file_but_their_own_and_a_damaged_one_is_found(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "component").mkdir()
            for file in ["b.deb", "a.tar.gz", "component/keyward-ecr.wasm"]:
                (folder / file).write_text(file)
            sums.write(folder)
            sums.write(folder)
            names = [line.split("  ")[1] for line in (folder / sums.NAME).read_text().splitlines()]
            self.assertEqual(names, ["a.tar.gz", "b.deb", "component/keyward-ecr.wasm"])
            self.assertEqual(check(folder), 0)
            (folder / "b.deb").write_text("damaged")
            self.assertNotEqual(check(folder), 0)


def check(folder):
    return subprocess.run(["sha256sum", "--check", "--strict", "--quiet", sums.NAME], cwd=folder, capture_output=True).returncode
