"""The layout of one stack's data folder, and the small files in it.

`stack.json` (endpoints, read by pipeline.config), `private.json` (ports and passwords, kept across
restarts), `lock`, `logs/<name>.log`, `run/<name>.json` (processes), and one folder for each service.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.core.folders import others_can_reach
from pipeline.local import ports

_MARK = "private.json"
_PASSWORD_BYTES = 24


class DataFolder:
    """Paths and private values of one stack. `create()` before anything is written."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def create(self) -> None:
        """Make the folder. Raises ConfigError when PostgreSQL could not live in it."""
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        if os.geteuid() == 0 and not others_can_reach(self.root):
            raise ConfigError(
                f"data: the user postgres cannot reach {self.root}; choose a folder that others may pass"
                " through, e.g. IOC__DATA=/var/tmp/ioc-stack",
                vi=f"data: người dùng postgres không vào được {self.root}; hãy chọn thư mục mà người khác đi qua được,"
                " ví dụ IOC__DATA=/var/tmp/ioc-stack",
            )
        for folder in (self.logs, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def endpoints(self) -> Path:
        return self.root / "stack.json"

    def service(self, name: str) -> Path:
        """The folder of one service's data."""
        return self.root / name

    def ports(self, names: Iterable[str], *, renew: bool) -> dict[str, int]:
        """The ports of this stack; with `renew`, ports that somebody else took are replaced and kept."""
        known = self._private().get("ports", {})
        if not renew:
            return dict(known)
        chosen = ports.choose(names, known, str(self.root))
        self._keep("ports", chosen)
        return chosen

    def password(self, name: str) -> str:
        """The generated password for `name`, made on first use."""
        known = self._private().get("passwords", {})
        if name not in known:
            known[name] = secrets.token_urlsafe(_PASSWORD_BYTES)
            self._keep("passwords", known)
        return str(known[name])

    def remove(self) -> None:
        """Remove the folder, if it really is one of ours. Nothing may run in it any more."""
        if (self.root / _MARK).exists():
            shutil.rmtree(self.root)

    def _private(self) -> dict[str, Any]:
        return read_json(self.root / _MARK)

    def _keep(self, section: str, values: dict[str, Any]) -> None:
        write_private_json(self.root / _MARK, {**self._private(), section: values})


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when there is none."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ConfigError(
            f"{path} is not JSON ({error}); remove it or restore it",
            vi=f"{path} không phải JSON; hãy xóa hoặc khôi phục tệp",
        ) from error
    return found if isinstance(found, dict) else {}


def write_private_json(path: Path, values: dict[str, Any]) -> None:
    """Replace a JSON file as a whole; only its owner may read it, at no moment anybody else."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(values, file, indent=2)
    partial.replace(path)
