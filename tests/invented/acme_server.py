"""A server of the invented provider, written by its handbook alone; what it does wrong is chosen by name."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

KEY = "acme-test-3141592653"
STAYS_OPEN = "confirm answers with an open charge and leaves it so"
VOIDS_PAID = "a confirm that is refused makes a paid charge void"
ANY_KEY = "any key is good enough"
PAYS_VOID = "a void charge can be confirmed"
REPEATS = "a page begins with the charge that it is to stand behind"
UNLISTED = "the last charge made is not listed"
Answer = tuple[int, dict[str, Any]]


class Refused(Exception):
    def __init__(self, status: int, reason: str, text: str, at: str = "") -> None:
        fault = {"reason": reason, "text": text, **({"at": at} if at else {})}
        self.answer: Answer = (status, {"fault": fault})


class Acme:
    """The charges of one account."""

    def __init__(self, lies: Collection[str]) -> None:
        self.lies = lies
        self._charges: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def answer(self, method: str, target: str, key: str, body: bytes) -> Answer:
        path, _, query = target.partition("?")
        try:
            if key != f"Bearer {KEY}" and not (key and ANY_KEY in self.lies):
                raise Refused(401, "who_are_you", "The key is not known.")
            if (method, path) == ("POST", "/charges"):
                return 201, self._create(_object(body))
            if (method, path) == ("GET", "/charges"):
                return 200, self._page(query)
            named = re.fullmatch(r"/charges/([^/]+)(/confirm|/void)?", path)
            if not named or method != ("POST" if named[2] else "GET"):
                raise Refused(404, "no_such_charge", "Nothing stands here.")
            if named[1] not in self._charges:
                raise Refused(404, "no_such_charge", "The charge is not known.")
            charge = self._charges[named[1]]
            if named[2] == "/confirm":
                return 200, self._confirm(charge, _object(body))
            return 200, self._void(charge) if named[2] else charge
        except Refused as refused:
            return refused.answer

    def _create(self, asked: dict[str, Any]) -> dict[str, Any]:
        amount: Any = asked.get("amount")
        note = asked.get("note", "")
        whole = isinstance(amount, float) and amount.is_integer()
        if isinstance(amount, bool) or not (isinstance(amount, int) or whole) or amount < 1:
            raise Refused(422, "bad_value", "An amount is a whole number from 1.", "amount")
        if asked.get("currency") not in ("eur", "sek"):
            raise Refused(422, "bad_value", "Eur or sek.", "currency")
        if not isinstance(note, str):
            raise Refused(422, "bad_value", "A note is text.", "note")
        ref = f"chg-{next(self._numbers):012}"
        shown = {"amount": int(amount), "currency": asked["currency"], "note": note or None, "source": None}
        self._charges[ref] = {"ref": ref, "state": "open", **shown}
        return self._charges[ref]

    def _confirm(self, charge: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        source = asked.get("source")
        if source not in ("card-good", "card-bad"):
            raise Refused(422, "bad_value", "The source is not known.", "source")
        if charge["state"] != "open" and not (charge["state"] == "void" and PAYS_VOID in self.lies):
            if VOIDS_PAID in self.lies:
                charge["state"] = "void"
            raise Refused(409, "not_open", f"The charge is {charge['state']}.")
        if source == "card-bad":
            raise Refused(403, "source_declined", "The source is declined.")
        if STAYS_OPEN not in self.lies:
            charge |= {"state": "paid", "source": source}
        return charge

    def _void(self, charge: dict[str, Any]) -> dict[str, Any]:
        if charge["state"] != "open":
            raise Refused(409, "not_open", f"The charge is {charge['state']}.")
        charge["state"] = "void"
        return charge

    def _page(self, query: str) -> dict[str, Any]:
        asked = dict(parse_qsl(query))
        size, refs = asked.get("size", "50"), list(reversed(self._charges))
        if not size.isdigit() or not 1 <= int(size) <= 50:
            raise Refused(422, "bad_value", "A size is a whole number from 1 to 50.", "size")
        if UNLISTED in self.lies:
            del refs[:1]
        if "behind" in asked and asked["behind"] not in refs:
            raise Refused(422, "bad_value", "The charge is not known.", "behind")
        first = refs.index(asked["behind"]) + (REPEATS not in self.lies) if "behind" in asked else 0
        last = first + int(size)
        return {"charges": [self._charges[ref] for ref in refs[first:last]], "further": last < len(refs)}


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused(422, "bad_value", "The body is no object.")
    return value


@contextmanager
def acme(*lies: str) -> Iterator[str]:
    """The server on 127.0.0.1 while the block lasts; yields its base URL."""
    account, lock = Acme(lies), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                status, shown = account.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
                content = json.dumps(shown).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
