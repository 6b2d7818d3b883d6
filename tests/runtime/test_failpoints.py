"""A failpoint kills the process at the passage that was asked for, and at no other."""

import signal

import pytest
from programs import run

PASSAGES = """
    from runtime.failpoints import passing
    for number in range(1, 6):
        passing("elsewhere")
        passing("here")
        print(number)
"""


@pytest.mark.parametrize(
    ("asked", "passed"),
    [("here:1", 0), ("here:3", 2), ("here:5", 4), ("here", 0), ("here:6", 5), ("nowhere:1", 5), ("her:1", 5), ("", 5)],
)
def test_it_dies_at_that_passage(tmp_path, asked, passed):
    status, out, _ = run(PASSAGES, folder=tmp_path, WANGHUO_FAILPOINT=asked)
    assert out.split() == [str(number) for number in range(1, passed + 1)]
    assert status == (-signal.SIGKILL if passed < 5 else 0)


def test_unasked_it_lives(tmp_path):
    assert run(PASSAGES, folder=tmp_path)[0] == 0
