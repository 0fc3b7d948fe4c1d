"""What targets do to us, and what comes of it: each row is run by tests/hostile/test_table.py and shown in docs/."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Any

from tests.hostile.server import Behave, Turn, answer

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1024 * 1024
HUGE = 200 * MEGABYTE
HTML = "text/html"


@dataclass(frozen=True)
class Row:
    """One behaviour, met by the retrieve of an intent that was made soundly.

    ``failure`` begins the reason why there is no answer, and is empty where there is one; ``verdict`` is that of the
    requirement that an intent can be retrieved, ``code`` the exit code. ``start`` is the exit code where a target is
    like that from its first answer on. ``large``: the memory that is used is measured.
    """

    name: str
    behave: Behave
    failure: str = ""
    verdict: str = "error"
    code: int = 3
    start: int = 3
    large: bool = False
    dies: bool = False


# -- how ----------------------------------------------------------------------------------------------------------


def says(*parts: bytes) -> Behave:
    """These bytes, and then the connection is closed."""
    return lambda turn: turn.say(*parts)


def sound_but(change: Callable[[bytes, bytes], bytes]) -> Behave:
    """The sound answer's head (its lines, the last one empty) and body, made anew."""

    def behave(turn: Turn) -> None:
        head, _, body = turn.sound().partition(b"\r\n\r\n")
        turn.say(change(head + b"\r\n", body))

    return behave


def bodied(change: Callable[[bytes], bytes], *headers: str) -> Behave:
    """The sound answer with another body, and further headers."""
    return sound_but(lambda head, body: _resized(head, change(body), *headers))


def json_with(**members: Any) -> Behave:
    return bodied(lambda body: json.dumps({**json.loads(body), **members}).encode())


def spelled(member: str, written: str) -> Behave:
    """The sound answer with a member that is written as given."""
    return bodied(lambda body: body.rstrip()[:-1] + f', "{member}": {written}}}'.encode())


def headed(*headers: str) -> Behave:
    return bodied(lambda body: body, *headers)


def _resized(head: bytes, body: bytes, *headers: str) -> bytes:
    lines = [line for line in head.rstrip().split(b"\r\n") if not line.lower().startswith(b"content-length")]
    more = [header.encode("latin-1") for header in headers]
    return b"\r\n".join([*lines, *more, b"Content-Length: %d" % len(body), b"", body])


def pours(start: bytes, parts: Callable[[], Iterator[bytes]]) -> Behave:
    return lambda turn: (turn.say(start), turn.pour(parts()))[0]


def then_silence(*parts: bytes) -> Behave:
    def behave(turn: Turn) -> None:
        turn.say(*parts)
        turn.wait()

    return behave


def then_reset(*parts: bytes) -> Behave:
    def behave(turn: Turn) -> None:
        turn.say(*parts)
        turn.reset()

    return behave


def drips(start: bytes, text: bytes) -> Behave:
    return lambda turn: (turn.say(start), turn.drip(text))[0]


def redirects(status: int, location: Callable[[Turn], str]) -> Behave:
    def behave(turn: Turn) -> None:
        turn.say(answer(status, b"", f"Location: {location(turn)}", media_type=HTML))

    return behave


def there(turn: Turn) -> str:
    return f"{turn.elsewhere}{turn.asked.path}"


def another_host(turn: Turn) -> str:
    return there(turn).replace("127.0.0.1", "localhost")


def key_of(turn: Turn) -> str:
    return next(value for name, value in turn.asked.headers.items() if "auth" in name or "key" in name)


def echoes(how: Callable[[str], bytes], *headers: str) -> Behave:
    return lambda turn: turn.say(answer(200, how(json.dumps({"id": "x", "said": key_of(turn)})), *headers))


@cache
def bomb(layers: int) -> bytes:
    """A small body that holds twice what an answer may hold, and 64 times as much for each layer beyond the first."""
    packed = gzip.compress(bytes(16 * MEGABYTE), 9)
    for _ in range(layers - 1):
        packed = gzip.compress(packed * 64, 9)
    return packed


def repeated(text: str) -> Behave:
    """A quarter of a megabyte of what the search for secrets looks at twice."""
    return bodied(lambda body: json.dumps({**json.loads(body), "note": text * (MEGABYTE // 4 // len(text))}).encode())


def sends_anew(head: bytes, tail: bytes = b"") -> Behave:
    return lambda turn: turn.say(head, turn.sound(), tail)


PASS: dict[str, Any] = {"verdict": "pass", "code": 0, "start": 0}
FAIL: dict[str, Any] = {"verdict": "fail", "code": 1}

ROWS = [
    # Connections
    Row("nothing listens any more", says(), "ConnectError", dies=True),
    Row("reset at once", then_reset(), "ReadError"),
    Row("reset within the headers", then_reset(OK), "ReadError"),
    Row("reset within the body", then_reset(OK + b"Content-Length: 99\r\n\r\n{"), "ReadError"),
    Row("closed at once", says(), "RemoteProtocolError"),
    Row("closed within the status line", says(b"HTTP/1."), "RemoteProtocolError"),
    Row("closed within the headers", says(OK), "RemoteProtocolError"),
    Row("closed after the headers", says(OK + b"Content-Length: 99\r\n\r\n"), "RemoteProtocolError"),
    Row("accepted and silent", then_silence(), "ReadTimeout"),
    Row("silent after the status line", then_silence(OK), "ReadTimeout"),
    Row("silent within the body", then_silence(OK + b"Content-Length: 99\r\n\r\n{"), "ReadTimeout"),
    Row("headers byte by byte", drips(OK, b"X-Slow: " + b"x" * 9999), "ReadTimeout"),
    Row("body byte by byte", drips(OK + b"Content-Length: 9999\r\n\r\n", b"x" * 9999), "ValueError"),
    Row("nothing but 102 Processing", pours(b"", lambda: repeat(b"HTTP/1.1 102 Processing\r\n\r\n")), "ReadTimeout"),
    # Without end
    Row("headers without end", pours(OK, lambda: repeat(b"X-More: and more\r\n")), "RemoteProtocolError", large=True),
    Row("a header without end", pours(OK + b"X-Long: ", lambda: repeat(b"x" * 999)), "RemoteProtocolError", large=True),
    Row("blank lines without end", pours(b"", lambda: repeat(b"\r\n" * 99)), "RemoteProtocolError", large=True),
    Row("a body without end", pours(OK + b"\r\n", lambda: repeat(b"x" * 65536)), "ValueError", large=True),
    Row("chunks without end", pours(CHUNKED, lambda: repeat(b"5\r\nhello\r\n" * 999)), "ValueError", large=True),
    Row(
        "a chunk's extension without end",
        pours(CHUNKED + b"5;", lambda: repeat(b"x" * 999)),
        "RemoteProtocolError",
        large=True,
    ),
    Row(
        "200 MB with their length",
        pours(OK + b"Content-Length: %d\r\n\r\n" % HUGE, lambda: repeat(b"x" * 65536, HUGE // 65536)),
        "ValueError",
        large=True,
    ),
    Row(
        "200 MB in one chunk",
        pours(CHUNKED + b"%x\r\n" % HUGE, lambda: repeat(b"x" * 65536, HUGE // 65536)),
        "ValueError",
        large=True,
    ),
    # Lengths and chunks
    Row("Content-Length longer than the body", says(OK + b"Content-Length: 500\r\n\r\n{}"), "RemoteProtocolError"),
    Row("Content-Length shorter than the body", says(OK + b'Content-Length: 3\r\n\r\n{"id": "x"}'), **FAIL),
    Row("Content-Length negative", says(OK + b"Content-Length: -1\r\n\r\n{}"), "RemoteProtocolError"),
    Row("Content-Length no number", says(OK + b"Content-Length: two\r\n\r\n{}"), "RemoteProtocolError"),
    Row(
        "Content-Length of 30 digits", says(OK + b"Content-Length: 1%s\r\n\r\n{}" % (b"0" * 29)), "RemoteProtocolError"
    ),
    Row(
        "two different Content-Lengths",
        says(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
        "RemoteProtocolError",
    ),
    Row("Content-Length and chunks", says(CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), **FAIL),
    Row("chunks of garbage", says(CHUNKED + b"zz\r\nhello\r\n"), "RemoteProtocolError"),
    Row("a chunk of huge size", says(CHUNKED + b"f" * 20 + b"\r\n{}"), "RemoteProtocolError"),
    Row("a chunk of negative size", says(CHUNKED + b"-5\r\nhello\r\n"), "RemoteProtocolError"),
    Row("chunks cut off", says(CHUNKED + b"2\r\n{}\r\n"), "RemoteProtocolError"),
    Row("Transfer-Encoding unknown", says(OK + b"Transfer-Encoding: morse\r\n\r\n{}"), "RemoteProtocolError"),
    # Status lines
    Row("HTTP/0.9", says(b'{"id": "x"}'), "RemoteProtocolError"),
    Row("HTTP/1.0 without a length", sound_but(lambda head, body: OK.replace(b"1.1", b"1.0") + b"\r\n" + body), **PASS),
    Row("HTTP/9.9", sound_but(lambda head, body: head.replace(b"1.1", b"9.9", 1) + b"\r\n" + body), **PASS),
    Row("no status line", says(b"Good day to you\r\n\r\n"), "RemoteProtocolError"),
    Row("status 000", says(answer("000", b"{}")), "RemoteProtocolError"),
    Row("status 999", says(answer(999, b"{}")), **FAIL),
    Row("status 1000", says(answer(1000, b"{}")), "RemoteProtocolError"),
    Row("status no number", says(answer("OK", b"{}")), "RemoteProtocolError"),
    Row("100 Continue, and then closed", says(b"HTTP/1.1 100 Continue\r\n\r\n"), "RemoteProtocolError"),
    Row("100 Continue, and then the answer", sends_anew(b"HTTP/1.1 100 Continue\r\n\r\n"), **PASS),
    Row("103 Early Hints, and then the answer", sends_anew(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), **PASS),
    Row("101 Switching Protocols", says(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), "RemoteProtocolError"),
    Row("a second answer that nobody asked for", sends_anew(b"", answer(200, b"{}")), **PASS),
    Row("204", says(b"HTTP/1.1 204 No Content\r\n\r\n"), **FAIL),
    Row("304", says(b"HTTP/1.1 304 Not Modified\r\n\r\n"), **FAIL),
    Row("503 with a Retry-After of years", says(answer(503, b"{}", "Retry-After: 999999999")), **FAIL),
    # Headers
    Row("10,000 headers", headed(*repeat("a: 1", 10_000)), large=True, **PASS),
    Row("a header of 90 KB", headed("X-Long: " + "x" * 90_000), **PASS),
    Row("a header with a zero byte", headed("X-Odd: a\x00b"), "RemoteProtocolError"),
    Row("a header with an escape", headed("X-Odd: \x1b[2J\x07"), **PASS),
    Row("a header that is not UTF-8", headed("X-Odd: \xff\xfe"), **PASS),
    Row("a header's name with a space", headed("X Odd: a"), "RemoteProtocolError"),
    Row("a header over two lines", headed("X-Odd: a\r\n b"), **PASS),
    Row("1,000 cookies", headed(*(f"Set-Cookie: c{n}=v" for n in range(1_000))), large=True, **PASS),
    Row("cookies for other hosts", headed("Set-Cookie: a=b; Domain=com", "Set-Cookie: c=d; Domain=localhost"), **PASS),
    # Encodings
    Row("gzip that is none", headed("Content-Encoding: gzip"), "DecodingError"),
    Row("gzip that is not said", bodied(gzip.compress), **FAIL),
    Row("gzip cut off", bodied(lambda body: gzip.compress(body)[:-9], "Content-Encoding: gzip"), "DecodingError"),
    Row(
        "gzip twice",
        bodied(lambda body: gzip.compress(gzip.compress(body)), "Content-Encoding: gzip, gzip"),
        **PASS,
    ),
    Row("deflate", bodied(zlib.compress, "Content-Encoding: deflate"), **PASS),
    Row(
        "deflate without its header",
        bodied(lambda body: zlib.compress(body)[2:-4], "Content-Encoding: deflate"),
        **PASS,
    ),
    Row("seven encodings", bodied(lambda body: body, "Content-Encoding: " + ", ".join(["gzip"] * 7)), "ValueError"),
    Row("an encoding nobody asked for", bodied(lambda body: b"\x8b\x03" + body, "Content-Encoding: br"), **FAIL),
    Row("a gzip bomb", bodied(lambda body: bomb(1), "Content-Encoding: gzip"), "ValueError", large=True),
    Row("a gzip bomb in gzip", bodied(lambda body: bomb(2), "Content-Encoding: gzip, gzip"), "ValueError", large=True),
    Row("a gzip bomb that is not said", bodied(lambda body: bomb(1)), "ValueError", large=True),
    Row("invalid UTF-8", bodied(lambda body: body.replace(b'"id"', b'"\xff\xfe": 1, "id"')), **FAIL),
    Row("UTF-16 with a byte order mark", bodied(lambda body: body.decode().encode("utf-16")), **FAIL),
    Row("our key in UTF-16", echoes(lambda text: text.encode("utf-16")), **FAIL),
    Row(
        "our key in gzip", echoes(lambda text: gzip.compress(text.encode()), "Content-Encoding: gzip"), start=0, **FAIL
    ),
    Row("our key in gzip that is not said", echoes(lambda text: gzip.compress(text.encode())), **FAIL),
    # Bodies
    Row("200 and HTML", says(answer(200, b"<html>Welcome</html>", media_type=HTML)), **FAIL),
    Row("200 and nothing", says(answer(200)), **FAIL),
    Row("a number for an intent", says(answer(200, b"7")), **FAIL),
    Row("null for an intent", says(answer(200, b"null")), **FAIL),
    Row("an array for an intent", says(answer(200, b"[[[]]]")), **FAIL),
    Row("two documents", bodied(lambda body: body + body), **FAIL),
    Row("nested 100,000 deep", says(answer(200, b"[" * 100_000)), **FAIL),
    Row("nested 400 deep", spelled("note", "[" * 400 + "]" * 400), **PASS),
    Row("the id twice", spelled("id", '"pi_of_somebody_else"'), **FAIL),
    Row("NaN for the amount", spelled("amount", "NaN"), **PASS),
    Row("Infinity for the amount", spelled("amount", "-Infinity"), **PASS),
    Row("1e999 for the amount", spelled("amount", "1e999"), **PASS),
    Row("an integer of 4,300 digits", spelled("amount", "9" * 4_300), **PASS),
    Row("an integer of 100,000 digits", spelled("amount", "9" * 100_000), **FAIL),
    Row("250 KB of digits", repeated("4"), large=True, **PASS),
    Row("250 KB of @", repeated("a@"), large=True, **PASS),
    Row("250 KB of keys", repeated("sk_test_"), large=True, **PASS),
    Row("250 KB of escapes", repeated('\\"'), large=True, **PASS),
    Row("250 KB of Bearer", repeated("Bearer "), large=True, **PASS),
    Row("20,000 empty arrays", spelled("note", "[" + "[]," * 20_000 + "[]]"), large=True, **PASS),
    # Redirects
    *(Row(f"{status} to another port", redirects(status, there), **FAIL) for status in (301, 302, 303, 307, 308)),
    Row("302 to another host", redirects(302, another_host), **FAIL),
    Row("307 to another host", redirects(307, another_host), **FAIL),
    Row("307 to a file", redirects(307, lambda turn: "file:///etc/passwd"), **FAIL),
    Row("307 to itself", redirects(307, lambda turn: turn.asked.path), **FAIL),
    Row("307 to nowhere", redirects(307, lambda turn: "http://[::garbage"), **FAIL),
]
BY_NAME = {row.name: row for row in ROWS}


def rendered() -> str:
    """The table in Markdown, as docs/hostile-targets.md shows it."""
    lines = ["| What the target does | What the exchange holds | The row | Exit code | From its first answer on |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for row in ROWS:
        held = f"no answer: {row.failure}" if row.failure else "the answer"
        start = "not judged, 3" if row.start == 3 else "judged, 0"
        lines.append(f"| {row.name} | {held} | {row.verdict} | {row.code} | {start} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(rendered())  # noqa: T201
