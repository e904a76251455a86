"""The grades of a run that isn't finished yet, so that the same command goes on where it was interrupted."""

import hashlib
import json
import platform
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from ..handed_in.submission import Submission
from ..judging.result import Grade

GRADER = Path(__file__).resolve().parents[1]


class Unfinished:
    """A file beside the table of grades. It is there from the first grade to the last, and not after.

    A grade in it counts only for the same files, handed in by the same person, and only as long as the
    grader, its libraries and its limits are the same.

    Attributes:
        seed: that of the run that was interrupted, or None.
    """

    def __init__(self, grades: Path, seed: int | None = None, limits: tuple = ()):
        self.path = grades.with_name(grades.name + ".unfinished")
        self._grader = _digest([_grader(), limits])
        self.seed, self._found = _read(self.path, self._grader)
        if seed not in (None, self.seed):
            self.seed, self._found = None, {}
        self._file = None

    def grade_of(self, submission: Submission) -> Grade | None:
        """Its grade, if it has one and nothing has changed since."""
        plain = self._found.get(_content(submission))
        return None if plain is None else Grade.from_dict(plain)

    def add(self, grade: Grade, submission: Submission) -> None:
        content = _content(submission)
        if content in self._found:
            return
        if self._file is None:
            self._file = self.path.open("a" if self._found else "w", encoding="utf-8")
            if not self._found:
                self._file.write(json.dumps({"grader": self._grader, "seed": grade.seed}))
        # The line break stands first: the last line may have been cut off.
        self._file.write("\n" + json.dumps({"submission": content, "grade": grade.to_dict()}))
        self._file.flush()

    def close(self, finished: bool) -> None:
        if self._file:
            self._file.close()
        if finished:
            self.path.unlink(missing_ok=True)


def _read(path, grader):
    """The seed and the grades, {content: grade}, of the same grader."""
    seed, found = None, {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        first = json.loads(lines[0])
        if first["grader"] != grader:
            return None, {}
        seed = int(first["seed"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None, {}
    for line in lines[1:]:
        try:
            entry = json.loads(line)
            Grade.from_dict(entry["grade"])
            found[entry["submission"]] = entry["grade"]
        except (ValueError, KeyError, TypeError):  # it was cut off
            continue
    return (seed, found) if found else (None, {})


def _content(submission):
    """All of a submission that its grade depends on."""
    return _digest({key: value for key, value in asdict(submission).items() if key not in ("late", "time")})


def _grader():
    files = [path.read_bytes() for path in sorted(GRADER.rglob("*.py"))]
    libraries = [metadata.version(name) for name in ("torch", "numpy")]
    return [hashlib.sha256(b"\0".join(files)).hexdigest(), libraries, platform.python_version()]


def _digest(plain):
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
