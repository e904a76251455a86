"""HTML pages: one for each author, one .zip of them for Moodle, and a summary for the class.

Everything that comes from a submission is shown as text.
"""

import html
import io
import math
import re
import zipfile
from collections import Counter
from pathlib import Path

from ..handed_in.printable import plain_text
from ..handed_in.submission import Submission
from ..judging.result import UNDECIDED, Grade
from ..sheet.rubric import CRITERIA, FUNCTIONS, TOTAL
from .text import maximum, mistakes_of, number, reason_of
from .writing import file_name, write_whole

STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:48em;margin:2em auto;padding:0 1em}"
    "pre{white-space:pre-wrap;background:#f4f4f4;padding:1em}meter{width:20em}"
)
# No page loads or runs anything, whatever stands in it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_pages(where: Path, grades: list[Grade], submissions: dict[str, Submission]) -> None:
    """A page for each author, in a folder, or in a .zip for Moodle's "Upload multiple feedback files"."""
    if where.suffix == ".zip":
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, grade in _names(grades, submissions):
                archive.writestr(zipfile.ZipInfo(name), page(grade), zipfile.ZIP_DEFLATED)
        write_whole(where, content.getvalue())
        return
    where.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for grade in grades:
        path = where / f"{file_name(grade.name, taken)}.html"
        write_whole(path, page(grade).encode("utf-8", "replace"))


def _names(grades, submissions):
    """Moodle tells the author by the second of the parts between underscores; it is the number alone."""
    taken: set[str] = set()
    for grade in grades:
        number = submissions[grade.name].id
        if number:
            name = file_name(grade.name.replace("_", " "), set()).replace("_", " ").strip() or "submission"
            yield f"{name}_{number}_assignfeedback_file_feedback.html", grade
        else:
            yield f"{file_name(grade.name, taken)}.html", grade


def text(words: str) -> str:
    """Words as HTML that shows them as they are."""
    return html.escape(plain_text(words))


def sentence(words: str) -> str:
    """A reason: what stands between backquotes is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text(" ".join(words.split())))


def page(grade: Grade) -> str:
    """The page of one author. It shows no expected value and no code of the solution."""
    if grade.status == UNDECIDED:
        reasons = dict.fromkeys(result.reason for result in grade.results if result.reason)
        lines = [f"<h1>{text(grade.name)}: not graded yet</h1>", "<p>Your teachers will look at it.</p>"]
        return _document(grade.name, lines + [f"<p>{sentence(reason)}</p>" for reason in reasons])
    lines = [f"<h1>{text(grade.name)}: {number(grade.total)} of {number(TOTAL)} points</h1>"]
    lines += [f"<p>{sentence(note)}</p>" for note in (grade.note, *grade.notes) if note]
    for exercise, function in FUNCTIONS.items():
        points = f"{number(grade.points(exercise))} of {number(maximum(exercise))}"
        lines.append(f"<h2>Exercise {exercise}, <code>{function}</code>: {points}</h2>\n<ul>")
        reasons = {}
        for result in grade.results:
            if result.criterion.exercise == exercise:
                mark = "✗" if result.reason else "✓"
                share = f"{number(result.points)}/{number(result.criterion.points)}"
                lines.append(f"<li>{mark} {share}: {text(result.criterion.sentence)}</li>")
                if result.reason:
                    reasons.setdefault(reason_of(grade, result))
        lines.append("</ul>")
        lines += [f"<blockquote>{sentence(reason)}</blockquote>" for reason in reasons]
        if reasons and grade.status == "graded":
            lines.append(
                f"<p>Look again at <em>Exercise {exercise}</em> in the sheet, "
                "and at <em>The model</em> above it.</p>"
            )
    if grade.status != "unreadable":
        lines.append(f"<p><small>Your functions were tried on the inputs of seed {grade.seed}.</small></p>")
    if grade.output:
        lines += ["<h2>What your code printed</h2>", f"<pre>{text(grade.output)}</pre>"]
    return _document(grade.name, lines)


def write_summary(path: Path, grades: list[Grade]) -> None:
    """One page for the teacher: how the points are spread, and what to discuss in the next class."""
    lines = [f"<h1>{len(grades)} submission{'s' * (len(grades) != 1)}</h1>"]
    undecided = [grade.name for grade in grades if grade.status == UNDECIDED]
    if undecided:
        names = text(", ".join(undecided))
        lines.append(f"<p>Not in the numbers below, since a human has to look at them first: {names}.</p>")
    grades = [grade for grade in grades if grade.status != UNDECIDED]
    if grades:
        mean = sum(grade.total for grade in grades) / len(grades)
        lines.append(f"<p>The mean is {mean:.1f} of {number(TOTAL)} points.</p>\n<h2>Points</h2>\n<table>")
        step = max(1, round(TOTAL / 7))
        for low in range(0, math.floor(TOTAL) + 1, step):
            count = sum(low <= grade.total < low + step for grade in grades)
            is_last = low + step > TOTAL
            title = (
                number(TOTAL)
                if is_last and low == TOTAL
                else f"{low} to {number(TOTAL) if is_last else f'below {low + step}'}"
            )
            bar = f'<meter max="{len(grades)}" value="{count}"></meter>'
            lines.append(f"<tr><td>{title}</td><td>{bar}</td><td>{count}</td></tr>")
        lines.append("</table>\n<h2>Lost criteria</h2>\n<table>")
        lost = Counter(r.criterion.id for grade in grades for r in grade.results if r.reason)
        for criterion in sorted(CRITERIA, key=lambda c: -lost[c.id]):
            if lost[criterion.id]:
                lines.append(
                    f"<tr><td>{lost[criterion.id]}</td>"
                    f"<td>Exercise {criterion.exercise}: {text(criterion.sentence)}</td></tr>"
                )
        lines.append("</table>\n<h2>To discuss in the next class</h2>\n<ol>")
        for mistake, example, count in mistakes_of(grades)[:20]:
            times = f"{count} times" if count > 1 else "once"
            lines.append(f"<li>{times}, {text(mistake)}: {sentence(example[:300])}</li>")
        lines.append("</ol>")
    write_whole(path, _document("Summary", lines).encode("utf-8", "replace"))


def _document(title, lines):
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{text(title)}</title><style>{STYLE}</style></head><body>",
            *lines,
            "</body></html>",
            "",
        ]
    )
