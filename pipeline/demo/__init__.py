"""The demonstration: a registered fleet, a scripted storm, and the counts along the whole path."""
