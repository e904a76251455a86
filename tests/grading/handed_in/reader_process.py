"""Reads what was handed in: a process of its own, whose forks read one person after another, within limits.

Whoever hands in what takes too long, too much memory or breaks the parser loses their own row only. Nothing
that was handed in is run here, and nothing here is worth stealing.
"""

import contextlib
import json
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from .archives import list_archive
from .choose import choose
from .files import list_file, list_folder
from .item import Budget
from .machine import cores
from .names import is_archive
from .people import find_people
from .person import Person
from .printable import printable
from .submission import Submission

SECONDS = 20  # for one person's files; a right submission takes a hundredth of one
MEMORY = 1 << 30  # bytes
MAX_TEXT = 16 << 20  # characters of all the code of one person


def main() -> None:
    """Answer what the input asks for."""
    json.dump(answer(json.load(sys.stdin)), sys.stdout)


def answer(asked: dict, fork: bool = hasattr(os, "fork")) -> dict:
    """{"submissions": one for each person, "passed_over": the names of nobody's files}, or {"refused": why}.

    Windows has no forks: there all is read in this process.

    Args:
        asked: {"paths": [...], "layout": ...}; with a "name", all of it is this person's, whatever it is.
    """
    paths, nobodys = list(map(Path, asked["paths"])), []
    try:
        if "name" in asked:
            (path,) = paths
            items = list(list_folder(path)) if path.is_dir() else [list_file(path)]
            people = [Person(asked["name"], uploads=items)]
        else:
            people, nobodys = find_people(paths, asked["layout"])
    except OSError as error:
        return {"refused": str(error)}
    found = _read_apart(people) if fork else map(_submission, people)
    submissions = [
        replace(
            one,
            id=person.id,
            late=person.late,
            needs_human=one.needs_human or bool(person.remark),
            note=" ".join(filter(None, (one.note, person.remark))) or None,
            is_group=person.is_group,
            entry=person.entry,
        )
        for person, one in zip(people, found, strict=True)
    ]
    return {"submissions": list(map(asdict, submissions)), "passed_over": list(map(printable, nobodys))}


def _read_apart(people: list[Person]) -> Iterator[Submission]:
    """What each of them handed in, in their order: each of some forked processes reads every n-th.

    One that dies or takes too long is that person's row, and another one goes on.
    """
    n = min(cores(), len(people))
    readers = [_start(people[first::n]) for first in range(n)]
    for place, person in enumerate(people):
        process, answered, since = readers[place % n]
        try:
            if not answered.poll(max(0, since + SECONDS - time.monotonic())):
                raise TimeoutError
            found = Submission(**json.loads(answered.recv_bytes(8 * MAX_TEXT)))
            readers[place % n] = process, answered, time.monotonic()
        except (EOFError, OSError, ValueError):
            limits = f"{SECONDS} seconds and {MEMORY >> 30} GiB of memory"
            found = _unreadable(person, f"These files can't be read within {limits}.")
            process.kill()
            process.join()
            readers[place % n] = _start(people[place + n :: n])
        yield found
    for process, _, _ in readers:
        process.join()


def _start(people):
    """A process that reads these people's files, where it answers, and since when."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(people, there), daemon=True)
    process.start()
    there.close()
    return process, here, time.monotonic()


def _work(people, there):
    for person in people:
        with contextlib.suppress(ImportError, OSError, ValueError):
            import resource  # not on Windows

            resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
            _, most = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (_mapped() + MEMORY, most))  # whatever others left behind
        there.send_bytes(json.dumps(asdict(_submission(person))).encode())


def _mapped():
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _submission(person: Person) -> Submission:
    """One person's files never cost another's row, whatever is wrong with them."""
    try:
        found = _read(person)
    except Exception as error:
        return _unreadable(person, f"The grader can make nothing of these files ({type(error).__name__}).")
    if sum(map(len, (found.source or "", *(found.cells or ()), *found.helpers.values()))) > MAX_TEXT:
        return _unreadable(person, f"There are more than {MAX_TEXT >> 20} million letters of code.")
    return found


def _unreadable(person, problem):
    return Submission(person.name, problem=problem, needs_human=True)


def _read(person):
    budget, uploads = Budget(), []
    for upload in person.uploads:
        if is_archive(upload.whole) and not upload.problem:
            uploads += [replace(item, order=upload.order) for item in list_archive(upload, budget)]
        else:
            uploads.append(upload)
    uploads = _without_hand_out(uploads)
    if not any(upload.name for upload in uploads) and person.other_kind:
        return _unreadable(person, "No file was handed in, only a text or a link online.")
    return choose(person.name, uploads, person.only, budget)


def _without_hand_out(uploads):
    """An author's own files of a repository that has the whole hand-out in it."""
    roots = {m[1] for u in uploads if (m := re.match(r"(.*?)tests/grading/", u.whole))}
    ours = (
        r"tests/(grading|submissions)/|(tests|data)/(?!(.*/)?solution[^/]*$)"
        r"|(requirements\.txt|README\.md|LICENSE|pyproject\.toml)$"
    )
    return [
        u
        for u in uploads
        if not any(u.whole.startswith(root) and re.match(ours, u.whole[len(root) :]) for root in roots)
    ]
