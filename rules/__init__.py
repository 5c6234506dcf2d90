"""Rules: the engine, the rule kinds and the life of alerts. Pure: no I/O and no clock."""
