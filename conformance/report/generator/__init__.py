"""Builds one HTML page of Allure results, by Allure's own generator, which npm installs once in a pinned version.

The generator is Allure 3, a program for Node. ``package-lock.json`` beside this file pins it and all that it needs, by
digest; it is installed into the user's cache, and no script of a package is run. Node and npm come from the PATH, or
with ``pip install payment-intents-conformance[report]``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.evidence.files import write_whole
from conformance.report.generator.history import History, HistoryError, results_in

PAGE = "index.html"
_HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json")
_NODE = 20  # the oldest major version of Node that the generator runs on
_PATIENCE = 600.0  # seconds for one program; a slow connection takes minutes to install it
_HISTORY_LIMIT = 50  # runs that the history keeps
_HIDDEN = ("story", "parentSuite", "suite", "framework")  # labels that tell what stands elsewhere on the page
# The generator lets each page report to an analytics service; what we write tells nobody anything.
_ANALYTICS = re.compile(
    r"<script[^>]*\bsrc=\"https://www\.googletagmanager\.com/[^\"]*\"[^>]*></script>\s*"
    r"<script>\s*window\.dataLayer\b(?:(?!</script>).)*</script>",
    re.DOTALL,
)
# Of a page from a file, a frame whose source is a blob cannot be measured; one that holds its text can. Long lines of
# code are wrapped, where the frame would cut them off.
_SRCDOC = """
new MutationObserver(() => {
  for (const frame of document.querySelectorAll("iframe[src^='blob:null']")) {
    fetch(frame.src).then((blob) => blob.text()).then((text) => {
      frame.srcdoc = text + "<style>pre, pre code { white-space: pre-wrap; overflow-wrap: anywhere; }</style>";
      frame.removeAttribute("src");
    });
  }
}).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
"""


class GeneratorError(Exception):
    """The page cannot be built; the message says what the user can change."""


def build(
    results: Sequence[Path],
    output: Path,
    *,
    name: str,
    categories: Sequence[Mapping[str, Any]],
    history: Path,
    cache: Path,
) -> Path:
    """Builds ``output/index.html``, which opens from a file, of folders of Allure ``results``; returns its path.

    ``name`` stands in its head. ``history`` is a file that tells of the runs before, of which the page tells; this one
    is added when the page is written, unless it is in it already. ``cache`` is where the generator is kept. Raises
    ``GeneratorError``, and OSError where a file cannot be read or written.
    """
    generator = installed(cache)
    try:
        kept = History.read(history)
    except HistoryError as error:
        raise GeneratorError(str(error)) from error
    told = [result for one in results for _, result in results_in(one)]
    before, again = kept.before(told)
    with tempfile.TemporaryDirectory(prefix="conformance-report-") as name_of:
        folder = Path(name_of)
        settings, made, grown = folder / "allurerc.json", folder / "made", folder / "history.jsonl"
        before.write(grown)
        settings.write_text(
            json.dumps(
                {
                    "name": name,
                    "output": str(made),
                    "historyPath": str(grown),
                    "historyLimit": _HISTORY_LIMIT,
                    "categories": {"rules": list(categories)},
                    "hideLabels": list(_HIDDEN),
                    "plugins": {
                        "awesome": {
                            "options": {
                                "singleFile": True,
                                "reportName": name,
                                "reportLanguage": "en",
                                "groupBy": ["epic", "feature"],
                                "defaultSortBy": "status,asc",
                            }
                        }
                    },
                }
            ),
            encoding="utf-8",
        )
        shown = _dated(results, before.since(told), folder)
        command = [_node(), str(generator), "generate", *map(str, shown)]
        _run([*command, "--config", str(settings)], folder, "the report generator failed")
        pages = sorted(made.rglob(PAGE))
        if len(pages) != 1:
            raise GeneratorError(f"the report generator made {len(pages)} pages where it was to make one")
        text = shows_descriptions(without_analytics(pages[0].read_text(encoding="utf-8")), generator)
        output.mkdir(parents=True, exist_ok=True)
        page = output / PAGE
        write_whole(page, text)
        if not again:
            history.parent.mkdir(parents=True, exist_ok=True)
            write_whole(history, grown.read_bytes())
    return page


def installed(cache: Path) -> Path:
    """The generator's program below ``cache``, installed there if it is not yet. Raises ``GeneratorError``."""
    pinned = b"".join((_HERE / name).read_bytes() for name in _FILES)
    home = cache / f"allure-{hashlib.sha256(pinned).hexdigest()[:12]}"
    program = Path("node_modules", "allure", "cli.js")
    if not (home / program).is_file():
        node, npm = _node(), _program("npm")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".installing-", dir=cache) as folder:
            for name in _FILES:
                shutil.copy(_HERE / name, folder)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            _run(command, Path(folder), f"npm could not install the report generator (Node is {node})")
            if not home.exists():  # another process may have been quicker
                Path(folder).rename(home)
                Path(folder).mkdir()  # for who cleans up
    return home / program


def without_analytics(page: str) -> str:
    """The page without what reports its readers. Raises ``GeneratorError`` where some of that may be left."""
    clean = _ANALYTICS.sub("", page)
    if "googletagmanager" in clean or "google-analytics" in clean:
        raise GeneratorError("the page holds an analytics tag that is not known, so it was not written")
    return clean


def shows_descriptions(page: str, generator: Path) -> str:
    """The page with descriptions that show when it is opened from a file, where the generator's own have no height.

    ``generator`` is the program that made it. Raises ``GeneratorError`` where the page has no end to add that to.
    """
    before, end, after = page.rpartition("</body>")
    if not end:
        raise GeneratorError(
            f"the page that {generator} made has no </body>, as those of Allure {_version()} have: remove the folder "
            f"{generator.parents[2]} and run this again, and the generator will be installed anew"
        )
    return f"{before}<script>{_SRCDOC}</script>{end}{after}"


def _version() -> str:
    """The version of Allure that is pinned."""
    version: str = json.loads((_HERE / "package.json").read_bytes())["dependencies"]["allure"]
    return version


def _dated(results: Sequence[Path], since: Mapping[str, str], folder: Path) -> Sequence[Path]:
    """The results, as copies in ``folder`` that say ``since`` when what fails does; themselves where none says so."""
    if not since:
        return [one.absolute() for one in results]
    copies = [Path(shutil.copytree(one, folder / f"results-{number}")) for number, one in enumerate(results)]
    for copy in copies:
        for path, result in results_in(copy):
            if told := since.get(result["uuid"]):
                description = f"{told}\n\n{result.get('description', '')}"
                path.write_text(json.dumps({**result, "description": description}), encoding="utf-8")
    return copies


def _program(name: str) -> str:
    """The path of a program of Node's: that of this Python's environment, or else of the PATH."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise GeneratorError(
            f"{name} was not found, and the report generator needs Node {_NODE} or newer with npm: install it, or "
            "run pip install 'payment-intents-conformance[report]'"
        )
    return found


def _node() -> str:
    node = _program("node")
    version = _run([node, "--version"], Path.cwd(), "node does not run").strip()
    if not (match := re.match(r"v(\d+)\.", version)) or int(match[1]) < _NODE:
        raise GeneratorError(f"{node} is {version or 'of no known version'}; the report generator needs {_NODE}")
    return node


def _run(command: Sequence[str], folder: Path, otherwise: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - programs of our own choice, no shell
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GeneratorError(f"{otherwise}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise GeneratorError(f"{otherwise}: {said[-1] if said else f'it ended with {done.returncode}'}")
    return done.stdout
