# make setup: the environment alone; make test: what CI runs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# An index to take torch from, for example the CPU builds of https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
LOCK := -c constraints.txt

.PHONY: setup test lint clean
setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(LOCK) torch
	$(BIN)/pip install -q $(LOCK) -e '.[dev]'
	@$(BIN)/python -c "import torch; print('torch', torch.__version__, 'for', 'CUDA ' + torch.version.cuda if torch.version.cuda else 'the CPU')"
	@touch $@

lint: setup
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/mypy

test: lint
	$(BIN)/pytest

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
