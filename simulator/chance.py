"""Chance that can be had again: the same words give the same sequence."""

from random import Random


def seeded(*words: object) -> Random:
    """A generator that follows from these words alone. Nothing secret is drawn from it."""
    return Random("/".join(str(word) for word in words))  # noqa: S311
