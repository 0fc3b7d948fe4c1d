"""Text that leaves this process beside histories and reports: error messages, tracebacks, logs of libraries."""

from __future__ import annotations

import logging
from typing import Any

from conformance.evidence.redaction import Redactor, redactors_in_use

_CHATTY = ("httpx", "httpcore", "h11", "hpack", "urllib3")  # loggers that tell of requests and answers
_RAW = (" return_value=", " request=", " exception=")  # what follows is headers and the like, cut up beyond recognition
_guarded = False


def presentable(text: str) -> str:
    """``text`` without what any redactor of this process takes for a secret, in characters that any file can hold."""
    for redactor in redactors_in_use() or (Redactor({}),):
        text = redactor.prose(text)
    return text


def guard_logs() -> None:
    """From now on records of the HTTP libraries are redacted before any handler sees them, whatever their level."""
    global _guarded
    if _guarded:
        return
    _guarded = True
    make = logging.getLogRecordFactory()

    def guarded(name: str, *given: Any, **more: Any) -> logging.LogRecord:
        record = make(name, *given, **more)
        if name.partition(".")[0] in _CHATTY:
            message = record.getMessage()
            for mark in _RAW:
                message = message.partition(mark)[0]
            record.msg, record.args, record.exc_info = presentable(message), (), None
        return record

    logging.setLogRecordFactory(guarded)
