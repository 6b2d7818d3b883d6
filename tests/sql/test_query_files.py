"""The loader of named queries."""

import pytest

from sql import queries
from sql.queries import FOLDER, QueryFileError, load


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Write a query file and load it."""
    monkeypatch.setattr(queries, "FOLDER", tmp_path)
    load.cache_clear()

    def read(text):
        (tmp_path / "room.sql").write_text(text, encoding="utf-8")
        return load("room")

    yield read
    load.cache_clear()


def test_queries_come_by_name_with_their_comments(room):
    found = room("-- The room.\n\n-- name: one\n-- What for.\nSELECT 1\n\n-- name: two_2\nSELECT 2,\n       3\n")
    assert found == {"one": "-- What for.\nSELECT 1", "two_2": "SELECT 2,\n       3"}


WRONG = {
    "SELECT 1\n-- name: one\nSELECT 1": "room.sql: text before the first name",
    "SELECT 1": "room.sql: text before the first name",
    "-- name: one\nSELECT 1\n-- name: one\nSELECT 2": "room.sql: named twice: one",
    "-- name: one\nSELECT 1\n-- name: Two\nSELECT 2": "room.sql: not a name: '-- name: Two'; due is `-- name: lower_case`",
    "-- name: one\nSELECT 1\n--name two\nSELECT 2": "room.sql: not a name: '--name two'; due is `-- name: lower_case`",
    "-- name: one two\nSELECT 1": "room.sql: text before the first name",
    "-- name: one\n-- Only words.\n-- name: two\nSELECT 2": "room.sql: nothing under the name one",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_a_file_that_does_not_read_is_refused(room, text, said):
    with pytest.raises(QueryFileError) as caught:
        room(text)
    assert str(caught.value) == said


def test_a_missing_file_is_refused(room):
    with pytest.raises(QueryFileError, match=r"^nowhere\.sql: no such file in sql/queries$"):
        load("nowhere")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.sql")), ids=lambda path: path.stem)
def test_every_room_reads(path):
    assert load(path.stem)
