# The roles and databases of Recoup, and Barman's role, once, as the server is made.
set -eu
secret() { cat "${SECRETS:-/run/secrets}/$1"; }
psql --set=ON_ERROR_STOP=1 --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --set=owner="$(secret owner_password)" --set=login="$(secret login_password)" --set=backup="$(secret backup_password)" <<'SQL'
CREATE ROLE recoup_app NOLOGIN;
CREATE ROLE recoup_read NOLOGIN;
CREATE ROLE recoup_owner LOGIN PASSWORD :'owner';
CREATE ROLE recoup_login LOGIN PASSWORD :'login' IN ROLE recoup_app, recoup_read;
CREATE DATABASE recoup_people OWNER recoup_owner;
CREATE DATABASE recoup_sandbox OWNER recoup_owner;
CREATE DATABASE recoup_live OWNER recoup_owner;
REVOKE CONNECT, TEMPORARY ON DATABASE recoup_people, recoup_sandbox, recoup_live FROM PUBLIC;
GRANT CONNECT ON DATABASE recoup_people, recoup_sandbox, recoup_live TO recoup_login, recoup_owner;
CREATE ROLE recoup_backup LOGIN REPLICATION PASSWORD :'backup';
GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_switch_wal(),
  pg_create_restore_point(text) TO recoup_backup;
GRANT pg_read_all_settings, pg_read_all_stats, pg_checkpoint TO recoup_backup;
SQL
if [ -n "${PGDATA:-}" ]; then  # Barman's stream comes from the network of compose
  echo "host replication recoup_backup all scram-sha-256" >> "$PGDATA/pg_hba.conf"
fi
