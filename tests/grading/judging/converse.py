"""Holds conversations with whoever answers: a submission in its process, a function, or a table in a test."""

from collections.abc import Callable, Iterator

import numpy as np

from ..running.answers import Answer
from ..running.question import Question
from .asking import Conversation

Ask = Callable[[list[Question]], Iterator[Answer]]


def converse(conversations: list[Conversation], ask_all: Ask, ask: Callable[[Question], Answer]) -> list:
    """What each conversation comes to.

    Args:
        ask_all: answers the first message of all conversations together; None if that is not answered, and
            each question is asked alone.
        ask: answers one question.
    """
    found = []
    with np.errstate(all="ignore"):  # known mistakes may overflow, whatever the notebook has set
        firsts = [next(conversation) for conversation in conversations]
        together = [question for message in firsts for question in message]
        replies = iter(ask_all(together) or [ask(question) for question in together])
        for conversation, message in zip(conversations, firsts, strict=True):
            found.append(_rest(conversation, [next(replies) for _ in message], ask))
    return found


def _rest(conversation, replies, ask):
    try:
        while True:
            message = conversation.send(replies)
            replies = [ask(question) for question in message]
    except StopIteration as end:
        return end.value
