"""The only room that speaks SQL. `write/` and `read/` hold one file a noun; transactions are opened by flows."""
