"""Hypothesis strategies that several test modules share."""

from hypothesis import strategies as st

BOM = b"\xef\xbb\xbf"

# Short pieces of all that splitting treats specially, so that small examples reach every state.
_NASTY = [b'"', b'""', b",", b"\n", b"\r\n", b"\r", b" ", b"\t", b"a", b"bc", BOM, "é…".encode()]
_TAME = [b'"x,\ny"', b'"say ""hi"""', b"1", b"2.5", b",", b",", b"\n", b"\n", b"\r\n", b"\n\n"]


def nasty_bytes(max_pieces: int = 40) -> st.SearchStrategy[bytes]:
    body = st.lists(st.sampled_from(_NASTY), max_size=max_pieces).map(b"".join)
    return st.tuples(st.sampled_from([b"", BOM]), body).map(b"".join)


def tame_csv(max_pieces: int = 60) -> st.SearchStrategy[bytes]:
    """Mostly well-formed: quotes nearly always stand at the borders of fields."""
    return st.lists(st.sampled_from(_TAME), max_size=max_pieces).map(b"".join)


def csv_bytes() -> st.SearchStrategy[bytes]:
    return nasty_bytes() | tame_csv()
