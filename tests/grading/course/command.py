"""The command that grades a class: python -m tests.grading submissions/ --grades grades.csv"""

import argparse
import contextlib
import functools
import math
import re
import secrets
import signal
import sys
from pathlib import Path

from ..handed_in.machine import cores
from ..handed_in.reading import read_download
from ..handed_in.submission import imported_by
from ..handed_in.systems import LAYOUTS
from ..reporting.table import grades_of, merge
from ..reporting.text import few, for_a_log
from ..running.process import Limits, SandboxError
from ..sheet.probes import Probes
from .outputs import Files, Outputs
from .pool import EndableSandbox, grade_all
from .progress import Progress

DONE, WRONG_USE, FAILED = 0, 2, 3  # exit statuses
MANY = 100  # submissions from which on half a second of preparation pays

PROGRAM = "python -m tests.grading"
USAGE = f"""{PROGRAM} PATH... [options]
       {PROGRAM} merge grades.csv part1.csv part2.csv ...
       {PROGRAM} report grades.csv [options]

PATH is a course's download, a folder of many, or what one person handed in:
  {PROGRAM} submissions/ --grades grades.csv --feedback pages/"""
STATUSES = """\
It ends with 0 if nobody was left out; with 3 if a file could not be written or
the machine can't grade; with 2 if it was called wrongly."""


def _path(text):
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return Path(text)


def _shard(text):
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"a shard is written as K/N, with K from 1 to N, not {text!r}")
    return int(found[1]), int(found[2])


def _size(text):
    with contextlib.suppress(ValueError):
        if 0 < (size := float(text.replace(",", "."))) < math.inf:
            return size
    raise argparse.ArgumentTypeError(f"it is a number above 0, not {text!r}")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage above it."""

    def __init__(self, **more):
        width = functools.partial(argparse.RawDescriptionHelpFormatter, width=80, max_help_position=22)
        super().__init__(formatter_class=width, allow_abbrev=False, add_help=False, **more)
        self._options = self.add_argument_group("options")
        self._options.add_argument("-h", "--help", action="help", help="show this")

    def option(self, name, metavar, help, type=_path, **more):
        self._options.add_argument(name, metavar=metavar, help=help, type=type, **more)

    def add_reports(self):
        self.option("--feedback", "DIR", "write each author a page, to a folder or a .zip")
        self.option("--summary", "FILE", "write a page about the class to an .html file")
        self.option("--worksheet", "FILE", "fill in the table that Moodle or Canvas gave")

    def error(self, message):
        self.exit(WRONG_USE, f"{self.prog}: {message} (--help lists the options)\n")


def _parser():
    parser = _Parser(prog=PROGRAM, usage=USAGE, epilog=STATUSES)
    parser.add_argument("paths", nargs="+", type=_path, metavar="PATH", help=argparse.SUPPRESS)
    add, gib = parser.option, Limits.memory_bytes >> 30
    add("--grades", "FILE", "write the points to a .csv table")
    parser.add_reports()
    add("--override", "FILE", "use the points by hand in this .csv table")
    add("--layout", "NAME", "say which system the download is of", str, choices=LAYOUTS)
    add("--shard", "K/N", "grade every N-th person only, from the K-th on", _shard, default=(1, 1))
    add("--jobs", "N", "grade N at a time (default: all cores, %(default)s)", _size, default=cores())
    add("--seed", "N", "draw an earlier run's inputs again (default: new ones)", int)
    add("--time-limit", "S", "seconds for a call (default: %(default)g)", _size, default=Limits.seconds)
    add("--memory-limit", "GIB", "memory for a submission (default: %(default)g)", _size, default=gib)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Grade what the arguments name, and return the exit status.

    Raises:
        SystemExit: it was called wrongly, which has been said then.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # some terminals know ASCII only
    if arguments[:1] in (["merge"], ["report"]):
        return (_merge if arguments[0] == "merge" else _report)(arguments[1:])
    parser = _parser()
    options = parser.parse_args(arguments)
    files = Files(options.grades, options.feedback, options.summary, options.worksheet, options.override)
    with _interrupts() as came:
        try:
            everybody, nobodys = read_download(options.paths, options.layout)
            files.check(options.paths)
        except (OSError, ValueError) as error:
            parser.error(str(error).rstrip("."))
        except KeyboardInterrupt:
            return 128 + came[0]
        if nobodys:
            _print([f"Passed over, as nobody's work: {few(nobodys)}"])
        k, n = options.shard
        shard = everybody[k - 1 :: n]
        return _grade(options, shard, Outputs(shard, files, everybody), came)


def _grade(options, submissions, outputs, came):
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    limits = Limits(options.time_limit, int(options.memory_limit * 2**30))
    seen = (*options.paths, *outputs.files.written)
    hidden = {path if path.is_dir() else path.resolve().parent for path in seen}
    many, jobs, status = len(submissions) > MANY, max(1, min(int(options.jobs), len(submissions))), DONE
    try:
        with (
            EndableSandbox(limits, imported_by(submissions), hidden=hidden, many=many) as sandbox,
            contextlib.closing(grade_all(submissions, sandbox, Probes(seed), jobs)) as grades,
            Progress([one.name for one in submissions], sys.stdout) as progress,
        ):
            for grade in grades:
                progress.add(outputs.add(grade))
            progress.add_means(outputs.grades)
    except SandboxError as error:
        print(error, file=sys.stderr)
        status = FAILED
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        status = 128 + came[0]
    came.append(0)  # no file is to be missing for a second Ctrl-C
    outputs.finish()
    _print(outputs.lines())
    if outputs.grades:
        print(f"The inputs can be drawn again with --seed {seed}.")
    return FAILED if outputs.failed else status


def _print(lines):
    print("\n".join(map(for_a_log, lines)))


@contextlib.contextmanager
def _interrupts():
    """What ends a run from outside raises KeyboardInterrupt in it, as Ctrl-C does, but only the first does.

    What is ignored (nohup) still is. Gives a list that gets the numbers of the signals.
    """
    came = []

    def interrupt(number, _):
        came.append(number)
        if len(came) == 1:
            raise KeyboardInterrupt

    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    heard = [n for n in numbers if n and signal.getsignal(n) not in (None, signal.SIG_IGN)]
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _merge(arguments):
    parser = _Parser(prog=f"{PROGRAM} merge", description="Put the tables of shards together.")
    parser.add_argument("out", type=_path, metavar="grades.csv", help="the whole table; its rows stay")
    parser.add_argument("parts", type=_path, nargs="+", metavar="part.csv")
    options = parser.parse_args(arguments)
    try:
        _print(merge(options.out, options.parts))
    except (OSError, ValueError) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
        print(f"No table was written: {reason}.", file=sys.stderr)
        return FAILED
    return DONE


def _report(arguments):
    about = "Write the reports again from grades.csv, as a human has changed it. Nobody is graded."
    parser = _Parser(prog=f"{PROGRAM} report", description=about)
    parser.add_argument("table", type=_path, metavar="grades.csv", help="the table; it stays as it is")
    parser.add_reports()
    options = parser.parse_args(arguments)
    files = Files(None, options.feedback, options.summary, options.worksheet)
    try:
        grades, said = grades_of(options.table)
        files.check([options.table])
    except (OSError, ValueError) as error:
        parser.error(str(error).rstrip("."))
    outputs = Outputs(grades, files)
    for grade in grades:
        outputs.add(grade)
    outputs.finish()
    _print([*outputs.lines(), *said])
    return FAILED if outputs.failed else DONE
