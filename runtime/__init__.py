"""How a process runs: settings, database, MQTT session, metrics, health, the service loop, logging."""
