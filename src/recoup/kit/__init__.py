"""Parts of doors and flows of every subject: HTTP edge, API bodies, commands, files, lists,
languages."""
