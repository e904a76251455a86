"""Who stands in the file that Gradescope puts beside the submissions of its export."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Submitter:
    """One of the authors of a submission; `id` is their number, or else their address."""

    name: str
    id: str


def submitters(text: str) -> dict[str, list[Submitter]]:
    """{"submission_123": its authors}. What can't be understood is left out."""
    import yaml  # few downloads need it

    try:
        # Texts as they are written: numbers keep their zeros, and Ruby's types are nobody's business.
        content = yaml.load(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))
        entries = content.items()
    except (yaml.YAMLError, AttributeError, ValueError, RecursionError):
        return {}
    found = {folder: _submitters_of(entry) for folder, entry in entries}
    return {folder: people for folder, people in found.items() if people}


def _submitters_of(entry):
    try:
        people = [{key.lstrip(":"): text for key, text in one.items()} for one in entry[":submitters"]]
    except (KeyError, TypeError, AttributeError):
        return []
    return [
        Submitter(" ".join(one["name"].split()), (one.get("sid") or one.get("email") or "").strip())
        for one in people
        if isinstance(one.get("name"), str)
    ]
