"""Which variant has answered for which records."""

from penstock.domain.serving import MOST_RUNS, Served, serving_document


def test_neighbours_of_two_segments_are_one_run() -> None:
    runs = [Served("blue", 2, 20), Served("blue", 1, 5), Served("green", 1, 5)]

    document = serving_document(runs)

    assert document["variants"] == {
        "blue": {"chunks": 3, "records": 25},
        "green": {"chunks": 1, "records": 5},
    }
    assert document["served_by"] == [
        {"variant": "blue", "first_record": 0, "records": 25},
        {"variant": "green", "first_record": 25, "records": 5},
    ]


def test_records_that_nobody_has_answered_are_counted_over() -> None:
    runs = [Served(None, 1, 10), Served("blue", 1, 10)]

    assert serving_document(runs)["served_by"] == [
        {"variant": "blue", "first_record": 10, "records": 10}
    ]


def test_where_no_variant_is_known_nothing_is_said() -> None:
    assert serving_document([Served(None, 3, 30)]) == {}
    assert serving_document([]) == {}


def test_a_list_that_would_be_too_long_ends_and_the_counts_are_of_all() -> None:
    runs = [Served("blue" if number % 2 else "green", 1, 1) for number in range(3 * MOST_RUNS)]

    document = serving_document(runs)

    assert len(document["served_by"]) == MOST_RUNS
    assert sum(each["records"] for each in document["variants"].values()) == 3 * MOST_RUNS
