"""The entry point: settings, worlds, doors, verbs. Nothing imports it."""
