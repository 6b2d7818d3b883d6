"""Metrics of the roster."""

from runtime.metrics import counter, gauge

REJECTED = counter("roster_rejected", "Changes of the roster's file that could not be used; the last good roster stays on duty.")
OFFICERS = gauge("roster_officers", "Duty officers on the roster in use.")
