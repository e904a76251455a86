"""Writes files whole or not at all, makes names for them, and packs them."""

import io
import os
import re
import tempfile
import unicodedata
import zipfile
from pathlib import Path

RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def write_whole(path: Path, content: bytes) -> None:
    """Write to a temporary file beside `path`, then rename it, so that nobody finds half of it.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:50]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def file_name(name: str, taken: set[str]) -> str:
    """A name that every system can write, and that no other name in `taken` is the same as for any.

    It is added to `taken`. No suffix is in it.
    """
    plain = re.sub(r"[^\w.() -]", "_", unicodedata.normalize("NFC", name)).strip(" .") or "submission"
    while len(plain.encode()) > 150:
        plain = plain[:-1]
    if plain.split(".")[0].lower() in RESERVED:
        plain = f"_{plain}"
    found, n = plain, 1
    while (key := unicodedata.normalize("NFKD", found.casefold())) in taken:
        n += 1
        found = f"{plain} ({n})"
    taken.add(key)
    return found


def pack(contents: dict[str, str], folder: str = "") -> bytes:
    """A .zip of text files, {path: content}, the same to the byte each time. Scripts can be executed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            info = zipfile.ZipInfo(f"{folder}/{path}" if folder else path)  # of 1980
            info.external_attr = (0o755 if content.startswith("#!") else 0o644) << 16
            info.create_system = 3  # Unix, on every system
            archive.writestr(info, content.encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)
    return file.getvalue()
