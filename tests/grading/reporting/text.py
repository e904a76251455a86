"""Grades as text for the terminal, and as a table for the notebook."""

from collections import Counter

from ..judging.result import NOT_IMPLEMENTED, NOT_REACHED, UNDECIDED, Grade, Result, earlier_exercise
from ..sheet.rubric import CRITERIA, EXERCISES, FUNCTIONS, TOTAL


def number(points: float) -> str:
    return f"{points:g}"


def maximum(exercise: int) -> float:
    return EXERCISES[exercise].points


def one_line(grade: Grade) -> str:
    """Every mistake, in one line, each with the exercises that it cost points in."""
    parts = []
    for reason in grade.mistakes:
        exercises = {r.criterion.exercise for r in grade.results if r.reason == reason} & set(EXERCISES)
        listed = ", ".join(map(str, sorted(exercises)))
        where = f"Exercise {listed}: " if 0 < len(exercises) < len(EXERCISES) else ""
        parts.append(where + " ".join(reason.split()))
    return " ".join(parts)


def table(grade: Grade, brief: bool = False) -> list[str]:
    """For the terminal: a line for each criterion, with the reason below where points are lost.

    `brief` leaves only the exercises. Exercises that were not examined don't appear.
    """
    lines = []
    for title, rows in rows_of(grade):
        lines.append(title)
        for result, reason in rows if not brief else ():
            lines.append(
                f"  {mark(result):4}  {number(result.points)}/{number(result.criterion.points)}  "
                f"{result.criterion.sentence}"
            )
            if reason or result.note:
                lines.append(f"             {reason or result.note}")
    if len(grade.results) >= len(CRITERIA):
        lines.append(f"Total: {number(grade.total)}/{number(TOTAL)} points")
    lines += [f"Note: {note}" for note in (grade.note, *grade.notes) if note]
    return lines


def mark(result: Result) -> str:
    """A word for a criterion: "ok", "LOST", "not yet" while nothing is written, or "not reached"."""
    words = {NOT_IMPLEMENTED: "not yet", NOT_REACHED: NOT_REACHED, None: "ok"}
    return words.get(result.mistake, "LOST")


def rows_of(grade: Grade):
    """For each exercise that was examined: its title, and its results, each reason once."""
    for exercise, function in FUNCTIONS.items():
        results = [result for result in grade.results if result.criterion.exercise == exercise]
        if not results:
            continue
        rows, said = [], None
        for result in results:
            rows.append((result, reason_of(grade, result) if result.reason != said else None))
            said = result.reason or said
        yield (
            f"Exercise {exercise}: {function}, "
            f"{number(grade.points(exercise))}/{number(maximum(exercise))} points",
            rows,
        )


def head(names: list[str]) -> str:
    """The head of the table of these submissions."""
    return f"{'submission':{_width(names)}}  " + "  ".join(f"ex. {e}" for e in EXERCISES) + "  total"


def row(grade: Grade, names: list[str], comment: bool = False) -> str:
    """A submission's row in the table; `comment` adds what was lost, in a line."""
    shown = [*(number(grade.points(exercise)) for exercise in EXERCISES), number(grade.total)]
    if grade.status == UNDECIDED:  # that is no 0
        shown = ["-"] * len(shown)
    comments = [] if grade.status == "graded" else [f"{grade.status}:" if comment else grade.status]
    comments += [one_line(grade)] if comment else []
    cells = [f"{grade.name:{_width(names)}}", *(f"{text:>5}" for text in shown), " ".join(comments)]
    return "  ".join(cells).rstrip()


def _width(names):
    return max(10, *map(len, names))


def overview(grades: list[Grade], rows: bool = True) -> list[str]:
    """For the terminal: a row for each submission, the mean, and how often each mistake was made."""
    names = [grade.name for grade in grades]
    width = _width(names)
    lines = [head(names), *(row(grade, names) for grade in grades if rows)]
    decided = [grade for grade in grades if grade.status != UNDECIDED]  # they are no zeros
    means = [
        sum(grade.points(exercise) for grade in decided) / max(1, len(decided)) for exercise in EXERCISES
    ]
    means.append(sum(grade.total for grade in decided) / max(1, len(decided)))
    lines.append(f"{'mean':{width}}  " + "  ".join(f"{mean:5.1f}" for mean in means))
    counts = mistakes_of(grades)
    if counts:
        lines += ["", "How often each mistake was made:"]
        for mistake, example, count in counts:
            example = " ".join(example.split())
            lines.append(f"{count:5d}  {mistake}: {example[:90]}{'...' if len(example) > 90 else ''}")
    return lines


def mistakes_of(grades: list[Grade]) -> list[tuple[str, str, int]]:
    """Each mistake, with the sentence that somebody got, and how many made it; the most frequent first."""
    counts, sentences = Counter(), {}
    for grade in grades:
        # Each file that can't be read is so in its own way.
        kinds = {
            (r.mistake, r.reason if grade.status == "unreadable" else ""): r.reason
            for r in grade.results
            if r.mistake and r.mistake != NOT_REACHED
        }
        counts.update(kinds.keys())
        sentences |= kinds
    return [(kind[0], sentences[kind] or "", count) for kind, count in counts.most_common()]


def reason_of(grade: Grade, result) -> str:
    if result.reason is None:
        return None
    earlier = earlier_exercise(grade, result)
    return f"(The same mistake as in exercise {earlier}.) {result.reason}" if earlier else result.reason


def to_look_at(reasons: dict[str, list[str]]) -> list[str]:
    """For the terminal: {submission: why a human should look at it}."""
    shown = {name: why for name, why in reasons.items() if why}
    lines = [f"To look at by a human: {len(shown)}"] if shown else []
    for name, why in shown.items():
        text = " ".join(" ".join(why).split())
        lines.append(f"  {name}: {text[:90]}{'...' if len(text) > 90 else ''}")
    return lines
