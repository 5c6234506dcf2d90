"""Sinks: the TimescaleDB writer and queries, and the alert channels."""
