"""The identity of a fact."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from signals import origin
from signals.instants import EPOCH

parts = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.integers() | st.none())
moments = st.integers(757_382_400_000_000, 1_262_304_000_000_000).map(lambda number: EPOCH + timedelta(microseconds=number))


@given(parts, parts)
def test_distinct_parts_have_distinct_keys(some, others):
    same = list(map(str, some)) == list(map(str, others))
    assert (origin.key(*some) == origin.key(*others)) == same


@given(st.lists(st.binary()), st.data())
def test_parts_do_not_run_into_each_other(some, data):
    joined = b"".join(some)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(joined)))))
    others = [joined[start:end] for start, end in zip([0, *cuts], [*cuts, len(joined)], strict=True)]
    assert (origin.key(*some) == origin.key(*others)) == (some == others)


def test_a_key_is_16_bytes_and_never_changes():
    # It is stored: another digest would store everything anew that a device re-sends across the change.
    assert origin.key("signal", 7, 12, b'{"active":true}').hex() == "501cbb91af3e72a1946288d2abb85abd"


@given(moments, st.timedeltas(timedelta(0), timedelta(minutes=5)), parts)
def test_without_a_counter_time_decides(said, later, identity):
    stored, _ = origin.windowed(*identity, received_at=said)
    again = origin.windowed(*identity, received_at=said + later)
    if later <= origin.WINDOW:
        assert stored in again
    if later >= 2 * origin.WINDOW:
        assert stored not in again


@given(moments)
def test_in_a_window_different_facts_stay_apart(said):
    assert not set(origin.windowed("a", received_at=said)) & set(origin.windowed("b", received_at=said))
