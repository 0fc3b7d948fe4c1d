"""The shell line that sends a request again, its credentials left to shell variables."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress

from conformance.evidence.exchange import Request

# What curl itself writes, or what belongs to one connection and not to the question.
_LEFT_OUT = {"accept-encoding", "connection", "content-length", "host", "transfer-encoding", "user-agent"}
_PLACEHOLDER = re.compile(r"[\[<]redacted(?::(?P<name>[\w.-]*))?[\]>]|\*{3,}", re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-f]{8}")  # names one secret among many, and nothing a reader could set
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PLAIN = re.compile(r"[\w .,:;/=+-]*", re.ASCII)  # what means the same inside double quotes


def curl_line(request: Request) -> str:
    """One line for a POSIX shell that asks what ``request`` asked.

    What was redacted in a header is a variable: ``$API_KEY`` or another by the secret's name, and ``$CREDENTIALS``
    (base64 of user:password) for Basic authentication.
    """
    parts = ["curl", "-sS", "-i"]
    if request.method == "HEAD":
        parts.append("--head")
    elif request.method != ("POST" if request.body else "GET"):
        parts += ["-X", shlex.quote(request.method)]
    if re.search(r"[\[\]{}]", request.url):
        parts.append("--globoff")  # brackets in a query are the query's own
    parts.append(shlex.quote(request.url))
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


def _header(name: str, value: str) -> str:
    text = f"{name}: {value}" if value else f"{name};"
    basic = value.lower().startswith("basic ")
    literals, variables, end = [], [], 0
    for match in _PLACEHOLDER.finditer(text):
        literals.append(text[end : match.start()])
        variables.append("$CREDENTIALS" if basic else _variable(match["name"] or ""))
        end = match.end()
    if not variables:
        return shlex.quote(text)
    literals.append(text[end:])
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
