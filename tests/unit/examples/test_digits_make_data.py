import csv
import io
import json

import pytest

from examples.digits.make_data import Shape, lines, main, true_labels, write_data


def rows_of(shape: Shape) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(lines(shape)), newline=""), strict=True))


def test_by_default_the_file_has_a_header_and_more_than_10_000_different_records(tmp_path):
    write_data(tmp_path / "digits.csv")
    header, *records = (tmp_path / "digits.csv").read_text().splitlines()
    assert header.split(",")[::63] == ["pixel_0", "pixel_63"]
    assert len(records) == 10_782
    assert len(set(records)) > 10_500  # some nudges of some images coincide
    assert all(record.count(",") == 63 for record in records)


def test_a_larger_file_repeats_the_records_in_the_same_order():
    records = list(lines(Shape(records=10_785, header=False)))
    assert records[10_782:] == records[:3]


def test_true_labels_go_round_with_the_records():
    labels = list(true_labels(10_785))
    assert labels[10_782:] == labels[:3]
    assert set(labels) == set(range(10))


def test_quoted_notes_hold_newlines_commas_and_quotes_and_change_no_pixel():
    plain = rows_of(Shape(records=12))
    quoted = rows_of(Shape(records=12, quoted=True))
    assert [row[1:] for row in quoted] == plain
    notes = "".join(row[0] for row in quoted[1:])
    assert all(character in notes for character in ',"\n\r')


def test_a_poisoned_record_has_one_pixel_that_is_not_a_number():
    rows = rows_of(Shape(records=5, header=False, poison=frozenset({1, 4})))
    assert [index for index, row in enumerate(rows) if row[0] == "poison"] == [1, 4]
    assert all(len(row) == 64 for row in rows)


def test_json_lines_hold_a_list_of_features():
    first, second = map(json.loads, lines(Shape(records=2, format="jsonl", poison=frozenset({1}))))
    assert len(first["features"]) == 64
    assert second["features"][0] == "poison"


def test_text_lines_hold_pixels_between_spaces():
    (line,) = lines(Shape(records=1, format="text"))
    assert len(line.split()) == 64
    assert line.endswith("\n")


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "xml"},
        {"format": "jsonl", "quoted": True},
        {"records": 3, "poison": frozenset({3})},
    ],
)
def test_a_shape_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"format|quoted|poison"):
        Shape(**wrong)


def test_the_command_writes_what_its_options_say(tmp_path, capsys):
    target = tmp_path / "new" / "digits.csv"
    main(["--output", str(target), "--records", "3", "--no-header", "--poison", "0,2"])
    first_pixels = [line.split(",")[0] for line in target.read_text().splitlines()]
    assert first_pixels == ["poison", "0", "poison"]
    assert "3 records" in capsys.readouterr().out


def test_the_command_refuses_poison_outside_the_file(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--output", str(tmp_path / "x.csv"), "--records", "3", "--poison", "3"])
    assert "from 0 to 2" in capsys.readouterr().err
