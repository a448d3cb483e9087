# Makes what compose.yaml reads, once: sh secrets.sh pay.example.com (the name by which callers reach this machine).
# The folder is yours alone. Its files are readable, since each container's user is another one.
set -eu
domain=${1:?say the domain: sh secrets.sh pay.example.com}
cd "$(dirname "$0")"
umask 022
mkdir -m 0700 secrets
for name in postgres_password owner_password login_password backup_password; do
  openssl rand -hex 24 > "secrets/$name"
done
printf 'postgresql://recoup_login:%s@postgres:5432/postgres' "$(cat secrets/login_password)" > secrets/database_url
echo "RECOUP_DOMAIN=$domain" > .env
