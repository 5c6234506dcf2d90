"""Which of a device's numbered messages are missing.

A number that is passed over is not reported at once: a device that reconnects sends what was not acknowledged
again, and often behind newer messages. What has not come GRACE_MS later is reported, one `seq_gap` reading for
each run of numbers. State is bounded by the number of registered devices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.core.events import Reading

GRACE_MS = 5_000
RESTART_SEQ = 16
"""A device without a clock whose number falls to at most this has started again."""
_MAX_RUNS = 1_000
_MAX_REFUSED = 1_000


class Came(NamedTuple):
    """A numbered message: `at` is its event time, `said` what the device's clock said, `site` where it stands."""

    device: str
    seq: int
    at: int
    said: int
    site: str = ""


class _Count(NamedTuple):
    """How far a device has counted, and the newest time that it gave."""

    seq: int
    said: int


class _Run(NamedTuple):
    """Numbers from `first` to before `end` have not come; `end` came at `at`. Open since `since` (ms)."""

    first: int
    end: int
    at: int
    since: int
    site: str


class Numbering:
    """Counts along with every device. Reads the receive times that it is given, never a clock."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}
        self._runs: dict[str, list[_Run]] = {}
        self._refused: dict[str, set[int]] = {}

    def came(self, message: Came, now: int, *, stamped: bool = True) -> None:
        """Count a message in. `stamped`: the device gave a time.

        Then a lower number with a later time is a device that has started again, and a lower number with an
        earlier time one that comes late, or a repeat. The first message of a device shows no gap.
        """
        device, seq, _, said, _ = message
        last = self._counts.get(device)
        if seq <= 0 or (last is not None and seq == last.seq):
            return
        if last is None:
            self._counts[device] = _Count(seq, said)
        elif seq > last.seq:
            self._counts[device] = _Count(seq, max(said, last.said))
            if seq > last.seq + 1:
                self._open(message, last.seq + 1, now)
        elif said > last.said if stamped else seq <= RESTART_SEQ:
            self._counts[device] = _Count(seq, said)
        else:
            self._fill(device, seq, message.at)

    def refused(self, device: str, seq: int) -> None:
        """A message with this number came and was refused: it is not missing."""
        last = self._counts.get(device)
        if last is not None and 0 < seq <= last.seq:
            self._fill(device, seq, None)
        elif last is not None and len(numbers := self._refused.setdefault(device, set())) < _MAX_REFUSED:
            numbers.add(seq)

    def reported(self, device: str, seq: int) -> None:
        """The run that ended at `seq` stands in the log already."""
        self._keep(device, [run for run in self._runs.get(device, ()) if run.end != seq])

    def resume(self, judged_before: int, now: int) -> None:
        """Go on at `now` from what the log told.

        Runs that opened before `judged_before` were judged by whoever counted then; the others get their time anew.
        """
        for device, runs in list(self._runs.items()):
            self._keep(device, [run._replace(since=now) for run in runs if run.since >= judged_before])

    def due(self, now: int) -> list[Reading]:
        """A `seq_gap` reading for each run that had its time; `value` numbers are missing before `seq`."""
        found: list[Reading] = []
        for device, runs in list(self._runs.items()):
            over = len(runs) - _MAX_RUNS
            ripe = [run for n, run in enumerate(runs) if run.since + GRACE_MS <= now or n < over]
            if ripe:
                found += [_gap(device, run) for run in ripe]
                self._keep(device, [run for run in runs if run not in ripe])
        return found

    def _open(self, message: Came, first: int, now: int) -> None:
        came = self._refused.pop(message.device, set())
        runs = self._runs.setdefault(message.device, [])
        for end in [*sorted(number for number in came if first <= number < message.seq), message.seq]:
            if end > first:
                runs.append(_Run(first, end, message.at, now, message.site))
            first = end + 1
        self._keep(message.device, runs)

    def _fill(self, device: str, seq: int, at: int | None) -> None:
        if device in self._runs:
            self._keep(device, [part for run in self._runs[device] for part in _without(run, seq, at)])

    def _keep(self, device: str, runs: list[_Run]) -> None:
        if runs:
            self._runs[device] = runs
        else:
            self._runs.pop(device, None)


def _without(run: _Run, seq: int, at: int | None) -> Iterator[_Run]:
    """What is left of a run when one of its numbers came."""
    if not run.first <= seq < run.end:
        yield run
        return
    if run.first < seq:
        yield run._replace(end=seq, at=run.at if at is None else at)
    if seq + 1 < run.end:
        yield run._replace(first=seq + 1)


def _gap(device: str, run: _Run) -> Reading:
    missing = float(run.end - run.first)
    return Reading(
        device=device, quantity="seq_gap", at=run.at, unit="{message}", value=missing, site=run.site, seq=run.end
    )
