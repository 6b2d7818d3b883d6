"""Downward: commands to transmitters, by MQTT and by GB/T 26875.3 alike. Who asked, what was sent, what came of it.

A request becomes a row of `command`; alerts sends it by MQTT, ingest in a frame; replies come back with the signals and move it on.
Silence has an end, and where it means that somebody or something is not there, it rings.
"""
