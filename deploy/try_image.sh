#!/usr/bin/env bash
# Runs an image as it is to be run (no root, read-only root, no capabilities) on the built-in clip,
# and asks for what a user would: deploy/try_image.sh IMAGE. ENGINE=docker or podman.
set -euo pipefail
image=$1
engine=${ENGINE:-docker}

id=$("$engine" run --detach --read-only --cap-drop ALL --security-opt no-new-privileges \
  --volume /tmp --volume /var/cache/deepfakestream --publish 127.0.0.1:18080:8080 \
  "$image" demo --token s3cret --engine onnxruntime)
trap '"$engine" logs "$id"; "$engine" rm --force --volumes "$id" > /dev/null' EXIT

ask() { curl --silent --show-error --fail "$@"; }
base=http://127.0.0.1:18080
ask --retry 60 --retry-delay 1 --retry-all-errors --output /dev/null "$base/readyz"

[ "$("$engine" exec "$id" id -u)" = 10001 ] || { echo "It runs as root"; exit 1; }
"$engine" exec "$id" python3 -c 'import torch' 2> /dev/null && { echo "It holds torch"; exit 1; }
ask "$base/v1/streams" && { echo "It answers without a token"; exit 1; }

scored() {
  ask --header "Authorization: Bearer s3cret" "$base/metrics" \
    | grep -E '^deepfakestream_faces_scored_total\{stream="demo"\} [1-9]'
}
for _ in $(seq 60); do scored && exit 0; sleep 1; done
echo "No face was scored within a minute"
exit 1
