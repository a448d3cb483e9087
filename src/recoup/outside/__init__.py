"""The way out: web calls, mail, SMS, keys and marks."""
