"""Back ends of the reader: one file and one line in `vision.stream.BACKENDS` each."""
