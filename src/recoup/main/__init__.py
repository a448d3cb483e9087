"""The entry point: settings, the Worlds, the doors, the verbs. Knows every room; nothing imports it."""
