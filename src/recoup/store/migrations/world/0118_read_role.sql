-- Doors read as a role that may write nothing; tables and partitions that are made later are for it to read, too.
GRANT USAGE ON SCHEMA public TO recoup_read;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO recoup_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO recoup_read;
