"""The one way to write a table: its dialect, byte for byte."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pandas as pd
import pytest
from sisr.base.csv_files import csv_text, write_frame, write_rows
from sisr.base.errors import SisrError


def test_values_rows_and_mappings(tmp_path: Path) -> None:
    rows = [("a, b", 1.5, None), {"c": math.inf, "a": 'say "x"'}, ["two\nlines", "ä", True]]
    text = 'a,b,c\n"a, b",1.5,\n"say ""x""",,inf\n"two\nlines",ä,True\n'
    assert csv_text("abc", rows) == text
    write_rows(tmp_path / "new" / "t.csv", "abc", rows)
    assert (tmp_path / "new" / "t.csv").read_bytes() == text.encode()
    assert csv_text(("a", "b"), []) == "a,b\n"


def test_a_column_too_many_is_a_bug_and_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_rows(path, ("a",), [("old",)])
    with pytest.raises(ValueError, match="'b'"):
        write_rows(path, ("a",), [{"a": 1, "b": 2}])
    assert path.read_text() == "a\nold\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_frame_has_nothing_for_what_is_missing(tmp_path: Path) -> None:
    write_frame(tmp_path / "t.csv", pd.DataFrame({"n": [1, 2], "mean": [0.1, math.nan]}))
    assert (tmp_path / "t.csv").read_bytes() == b"n,mean\n1,0.1\n2,\n"


def test_a_name_of_another_encoding_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    with pytest.raises(SisrError) as caught:
        write_rows(path, ["image", "value"], [["baby", "1"], ["caf\udce9", "2"]])
    assert str(caught.value) == f"{path}: cannot hold 'caf\\udce9', which is not UTF-8: rename it"
    assert not path.exists()


def test_no_character_of_a_name_ends_a_row(tmp_path: Path) -> None:
    names = ["a\rb", "a\nb", "a\r\nb", 'a"b', "a,b", " a", "", "\x85", "\u2028", "\x00"]
    write_rows(tmp_path / "t.csv", ["image", "value"], [[name, 1] for name in names])
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["image"] for row in csv.DictReader(stream)] == names
    frame = pd.read_csv(tmp_path / "t.csv", keep_default_na=False)
    assert list(frame["image"])[:-1] == names[:-1]  # a null ends a text for pandas
