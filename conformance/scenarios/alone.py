"""Keeps Hypothesis to itself, so that what it draws depends on the seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers


@contextmanager
def alone() -> Iterator[None]:
    """Keeps Hypothesis from leaving files behind and from mixing in constants of whatever modules are loaded.

    The exam would otherwise depend on who generates it: a test run, a command, an editor.
    """
    kept, nothing = providers._get_local_constants, providers.Constants()  # type: ignore[attr-defined]
    with TemporaryDirectory() as home:
        set_hypothesis_home_dir(home)
        providers._get_local_constants = lambda: nothing
        providers.CONSTANTS_CACHE.cache.clear()
        try:
            yield
        finally:
            providers._get_local_constants = kept
            providers.CONSTANTS_CACHE.cache.clear()
            set_hypothesis_home_dir(None)
