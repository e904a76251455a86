"""The sentences and lines about a grade that all reports share, and a grade as text for a terminal."""

import re
from collections import Counter
from collections.abc import Iterator

from ..judging.result import NOT_REACHED, NOTHING_WRITTEN, Grade, Result, Status
from ..sheet.rubric import EXERCISES, FUNCTIONS, TOTAL


def number(points: float) -> str:
    return f"{points:g}"


def share(result: Result) -> str:
    return f"{number(result.points)}/{number(result.criterion.points)}"


def few(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def one_line(grade: Grade) -> str:
    """Every mistake, in one line, each with the exercises that it cost points in."""
    if grade.feedback is not None:
        return grade.feedback
    parts = []
    for sentence, exercises in grade.sentences.items():
        where = f"Exercise {', '.join(map(str, exercises))}: " if len(exercises) < len(EXERCISES) else ""
        parts.append(where + " ".join(sentence.split()))
    return " ".join(parts)


def examined(grade: Grade) -> Iterator[tuple[int, list[tuple[Result, str]]]]:
    """For each exercise that has results: its number, and the results, each with its reason or "".

    A sentence is said once in an exercise. What stopped the whole file is said above, by the caller.
    """
    for exercise in EXERCISES:
        results = [result for result in grade.results if result.criterion.exercise == exercise]
        said = set() if grade.status is Status.GRADED else set(grade.sentences)
        if results:
            yield exercise, [(result, _reason(grade, result, said)) for result in results]


def _reason(grade, result, said):
    found = []
    for sentence in result.sentences:
        if sentence not in said:
            said.add(sentence)
            first = grade.sentences[sentence][0]
            again = first < result.criterion.exercise
            found.append(f"(The same mistake as in exercise {first}.) {sentence}" if again else sentence)
    return " ".join(found)


def rows_of(grade: Grade) -> Iterator[tuple[str, list[tuple[Result, str]]]]:
    """`examined`, with a title for each exercise."""
    for exercise, results in examined(grade):
        points = f"{number(grade.points(exercise))}/{number(EXERCISES[exercise].points)} points"
        yield f"Exercise {exercise}: {FUNCTIONS[exercise]}, {points}", results


def mark(result: Result) -> str:
    """A word for a criterion: "ok", "part", "LOST", "not yet" while nothing is written, or "not reached"."""
    if not result.lost or result.points:
        return "part" if result.lost else "ok"
    return {NOTHING_WRITTEN: "not yet", NOT_REACHED: NOT_REACHED}.get(result.mistake, "LOST")


def table(grade: Grade, brief: bool = False, lost: str = "LOST") -> list[str]:
    """For a terminal: a line for each criterion, with the reason below where points are lost.

    `brief` leaves only the exercises, `lost` is the word for a lost criterion. Exercises that were not
    examined don't appear.
    """
    notes = [f"Note: {note}" for note in grade.notes if note not in grade.to_look_at]
    is_examined = grade.status is Status.GRADED
    lines = [] if is_examined else list(dict.fromkeys([*grade.to_look_at, *grade.sentences]))
    if not grade.has_points:
        last = f"Not graded yet, so without points: {grade.status.value}{so_far(grade)}"
        return [for_a_log(line) for line in (*lines, *notes, last)]
    for title, rows in rows_of(grade):
        lines.append(title)
        for result, reason in rows if not brief else ():
            word = lost if mark(result) == "LOST" else mark(result)
            lines.append(f"  {word:4}  {share(result)}  {result.criterion.sentence}")
            if reason or result.note:
                lines.append(f"             {reason or result.note}")
    if grade.given is not None or {e for e, _ in examined(grade)} == set(EXERCISES):
        lines.append(f"Total: {number(grade.total)}/{number(TOTAL)} points")
    return [for_a_log(line) for line in lines + notes]


def points_of(grade: Grade) -> list[float | None]:
    """The points of each exercise, and the total; None where a human gave the total alone, or has to look."""
    there = {result.criterion.exercise for result in grade.results} if grade.has_points else set()
    found = [grade.points(exercise) if exercise in there else None for exercise in EXERCISES]
    return [*found, grade.total if grade.has_points else None]


def means(grades: list[Grade]) -> list[float]:
    """The mean points of each exercise, and of all, of those who have points."""
    columns = zip(*map(points_of, grades), strict=True) if grades else [[]]
    known = [[points for points in column if points is not None] for column in columns]
    return [sum(points) / max(1, len(points)) for points in known]


def mistakes_of(grades: list[Grade]) -> list[tuple[str, str, int]]:
    """Each kind of mistake, with a sentence about it, and how many made it; the most frequent first."""
    said: dict[tuple[str, str], list[str]] = {}
    for grade in grades:
        # Each file that can't be run is so in its own way.
        is_own = grade.status in (Status.UNREADABLE, Status.IMPORT_FAILED)
        mine: dict[tuple[str, str], str] = {}
        for cause in (cause for result in grade.results for cause in result.mistakes):
            key = cause.kind, cause.sentence if is_own else ""
            mine[key] = mine.get(key) or cause.sentence
        for key, sentence in mine.items():
            said.setdefault(key, []).append(sentence)
    found = []
    for (kind, _), sentences in sorted(said.items(), key=lambda one: -len(one[1])):
        examples = [example for example, _ in Counter(filter(None, sentences)).most_common()]
        start = "for example: " if len(examples) > 1 else ""
        found.append((kind, start + "".join(examples[:1]), len(sentences)))
    return found


def how_often(grades: list[Grade]) -> list[str]:
    """For a terminal: how often each mistake was made, by those who have points."""
    grades = [grade for grade in grades if grade.has_points]
    counts = mistakes_of(grades)
    lost = sum(grade.total < TOTAL for grade in grades)
    people = "1 person" if lost == 1 else f"{lost} people"
    lines = [f"{people} lost points. How often each mistake was made:"] if counts else []
    return lines + [f"{n:5d}  {shortened(f'{kind}: {example}')}".rstrip(": ") for kind, example, n in counts]


def so_far(grade: Grade) -> str:
    """The points that somebody has who is to look at: " (27 of 35 without 3.error)"; "" if there are none."""
    total = sum(result.points for result in grade.results)
    open_ones = [result.criterion.id for result in grade.results if result.needs_human]
    without = f"without {', '.join(open_ones)}" if 0 < len(open_ones) < 4 else "so far"
    return f" ({number(total)} of {number(TOTAL)} {without})" if total else ""


def to_look_at(grades: list[Grade]) -> list[str]:
    """Whom a human should look at, with the points so far, and why: a line each."""
    shown = [grade for grade in grades if grade.to_look_at]
    return [f"{grade.name}{so_far(grade)}: {' '.join(grade.to_look_at)}" for grade in shown]


def shortened(text: str, width: int = 70) -> str:
    """A text in one line that is no longer."""
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def for_a_log(line: str) -> str:
    """A line in which GitHub's log finds no command, whatever names and sentences are in it."""
    return re.sub(r"^(\s*:)(?=:)", r"\1 ", line).replace("##[", "## [")
