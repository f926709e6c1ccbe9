# The only commands a newcomer needs. `make help` lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run demo test check bench lock

PORT ?= 8080
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip -qq --disable-pip-version-check --no-input
PATHS := kernel accounts limited_use workspace oauth crm sync privacy addon web emulator demo bench migrations tests main.py worker.py run.py

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.embedded ## Start the product beside a local Google [TAKEOUT=dir] [OWNER=address] [PORT=8080] [KMS=1]
	@$(PY) run.py --port "$(PORT)" $(if $(GOOGLE_PORT),--google-port "$(GOOGLE_PORT)") $(if $(KMS),--kms) \
	  $(if $(TAKEOUT),--takeout "$(TAKEOUT)") $(if $(OWNER),--owner "$(OWNER)")

demo: $(VENV)/.embedded ## Drive the main job from sign-in to disconnect and verify it [TAKEOUT=dir] [OWNER=address] [OUT=file.json]
	@$(PY) -m demo $(if $(TAKEOUT),--takeout "$(TAKEOUT)") $(if $(OWNER),--owner "$(OWNER)") $(if $(OUT),--out "$(OUT)")

test: $(VENV)/.dev ## Run every test on embedded servers, or on DATABASE_URL and REDIS_URL [PYTEST_ARGS=…]
	@$(PY) -m pytest -n auto --dist loadscope $(PYTEST_ARGS)

check: $(VENV)/.dev ## Lint, types, import contracts, then the tests
	@$(PY) -m ruff check $(PATHS)
	@$(PY) -m ruff format --check $(PATHS)
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@$(MAKE) --no-print-directory test

bench: $(VENV)/.dev ## Measure against the budgets [NAME=…] [TAKEOUT=dir]
	@$(PY) -m bench $(NAME) $(if $(TAKEOUT),--takeout "$(TAKEOUT)")

lock: ## Pin the newest dependencies with their hashes (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra embedded pyproject.toml -o requirements-embedded.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra embedded --extra dev pyproject.toml -o requirements-dev.txt

# A stamp beside the environment says which requirements it holds, so that only a change installs again.

$(VENV)/.made:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Python 3.11 or newer is needed: install it, or name it as in 'make run PYTHON=/path/to/python3.12'." >&2; exit 1; \
	fi; \
	echo "  Making the Python environment in $(VENV) …"; \
	"$$found" -m venv $(VENV) || { \
	  echo "Python cannot make an environment: install its venv module (on Debian and Ubuntu: apt install python3-venv)." >&2; \
	  exit 1; }
	@touch $@

$(VENV)/.embedded: requirements-embedded.txt $(VENV)/.made
	@echo "  Installing what the product needs (once) …"
	@$(PIP) install --require-hashes -r $<
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.made
	@echo "  Installing what the tests need (once) …"
	@$(PIP) install --require-hashes -r $<
	@touch $@ $(VENV)/.embedded
