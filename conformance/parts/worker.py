"""One process of ``certify -n``: acts a part of a run, and tells how far it is.

``python -m conformance.parts.worker`` reads what it is to do from the first line of its standard input, so that secrets
stand on no command line, and writes lines of JSON. When the input ends, whoever started it is gone or has had enough:
then it ends, too.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.target.stopping import Stop

GRACE = 60.0  # seconds in which what is under way may come to its end, and be cleaned up

LISTS = ("providers", "only", "areas", "levels")  # members of an order that JSON makes lists of


class _Told:
    """Tells the parent which scenarios there are and which are done."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def tell(self, **told: Any) -> None:
        self._stream.write(json.dumps(told) + "\n")
        self._stream.flush()

    def pytest_collection_finish(self, session: Any) -> None:
        self.tell(scenarios=len(session.items))

    def pytest_runtest_logfinish(self) -> None:
        self.tell(done=1)


def main() -> int:
    """The exit code: 0 where the part is there, 2 and 3 as of ``certify``."""
    told = _Told(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)  # whatever else is printed must not stand between the lines
    try:
        _act(json.loads(sys.stdin.readline()), told)
    except KeyboardInterrupt:
        return _failed(told, "the scenarios could not run: interrupted", 3)
    except Exception as error:
        return _failed(told, *_explained(error))
    return 0


def _act(asked: dict[str, Any], told: _Told) -> None:
    from conformance.order import Order, prepare_runs
    from conformance.parts.part import act_part

    given: dict[str, Any] = {name: tuple(value) if name in LISTS else value for name, value in asked.items()}
    order = Order(**given)
    (run,) = prepare_runs(order)
    threading.Thread(target=_end_with_input, args=(run.clock.stop,), daemon=True).start()
    cleaned: list[str] = []
    try:
        part = act_part(run, cleaned, plugins=[told])
    finally:
        told.tell(cleaned=cleaned)
    told.tell(part=str(part.folder))


def _explained(error: Exception) -> tuple[str, int]:
    from conformance.contract import CatalogueError
    from conformance.run import PreflightError, SuiteError
    from conformance.target.settings import SettingsError

    if isinstance(error, SettingsError | CatalogueError):
        return str(error), 2
    if isinstance(error, PreflightError | SuiteError):
        return str(error), 3
    return f"the suite failed: {type(error).__name__}: {error}", 3


def _failed(told: _Told, message: str, code: int) -> int:
    from conformance.evidence.exposure import presentable

    told.tell(failed=presentable(message), code=code)
    return code


def _end_with_input(stop: Stop) -> None:
    """Waits until nobody holds the other end any more; then what is under way may come to its end."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.ask()
    time.sleep(GRACE)
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
