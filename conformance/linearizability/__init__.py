"""Whether some order of the calls of a burst explains all their answers and the state that they left. Pure: no I/O."""

from conformance.linearizability.calls import Answer, Call, Shown
from conformance.linearizability.explaining import Contradiction, Explanation, explain
from conformance.linearizability.search import TooHard

__all__ = ["Answer", "Call", "Contradiction", "Explanation", "Shown", "TooHard", "explain"]
