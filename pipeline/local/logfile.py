"""A log file that cannot grow without limit: at its limit it becomes `<name>.log.1`, and so on."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

LIMIT_BYTES = 10 * 1024 * 1024
KEPT = 2


class LogFile:
    """Appends lines to `path`; keeps at most `KEPT` older files of `LIMIT_BYTES` each."""

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.path, self._limit = path, limit_bytes
        self._file: BinaryIO = path.open("ab")

    def write(self, line: bytes) -> None:
        """Append one line (with its line end) and let readers see it at once."""
        if self._file.tell() + len(line) > self._limit:
            self._turn()
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._file.close()

    def _turn(self) -> None:
        self._file.close()
        for number in range(KEPT - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))
        self._file = self.path.open("ab")

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
