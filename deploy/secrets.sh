#!/usr/bin/env bash
# Makes the secrets that compose.yaml mounts, once; what is there already is kept.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p secrets
# The files are read by the containers' users, which are not the one who makes them: the folder keeps
# everybody else out.
chmod 700 secrets
for name in token publish_token metrics_token grafana_password; do
  [ -e "secrets/$name" ] && continue
  (umask 022 && head -c 24 /dev/urandom | base64 | tr '+/' '-_' > "secrets/$name")
done
echo "The owner's token is in deploy/secrets/token: http://127.0.0.1:8080/#token=…"
