"""The life of alerts: from conditions and operators' verbs to events on the alert topic."""
