"""Where things lie on disk: the project, the cache of what is fetched, the data of the local stack.

Only the standard library is used here, because `make setup` runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from pipeline.core.errors import ConfigError

_TEMPORARY = Path("/var/tmp")  # noqa: S108  (survives a reboot; the folder below it is checked for its owner)


def project_folder() -> Path:
    """The folder that holds the five packages."""
    return Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    """Fetched things that are too large for git: `IOC_CACHE`, by default `~/.cache/ioc`."""
    chosen = os.environ.get("IOC_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "ioc"


def default_data_folder(project: Path | None = None) -> Path:
    """`var/stack` in the project, or a folder below /var/tmp when the `postgres` user cannot get there.

    PostgreSQL refuses to run as root, so under root it runs as another user, who cannot pass through
    e.g. root's home. The name below /var/tmp is derived from the project's path, so it stays the same.
    """
    project = project or project_folder()
    wanted = project / "var" / "stack"
    if os.geteuid() != 0 or others_can_reach(project):
        return wanted
    digest = hashlib.sha256(str(project).encode()).hexdigest()[:12]
    return _own_folder(_TEMPORARY / f"ioc-{os.geteuid()}") / digest


def others_can_reach(folder: Path) -> bool:
    """Whether any user may pass through `folder` and all folders above it."""
    return all(at.stat().st_mode & stat.S_IXOTH for at in (folder, *folder.parents) if at.exists())


def _own_folder(folder: Path) -> Path:
    """Make `folder`, or check that nobody else made it before us (it lies where everybody may write)."""
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ConfigError(
            f"data: {folder} belongs to user {found.st_uid}; choose another with IOC__DATA",
            vi=f"data: {folder} thuộc người dùng {found.st_uid}; hãy chọn thư mục khác bằng IOC__DATA",
        )
    return folder
