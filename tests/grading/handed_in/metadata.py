"""Who stands in the file that Gradescope puts beside the submissions of its export."""


def authors_of(text: str) -> dict[str, list[tuple[str, str]]]:
    """{"submission_123": [(an author's name, the number or else the address)]}, as far as it is clear."""
    import yaml  # few downloads need it

    try:
        # Texts as they are written: numbers keep their zeros, and Ruby's types are nobody's business.
        entries = yaml.load(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader)).items()
    except (yaml.YAMLError, AttributeError, ValueError, RecursionError):
        return {}
    return {folder: authors for folder, entry in entries if (authors := _authors(entry))}


def _authors(entry):
    try:
        people = [{key.lstrip(":"): text for key, text in one.items()} for one in entry[":submitters"]]
    except (KeyError, TypeError, AttributeError):
        return []
    return [
        (" ".join(one["name"].split()), (one.get("sid") or one.get("email") or "").strip())
        for one in people
        if isinstance(one.get("name"), str)
    ]
