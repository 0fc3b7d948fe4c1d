"""The site: Sphinx over Markdown, every warning an error (``make docs``); ``rendered.py`` writes what is data."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

project = "Payment Intents Conformance"
extensions = ["myst_parser", "rendered"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
nitpicky = True
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]
