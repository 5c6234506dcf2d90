"""Cameras: RTSP reader, detectors, tracker, zones, evidence."""
