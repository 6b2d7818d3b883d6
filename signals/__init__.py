"""What is said: kinds, metrics, topics, messages. Pure: no clock, no socket, no database."""
