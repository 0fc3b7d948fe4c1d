"""Nothing secret is ever written: secrets of every kind are planted in every place, and no byte left behind has one.

Each canary is a secret of its own, made from a seed, with a mark that occurs nowhere else. A hostile server tells them
in its answers, the target file lends them, a recording to be audited holds them. Then every file, line of output and
log record that commands leave is searched for them, in every spelling, and inside whatever is compressed.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import os
import random
import re
import string
import subprocess
import sys
import tempfile
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from click.testing import CliRunner, Result

import conformance.session
from conformance.cli import main
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.history import to_line
from conformance.reference import policies_of, serve, target_settings
from conformance.reference.wire import Asked, Said, Serve

ROOT = Path(__file__).parents[1]
PROVIDER = "stripe"
SEED = 5
MARK = "cnry7q"  # in every canary that has letters
_random = random.Random(SEED)


@dataclass(frozen=True)
class Canary:
    """``value`` is what must not be found; ``told`` is how it is written where it stands (a name, a scheme, …)."""

    kind: str
    place: str
    value: str
    told: str = ""

    @property
    def text(self) -> str:
        return self.told or self.value


# -- kinds: what a secret looks like ---------------------------------------------------------------------------------


def letters(count: int = 8) -> str:
    """Random letters and digits with a mark on both sides, so that half a canary is found as well."""
    middle = "".join(_random.choice(string.ascii_letters + string.digits) for _ in range(count - 1))
    return f"{MARK}{middle}7{MARK}"


def digits(count: int, start: str = "4") -> str:
    """A number that passes the check of card numbers."""
    while True:
        number = start + "".join(_random.choice(string.digits) for _ in range(count - len(start)))
        if _luhn(number):
            return number


def _luhn(number: str) -> bool:
    doubled = [int(digit) * 2 for digit in number[-2::-2]]
    return (sum(map(int, number[::-2])) + sum(value - 9 * (value > 9) for value in doubled)) % 10 == 0


# Told by their shape, wherever they stand.
SHAPED: dict[str, Callable[[], tuple[str, str]]] = {
    "secret key": lambda: ((key := f"sk_test_{letters()}"), key),
    "live key": lambda: ((key := f"rk_live_{letters()}"), key),
    "webhook key": lambda: ((key := f"whsec_{letters()}"), key),
    "client secret": lambda: ((secret := letters(16)), f"pi_1Pq2yS9e1RjUNIyY_secret_{secret}"),
    "card": lambda: ((card := digits(16)), card),
    "card of 15": lambda: ((card := digits(15, "37")), card),
    "card in fours": lambda: ((card := " ".join(re.findall("....", digits(16, "5")))), card),
    "address": lambda: ((address := f"jane.{MARK}{_random.randrange(10**6)}@mail.{MARK}.io"), address),
    "bearer": lambda: ((token := letters(20)), f"Bearer {token}"),
    "basic": lambda: ((token := letters()), "Basic " + base64.b64encode(f"me:{token}".encode()).decode()),
}
# Told by the name they stand under; the last two by the operator's word.
NAMES = (
    "client_secret", "apiKey", "password", "access_token", "cvc", "securityCode", "webhook_secret", "customer_name",
    "X-Internal-Token",
)  # fmt: skip
OWN_NAMES = ["customer_name", "x_internal_token"]

# -- places: where an answer tells them --------------------------------------------------------------------------------

Plant = Callable[[Said, str], None]
HTML = {"Content-Type": "text/html; charset=utf-8"}


def member(**members: Any) -> Plant:
    """Adds members to a JSON body, with ``{}`` in their texts replaced."""

    def plant(said: Said, text: str) -> None:
        body = said.json
        if isinstance(body, dict):
            said.json = {**body, **_filled(members, text)}

    return plant


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {_filled(name, text): _filled(entry, text) for name, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, text) for entry in value]
    return value.replace("{}", text) if isinstance(value, str) else value


def header(name: str, form: str = "{}") -> Plant:
    return lambda said, text: said.headers.update({name: form.replace("{}", text)})


def body(form: str, status: int = 502, media_type: str = "application/json") -> Plant:
    """Gives another body, no success."""

    def plant(said: Said, text: str) -> None:
        said.status, said.body = status, form.replace("{}", text).encode()
        said.headers["Content-Type"] = media_type

    return plant


def packed(pack: Callable[[bytes], bytes], coding: str) -> Plant:
    def plant(said: Said, text: str) -> None:
        member(note="{}")(said, text)
        said.body = pack(said.body)
        said.headers["Content-Encoding"] = coding

    return plant


def quoted(plant: Plant) -> Plant:
    return lambda said, text: plant(said, quote(text, safe=""))


def quoted_small(plant: Plant) -> Plant:
    return lambda said, text: plant(said, re.sub("%..", lambda code: code[0].lower(), quote(text, safe="")))


def escaped(said: Said, text: str) -> None:
    member(note="@@@")(said, text)
    said.body = said.body.replace(b"@@@", "".join(f"\\u{ord(letter):04x}" for letter in text).encode())


def as_number(said: Said, text: str) -> None:
    said.body = said.body.replace(b"{", b'{"number_of": ' + re.sub("[^0-9]", "", text).encode() + b", ", 1)


def redirected(said: Said, text: str) -> None:
    said.status = 302
    said.headers["Location"] = f"https://shop.example/r?x={quote_plus(text)}&y=1"


def refused(said: Said, text: str) -> None:
    said.status = 400
    said.json = {"error": {"type": "invalid_request_error", "message": f"Something is wrong with {text}."}}


SHAPED_PLACES: dict[str, Plant] = {
    "header": header("X-Debug", "key={}; x"),
    "location": redirected,
    "link header": quoted(header("Link", '<https://shop.example/n?after={}>; rel="next"')),
    "member": member(note="{}"),
    "deep member": member(more={"list": [{"x": [{"y": "{}"}]}]}),
    "status": member(status="{}"),
    "id": member(latest_charge="{}"),
    "member's name": member(more={"{}": 1}),
    "prose": member(description="He said: {}, and left."),
    "url": quoted(member(url="https://shop.example/r?q={}&x=1")),
    "url, small escapes": quoted_small(member(url="https://shop.example/r?q={}&x=1")),
    "url's path": quoted(member(url="https://shop.example/pay/{}/now")),
    "url in a url": lambda said, text: member(url="https://shop.example/?back={}")(
        said, quote(f"https://shop.example/?q={quote(text, safe='')}", safe="")
    ),
    "json in a member": lambda said, text: member(sent=json.dumps({"x": text}))(said, ""),
    "escapes": escaped,
    "message": refused,
    "broken json": body('{"note": "{}", "x": '),
    "html": body("<html><p>Sorry: <b>{}</b></p></html>", 502, "text/html"),
    "html, as json": body("<p>{}</p>"),
    "form": quoted(body("a=1&note[text]={}", 500, "application/x-www-form-urlencoded")),
    "plain text": body("upstream said {}\n", 503, "text/plain"),
    "gzip": packed(gzip.compress, "gzip"),
    "deflate": packed(zlib.compress, "deflate"),
    "utf-16": lambda said, text: setattr(said, "body", json.dumps({"note": text}).encode("utf-16")),
}
NAMED_PLACES: dict[str, Callable[[str], Plant]] = {
    "member": lambda name: member(**{name: "{}"}),
    "deep member": lambda name: member(more=[{name: {"value": ["{}"]}}]),
    "broken json": lambda name: body(f'{{"{name}": "{{}}", "x": '),
    "broken within the value": lambda name: body(f'{{"{name}": "{{}}'),
    "json in a member": lambda name: lambda said, text: member(sent=json.dumps({name: text}))(said, ""),
    "form": lambda name: body(f"a=1&card[{name}]={{}}", 500, "application/x-www-form-urlencoded"),
    "url": lambda name: member(url=f"https://shop.example/?x=1&{name}={{}}#top"),
    "fragment": lambda name: member(url=f"https://shop.example/#{name}={{}}"),
    "header": lambda name: header("-".join(name.split("_"))),
    "prose": lambda name: member(description=f"sent {name}={{}}, then left"),
    "html": lambda name: body(f"<pre>{name}: '{{}}'</pre>", 502, "text/html"),
    "gzip": lambda name: lambda said, text: packed(gzip.compress, "gzip")(_with(said, name, text), "-"),
    "echo in the message": lambda name: member(**{name: "{}", "description": "No such thing: {}."}),
    "echo in a header": lambda name: _both(member(**{name: "{}"}), header("X-Debug", "got {}")),
    "echo in a url": lambda name: member(**{name: "{}", "url": "https://shop.example/pay/{}"}),
}


def _with(said: Said, name: str, text: str) -> Said:
    member(**{name: "{}"})(said, text)
    return said


def _both(*plants: Plant) -> Plant:
    def plant(said: Said, text: str) -> None:
        for one in plants:
            one(said, text)

    return plant


def _canaries() -> tuple[dict[Canary, Plant], dict[str, Canary]]:
    """Those that the server plants in its answers, and those that the target lends."""
    planted: dict[Canary, Plant] = {}
    for kind, make in SHAPED.items():
        for place, plant in SHAPED_PLACES.items():
            planted[Canary(kind, place, *make())] = plant
    planted |= {Canary("card", "number", number := digits(16), number): as_number for _ in range(3)}
    for name in NAMES:
        for place, plant_named in NAMED_PLACES.items():
            planted[Canary(name, place, letters())] = plant_named(name)
    for place in ("set-cookie", "echo of a cookie"):
        plant = header("Set-Cookie", "session={}; Path=/; HttpOnly")
        planted[Canary("cookie", place, letters())] = _both(plant, member(x="{}")) if "echo" in place else plant
    lent = {
        "api_key": Canary("credential", "api_key", f"acme/{letters()}+=x"),
        "publishable_key": Canary("credential", "publishable_key", f"acme-public-{letters()}"),
        "success": Canary("card", "instrument", digits(16)),
        "customer": Canary("address", "instrument", f"joe.{MARK}@{MARK}.io"),
        "text": Canary("text", "operator", f"Jane Q. {MARK.title()}-Doe"),
        "host": Canary("text", "operator", f"pay.{MARK}.internal"),
    }
    for known in (lent["api_key"], lent["publishable_key"], lent["text"], lent["host"]):
        for place, plant in SHAPED_PLACES.items():
            planted[replace(known, place=place)] = plant
        for shift in range(3):
            coded = base64.b64encode(b"x" * shift + known.value.encode() + b" and more").decode()
            planted[replace(known, place=f"base64, {shift} bytes later", told=coded)] = member(note="{}")
    return planted, lent


PLANTED, LENT = _canaries()


class Hostile:
    """The lie of a server that tells canaries: one in each answer but the first ones, again and again."""

    def __init__(self) -> None:
        self.sent: set[Canary] = set()
        self.heard: set[str] = set()
        self._turn = 0
        self._waiting = deque(PLANTED.items())
        self._lock = threading.Lock()

    def __call__(self) -> Callable[[Asked, Serve], Said]:
        return self._lie

    def _lie(self, asked: Asked, serve: Serve) -> Said:
        said = serve(self._understood(asked))
        with self._lock:
            self._turn += 1
            if self._turn > 2:  # the first two are the preflight
                canary, plant = self._waiting.popleft()
                self._waiting.append((canary, plant))
                before = replace(said, headers=dict(said.headers))
                plant(said, canary.text)
                if said != before:
                    self.sent.add(canary)
        said.headers = {name: value for name, value in said.headers.items() if value.isprintable() and value.isascii()}
        return said

    def _understood(self, asked: Asked) -> Asked:
        """What the known-good server would have been asked."""
        credential = asked.headers.get("authorization", "")
        for name, real in (("api_key", "sk_test_reference"), ("publishable_key", "pk_test_reference")):
            secret = LENT[name].value
            pair = base64.b64encode(f"{secret}:".encode()).decode()
            if secret in credential or pair in credential:
                self.heard.add(name)
                asked = asked.sending(authorization=f"Bearer {real}")
        members = asked.members if asked.is_form else None
        for name, real in (("success", "pm_card_visa"), ("customer", "cus_reference0001")):
            if members and LENT[name].value in members.values():
                self.heard.add(name)
                members = {key: real if value == LENT[name].value else value for key, value in members.items()}
        return asked.saying(members) if members else asked


# -- the search --------------------------------------------------------------------------------------------------------


def needles() -> dict[bytes, str]:
    """What a byte that holds a canary would hold, lower case: the mark in every spelling, and every number."""
    found = {MARK.encode(): MARK, MARK.encode().hex().encode(): f"{MARK} in hex"}
    for canary in (*PLANTED, *LENT.values(), *RECORDED):
        if MARK not in canary.value.lower():
            value = canary.value
            for spelled in {value, value.replace(" ", ""), quote(value), quote_plus(value)}:
                found[spelled.encode()] = f"{canary}"
    return found


def marks_in_base64() -> list[bytes]:
    """The mark, as base64 spells it at each of three shifts, whatever stands around it."""
    found = []
    for mark in (MARK, MARK.title()):
        for shift in range(3):
            coded = base64.b64encode(bytes(shift) + mark.encode() + bytes(3)).decode()
            found.append(coded[-(-shift * 8 // 6) : (shift + len(mark)) * 8 // 6].encode())
    return found


def leaks(name: str, content: bytes, deep: int = 3) -> Iterator[str]:
    """What of the canaries ``content`` holds."""
    lower = content.lower()
    for needle, told in needles_once().items():
        if needle in lower:
            at = lower.index(needle)
            yield f"{name}: {told}: …{content[max(0, at - 60) : at + 60]!r}…"
    for needle in marks_in_base64():
        if needle in content:
            yield f"{name}: base64: …{content[max(0, content.index(needle) - 60) :][:120]!r}…"
    if not deep:
        return
    for packed_at in re.finditer(rb"\x1f\x8b\x08|PK\x03\x04", content):
        yield from leaks(f"{name} (gzip)", _unzipped(content[packed_at.start() :]), deep - 1)
    for coded in re.findall(rb"[A-Za-z0-9+/]{40,}={0,2}", content):
        with_padding = coded + b"=" * (-len(coded) % 4)
        try:
            octets = base64.b64decode(with_padding)
        except ValueError:
            continue
        if octets[:2] == b"\x1f\x8b" or MARK.encode() in octets.replace(b"\0", b""):
            yield from leaks(f"{name} (base64)", octets.replace(b"\0", b"") + octets, deep - 1)
    if b"\\u00" in content:
        plain = re.sub(rb"\\+u00([0-9a-f]{2})", lambda code: bytes.fromhex(code[1].decode()), content)
        yield from leaks(f"{name} (escapes)", plain, 0)
    if b"\0" in content:
        yield from leaks(f"{name} (zeros)", content.replace(b"\0", b""), 0)


_NEEDLES: dict[bytes, str] = {}


def needles_once() -> dict[bytes, str]:
    if not _NEEDLES:
        _NEEDLES.update(needles())
    return _NEEDLES


def _unzipped(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content)
    except zlib.error:
        return b""


def search(*places: Path, **outputs: str | bytes) -> list[str]:
    """All leaks in the files of folders, their names, and in outputs."""
    found: list[str] = []
    for place in places:
        for path in sorted(place.rglob("*")):
            found += leaks(f"name {path.name}", str(path.relative_to(place)).encode())
            if path.is_file():
                found += leaks(str(path.relative_to(place.parent)), path.read_bytes())
    for name, output in outputs.items():
        found += leaks(name, output.encode() if isinstance(output, str) else output)
    return found


# -- the runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def hostile() -> Iterator[tuple[Hostile, str]]:
    """A server that tells canaries, and its address."""
    lie = Hostile()
    with serve(PROVIDER, policies=replace(policies_of(PROVIDER), lie=lie)) as url:
        yield lie, url


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes the target file of a server; its secrets are in the environment."""
    for name, canary in LENT.items():
        monkeypatch.setenv(f"LENT_{name.upper()}", canary.value)

    def written(url: str) -> Path:
        lent = {
            **target_settings(PROVIDER)["instruments"],
            **{name: f"env:LENT_{name.upper()}" for name in INSTRUMENTS},
        }
        lines = [
            "[target]", f'provider = "{PROVIDER}"', f'base_url = "{url}"', 'api_key = "env:LENT_API_KEY"',
            "[instruments]", *(f"{name} = {json.dumps(value)}" for name, value in lent.items()),
            "[redact]", f"names = {json.dumps(OWN_NAMES)}", 'texts = ["env:LENT_TEXT", "env:LENT_HOST"]',
        ]  # fmt: skip
        path = tmp_path / "target.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return written


INSTRUMENTS = ("publishable_key", "success", "customer")


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of all that is left behind: temporary files and everything that is logged, too."""
    folder = tmp_path / "left"
    (folder / "tmp").mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(folder)
    handler = logging.FileHandler(folder / "debug.log", encoding="utf-8")
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield folder
    root.setLevel(level)
    root.removeHandler(handler)
    handler.close()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def test_there_are_enough_canaries_and_each_is_another() -> None:
    distinct = {canary.value for canary in (*PLANTED, *LENT.values(), *RECORDED)}
    assert len(distinct) >= 300
    assert len({(canary.kind, canary.place) for canary in PLANTED}) >= 300


def test_the_search_finds_a_canary_in_every_spelling(tmp_path: Path) -> None:
    for canary in (*LENT.values(), next(iter(PLANTED))):
        value = canary.value
        spelled = [value, quote(value, safe=""), quote(value, safe="").lower(), json.dumps(value), value.upper()]
        spelled += [base64.b64encode(b"x" * shift + value.encode() + b"yz").decode() for shift in range(3)]
        spelled += [value.encode().hex()] * (MARK in value)
        spelled += ["".join(f"\\u{ord(letter):04x}" for letter in value)]
        for one in spelled:
            if MARK in value.lower() or "=" not in one + "=":
                assert search(out=f"before {one} after"), one
        assert search(out=gzip.compress(f"x {value} y".encode()))
        assert search(out=value.encode("utf-16"))


@pytest.mark.usefixtures("without_pauses")
def test_a_run_leaves_none(hostile: tuple[Hostile, str], target: Callable[[str], Path], left: Path) -> None:
    lie, url = hostile
    recording = ["--record", "--cassettes", left / "cassettes"] if "--record" in run("certify", "--help").output else []
    ended = run("certify", "--target", target(url), "--output", left / "out", "--seed", SEED, *recording)
    assert ended.exit_code == 1, ended.output
    assert not [f"{canary.kind}: {canary.place}" for canary in PLANTED.keys() - lie.sent]
    assert lie.heard == {"api_key", *INSTRUMENTS}
    assert (left / "debug.log").stat().st_size > 10_000
    assert not recording or list((left / "cassettes").rglob("*.yaml"))
    found = search(left, output=ended.output)
    assert not found, f"{len(found)} leaks\n" + "\n".join(found[:40])


def test_plain_pytest_leaves_none(hostile: tuple[Hostile, str], target: Callable[[str], Path], left: Path) -> None:
    lie, url = hostile
    at_once = "from conformance import cleanup\ncleanup.PAUSE = cleanup.LONGEST_PAUSE = cleanup.LOOK_EVERY = 0.0\n"
    (left.parent / "without_pauses.py").write_text(at_once, encoding="utf-8")  # as the fixture, in the other process
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(left.parent), environment.get("PYTHONPATH")]))
    verbose = [
        "-l",
        "-v",
        "-rA",
        "--tb=long",
        "--conformance-area=retrieve",
        "-pwithout_pauses",
        "--log-level=DEBUG",
        f"--log-file={left / 'pytest.log'}",
    ]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", ROOT / "conformance" / "scenarios", *verbose]
    given = ["--conformance-target", target(url), "--conformance-output", left / "out", f"--junitxml={left / 'j.xml'}"]
    ended = subprocess.run(
        [*map(str, command), *map(str, given)], capture_output=True, timeout=300, cwd=ROOT, env=environment
    )
    assert ended.returncode == 1, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert b" FAILED" in ended.stdout
    assert len(lie.sent) >= 300
    found = search(left, stdout=ended.stdout, stderr=ended.stderr)
    assert not found, f"{len(found)} leaks\n" + "\n".join(found[:40])


# -- what a recording of others holds ----------------------------------------------------------------------------------

FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")
URL = "https://api.stripe.com/v1/payment_intents"
REQUESTS: dict[str, Callable[[str], Request]] = {
    "authorization": lambda v: Request("POST", URL, (("Authorization", f"Bearer {v}"), FORM), b"amount=2000"),
    "authorization without scheme": lambda v: Request("POST", URL, (("Authorization", v), FORM), b"amount=2000"),
    "basic user": lambda v: Request("POST", URL, (("Authorization", f"Basic {_basic(v, '')}"), FORM), b"amount=1"),
    "basic password": lambda v: Request("POST", URL, (("Authorization", f"Basic {_basic('u', v)}"), FORM), b"a=1"),
    "x-api-key": lambda v: Request("POST", URL, (("X-Api-Key", v), FORM), b"amount=2000"),
    "proxy": lambda v: Request("POST", URL, (("Proxy-Authorization", f"Basic {_basic('u', v)}"), FORM), b"amount=2"),
    "cookie": lambda v: Request("POST", URL, (("Cookie", f"a=1; session={v}"), FORM), b"amount=2000"),
    "url's user": lambda v: Request("POST", URL.replace("://", f"://{v}:@"), (FORM,), b"amount=2000"),
    "url's password": lambda v: Request("POST", URL.replace("://", f"://u:{v}@"), (FORM,), b"amount=2000"),
    "query": lambda v: Request("GET", f"{URL}/pi_1?client_secret={v}"),
    "query in brackets": lambda v: Request("GET", f"{URL}/pi_1?{urlencode({'card[cvc]': v})}"),
    "form in brackets": lambda v: Request(
        "POST", URL, (FORM,), urlencode({"payment_method_data[card][cvc]": v, "amount": 1}).encode()
    ),
    "form, brackets raw": lambda v: Request("POST", URL, (FORM,), f"payment_method_data[card][cvc]={v}".encode()),
    "form of a list": lambda v: Request("POST", URL, (FORM,), f"api_key[]={v}&amount=1".encode()),
    "json body": lambda v: Request("POST", URL, (JSON,), json.dumps({"card": {"cvc": v}}).encode()),
    "echoed by the answer": lambda v: Request("POST", URL, (FORM,), f"password={v}".encode()),
}


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _recorded() -> dict[Canary, Exchange]:
    """Exchanges with canaries in their requests, which the answers repeat."""
    found: dict[Canary, Exchange] = {}
    answer = {"error": {"type": "invalid_request_error", "message": "", "param": "x"}}
    for place, make in REQUESTS.items():
        for told in ("plain", "as a number"):
            value = letters() if told == "plain" else str(_random.randrange(10**11, 10**12))
            answer["error"]["message"] = f"You sent {value} as {place}"
            message = json.dumps(answer).encode()
            if place in ("url's user", "url's password", "proxy", "cookie"):
                message = b'{"error": {"type": "invalid_request_error", "message": "no"}}'
            canary = Canary(told, place, value)
            found[canary] = Exchange(len(found) + 1, make(value), Response(400, (JSON,), message), started=1.0)
    return found


RECORDED = _recorded()


def test_an_audit_of_a_recording_full_of_them_leaves_none(left: Path, tmp_path: Path) -> None:
    recording = tmp_path / "planted.jsonl"
    recording.write_bytes(b"".join(map(to_line, RECORDED.values())))
    ended = run("audit", recording, "--provider", PROVIDER, "--output", left / "out")
    assert ended.exit_code in (0, 1), ended.output
    assert list((left / "out" / "allure-results").iterdir())
    found = search(left, output=ended.output)
    assert not found, f"{len(found)} leaks\n" + "\n".join(found[:40])


# -- what goes wrong in the suite itself -------------------------------------------------------------------------------


@pytest.mark.parametrize("traceback", ["", "1"])
def test_an_exception_of_our_own_shows_none(
    traceback: str,
    hostile: tuple[Hostile, str],
    target: Callable[[str], Path],
    left: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [LENT["api_key"].value, LENT["text"].value, digits(16), f"password='{letters()}'", f"sk_test_{letters()}"]

    def fails(*given: object) -> None:
        raise RuntimeError(" and ".join(told))

    monkeypatch.setattr(conformance.session, "act", fails)
    monkeypatch.setenv("CONFORMANCE_TRACEBACK", traceback)
    ended = run("certify", "--target", target(hostile[1]), "--output", left / "out")
    assert ended.exit_code == 3
    assert "RuntimeError" in ended.output
    assert ("Traceback" in ended.output) == bool(traceback)
    assert [secret for secret in told if secret in ended.output] == []
    assert not search(left, output=ended.output)


def test_a_preflight_that_fails_shows_none(target: Callable[[str], Path], left: Path) -> None:
    def lie(asked: Asked, serve: Serve) -> Said:
        body = " ".join(canary.value for canary in LENT.values())
        return Said(200, {"Content-Type": "text/plain", "X-Debug": asked.headers["authorization"]}, body.encode())

    with serve(PROVIDER, policies=replace(policies_of(PROVIDER), lie=lambda: lie)) as url:
        ended = run("certify", "--target", target(url), "--output", left / "out")
    assert ended.exit_code == 3
    assert "HTTP 200 and no intent" in ended.output
    assert not search(left, output=ended.output)


def test_a_base_url_that_is_nobodys_business_is_shown_nowhere(tmp_path: Path, left: Path) -> None:
    with serve(PROVIDER, policies=policies_of(PROVIDER)) as url:
        host = url.partition("://")[2]
        settings = target_settings(PROVIDER)
        lines = [
            f'[target]\nname = "acme at {host}"\nprovider = "{PROVIDER}"\nbase_url = "{url}"',
            f'api_key = "{settings["api_key"]}"\n[redact]\ntexts = ["{host}"]',
        ]
        (tmp_path / "target.toml").write_text("\n".join(lines), encoding="utf-8")
        given = ["certify", "--target", tmp_path / "target.toml", "--output", left / "out", "--area", "protocol"]
        ended = run(*given)
        assert ended.exit_code in (0, 1), ended.output
    written = {path.name: path.read_bytes() for path in left.rglob("*") if path.is_file()}
    assert [
        name for name, content in {**written, "output": ended.output.encode()}.items() if host.encode() in content
    ] == []
