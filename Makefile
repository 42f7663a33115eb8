# Each target sets up .venv by itself; a stamp in it says what is installed, so a second run starts at once.
# `make PYTHON=python3.12 ...` picks the interpreter, `make TORCH=... ...` another build of torch.

PYTHON ?= python3
TORCH ?= torch>=2.9,<2.16
VENV := .venv
BIN := $(VENV)/bin
RUN ?= runs/demo

.PHONY: demo dev test fuzz lint docs clean

demo: $(VENV)/installed-train
	$(BIN)/hnas demo --run-dir $(RUN) --overwrite

dev: $(VENV)/installed-dev

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n auto

fuzz: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m fuzz -s tests/fuzz

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/installed-docs
	NO_MKDOCS_2_WARNING=1 DOCS_PAGE=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# torch comes first and alone: whatever build that gives (CPU or CUDA) is then kept by the project's own install.
$(VENV)/torch:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "hnas needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Run: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "installing torch into $(VENV): some GB with CUDA, and minutes"
	$(BIN)/python -m pip install --quiet '$(TORCH)'
	@touch $@

$(VENV)/installed-%: pyproject.toml | $(VENV)/torch
	@echo "installing hnas and what it needs into $(VENV): a minute or a few"
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@
