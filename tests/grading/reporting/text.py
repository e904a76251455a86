"""The sentences and lines about a grade that all reports share, and a grade as text for a terminal."""

from collections import Counter

from ..judging.result import NOT_IMPLEMENTED, NOT_REACHED, UNREADABLE, Grade, Result, Status
from ..sheet.rubric import CRITERIA, EXERCISES, FUNCTIONS, TOTAL


def number(points: float) -> str:
    return f"{points:g}"


def share(result: Result) -> str:
    return f"{number(result.points)}/{number(result.criterion.points)}"


def maximum(exercise: int) -> float:
    return EXERCISES[exercise].points


def few(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def one_line(grade: Grade) -> str:
    """Every mistake, in one line, each with the exercises that it cost points in."""
    parts = []
    for sentence, exercises in grade.sentences.items():
        where = f"Exercise {', '.join(map(str, exercises))}: " if len(exercises) < len(EXERCISES) else ""
        parts.append(where + " ".join(sentence.split()))
    return " ".join(parts)


def reason_of(grade: Grade, result: Result, said: set[str]) -> str:
    """Why points are lost, without what was `said` before in this exercise; it is added there."""
    found = []
    for sentence in result.sentences:
        if sentence not in said:
            said.add(sentence)
            first = grade.sentences[sentence][0]
            is_again = first < result.criterion.exercise and grade.status is Status.GRADED
            again = f"(The same mistake as in exercise {first}.) " if is_again else ""
            found.append(again + sentence)
    return " ".join(found)


def rows_of(grade: Grade):
    """For each exercise that was examined: its title, and its results, each with its reason or ""."""
    for exercise, function in FUNCTIONS.items():
        results = [result for result in grade.results if result.criterion.exercise == exercise]
        if not results:
            continue
        said: set[str] = set()
        points = f"{number(grade.points(exercise))}/{number(maximum(exercise))} points"
        yield (
            f"Exercise {exercise}: {function}, {points}",
            [(result, reason_of(grade, result, said)) for result in results],
        )


def mark(result: Result) -> str:
    """A word for a criterion: "ok", "part", "LOST", "not yet" while nothing is written, or "not reached"."""
    if not result.lost or result.points:
        return "part" if result.lost else "ok"
    return {NOT_IMPLEMENTED: "not yet", NOT_REACHED: NOT_REACHED}.get(result.mistake, "LOST")


def table(grade: Grade, brief: bool = False, lost: str = "LOST") -> list[str]:
    """For a terminal: a line for each criterion, with the reason below where points are lost.

    `brief` leaves only the exercises, `lost` is the word for a lost criterion. Exercises that were not
    examined don't appear.
    """
    notes = [f"Note: {note}" for note in (grade.note, *grade.notes) if note]
    if not grade.has_points:
        return [*grade.sentences, *notes, f"Not graded yet, so without points: {grade.status.value}"]
    lines = []
    for title, rows in rows_of(grade):
        lines.append(title)
        for result, reason in rows if not brief else ():
            word = lost if mark(result) == "LOST" else mark(result)
            lines.append(f"  {word:4}  {share(result)}  {result.criterion.sentence}")
            if reason or result.note:
                lines.append(f"             {reason or result.note}")
    if len(grade.results) >= len(CRITERIA):
        lines.append(f"Total: {number(grade.total)}/{number(TOTAL)} points")
    return lines + notes


def means(grades: list[Grade]) -> list[float]:
    """The mean points of each exercise, and of all, of those who have points."""
    grades = [grade for grade in grades if grade.has_points]
    sums = [sum(grade.points(exercise) for grade in grades) for exercise in EXERCISES]
    sums.append(sum(grade.total for grade in grades))
    return [points / max(1, len(grades)) for points in sums]


def mistakes_of(grades: list[Grade]) -> list[tuple[str, str, int]]:
    """Each kind of mistake, with a sentence about it, and how many made it; the most frequent first."""
    counts, sentences = Counter(), {}
    for grade in grades:
        kinds = {  # each file that can't be read is so in its own way
            (cause.kind, cause.sentence if cause.kind == UNREADABLE else ""): cause.sentence
            for result in grade.results
            for cause in result.mistakes
        }
        counts.update(kinds.keys())
        sentences |= kinds
    return [(kind[0], sentences[kind], count) for kind, count in counts.most_common()]


def how_often(grades: list[Grade]) -> list[str]:
    """For a terminal: how often each mistake was made."""
    counts = mistakes_of(grades)
    lines = ["How often each mistake was made:"] if counts else []
    return lines + [f"{count:5d}  {shortened(f'{kind}: {example}')}" for kind, example, count in counts]


def to_look_at(grades: list[Grade]) -> list[str]:
    """For a terminal: whom a human should look at, and why."""
    shown = [grade for grade in grades if grade.to_look_at]
    lines = [f"To look at by a human: {len(shown)}"] if shown else []
    return lines + [f"  {shortened(f'{grade.name}: ' + ' '.join(grade.to_look_at))}" for grade in shown]


def shortened(text: str, width: int = 70) -> str:
    """A text in one line that is no longer."""
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
