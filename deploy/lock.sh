#!/usr/bin/env bash
# Writes what the images install, every file of it by its hash, into the folder given: amd64 and
# arm64 alike. What a list already there names is kept where it still fits.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
into=${1:-deploy/requirements}

lock() {
  local name=$1
  shift
  UV_CUSTOM_COMPILE_COMMAND="make lock" "$uv" pip compile --quiet \
    --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
    --constraints constraints.txt --output-file "$into/$name.txt" "$@" > /dev/null
}

lock build deploy/requirements/build.in
lock cpu pyproject.toml --extra cpu --extra openvino
lock cuda pyproject.toml --extra gpu deploy/requirements/cuda.in
