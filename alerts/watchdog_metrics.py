"""Metrics of the watchdog."""

from runtime.metrics import counter, gauge

BLIND = gauge("watch_blind_services", "Services of the watch that have been blind for 30 s or more.")
PAGES = counter("watch_pages", "Pages that a channel took.")
PAGES_FAILED = counter("watch_pages_failed", "Attempts at a page that no channel took.")
PAGES_WAITING = gauge("watch_pages_waiting", "Pages that no channel has taken yet.")
HEARTBEATS = counter("watch_heartbeats", "Heartbeats that the dead-man switch took.")
HEARTBEATS_FAILED = counter("watch_heartbeats_failed", "Heartbeats that it did not take.")
