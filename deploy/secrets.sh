# Makes the passwords that compose.yaml reads, once: sh deploy/secrets.sh
# The folder is yours alone. Its files are readable, since each container's user is another one.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -m 0700 secrets
for name in postgres_password owner_password login_password backup_password; do
  openssl rand -hex 24 > "secrets/$name"
done
printf 'postgresql://recoup_login:%s@postgres:5432/postgres' "$(cat secrets/login_password)" > secrets/database_url
