"""The local stack: Kafka, mosquitto, PostgreSQL, an RTSP camera and our own processes on one machine."""
