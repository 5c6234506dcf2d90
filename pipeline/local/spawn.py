"""Start a process that dies with us, as another user if need be.

`setpriv` (util-linux) sets the parent-death signal after changing the user and then becomes the
program, so the pid is the program's and no Python runs between fork and exec. The kernel sends that
signal when the *thread* that forked ends; therefore all processes are started by one thread that
lives as long as the interpreter.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    user: str | None = None,
    at_our_death: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own; standard output and error come through one pipe."""
    return _spawner.submit(_popen, as_user(argv, user, at_our_death), env, cwd).result()


def as_user(argv: Sequence[str], user: str | None, at_our_death: signal.Signals = signal.SIGTERM) -> list[str]:
    """`argv` wrapped so that it runs as `user` and gets a signal when its parent dies."""
    change = ["--reuid", user, "--regid", user, "--init-groups"] if user else []
    return ["setpriv", "--pdeathsig", at_our_death.name.removeprefix("SIG"), *change, "--", *argv]


def give_away(path: Path, user: str | None) -> None:
    """Make `user` the owner of `path`; None leaves it as it is."""
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _popen(argv: list[str], env: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
