"""Holds conversations: with a submission in its process, or with a function in this one."""

from collections.abc import Callable, Iterator

import numpy as np

from ..running import answers
from ..running.answers import Answer, Died
from ..running.inside import call as inside
from ..running.question import Question
from ..running.session import Session
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


def over_session(conversations: list[Conversation], session: Session) -> list:
    return converse(conversations, session.call_all, session.call)


def over_function(conversation: Conversation, function: Callable):
    """Without any protection: for a student's own function in the student's own process."""
    inside.import_torch()

    def ask(question):
        found = inside.call(function, question.arrays, question.differentiate, question.echo)
        try:
            return answers.read(*found, question)
        except (ValueError, TypeError, KeyError):  # odd as it is, a session would have ended there
            return Died("crash")

    return converse([conversation], lambda _: None, ask)[0]
