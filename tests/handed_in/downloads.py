"""Downloads of made-up people, and what is handed in in the tests of this room."""

import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

from tests.examples import RIGHT
from tests.grading.handed_in.reader_process import answer
from tests.grading.handed_in.submission import Submission
from tests.grading.sheet.rubric import FUNCTIONS

STUB = "\n".join(
    f"def {name}(*args):\n    raise NotImplementedError('Exercise {number}')"
    for number, name in FUNCTIONS.items()
)
HALF = STUB + RIGHT[RIGHT.index("def anomaly_score") :].join("\n\n")
USES = f"import utils\n{RIGHT}"
PDF = b"%PDF"
M = "_assignsubmission_file"


def tree(folder, files):
    """Write {path: text, bytes, or {path: ...} for an archive}."""
    for path, content in files.items():
        where = folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(packed(path, content))
    return folder


def packed(name, content):
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes):
        return content
    file = io.BytesIO()
    if name.endswith(".zip"):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, inner in content.items():
                archive.writestr(path, packed(path, inner))
    else:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for path, inner in content.items():
                data = packed(path, inner)
                info = tarfile.TarInfo(path)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells], "nbformat": 4})


def rows(*paths, layout=None, fork=False):
    """What the reader answers, {name: submission}, asked in this process."""
    said = answer({"paths": [os.path.abspath(path) for path in paths], "layout": layout}, fork)
    if "refused" in said:
        raise FileNotFoundError(said["refused"])
    return {one["name"]: Submission(**one) for one in said["submissions"]}


def downloads():
    """{name: (files, {row: id}, those to look at)}; a content "=NAME" stands for one of those above."""
    named = {
        "=RIGHT": RIGHT, "=RIGHT#": RIGHT + "#", "=STUB": STUB, "=USES": USES, "=NOTEBOOK": notebook(RIGHT),
        "=EARLIER": STUB.replace("raise", "x = 1; raise"),
    }  # fmt: skip

    def written_out(content):
        if isinstance(content, dict):
            return {path: written_out(inner) for path, inner in content.items()}
        return named.get(content, content)

    listed = json.loads((Path(__file__).parent / "downloads.json").read_text(encoding="utf-8"))
    return {n: (written_out(one["files"]), one["rows"], set(one["look"])) for n, one in listed.items()}
