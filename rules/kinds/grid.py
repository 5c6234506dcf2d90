"""Where windows begin and end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from pipeline.core.errors import Misread
from pipeline.core.schedule import DEFAULT_ZONE, check_zone
from rules.engine.fields import Fields

DAY_MS = 86_400_000
_EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC).date().toordinal()


class Grid(msgspec.Struct, frozen=True):
    """Panes of `step` ms counted from the epoch; panes of whole days from local midnight in `zone`."""

    step: int
    zone: str

    def start(self, at: int) -> int:
        """Begin of the pane that holds `at`."""
        if self.step % DAY_MS:
            return at // self.step * self.step
        days = self.step // DAY_MS
        day = datetime.fromtimestamp(at / 1000, ZoneInfo(self.zone)).date().toordinal() - _EPOCH_DAY
        return self._midnight(day // days * days)

    def end(self, start: int) -> int:
        """End (exclusive) of the pane that begins at `start`."""
        if self.step % DAY_MS:
            return start + self.step
        day = datetime.fromtimestamp(start / 1000, ZoneInfo(self.zone)).date().toordinal() - _EPOCH_DAY
        return self._midnight(day + self.step // DAY_MS)

    def _midnight(self, day: int) -> int:
        date = datetime(1970, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - the zone is put on next
        return int(date.replace(tzinfo=ZoneInfo(self.zone)).timestamp() * 1000)


def read_zone(fields: Fields) -> str:
    """The `timezone` that windows and days are aligned to."""
    zone = fields.text("timezone", DEFAULT_ZONE)
    try:
        return check_zone(zone)
    except Misread as wrong:
        fields.wrong("timezone", wrong.expected, vi=wrong.vi)
        return DEFAULT_ZONE
