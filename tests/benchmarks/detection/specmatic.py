"""Specmatic, which makes contract tests of an OpenAPI document: its examples, and variations of each of them.

It is set up generously: with the document of ``documents.py``, values that members may have as its dictionary, the id
of each created intent handed on as its workflow, and its tests of resilience on. It needs Java, and once npm.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.contract import Contract, load_contract

from . import documents
from .documents import ANSWERED, ASKED, Json
from .tools import Budget, DidNotRun, First, Result, Server, run_process

VERSION = "2.55.1"
_COMBINATIONS = 100  # of optional members in one operation's requests: all would be millions
_HALF_A_DAY = 12 * 60 * 60
_PATIENCE = 600.0  # seconds that an installation may take
_RULE = "-" * 20
_DOCUMENT, _CONFIGURATION, _DICTIONARY = "openapi.json", "specmatic.json", "openapi_dictionary.json"
_ENVIRONMENT = {"SPECMATIC_DISABLE_TELEMETRY": "true", "MAX_TEST_REQUEST_COMBINATIONS": str(_COMBINATIONS)}


@dataclass(frozen=True)
class Failure:
    """One test that it told as failed: its key, and when the answer came, in seconds since the epoch."""

    key: str
    moment: float


class Specmatic:
    """Finds the tests that fail here and not on the fault-free server; a key is the test's title and what was wrong."""

    name = "Specmatic"
    command = "specmatic test --lenient --testBaseURL={url}"

    def version(self) -> str:
        installed()
        return VERSION

    def run(self, server: Server, budget: Budget, folder: Path, known: frozenset[str] | None) -> Result:
        jar, java = installed()
        contract = load_contract(server.provider)
        document = adapted(documents.prepared(contract, server))
        before = server.requests()
        for name, content in (
            (_DOCUMENT, document),
            (_CONFIGURATION, configuration(contract, server, document)),
            (_DICTIONARY, dictionary(contract, server, document)),
        ):
            (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
        # One compiler and one collector: most of a short run of Java is its start.
        command = [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Duser.home={folder}", "-jar", str(jar)]
        command += ["test", "--lenient", f"--testBaseURL={server.url}"]
        seen = Seen(folder / "printed.txt")

        def found() -> bool:
            seen.read()
            return known is not None and any(failure.key not in known for failure in seen.failures)

        ran = run_process(command, server, budget, folder, found, _ENVIRONMENT)
        seen.read(ended=True)
        if ran.ended == "finished" and not seen.summary:
            raise DidNotRun(f"specmatic ended with {ran.code}: {ran.printed[-500:].strip()}")
        if ran.ended == "finished" and not seen.tests:
            raise DidNotRun(f"specmatic made no test of the document: {ran.printed[-500:].strip()}")
        moments = [failure.moment for failure in seen.failures if failure.key not in (known or ())]
        first = min(moments, default=None)
        return Result(
            keys=frozenset(failure.key for failure in seen.failures),
            first=None if first is None else First(server.requests(first) - before, round(first - ran.started, 3)),
            requests=server.requests() - before if server.arrivals is not None else seen.tests,
            seconds=ran.seconds,
            ended=ran.ended,
            details={"tests": seen.tests, "failed": len(seen.failures)},
        )


# -- what it prints ---------------------------------------------------------------------------------------------------

_TITLE = re.compile(r"^(?:\S+  )?Scenario: (?P<title>.*) has (?P<verdict>SUCCEEDED|FAILED)\s*$", re.MULTILINE)
_ANSWER = re.compile(r"^  Response at \S+ (\d+):(\d+):(\d+)\.(\d+)\n {4}(\d+)", re.MULTILINE)
_WRONG = re.compile(r"^ *>> (\S+)\s+(?:(R\d+):)?", re.MULTILINE)
_SUMMARY = re.compile(r"^Tests run: \d+", re.MULTILINE)


class Seen:
    """What a run has printed so far."""

    def __init__(self, path: Path) -> None:
        self.failures: list[Failure] = []
        self.tests = 0
        self.summary = False
        self._path = path
        self._read = 0
        self._rest = ""
        self.started = time.time()

    def read(self, ended: bool = False) -> None:
        """Takes in what has been printed since the last time; what stands after the last rule waits for its end."""
        if self._path.exists():
            with self._path.open("rb") as stream:
                stream.seek(self._read)
                new = stream.read()
            self._read += len(new)
            self._rest += new.decode("utf-8", "replace")
        *whole, self._rest = re.split(rf"^{_RULE}$", self._rest, flags=re.MULTILINE)
        self.summary = self.summary or bool(_SUMMARY.search(self._rest))
        for block in [*whole, *([self._rest] if ended else [])]:
            test = _TITLE.search(block)
            if test:
                self.tests += 1
                if test["verdict"] == "FAILED":
                    self.failures.append(Failure(key(test["title"], block), self._moment(block)))

    def _moment(self, block: str) -> float:
        """When the answer came: the block tells the local time, of a clock with twelve hours."""
        answer = _ANSWER.search(block)
        if not answer:
            return time.time()
        hours, minutes, seconds = (int(part) for part in answer.groups()[:3])
        began = time.localtime(self.started)
        since = (hours * 60 + minutes) * 60 + seconds + float(f"0.{answer[4]}")
        since -= (began.tm_hour * 60 + began.tm_min) * 60 + began.tm_sec + self.started % 1
        return self.started + since % _HALF_A_DAY


def key(title: str, block: str) -> str:
    """What failed, without the data of the one request: the test, the status that came, each place and rule broken."""
    answer = _ANSWER.search(block)
    told = block[answer.end() :] if answer else block
    wrong = {f"{re.sub(r'[0-9]+', 'n', place)} {rule}".strip() for place, rule in _WRONG.findall(told)}
    return " · ".join([title, answer[5] if answer else "no answer", *sorted(wrong)])


# -- what it is given -------------------------------------------------------------------------------------------------


def adapted(document: Json) -> Json:
    """The document as far as Specmatic can follow it, in the dialect that it reads.

    To it an object of which nothing is said is closed, and null among enumerated values needs a type. It writes objects
    and lists into forms as JSON, so members of forms that nest are left out.
    """
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        for part in _objects(schema):
            if None in part.get("enum", ()) and "type" not in part:
                part["type"] = ["string", "null"]
            if name.startswith(f"{ANSWERED}_") and "properties" in part:
                part.setdefault("additionalProperties", True)
    for body in (body for part in _objects(document["paths"]) for body in part.get("content", {}).values()):
        for nested in body.pop("encoding", ()):
            for holder in (
                schemas[body["schema"]["$ref"].rpartition("/")[2]]["properties"],
                *(example["value"] for example in body.get("examples", {}).values()),
            ):
                holder.pop(nested, None)
    return document


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(child)


def dictionary(contract: Contract, server: Server, document: Json) -> Json:
    """Values that members of requests may have, by the name of their schema."""
    found = {}
    for name, operation in contract.operations.items():
        schema = f"{ASKED}_{operation.request_schema.replace('.', '_')}"
        if schema in document["components"]["schemas"]:
            known = documents.values(contract, server.settings, name)
            plain = {member: [one for one in offered if _is_plain(one)] for member, offered in known.items()}
            found[schema] = {member: offered for member, offered in plain.items() if offered}
    return found


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def configuration(contract: Contract, server: Server, document: Json) -> Json:
    """The document to test, how to present the credential, and where an intent's id comes from and goes to."""
    create = contract.operations["create"]
    named = {name for operation in contract.operations.values() for name in re.findall(r"\{(\w+)\}", operation.path)}
    (credential,) = server.headers.values()
    (scheme,) = document["components"]["securitySchemes"].items()
    kinds = {"bearer": {"type": "bearer", "token": credential.removeprefix("Bearer ")}}
    kinds["basic"] = {"type": "basicAuth", "token": credential.removeprefix("Basic ")}
    presented = kinds.get(scheme[1].get("scheme"), {"type": "apiKey", "value": credential})
    made = f"{create.method} {create.path} -> {create.success_statuses[0]}"
    handed = {made: {"extract": f"BODY.{contract.settings['members']['id']}"}}
    return {
        "version": 2,
        "contracts": [{"provides": [_DOCUMENT]}],
        "test": {"resiliencyTests": {"enable": "all"}, "timeoutInMilliseconds": 10000},
        "workflow": {"ids": {**handed, "*": {"use": f"PATH.{next(iter(named))}"}}},
        "security": {"OpenAPI": {"securitySchemes": {scheme[0]: presented}}},
    }


# -- its installation -------------------------------------------------------------------------------------------------


def installed() -> tuple[Path, str]:
    """Its jar and the Java that runs it; installs it by npm, at the pinned version, where this machine has not yet.

    Raises ``DidNotRun`` where there is no Java, or npm cannot install it.
    """
    java, npm = shutil.which("java"), shutil.which("npm")
    if not java:
        raise DidNotRun("there is no Java")
    home = Path(tempfile.gettempdir()) / f"detection-specmatic-{VERSION}"
    jar = home / "node_modules" / "specmatic" / "specmatic.jar"
    if jar.is_file():
        return jar, java
    if not npm:
        raise DidNotRun("there is no npm to install it")
    with tempfile.TemporaryDirectory(prefix="detection-") as folder:
        command = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", f"specmatic@{VERSION}"]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
        except (OSError, subprocess.SubprocessError) as error:
            told: Iterable[str] = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-3:]
            raise DidNotRun(f"npm install specmatic@{VERSION}: {' '.join(told)}") from error
        home.mkdir(exist_ok=True)
        if not jar.is_file():  # two processes may have been at it
            shutil.copytree(folder, home, dirs_exist_ok=True)
    return jar, java
