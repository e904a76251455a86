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
from dataclasses import replace
from multiprocessing import connection
from pathlib import Path

from .archives import archives_closed, list_archive, reopen
from .choose import choose
from .files import list_file, list_folder
from .item import Budget, is_archive
from .people import find_people
from .person import Person, Upload
from .printable import printable
from .submission import Submission

SECONDS = 20  # for one person's files; a right submission takes a hundredth of one
MEMORY = 1 << 30  # bytes
MAX_TEXT = 16 << 20  # characters of all the code of one person
AT_ONCE = os.cpu_count() or 1  # as many as there are cores
if hasattr(os, "sched_getaffinity"):
    AT_ONCE = len(os.sched_getaffinity(0))  # for this process
GOES_ON = b"+"  # begins an answer after which the same process reads the next person


def main() -> None:
    """Read what a line of the input asks for, and write lines of answers."""
    for line in answers(json.loads(sys.stdin.readline())):
        print(line, flush=True)


CAN_FORK = hasattr(os, "fork")  # Windows can't: there all is read in this process


def answers(asked: dict, fork: bool = CAN_FORK) -> Iterator[str]:
    """A line with {"people": number, "passed_over": names}, then a submission for each person.

    Or one line with {"missing": why}.
    `asked` is {"paths": [...], "layout": ...}; with a "name", all of it is this person's, whatever it is.
    """
    paths, nobodys = list(map(Path, asked["paths"])), []
    try:
        if "name" in asked:
            people = [_one(paths[0], asked["name"])]
        else:
            people, nobodys = find_people(paths, asked["layout"])
    except OSError as error:
        yield json.dumps({"missing": str(error)})
        return
    _name_apart(people)
    names = [printable(name) for name in nobodys]
    yield json.dumps({"people": len(people), "passed_over": names})
    for submission in _read_apart(people) if fork else map(_submission, people):
        yield submission.to_json()


def _one(path, name):
    items = list(list_folder(path)) if path.is_dir() else [list_file(path)]
    return Person(name, uploads=[Upload(item, "/".join(item.path)) for item in items])


def _read_apart(people: list[Person]) -> Iterator[Submission]:
    """What each of them handed in, in their order, read in forked processes.

    Each reads one person after another. One that dies or takes too long is that person's row, and another
    one goes on.
    """
    done, running, place = {}, {}, 0

    def go_on(places, line, process):
        running[line] = process, places, time.monotonic() + SECONDS

    for first in range(min(AT_ONCE, len(people))):
        go_on(list(range(first, len(people), AT_ONCE)), *_start(people[first::AT_ONCE]))
    while place < len(people):
        ready = connection.wait(list(running), timeout=0.5)
        late = [line for line, (_, _, end) in running.items() if time.monotonic() > end]
        for line in {*ready, *late}:
            process, (current, *places), _ = running.pop(line)
            found, goes_on = _received(line) if line in ready else (None, False)
            done[current] = found or _unread(people[current])
            if not goes_on:
                process.kill()
                process.join()
                line.close()
            if places:
                go_on(places, *((line, process) if goes_on else _start([people[one] for one in places])))
        while place in done:
            yield done.pop(place)
            place += 1


def _start(people):
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(people, here, there), daemon=True)
    process.start()
    there.close()
    return here, process


def _work(people, here, there):
    here.close()
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
        resource.setrlimit(resource.RLIMIT_AS, (_mapped() + MEMORY,) * 2)
    reopen()
    limit = _mapped() + MEMORY // 4  # whoever left so much behind takes it from nobody
    for number, person in enumerate(people, 1):
        answer = _submission(person).to_json().encode()
        goes_on = number < len(people) and _mapped() < limit
        there.send_bytes((GOES_ON if goes_on else b".") + answer)
        if not goes_on:
            return


def _mapped():
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _received(line):
    """What a process has read, and whether it goes on with the next person."""
    with contextlib.suppress(EOFError, OSError, ValueError):
        message = line.recv_bytes(8 * MAX_TEXT)
        return Submission.from_json(message[1:]), message[:1] == GOES_ON
    return None, False


def _unread(person):
    problem = f"These files can't be read within {SECONDS} seconds and {MEMORY >> 30} GiB of memory."
    return _of(person, Submission(person.name, problem=problem, needs_human=True))


def _submission(person: Person) -> Submission:
    """One person's files never cost another's row, whatever is wrong with them."""
    try:
        with archives_closed():
            found = _read(person)
    except Exception as error:
        reason = f"The grader can make nothing of these files ({type(error).__name__})."
        found = Submission(person.name, problem=reason, needs_human=True)
    if sum(map(len, (found.source or "", *(found.cells or ()), *found.helpers.values()))) > MAX_TEXT:
        problem = f"There are more than {MAX_TEXT >> 20} million letters of code."
        found = Submission(found.name, problem=problem, file=found.file, needs_human=True)
    return _of(person, found)


def _read(person):
    budget, uploads = Budget(), []
    for upload in person.uploads:
        if is_archive(upload.path) and not upload.item.problem:
            archive = replace(upload.item, path=tuple(upload.path.split("/")))
            for item in list_archive(archive, archive.path, budget):
                uploads.append(Upload(item, "/".join(item.path), upload.order))
        else:
            uploads.append(upload)
    uploads = _without_hand_out(uploads)
    if not any(upload.item.name for upload in uploads) and person.other_kind:
        reason = "No file was handed in, only a text or a link online."
        return Submission(person.name, problem=reason, needs_human=True)
    return choose(person.name, uploads, person.only, budget)


def _of(person, found):
    """A submission, with what is known of the person."""
    return replace(
        found,
        id=person.id,
        late=person.late,
        needs_human=found.needs_human or person.needs_human,
        note=" ".join(filter(None, (found.note, person.remark))) or None,
        is_group=person.is_group,
        entry=person.entry,
    )


def _without_hand_out(uploads):
    """An author's own files of a repository that has the whole hand-out in it."""
    roots = {m[1] for u in uploads if (m := re.match(r"(.*?)tests/grading/", u.path))}
    ours = (
        r"tests/(grading|submissions)/|(tests|data)/(?!(.*/)?solution[^/]*$)"
        r"|(requirements\.txt|README\.md|LICENSE|pyproject\.toml)$"
    )
    return [
        u
        for u in uploads
        if not any(u.path.startswith(root) and re.match(ours, u.path[len(root) :]) for root in roots)
    ]


def _name_apart(people):
    """Names as one printable line each, no two the same."""
    taken: set[str] = set()
    for person in people:
        name = base = printable(person.name) or "submission"
        number = 1
        while name in taken:
            number += 1
            name = f"{base} ({number})"
        taken.add(name)
        person.name = name
