"""Ranges of missing numbers against a model that keeps every number by itself."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gaps import Gap, GapState, Head, close, give_up, split, take

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SEQS = st.integers(min_value=0, max_value=60)


class Book:
    """What the table would hold, changed by upserts only."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.rows: dict[int, Gap] = {}

    def take(self, seqs, *, at=NOON) -> None:
        holding = [gap for gap in self.rows.values() if any(gap.first <= seq <= gap.last for seq in seqs)]
        self.head, changed = take(seqs, head=self.head, gaps=holding, at=at)
        self.rows.update({gap.first: gap for gap in changed})

    def give_up(self, ranges, *, at=NOON) -> None:
        self.rows.update({gap.first: gap for gap in give_up(ranges, gaps=list(self.rows.values()), at=at)})

    def numbers(self, state: GapState) -> set[int]:
        return {seq for gap in self.rows.values() if gap.state is state for seq in range(gap.first, gap.last + 1)}

    def check_apart(self) -> None:
        ordered = sorted(self.rows.values(), key=lambda gap: gap.first)
        assert all(gap.first <= gap.last for gap in ordered)
        assert all(low.last < high.first for low, high in pairwise(ordered)), "gaps overlap"
        assert self.head is not None
        assert all(self.head.first < gap.first and gap.last < self.head.last for gap in ordered), "a gap outside the span seen"


@given(st.lists(st.lists(SEQS, min_size=1, max_size=8), min_size=1, max_size=12))
def test_what_is_missing_is_what_was_not_seen_inside_the_span(batches):
    book, seen = Book(), set()
    for batch in batches:
        book.take(batch)
        seen.update(batch)
        book.check_apart()
        assert book.head == Head(first=min(seen), last=max(seen))
        assert book.numbers(GapState.OPEN) == set(range(min(seen), max(seen) + 1)) - seen
        assert book.numbers(GapState.FILLED) <= seen


@given(st.lists(SEQS, min_size=1, max_size=20), st.randoms(use_true_random=False), st.integers(min_value=1, max_value=7))
def test_any_order_any_duplication_any_split_leaves_the_same_ranges_open(seqs, random, size):
    def open_ranges(order, size):
        book = Book()
        for start in range(0, len(order), size):
            book.take(order[start : start + size])
        return sorted((gap.first, gap.last) for gap in book.rows.values() if gap.state is GapState.OPEN)

    shuffled = [*seqs, *random.choices(seqs, k=3)]
    random.shuffle(shuffled)
    assert open_ranges(shuffled, size) == open_ranges(sorted(seqs), len(seqs))


@given(
    st.lists(SEQS, min_size=1, max_size=12),
    st.lists(st.tuples(SEQS, SEQS).map(lambda found: (min(found), max(found))), max_size=4),
    st.lists(SEQS, min_size=1, max_size=12),
)
def test_what_is_given_up_closes_what_is_open_of_it_and_can_still_arrive(first, ranges, later):
    book = Book()
    book.take(first)
    missing = book.numbers(GapState.OPEN)
    book.give_up(ranges, at=NOON + timedelta(seconds=5))
    gone = {seq for low, high in ranges for seq in range(low, high + 1)}
    assert book.numbers(GapState.UNRECOVERABLE) == missing & gone
    assert book.numbers(GapState.OPEN) == missing - gone
    book.take(later)
    book.check_apart()
    seen = {*first, *later}
    assert book.numbers(GapState.UNRECOVERABLE) == (missing & gone) - seen
    assert book.numbers(GapState.OPEN) | book.numbers(GapState.UNRECOVERABLE) == set(range(min(seen), max(seen) + 1)) - seen


def test_a_gap_keeps_when_it_was_found_and_asked_for_while_it_fills():
    asked = Gap(first=3, last=9, found_at=NOON, asked_times=2, asked_at=NOON + timedelta(seconds=10))
    later = NOON + timedelta(seconds=30)
    _, changed = take([5], head=Head(first=2, last=10), gaps=[asked], at=later)
    assert [(gap.first, gap.last, gap.state) for gap in changed] == [
        (3, 4, GapState.OPEN),
        (5, 5, GapState.FILLED),
        (6, 9, GapState.OPEN),
    ]
    assert all((gap.found_at, gap.asked_times, gap.asked_at) == (NOON, 2, asked.asked_at) for gap in changed)
    assert [gap.closed_at for gap in changed] == [None, later, None]


def test_a_span_of_all_numbers_costs_one_range():
    head, changed = take([2**53 - 1], head=Head(first=0, last=0), gaps=[], at=NOON)
    assert head == Head(first=0, last=2**53 - 1)
    assert [(gap.first, gap.last) for gap in changed] == [(1, 2**53 - 2)]


def test_a_filled_gap_stays_as_it_is():
    filled = Gap(first=3, last=5, found_at=NOON, state=GapState.FILLED, closed_at=NOON)
    assert take([4], head=Head(first=1, last=9), gaps=[filled], at=NOON)[1] == []
    assert give_up([(0, 9)], gaps=[filled], at=NOON) == []


@pytest.mark.parametrize(("size", "parts"), [(1000, [(1, 7)]), (3, [(1, 3), (4, 6), (7, 7)]), (7, [(1, 7)])])
def test_a_gap_in_portions(size, parts):
    gap = Gap(first=1, last=7, found_at=NOON)
    assert [(part.first, part.last) for part in split(gap, size=size)] == parts


def test_a_closed_gap_says_when():
    assert close(Gap(first=1, last=7, found_at=NOON), at=NOON + timedelta(1)).closed_at == NOON + timedelta(1)
