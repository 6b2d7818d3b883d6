"""Metrics of notifications."""

from runtime.metrics import counter, gauge, latency

NOTIFIED = latency("notification_latency", "From a notification owed to a channel of its recipient having taken it.")
SENT = counter("notifications_sent", "Notifications that a channel of their recipient took.")
FAILED = counter("notification_attempts_failed", "Attempts at a notification that no channel of its recipient took.")
GIVEN_UP = counter("notifications_given_up", "Notifications that are not tried any more.")
CHANNEL_FAILURES = counter("channel_failures", "Messages that one channel did not take, whether or not another did.")
WAITING = gauge("notifications_waiting", "Notifications that are due, and that nobody was sending at the last look.")
