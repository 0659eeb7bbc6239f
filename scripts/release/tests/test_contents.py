import pathlib
import types
import unittest

from release import contents
from release.archive import Entry


class Contents(unittest.TestCase):
    def test_the_archive_has_the_units_of_both_managers(self):
        program = types.SimpleNamespace(
            name="keyward-1", entry=lambda: Entry("keyward", b"program"), manual=lambda: [], completions=lambda: []
        )
        names = {str(pathlib.PurePath(entry.name)) for entry in contents.of_archive(program)}
        for unit in ["keyward.service", "keyward.socket"]:
            for manager in ["system", "user"]:
                self.assertIn(f"keyward-1/systemd/{manager}/{unit}", names)


if __name__ == "__main__":
    unittest.main()
