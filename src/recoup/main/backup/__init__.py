"""Copies of the embedded database by Barman: what only Recoup knows of them. Barman copies, keeps
and restores."""
