import http.client
import signal
import time

import pytest

from examples.echo.echo_reference import expected_lines

pytestmark = pytest.mark.enable_socket


def test_records_are_answered_in_order_and_without_their_line_ends(start_server, tmp_path):
    records = ['1,"a\nb"', '2,"say ""hi"""', "3,ü"]
    with start_server("echo", tmp_path) as server:
        answer = server.invoke("\n".join(records).encode(), "text/csv")
        refused = server.invoke(b"fine\npoison\n", "text/plain")
    assert answer.text.splitlines() == expected_lines(records)
    assert int(answer.headers["Content-Length"]) == len(answer.text)
    assert refused.status == 400


def test_a_crash_happens_once_for_each_record(start_server, tmp_path):
    state = {"ECHO_STATE_DIR": str(tmp_path / "state")}
    with start_server("echo", tmp_path, **state) as server:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            server.invoke(b"crash here\n", "text/plain")
        assert server.process.wait(timeout=10) == -signal.SIGKILL
    with start_server("echo", tmp_path, **state) as server:
        answer = server.invoke(b"crash here\n", "text/plain")
    assert answer.text.splitlines() == expected_lines(["crash here"])


def test_an_answer_can_be_delayed(start_server, tmp_path):
    with start_server("echo", tmp_path, ECHO_DELAY_MS="50") as server:
        started = time.monotonic()
        server.invoke(b"a\n", "text/plain")
        assert time.monotonic() - started >= 0.05
