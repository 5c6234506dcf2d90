"""The console: pages and an API for operators. Reads the store and the alert topic, writes verbs into the outbox."""
