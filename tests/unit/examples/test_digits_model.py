import json

import pytest

from examples.digits.image.digits_server.model import ModelUnusableError, Record, load
from examples.digits.image.digits_server.refusals import BadRecordError, RefusedError
from examples.digits.image.digits_server.requests import parse
from examples.digits.image.digits_server.responses import negotiate, render
from examples.digits.image.digits_server.settings import from_environment
from examples.digits.make_data import Shape, lines, write_data
from examples.digits.reference import predict_lines, predict_records

HEADER = ",".join(f"pixel_{number}" for number in range(64))
ROW = ",".join(["0"] * 64)


@pytest.fixture(scope="module")
def model(model_dir):
    return load(model_dir)


def csv_records(*rows: str) -> list[Record]:
    return parse("text/csv; charset=utf-8", "\n".join(rows).encode())


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_csv_header_is_known_by_its_names(end):
    assert len(csv_records(HEADER, ROW, ROW + end)) == 2
    assert len(csv_records(ROW, ROW + end)) == 2


def test_a_first_record_with_one_bad_pixel_is_not_taken_for_a_header(model):
    with pytest.raises(BadRecordError, match=r"record 0: pixel_0 is not a number: 'poison'"):
        model.predict(csv_records("poison" + ROW[1:], ROW))


def test_a_leading_column_of_text_is_ignored():
    quoted = '"a ""note"",\nwith a newline",' + ROW
    assert csv_records("note," + HEADER, quoted) == csv_records(ROW)


def test_a_leading_number_too_many_is_refused(model):
    with pytest.raises(BadRecordError, match="record 0: expected 64 pixels, got 65"):
        model.predict(csv_records("7," + ROW))


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("text/csv", f'{HEADER}\n{ROW}\n"x"y,{ROW}', "record 1: not CSV"),
        ("text/csv", f"{ROW}\n\n{ROW}", "record 1: expected 64 pixels, got 0"),
        ("text/csv", f"{ROW}\n{ROW[:-1]}17", "record 1: pixel_63 is not from 0 to 16"),
        ("text/csv", f"{ROW}\n{ROW[:-1]}nan", "record 1: pixel_63 is not from 0 to 16"),
        ("text/csv", f"{ROW}\n{ROW[:-1]}{'x' * 99}", r"record 1: .*'x{38}…$"),
        ("application/jsonlines", f"[{ROW}]\n{{", "record 1: not JSON"),
        ("application/jsonlines", f"[{ROW}]\n7", "record 1: expected"),
        ("application/jsonlines", f'[{ROW}]\n["0"{ROW[1:]}]', "record 1: pixel_0 is not a number"),
        ("application/jsonlines", f"[{ROW[1:-1]}]".replace("[", "[1" + "0" * 400), "record 0"),
        ("application/jsonlines", "[" * 100_000, "record 0: not JSON"),
        ("application/json", "[]", "expected"),
        ("application/json", "{", "not JSON"),
        ("application/json", f'{{"instances": [[{ROW}], [1]]}}', "record 1: expected 64"),
        ("text/plain", f"{ROW.replace(',', ' ')}\n1 2", "record 1: expected 64 pixels, got 2"),
    ],
)
def test_a_bad_body_is_refused_and_the_record_named(model, content_type, body, reason):
    with pytest.raises(RefusedError, match=reason) as refused:
        model.predict(parse(content_type, body.encode()))
    assert refused.value.status == 400


def test_a_body_that_is_not_utf_8_is_refused():
    with pytest.raises(RefusedError, match="not UTF-8 at byte 2"):
        parse("text/csv", b"0,\xff")


def test_an_unknown_content_type_is_refused_with_415():
    with pytest.raises(RefusedError) as refused:
        parse("application/x-npy", b"")
    assert refused.value.status == 415


def test_no_records_get_no_predictions(model):
    assert model.predict(csv_records(HEADER)) == []


def test_every_format_gives_the_same_predictions(model):
    shapes = [Shape(records=50), Shape(records=50, quoted=True)]
    bodies = [("text/csv", "".join(lines(shape))) for shape in shapes]
    bodies.append(("application/jsonlines", "".join(lines(Shape(records=50, format="jsonl")))))
    bodies.append(("text/plain", "".join(lines(Shape(records=50, format="text")))))
    answers = [model.predict(parse(kind, body.encode())) for kind, body in bodies]
    assert answers[1:] == answers[:1] * 3


def test_a_prediction_does_not_depend_on_its_neighbours(model):
    records = parse("text/csv", "".join(lines(Shape(records=20))).encode())
    assert model.predict(records) == [model.predict([record])[0] for record in records]


def test_answers_come_in_the_type_that_is_accepted(model):
    prediction = model.predict(csv_records(ROW))[0]
    label, probability = prediction.label, prediction.probability
    assert render("text/csv", [prediction], "label") == f"{label}\n".encode()
    expected = f"{label},{probability}\n".encode()
    assert render("text/csv", [prediction], "probabilities") == expected
    line = render("application/jsonlines", [prediction] * 2, "label").splitlines()[1]
    assert json.loads(line) == {"label": label, "probability": probability}
    document = json.loads(render("application/json", [prediction], "label"))
    assert document == {"predictions": [{"label": label, "probability": probability}]}


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("", "text/csv"),
        ("*/*", "text/csv"),
        ("application/json", "application/json"),
        ("image/png, application/jsonlines;q=0.5", "application/jsonlines"),
    ],
)
def test_without_a_preference_the_answer_is_of_the_type_of_the_request(accept, answer):
    assert negotiate(accept, "text/csv; charset=utf-8") == answer


def test_an_accept_that_cannot_be_met_is_refused_with_406():
    with pytest.raises(RefusedError) as refused:
        negotiate("image/png", "text/csv")
    assert refused.value.status == 406


def test_a_model_of_another_scikit_learn_is_not_served(tmp_path):
    (tmp_path / "metadata.json").write_text('{"scikit_learn": "0.1"}')
    with pytest.raises(ModelUnusableError, match=r"trained with scikit-learn 0\.1.*train it again"):
        load(tmp_path)


def test_a_missing_model_is_reported_with_its_folder(tmp_path):
    with pytest.raises(ModelUnusableError, match=str(tmp_path)):
        load(tmp_path)


def test_the_reference_names_what_the_model_refuses(model_dir, tmp_path):
    path = tmp_path / "digits.csv"
    write_data(path, Shape(records=6, poison=frozenset({2, 5})))
    answers = predict_records(model_dir, path)
    assert [index for index, answer in enumerate(answers) if answer is None] == [2, 5]
    with pytest.raises(ValueError, match=r"refuses record 2 \(2 in all\)"):
        predict_lines(model_dir, path)


@pytest.mark.parametrize("shape", [Shape(records=30), Shape(records=30, header=False, quoted=True)])
def test_the_reference_and_the_server_agree(model, model_dir, tmp_path, shape):
    write_data(tmp_path / "digits.csv", shape)
    served = model.predict(parse("text/csv", (tmp_path / "digits.csv").read_bytes()))
    expected = predict_lines(model_dir, tmp_path / "digits.csv")
    assert [str(item.label) for item in served] == expected


def test_settings_come_from_the_environment(tmp_path):
    settings = from_environment({"SM_MODEL_DIR": str(tmp_path), "SAGEMAKER_BIND_TO_PORT": "9000"})
    assert (settings.model_dir, settings.port, settings.host) == (tmp_path, 9000, "127.0.0.1")


def test_a_setting_that_is_not_understood_is_refused():
    with pytest.raises(ValueError, match="MODEL_OUTPUT must be one of label, probabilities"):
        from_environment({"MODEL_OUTPUT": "all"})


def test_a_note_longer_than_the_csv_module_takes_by_default_is_read():
    assert csv_records(f"{'x' * 200_000},{ROW}") == csv_records(ROW)
