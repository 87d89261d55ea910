"""The person's own folders, outside of any project: settings, replies that were paid for, expressions once tried."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def config_home(environ: Mapping[str, str]) -> Path:
    """The folder of the person's own settings: `seedbed` below XDG_CONFIG_HOME or `~/.config`."""
    return _home(environ, "XDG_CONFIG_HOME", ".config") / "seedbed"


def cache_home(environ: Mapping[str, str]) -> Path:
    """The folder of replies that were paid for: `seedbed/llm` below XDG_CACHE_HOME or `~/.cache`."""
    return _home(environ, "XDG_CACHE_HOME", ".cache") / "seedbed" / "llm"


def state_home(environ: Mapping[str, str]) -> Path:
    """The folder of what was accepted: `seedbed` below XDG_STATE_HOME or `~/.local/state`."""
    return _home(environ, "XDG_STATE_HOME", ".local/state") / "seedbed"


def _home(environ: Mapping[str, str], variable: str, below: str) -> Path:
    stated = Path(environ.get(variable) or "")
    return stated if stated.is_absolute() else Path.home() / below  # XDG: a relative path is to be ignored
