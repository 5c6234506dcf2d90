"""The log app: exact state over a partitioned log on top of Faust's assignment, consumption and back-pressure.

Faust 0.15.3 loses events when an agent throws, commits past events in flight and mixes fetched with re-fetched
records after a rebalance when tables are used. Commit and state are therefore ours: a checkpoint of each
partition, in one transaction, before the offset that it covers is committed. See ARCHITECTURE.md.
"""

from pipeline.log_app.catalogue import CatalogueFollower
from pipeline.log_app.checkpoints import CheckpointStore, Marker
from pipeline.log_app.outputs import Output, Outputs
from pipeline.log_app.part import Part, Saved, Source
from pipeline.log_app.worker import LogApp

__all__ = [
    "CatalogueFollower",
    "CheckpointStore",
    "LogApp",
    "Marker",
    "Output",
    "Outputs",
    "Part",
    "Saved",
    "Source",
]
