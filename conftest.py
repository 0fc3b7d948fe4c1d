"""Makes ``pytest conformance --provider …`` work from a checkout that is not installed."""

from __future__ import annotations

import pytest

import conformance.plugin


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    if not any(plugin is conformance.plugin for plugin in pluginmanager.get_plugins()):
        pluginmanager.register(conformance.plugin, "conformance-plugin")
