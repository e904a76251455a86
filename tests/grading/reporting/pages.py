"""HTML pages: one for each author, in a folder or a .zip for the course, and a summary of the class.

Everything that comes from a submission is shown as text: the templates escape it.
"""

import math
import re
from collections import Counter
from pathlib import Path

from jinja2 import DictLoader, Environment
from markupsafe import Markup, escape

from ..handed_in.printable import plain_text
from ..handed_in.systems import SYSTEMS, read_entry
from ..judging.result import Grade, Status
from ..sheet.rubric import CRITERIA, EXERCISES, FUNCTIONS, TOTAL
from .text import examined, few, means, mistakes_of, number, share, to_look_at
from .writing import file_name, pack, write_whole

# No page loads or runs anything, whatever stands in it.
_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>
body{font:16px/1.5 sans-serif;max-width:48em;margin:2em auto;padding:0 1em}
pre{white-space:pre-wrap;background:#f4f4f4;padding:1em}meter{width:20em}
</style></head><body>
{% block body %}{% endblock %}
</body></html>
"""
_AUTHOR = """\
{% extends "page" %}{% block body %}
{% set points = grade.total | number ~ " of " ~ total | number ~ " points" %}
<h1>{{ grade.name }}: {{ points if grade.has_points else "not graded yet" }}</h1>
<p>Exercise Sheet 8{{ ", " if grade.file }}{{ grade.file }}</p>
{% if not grade.has_points %}<p>Your teachers will look at it.</p>{% endif %}
{% for sentence in above %}<p>{{ sentence | code }}</p>{% endfor %}
{% for exercise, results in examined %}
{% set points = grade.points(exercise) | number ~ " of " ~ exercises[exercise].points | number %}
<h2>Exercise {{ exercise }}, <code>{{ functions[exercise] }}</code>: {{ points }}</h2>
<ul>
{% for result, _ in results %}
<li>{{ "✗" if result.lost else "✓" }} {{ result | share }}: {{ result.criterion.sentence }}</li>
{% endfor %}
</ul>
{% set reasons = results | map(attribute=1) | select | list %}
{% for reason in reasons %}
<blockquote>{{ reason | code }}</blockquote>
{% endfor %}
{% if reasons %}
<p>Look again at <em>Exercise {{ exercise }}</em> in the sheet, and at <em>The model</em> above it.</p>
{% endif %}
{% endfor %}
{% if grade.feedback %}<blockquote>{{ grade.feedback | code }}</blockquote>{% endif %}
{% if grade.seed is not none %}
<p><small>Your functions were tried on the inputs of seed {{ grade.seed }}.</small></p>
{% endif %}
{% if grade.output %}<h2>What your code printed</h2><pre>{{ grade.output }}</pre>{% endif %}
{% endblock %}
"""
_SUMMARY = """\
{% extends "page" %}{% block body %}
<h1>{{ count }} submission{{ "s" if count != 1 }}</h1>
{% if undecided %}
<p>Not in the numbers below, since a human has to look at them first:</p>
<ul>
{% for line in undecided %}
<li>{{ line[:500] | code }}</li>
{% endfor %}
</ul>
{% endif %}
{% if bars %}
<p>The mean is {{ mean }} of {{ total | number }} points.</p>
<h2>Points</h2>
<table>
{% for title, count in bars %}
<tr><td>{{ title }}</td><td><meter max="{{ graded }}" value="{{ count }}"></meter></td>
<td>{{ count }}</td></tr>
{% endfor %}
</table>
<h2>Lost criteria</h2>
<table>
{% for criterion, count in lost %}
<tr><td>{{ count }}</td><td>Exercise {{ criterion.exercise }}: {{ criterion.sentence }}</td></tr>
{% endfor %}
</table>
<h2>To discuss in the next class</h2>
<ol>
{% for mistake, example, count in mistakes %}
<li>{{ "once" if count == 1 else "%d times" % count }}, {{ mistake }}{% if example %}
: {{ example[:300] | code }}{% endif %}</li>
{% endfor %}
</ol>
{% endif %}
{% endblock %}
"""


def _code(words):
    """A sentence as HTML: what stands between backquotes is code."""
    shown = str(escape(plain_text(" ".join(words.split()))))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", shown))


_templates = Environment(
    loader=DictLoader({"page": _PAGE, "author": _AUTHOR, "summary": _SUMMARY}),
    autoescape=True,
    finalize=lambda found: plain_text(found) if type(found) is str else found,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters |= {"code": _code, "number": number, "share": share}


def write_pages(
    where: Path, grades: list[Grade], members: dict[str, list[tuple[str, str]]] | None = None
) -> list[str]:
    """A page for each author, in a folder; or in a .zip as Moodle or ILIAS takes it back.

    `members` of groups, {a group's name: [(a name, a number)]}, have a page each there. Returns what to say
    about it, in sentences.

    Raises:
        OSError: one can't be written.
    """
    is_zip, taken, found, others = where.suffix == ".zip", set(), {}, []
    for grade in grades:
        people = (members or {}).get(grade.name, ())
        paths = [_for_moodle(*one) for one in people] or _path_back(grade)
        if not (is_zip and paths):
            others.append(grade.name)
            paths = [f"{file_name(grade.name, taken)}.html"]
        found |= dict.fromkeys(paths, page(grade))
    if is_zip:
        write_whole(where, pack(found))
        by_hand = "Only Moodle (of groups, with --worksheet) and ILIAS take pages back. By hand:"
        return [f"{by_hand} {few(others)}."] if others else []
    for path, text in found.items():
        write_whole(where / path, text.encode("utf-8", "replace"))
    return []


def _path_back(grade):
    """Where a course's system looks for a person's page in a .zip, as a list; empty if in none.

    Both tell the person by a number. A group's would be somebody else's there.
    """
    entry = grade.entry or (grade.id and f"{grade.name}_{grade.id}_assignsubmission_file")
    if grade.is_group or re.search(r"[/\\]", grade.entry):
        return []
    told = ((system.name, read_entry(system, f"{entry}/")) for system in SYSTEMS if system.tells)
    system, person = next((pair for pair in told if pair[1]), ("", None))
    if system == "Moodle" and person.id:
        return [_for_moodle(person.name, person.id)]
    return [f"multi_feedback/{entry}/feedback.html"] if system == "ILIAS" else []


def _for_moodle(name, number):
    """It tells the person by the second of the parts between underscores; it is the number alone."""
    name = file_name(name, set()).replace("_", " ").strip() or "submission"
    return f"{name}_{number}_assignfeedback_file_feedback.html"


def page(grade: Grade) -> str:
    """The page of one author. It shows no expected value and no code of the solution."""
    notes = grade.notes
    above = notes if grade.has_points else grade.to_look_at
    if grade.status is not Status.GRADED:
        above = dict.fromkeys([*above, *grade.sentences])
    return _templates.get_template("author").render(
        title=grade.name,
        grade=grade,
        above=above,
        examined=examined(grade) if grade.has_points else (),
        exercises=EXERCISES,
        functions=FUNCTIONS,
        total=TOTAL,
    )


def write_summary(path: Path, grades: list[Grade]) -> None:
    """One page for the teacher: how the points are spread, and what to discuss in the next class.

    Raises:
        OSError: it can't be written.
    """
    graded = [grade for grade in grades if grade.has_points]
    lost = Counter(r.criterion.id for grade in graded for r in grade.results if r.lost)
    shown = _templates.get_template("summary").render(
        title="Summary",
        count=len(grades),
        undecided=to_look_at([grade for grade in grades if not grade.has_points]),
        graded=len(graded),
        mean=f"{means(graded)[-1]:.1f}",
        total=TOTAL,
        bars=_bars(graded) if graded else [],
        lost=[(c, lost[c.id]) for c in sorted(CRITERIA, key=lambda c: -lost[c.id]) if lost[c.id]],
        mistakes=mistakes_of(graded)[:20],
    )
    write_whole(path, shown.encode("utf-8", "replace"))


def _bars(grades):
    """How many have so many points: [("0 to below 5", 3), ..., ("35", 12)]."""
    found, step = [], max(1, round(TOTAL / 7))
    for low in range(0, math.floor(TOTAL) + 1, step):
        end = number(TOTAL) if low + step > TOTAL else f"below {low + step}"
        title = number(TOTAL) if low == TOTAL else f"{low} to {end}"
        found.append((title, sum(low <= grade.total < low + step for grade in grades)))
    return found
