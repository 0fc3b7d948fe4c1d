"""The idempotency dialect of a target: measured by experiments, and set beside what providers document.

``measure`` acts and never judges; ``compare`` and ``named`` judge and never act. The words are those of
``conformance.contract.dialect``.
"""

from conformance.dialect.comparing import Compared, compare, named, to_json
from conformance.dialect.measuring import measure
from conformance.dialect.model import MOST_REQUESTS, Dialect, Found

__all__ = ["MOST_REQUESTS", "Compared", "Dialect", "Found", "compare", "measure", "named", "to_json"]
