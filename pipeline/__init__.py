"""The streaming event pipeline: what stands above the rooms devices, vision, rules and sinks."""
