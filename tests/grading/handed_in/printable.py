"""Names and texts of strangers, so that they can be shown."""

import unicodedata


def printable(text: str, limit: int = 100) -> str:
    """A name as one line of text: no control or direction characters, no bytes that are no text."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    text = "".join(letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable_sentence(text: str) -> str:
    return printable(text, 400)


def one_line(text: str, length: int = 300) -> str:
    """`text` as one printable line that ends with a whole word: it can't pass for lines of a report."""
    line = " ".join(plain_text(str(text)[:1000].strip().partition("\n")[0]).split())
    if len(line) <= length:
        return line
    return line[:length].rpartition(" ")[0] + " …" if " " in line[:length] else line[:length] + "…"


def plain_text(text: str) -> str:
    """Without the control characters that could write over a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
