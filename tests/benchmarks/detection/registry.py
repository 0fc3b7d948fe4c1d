"""The tools that are compared; a further one is one line here and a module of its own."""

from __future__ import annotations

from .ours import Ours
from .schemathesis_cli import Schemathesis
from .specmatic import Specmatic
from .tools import Tool

OURS = Ours.name
TOOLS: dict[str, type[Tool]] = {tool.name: tool for tool in (Ours, Schemathesis, Specmatic)}
