"""Network tokens of cards on file."""
