"""Grades as text for the terminal, CSV, Gradescope's JSON, and Markdown for their authors."""

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

from .diagnosis import Result
from .grade import Grade, earlier_exercise
from .rubric import CRITERIA, EXERCISES, TOTAL, criteria_of

SUFFIXES = (".csv", ".json")


def maximum(exercise: int) -> int:
    return sum(criterion.points for criterion in criteria_of(exercise))


def one_line(grade: Grade) -> str:
    """Every mistake, in one line, each with the exercises that it cost points in."""
    parts = []
    for reason in grade.mistakes:
        exercises = sorted({r.criterion.exercise for r in grade.results if r.reason == reason})
        where = f"Exercise {', '.join(map(str, exercises))}: " if len(exercises) < len(EXERCISES) else ""
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
                f"  {mark(result):4}  {result.points}/{result.criterion.points}  {result.criterion.sentence}"
            )
            if reason or result.note:
                lines.append(f"             {reason or result.note}")
    if len(grade.results) == len(CRITERIA):
        lines.append(f"Total: {grade.total}/{TOTAL} points")
    if grade.note:
        lines.append(f"Note: {grade.note}")
    return lines


def mark(result: Result) -> str:
    """A word for a criterion: "ok", "LOST", or "not yet" while nothing is written."""
    return "not yet" if result.mistake == "not implemented" else "LOST" if result.reason else "ok"


def rows_of(grade: Grade):
    """For each exercise that was examined: its title, and its results, each reason once."""
    for exercise, function in EXERCISES.items():
        results = [result for result in grade.results if result.criterion.exercise == exercise]
        if not results:
            continue
        rows, said = [], None
        for result in results:
            rows.append((result, _reason(grade, result) if result.reason != said else None))
            said = result.reason or said
        yield f"Exercise {exercise}: {function}, {grade.points(exercise)}/{maximum(exercise)} points", rows


def overview(grades: list[Grade]) -> list[str]:
    """For the terminal: a row for each submission, the mean, and how often each mistake was made."""
    width = max(10, *(len(grade.name) for grade in grades))
    heads = [f"ex. {exercise}" for exercise in EXERCISES]
    lines = [f"{'submission':{width}}  " + "  ".join(heads) + "  total"]
    for grade in grades:
        points = [f"{grade.points(exercise):5d}" for exercise in EXERCISES]
        status = "" if grade.status == "graded" else f"  {grade.status}"
        lines.append(f"{grade.name:{width}}  " + "  ".join(points) + f"  {grade.total:5d}{status}")
    means = [sum(grade.points(exercise) for grade in grades) / len(grades) for exercise in EXERCISES]
    means.append(sum(means))
    lines.append(f"{'mean':{width}}  " + "  ".join(f"{mean:5.1f}" for mean in means))
    counts = Counter(
        result.mistake
        for grade in grades
        for result in {r.mistake: r for r in grade.results if r.mistake}.values()
    )
    examples = {r.mistake: r.reason for grade in grades for r in grade.results if r.mistake}
    if counts:
        lines += ["", "How often each mistake was made:"]
        for mistake, count in counts.most_common():
            example = " ".join(examples[mistake].split())
            lines.append(f"{count:5d}  {mistake}: {example[:90]}{'...' if len(example) > 90 else ''}")
    return lines


def write(path: Path, grades: list[Grade]) -> None:
    """Write all grades to a .csv or .json file."""
    text = _csv(grades) if path.suffix == ".csv" else _json(grades)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def write_feedback(folder: Path, grades: list[Grade]) -> None:
    """Write a Markdown page for each submission's author."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = set()
    for grade in grades:
        name = re.sub(r"[^\w.() -]", "_", grade.name).strip(" .") or "submission"
        while name.lower() in taken:
            name += "_"
        taken.add(name.lower())
        (folder / f"{name}.md").write_text(feedback(grade), encoding="utf-8")


def feedback(grade: Grade) -> str:
    """The Markdown page for one author. It shows no expected value and no code of the solution."""
    lines = [f"# {_plain(grade.name)}: {grade.total} of {TOTAL} points", ""]
    if grade.note:
        lines += [_plain(grade.note), ""]
    for exercise, function in EXERCISES.items():
        lines += [
            f"## Exercise {exercise}, `{function}`: {grade.points(exercise)} of {maximum(exercise)}",
            "",
        ]
        reasons = {}
        for result in grade.results:
            if result.criterion.exercise == exercise:
                mark = "✗" if result.reason else "✓"
                lines.append(
                    f"- {mark} {result.points}/{result.criterion.points}: {result.criterion.sentence}"
                )
                if result.reason:
                    reasons.setdefault(_reason(grade, result))
        if reasons:
            lines += ["", *(f"> {' '.join(reason.split())}\n" for reason in reasons)]
            if grade.status == "graded":
                lines.append(
                    f"Look again at *Exercise {exercise}* in the sheet, and at *The model* above it."
                )
        lines.append("")
    if grade.output:
        lines += ["## What your code printed", "", *(f"    {line}" for line in grade.output.splitlines())]
    return "\n".join(lines).rstrip() + "\n"


def _reason(grade, result):
    if result.reason is None:
        return None
    earlier = earlier_exercise(grade, result)
    return f"(The same mistake as in exercise {earlier}.) {result.reason}" if earlier else result.reason


def _csv(grades):
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(
        ["submission", *(f"exercise_{exercise}" for exercise in EXERCISES), "total", "status", "feedback"]
    )
    for grade in grades:
        points = [grade.points(exercise) for exercise in EXERCISES]
        writer.writerow([_cell(grade.name), *points, grade.total, grade.status, _cell(one_line(grade))])
    return file.getvalue()


def _json(grades):
    results = {grade.name: _gradescope(grade) for grade in grades}
    content = next(iter(results.values())) if len(results) == 1 else results
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _gradescope(grade):
    """Gradescope's results.json."""
    tests = [
        {
            "name": f"Exercise {result.criterion.exercise}: {result.criterion.sentence}",
            "number": f"{result.criterion.exercise}.{position}",
            "score": result.points,
            "max_score": result.criterion.points,
            "status": "failed" if result.reason else "passed",
            "output": _reason(grade, result) if result.reason else "",
            "output_format": "text",
            "visibility": "visible",
        }
        for exercise in EXERCISES
        for position, result in enumerate([r for r in grade.results if r.criterion.exercise == exercise], 1)
    ]
    return {
        "score": grade.total,
        "output": " ".join(part for part in (grade.note, one_line(grade)) if part),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _cell(text):
    """A spreadsheet takes a cell that begins like this for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _plain(text):
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", text)
