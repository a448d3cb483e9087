"""What doors and flows of every subject are made of: HTTP edge, API bodies, commands, files, lists, languages."""
