import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from bench import REPOSITORY, compare

SCRIPT = REPOSITORY / "scripts/bench-compare"


def document(**figures):
    return {"figures": figures}


class Comparisons(unittest.TestCase):
    def worse(self, old, new):
        return {one.name: round(one.worse_by, 3) for one in compare.compare(document(one=old), document(one=new))}

    def test_times_are_not_compared_and_their_ratios_are(self):
        old = {"value": 1.0, "unit": "ms", "ratio": 0.4, "ratios": {"sdk": 2.0}}
        new = {"value": 9.0, "unit": "ms", "ratio": 0.5, "ratios": {"sdk": 1.0}}
        self.assertEqual(self.worse(old, new), {"one, ratio": 0.25, "one, ratio to sdk": -0.5})

    def test_counts_are_compared(self):
        self.assertEqual(self.worse({"value": 1, "unit": "requests"}, {"value": 3, "unit": "requests"}), {"one": 2.0})

    def test_one_request_where_there_was_none_is_worse_than_any_tolerance(self):
        [one] = compare.compare(
            document(hit={"value": 0, "unit": "requests"}), document(hit={"value": 1, "unit": "requests"})
        )
        self.assertTrue(one.is_worse(1000))

    def test_none_where_there_was_none_is_not_worse(self):
        self.assertEqual(self.worse({"value": 0, "unit": "requests"}, {"value": 0, "unit": "requests"}), {"one": 0.0})

    def test_where_more_is_better_less_is_worse(self):
        old = {"value": 1000, "unit": "lookups/s", "ratio": 2.0, "better": "higher"}
        new = {"value": 1000, "unit": "lookups/s", "ratio": 1.0, "better": "higher"}
        self.assertEqual(self.worse(old, new), {"one, ratio": 1.0})
        self.assertEqual(self.worse(new, old), {"one, ratio": -0.5})

    def test_what_one_file_lacks_is_told_and_not_compared(self):
        one = {"value": 1, "unit": "ms", "ratio": 1.0}
        old, new = document(a=one, b=one), document(b=one, c=one)
        self.assertEqual([found.name for found in compare.compare(old, new)], ["b, ratio"])
        self.assertEqual(compare.missing(old, new), ["a, ratio", "c, ratio"])


class Script(unittest.TestCase):
    def run_script(self, old, new, *options):
        with tempfile.TemporaryDirectory() as name:
            files = []
            for number, content in enumerate([old, new]):
                files.append(pathlib.Path(name) / f"{number}.json")
                files[-1].write_text(content)
            return subprocess.run([sys.executable, SCRIPT, *options, *files], capture_output=True, text=True)

    def ratios(self, old, new, *options):
        made = (json.dumps(document(hit={"value": 1, "unit": "ms", "ratio": ratio})) for ratio in (old, new))
        return self.run_script(*made, *options)

    def test_it_succeeds_within_the_tolerance(self):
        done = self.ratios(1.0, 1.14)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("hit, ratio", done.stdout)

    def test_it_fails_beyond_the_tolerance_and_names_what_is_worse(self):
        done = self.ratios(1.0, 1.16)
        self.assertEqual(done.returncode, 1)
        self.assertIn("worse by more than 15 %: hit, ratio", done.stderr)

    def test_the_tolerance_is_an_option(self):
        self.assertEqual(self.ratios(1.0, 1.16, "--tolerance", "0.2").returncode, 0)

    def test_files_with_nothing_in_common_are_an_error(self):
        done = self.run_script(json.dumps(document()), json.dumps(document()))
        self.assertEqual(done.returncode, 1)
        self.assertIn("no figure in common", done.stderr)

    def test_a_file_that_is_no_json_is_named(self):
        done = self.run_script("figures", json.dumps(document()))
        self.assertEqual(done.returncode, 1)
        self.assertIn("0.json cannot be read", done.stderr)
