"""Devices: registry, credentials, MQTT gateway, decoders, liveness."""
