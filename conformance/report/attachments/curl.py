"""The shell lines that send requests again, credentials and the id of a new intent left to shell variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress

from conformance.evidence.exchange import Exchange, Request
from conformance.evidence.finding import Finding

# What curl itself writes, or what belongs to one connection and not to the question.
_LEFT_OUT = {"accept-encoding", "connection", "content-length", "host", "transfer-encoding", "user-agent"}
_PLACEHOLDER = re.compile(r"[\[<]redacted(?::(?P<name>[\w.-]*))?[\]>]|\*{3,}", re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-f]{8}")  # names one secret among many, and nothing a reader could set
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PLAIN = re.compile(r"[\w .,:;/=+?&%-]*", re.ASCII)  # what means the same inside double quotes


def again(finding: Finding, exchanges: Mapping[int, Exchange]) -> list[str]:
    """The lines that show a finding again: those of a sequence in order, else the one that contradicts.

    ``exchanges`` are redacted, by number; those that are missing are left out.
    """
    shown = [exchanges[number] for number in finding.exchanges if number in exchanges]
    if finding.sequence:
        return _sequence(shown)
    return [curl_line(exchange.request) for exchange in shown[-1:]]  # those before it lead there


def _sequence(exchanges: Sequence[Exchange]) -> list[str]:
    """One line per exchange, and after the first one where ``$INTENT`` comes from."""
    intent = _given(exchanges)
    lines = [curl_line(exchange.request, intent) for exchange in exchanges]
    return [*lines[:1], "# INTENT = the id in its answer", *lines[1:]] if intent else lines


def _given(exchanges: Sequence[Exchange]) -> str:
    """The id that the first answer gave, as the paths of later requests name it; empty where none does."""
    if not exchanges or exchanges[0].response is None:
        return ""
    body, known = exchanges[0].response.body, exchanges[0].request.path.split("/")
    segments = (segment for exchange in exchanges[1:] for segment in exchange.request.path.split("/"))
    return next((one for one in segments if one not in known and f'"{one}"'.encode() in body), "")


def curl_line(request: Request, intent: str = "") -> str:
    """One line for a POSIX shell that asks what ``request`` asked.

    What was redacted in a header is a variable: ``$API_KEY`` or another by the secret's name, and ``$CREDENTIALS``
    (base64 of user:password) for Basic authentication. So is the id ``intent`` in the path: ``$INTENT``.
    """
    parts = ["curl", "-sS", "-i"]
    if request.method == "HEAD":
        parts.append("--head")
    elif request.method != ("POST" if request.body else "GET"):
        parts += ["-X", shlex.quote(request.method)]
    if re.search(r"[\[\]{}]", request.url):
        parts.append("--globoff")  # brackets in a query are the query's own
    parts.append(_url(request.url, intent))
    for name, value in request.headers:
        if name.lower() not in _LEFT_OUT:
            parts += ["-H", _header(name, value)]
    if not request.body:
        return " ".join(parts)
    if request.header("Content-Type") is None:
        parts += ["-H", "'Content-Type:'"]  # or curl would claim a form
    with suppress(UnicodeDecodeError):
        text = request.body.decode("utf-8")
        if not _CONTROL.search(text):
            return " ".join([*parts, "--data-raw", shlex.quote(text)])
    octets = "".join(f"\\{octet:03o}" for octet in request.body)  # no argument, and no line, can hold such bytes
    return f"printf {shlex.quote(octets)} | {' '.join(parts)} --data-binary @-"


def _url(url: str, intent: str) -> str:
    literals = re.split(rf"(?<=/){re.escape(intent)}(?=[/?#]|$)", url) if intent else [url]
    return _word(literals, ["$INTENT"] * (len(literals) - 1))


def _header(name: str, value: str) -> str:
    text = f"{name}: {value}" if value else f"{name};"
    basic = value.lower().startswith("basic ")
    literals, variables, end = [], [], 0
    for match in _PLACEHOLDER.finditer(text):
        literals.append(text[end : match.start()])
        variables.append("$CREDENTIALS" if basic else _variable(match["name"] or ""))
        end = match.end()
    return _word([*literals, text[end:]], variables)


def _word(literals: Sequence[str], variables: Sequence[str]) -> str:
    """One word of the shell: literals, and between each two of them a variable."""
    if not variables:
        return shlex.quote(literals[0])
    if all(_PLAIN.fullmatch(literal) for literal in literals):
        pairs = zip(literals, [*variables, ""], strict=True)
        return '"' + "".join(literal + variable for literal, variable in pairs) + '"'
    quoted = [shlex.quote(literal) if literal else "" for literal in literals]
    return "".join(
        literal + (f'"{variable}"' if variable else "")
        for literal, variable in zip(quoted, [*variables, ""], strict=True)
    )


def _variable(name: str) -> str:
    named = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
    return "$API_KEY" if _DIGEST.fullmatch(name) or not named or named[0].isdigit() else f"${named}"
