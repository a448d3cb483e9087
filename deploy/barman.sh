# Barman's cron every minute, and a copy when the last one is a day old.
set -eu
umask 077
trap 'exit 0' TERM INT
cp /opt/recoup/share/barman.conf /backup/barman.conf
printf 'postgres:*:*:recoup_backup:%s\n' "$(cat /run/secrets/backup_password)" > /backup/.pgpass
barman() { command barman -c /backup/barman.conf "$@"; }
while :; do
  barman -q cron || true
  if [ -z "$(find /backup/recoup/meta -name '*-backup.info' -mmin -1440 2>/dev/null)" ]; then
    barman -q backup --wait recoup || true
  fi
  sleep 60 &
  wait $!
done
