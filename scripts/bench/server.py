"""The fakes that all programs ask: the example `serve` of the package keyward-testbed."""

import contextlib
import json
import subprocess

from bench import fail


class Fakes(contextlib.AbstractContextManager):
    """Ends with its standard input, so with this process at the latest."""

    def __init__(self, program, addresses):
        arguments = [f"{name}={address}" for name, address in addresses.items()]
        self.process = subprocess.Popen(
            [program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.settings = self._read()

    def counters(self):
        """Connections and requests of each server so far."""
        return self._ask("")

    def silence(self, name):
        """Requests get no answer from now on."""
        self._ask(f"silence {name}")

    def answer(self, name):
        """Requests are answered again."""
        self._ask(f"answer {name}")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def _ask(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            fail("the fakes have ended; they say why above")
        return json.loads(line)
