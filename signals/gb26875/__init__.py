"""GB/T 26875.3-2011, the wire between user information transmission devices and a monitoring centre: bytes in, frames out.

`frames` finds frames in a stream or datagram and makes them; `content` reads and writes what a frame carries; `meaning` is the JSON
form of both; `tables` are the standard's tables. Nothing here knows a socket or a clock, and nothing raises on hostile bytes.
"""

LANE = "gb26875"
"""Its name beside the lanes of MQTT (`signals.topics.Lane`), in presence and in when we could hear."""
