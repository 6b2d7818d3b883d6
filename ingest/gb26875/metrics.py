"""What the server for GB/T 26875.3 counts, besides what every lane counts (`ingest.metrics`)."""

from ingest.metrics import Latencies, Tallies
from runtime.metrics import counter, gauge
from signals.gb26875.frames import Fault
from signals.gb26875.profiles import Departure

FRAMES = Tallies("gb26875_frames", "Frames received, by transport.", label="transport", values=("tcp", "udp"))
PASSED = counter("gb26875_passed_bytes", "Bytes that are no frame, by what was wrong.", fault=Fault)
ANSWERED = counter("gb26875_answers", "Uploads answered, by how.", answer=("confirmed", "denied"))
HEARTBEATS = counter("gb26875_heartbeats", "Frames that only say that a device is there.")
DEPARTURES = counter("gb26875_departures", "Frames that depart from the standard, by how.", departure=Departure)
UNKNOWN = counter("gb26875_unknown_devices", "Frames of addresses that are not enrolled.")
CONNECTIONS = gauge("gb26875_connections", "TCP connections that stand.")
TURNED_AWAY = counter("gb26875_connections_turned_away", "TCP connections above a limit.")
REPLACED = counter("gb26875_connections_replaced", "Connections ended because their device opened another.")
UDP_DROPPED = counter("gb26875_datagrams_dropped", "Datagrams above what can wait; their devices repeat them.")
READINGS_DROPPED = counter("gb26875_readings_dropped", "Frames of readings above what can wait; their devices repeat them.")
UDP_ERRORS = counter("gb26875_datagram_errors", "Answers by datagram that could not be delivered.")
WAITING = gauge("gb26875_waiting_frames", "Frames received that are not stored yet.")
EXCHANGES = counter("gb26875_exchanges", "Commands to devices, by how they ended.", outcome=("confirmed", "answered", "failed"))
REPEATS = counter("gb26875_command_repeats", "Commands sent again because no answer came.")
CONFIRMED = Latencies("gb26875_confirm", "From the receipt of an upload to its confirmation, after the commit.")
