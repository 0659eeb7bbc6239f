"""Measures every row, and what a crowd of processes does."""

import dataclasses
import statistics

from bench import rows, say
from bench.measure import SLOW_SECONDS
from bench.programs import KEYWARD


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is measured."""

    quick: bool

    def rounds(self, row):
        return 3 if self.quick else row.rounds

    @property
    def runs(self):
        return 3 if self.quick else 4

    @property
    def runs_for_memory(self):
        return 1 if self.quick else 5

    @property
    def tries_of_crowd(self):
        return 1 if self.quick else 5

    def programs(self, row):
        return [program for program in row.programs if not (self.quick and program in row.slow)]


@dataclasses.dataclass
class Measured:
    """One program in one row. Of slow ones, each run is a round."""

    rounds_wall_ms: list = dataclasses.field(default_factory=list)
    rounds_cpu_ms: list = dataclasses.field(default_factory=list)
    walls_ms: list = dataclasses.field(default_factory=list)
    memories_kib: list = dataclasses.field(default_factory=list)
    connections: int = 0
    requests: int = 0
    cut: bool = False

    def add_run(self, run):
        self.rounds_wall_ms.append(run.wall_ms)
        self.walls_ms.append(run.wall_ms)
        self.rounds_cpu_ms.append(run.cpu_ms)

    def add_round(self, measured):
        self.walls_ms += measured.walls_ms
        self.rounds_wall_ms.append(statistics.median(measured.walls_ms))
        self.rounds_cpu_ms.append(measured.cpu_ms)

    @property
    def wall_ms(self):
        return statistics.median(self.walls_ms)

    @property
    def cpu_ms(self):
        return statistics.median(self.rounds_cpu_ms)

    @property
    def memory_kib(self):
        return statistics.median(self.memories_kib)


@dataclasses.dataclass
class MeasuredRow:
    """A row by the names of programs, and Keyward's own `miss` in the same rounds if the row is beside it."""

    programs: dict
    miss: Measured | None


def measure_row(bed, row, effort):
    programs = effort.programs(row)
    measured = MeasuredRow({program: Measured() for program in programs}, Measured() if row.beside_miss else None)
    home = bed.new_home()
    if row.metadata == rows.METADATA:
        bed.fakes.answer("metadata")
    if row.cached and row.expected == rows.ANSWER:
        for program in programs:
            bed.get(program, row, home, row.host, rows.ANSWER)
    if row.silent:
        bed.fakes.silence("metadata")

    timed = [program for program, one in measured.programs.items() if run_alone(bed, row, effort, home, program, one)]
    questions = [(program, row.host, measured.programs[program]) for program in timed]
    if measured.miss:
        questions.append((KEYWARD, rows.MISS.host, measured.miss))
    time_in_turn(bed, row, effort, home, questions)
    return measured


def run_alone(bed, row, effort, home, program, measured):
    """Counts what one run asks, and measures its memory. Says whether it is for hyperfine."""
    before = bed.fakes.counters()
    first = bed.run_once(program, row, home)
    after = bed.fakes.counters()
    if row.server:
        measured.connections = after[row.server]["connections"] - before[row.server]["connections"]
        measured.requests = after[row.server]["requests"] - before[row.server]["requests"]
    slow = first.wall_ms > 1000 * SLOW_SECONDS
    more = (1 if effort.quick else row.repeats) if slow else effort.runs_for_memory
    runs = [first] + [bed.run_once(program, row, home) for _ in range(more - 1)]
    measured.memories_kib = [run.memory_kib for run in runs]
    measured.cut = any(run.cut for run in runs)
    if slow:
        for run in runs:
            measured.add_run(run)
    return not slow


def time_in_turn(bed, row, effort, home, questions):
    """Whatever changes in the course of a round is to the disadvantage of each program in turn."""
    for number in range(effort.rounds(row) if questions else 0):
        order = questions if number % 2 == 0 else questions[::-1]
        asked = [(program, host) for program, host, _ in order]
        for (_, _, measured), result in zip(order, bed.run_hyperfine(asked, row, home, effort.runs)):
            measured.add_round(result)


def measure_crowd(bed, registries, effort):
    """What AWS saw of processes that all asked at once, and what a cache has kept of their answers."""
    programs = rows.WITH_A_CACHE
    return {program: [ask_at_once(bed, program, registries) for _ in range(effort.tries_of_crowd)] for program in programs}


def ask_at_once(bed, program, registries):
    row, home = rows.Row("crowd", (program,)), bed.new_home()
    before = requests(bed)
    # Each waits for its question, so that all have started when the first is asked.
    processes = [bed.start(program, row, home) for _ in registries]
    for process, registry in zip(processes, registries):
        process.stdin.write(registry)
        process.stdin.close()
        process.stdin = None
    for process in processes:
        _, errors = process.communicate()
        if process.returncode != 0:
            say(f"{program} failed among {len(registries)} at once; on its standard error stream stands: {errors.strip()}")
    calls = requests(bed) - before

    different = sorted(set(registries))
    before = requests(bed)
    for registry in different:
        bed.get(program, row, home, registry, rows.ANSWER)
    return {"calls": calls, "kept": len(different) - (requests(bed) - before)}


def requests(bed):
    return bed.fakes.counters()["aws"]["requests"]
