"""The databases: server, pool, statements, migrations, upkeep. It knows no subject."""
