"""Writes the first migration from `schema/`. Later migrations are written by hand; the schema test compares."""

from pathlib import Path

from recoup.rules.order.lifecycle import check_sql
from recoup.store.migrate import schema_sql

ROOT = Path(__file__).parent.parent / "src/recoup/store/migrations"
for database in ("world", "people"):
    extensions = "CREATE EXTENSION IF NOT EXISTS pg_trgm;\nCREATE EXTENSION IF NOT EXISTS btree_gin;\n"
    head = extensions if database == "world" else ""
    (ROOT / database / "0001_spine.sql").write_text(head + schema_sql(database, check_sql()))
