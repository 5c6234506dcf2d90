"""Analytics: what tracks in a zone mean, in event time. A new one is a file and a line here."""

from __future__ import annotations

from pipeline.core.extensions import ExtensionTable
from vision.analytics.zone import MakeAnalytic

ZONE_ANALYTICS: ExtensionTable[MakeAnalytic] = ExtensionTable(
    "analytic",
    {
        "passage": "vision.analytics.passage:passage",
        "occupancy": "vision.analytics.occupancy:occupancy",
        "dwell": "vision.analytics.dwell:dwell",
        "crowd": "vision.analytics.crowd:crowd",
        "stopped": "vision.analytics.stopped:stopped",
        "wrong_way": "vision.analytics.wrong_way:wrong_way",
        "queue": "vision.analytics.queue:queue",
        "coverage": "vision.analytics.coverage:coverage",
        "density": "vision.analytics.density:density",
        "speeds": "vision.analytics.speeds:speeds",
        "running": "vision.analytics.running:running",
        "abandoned": "vision.analytics.abandoned:abandoned",
    },
)
"""The maker of every analytic of a zone; it gives None where the zone does not ask for it or lacks what it needs."""
