"""How a program is run: by hyperfine where milliseconds count, and once under GNU time, which tells its peak memory."""

import dataclasses
import json
import os
import pathlib
import resource
import shlex
import signal
import subprocess
import tempfile
import time

from bench import fail, rows
from bench.programs import KEYWARD, TIME_PROGRAM

# Those that have not ended by then are interrupted: some peers never would.
CUT_SECONDS = 30
# What takes longer is run a few times only, and is not worth hyperfine.
SLOW_SECONDS = 0.8

NOT_FOUND = "credentials not found in native keychain"
WITHOUT_CACHE = {"KEYWARD_CACHE": "off", "AWS_ECR_DISABLE_CACHE": "1"}


@dataclasses.dataclass(frozen=True)
class Run:
    """One process."""

    wall_ms: float
    # About a millisecond of it is GNU time's own.
    cpu_ms: float
    memory_kib: int
    cut: bool


@dataclasses.dataclass(frozen=True)
class Round:
    """Some runs of one program by hyperfine, one after the other."""

    walls_ms: list
    # Of the processor's time, hyperfine tells only the mean.
    cpu_ms: float


class Bed:
    """The circumstances of a row: a home, and variables. Nothing of this machine's user is in them."""

    def __init__(self, directory, fakes, programs, roots_of_one):
        self.directory, self.fakes, self.roots_of_one = directory, fakes, roots_of_one
        # By this name docker calls it.
        keyward = directory / "docker-credential-keyward"
        keyward.symlink_to(programs.helpers[KEYWARD])
        self.helpers = programs.helpers | {KEYWARD: str(keyward)}
        (directory / "no-certificates").mkdir()

    def new_home(self):
        return pathlib.Path(tempfile.mkdtemp(prefix="home-", dir=self.directory))

    def environment(self, row, home):
        settings = self.fakes.settings
        variables = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
        if row.metadata:
            variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = f"http://{row.metadata}"
        else:
            variables["AWS_EC2_METADATA_DISABLED"] = "true"
            variables["AWS_ACCESS_KEY_ID"] = settings["access_key_id"]
            variables["AWS_SECRET_ACCESS_KEY"] = settings["secret_access_key"]
        if not row.cached:
            variables |= WITHOUT_CACHE
        if self.roots_of_one:
            variables["SSL_CERT_FILE"] = settings["ca_file"]
            # Otherwise programs in Go read all certificates of the system besides.
            variables["SSL_CERT_DIR"] = str(self.directory / "no-certificates")
        return variables

    def start(self, program, row, home, **options):
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(
            [self.helpers[program], "get"], env=self.environment(row, home), **streams | options
        )

    def get(self, program, row, home, host, expected):
        """What has to work before anything is measured."""
        process = self.start(program, row, home)
        check(program, host, expected, process.communicate(host), process.returncode)

    def run_once(self, program, row, home):
        """One run with its peak memory, ended if it does not end."""
        memory = home / "memory"
        command = [TIME_PROGRAM, "--quiet", "--format", "%M", "--output", memory, self.helpers[program], "get"]
        before, begin = cpu_ms_of_children(), time.perf_counter()
        process = subprocess.Popen(
            command, env=self.environment(row, home), start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        try:
            streams, cut = process.communicate(row.host, timeout=CUT_SECONDS), False
        except subprocess.TimeoutExpired:
            # The program ends by it, and GNU time does not.
            os.killpg(process.pid, signal.SIGINT)
            process.communicate()
            streams, cut = None, True
        wall_ms = 1000 * (time.perf_counter() - begin)
        if not cut:
            check(program, row.host, row.expected_from(program), streams, process.returncode)
        return Run(wall_ms, cpu_ms_of_children() - before, int(memory.read_text().split()[-1]), cut)

    def run_hyperfine(self, questions, row, home, runs):
        """One round: some runs of each (program, host), a program after the other.

        hyperfine subtracts the time of the shell, which is there for the sake of the standard input.
        """
        commands = []
        for number, (program, host) in enumerate(questions):
            question = home / f"question-{number}"
            question.write_text(host)
            commands.append(f"{shlex.quote(self.helpers[program])} get <{shlex.quote(str(question))}")
        results = home / "results.json"
        options = ["--shell", "sh", "--style", "none", "--warmup", "1", "--runs", str(runs), "--export-json", results]
        # A helper ends with 1 where it has no credential. What it answers was looked at before.
        command = ["hyperfine", "--ignore-failure", *options, *commands]
        done = subprocess.run(command, env=self.environment(row, home), capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"hyperfine failed: {done.stderr.strip()}")
        return [
            Round([1000 * seconds for seconds in result["times"]], 1000 * (result["user"] + result["system"]))
            for result in json.loads(results.read_text())["results"]
        ]


def cpu_ms_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (usage.ru_utime + usage.ru_stime)


def check(program, host, expected, streams, status):
    """A figure of a helper that does not do its work would be worth nothing."""
    output, errors = streams
    if not is_as_expected(expected, output, status):
        # Not the output, which may be a credential in another form.
        fail(f"{program} gave not {expected} for {host}; on its standard error stream stands: {errors.strip()}")


def is_as_expected(expected, output, status):
    if expected == rows.ANSWER:
        return status == 0 and is_credential(output)
    # Of a failure, some programs say that nothing was found, whatever has failed.
    return status != 0 and (expected == rows.FAILURE or output.strip() == NOT_FOUND)


def is_credential(output):
    try:
        return json.loads(output).get("Username") == "AWS"
    except ValueError:
        return False
