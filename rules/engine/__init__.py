"""The rule engine: settings (what a rule says), running logic (watches) and state are three kinds of types."""
