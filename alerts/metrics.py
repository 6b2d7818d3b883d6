"""Metrics of the alerts service."""

from alerts.policy import PRIORITIES
from runtime.metrics import counter, gauge, latency
from signals.kinds import Kind

PRIORITY_LABELS = tuple(map(str, PRIORITIES))

OPEN = gauge("alarms_open", "Alarms that are not closed.", priority=PRIORITY_LABELS)
RAISED = counter("alarms_raised", "Alarms raised from signals.", kind=Kind)
RE_ALARMED = counter("alarms_re_alarmed", "Re-alarms from signals.", kind=Kind)
OLDER = counter("signals_older", "Signals without effect because a newer word was applied already.")
CONCLUDED = latency("alarm_latency", "From a signal stored to its alarm raised or re-alarmed and committed.")
BACKLOG = gauge("signal_inbox_rows", "Signals stored and not yet concluded.")
POISON = counter("signals_poisonous", "Signals that could not be concluded and became an `unreadable` alarm instead.")
STUCK = gauge(
    "signals_set_aside", "Signals left in the hand-over because not even that was possible; tried again at the next start."
)
OBEYED = counter("orders_obeyed", "Operators' requests that were applied.")
REFUSED = counter("orders_refused", "Operators' requests that were refused.")
UNPUBLISHED = gauge("alarm_publications_waiting", "Publications that the broker has not taken yet; at most one batch is counted.")
PUBLISHED = counter("alarm_publications", "Publications that the broker took.")
COMMANDED = counter("commands_sent", "Commands sent to transmitters.")
