# make demo: a small study from training to report; make test: what CI runs; make setup: the environment alone.
# make test-slow: evidence that takes minutes; make evidence-training: what training must show;
# make evidence-precision: what bfloat16 does to scores; make evidence-laptop: the study of 1,800 models.
# make evidence-dsprites: as much of the study of 2019 on dSprites as MINUTES of a GPU train and score.
# make docs: the site; make lists: what is generated from the files of plug-ins.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# An index to take torch from, for example the CPU builds of https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
MINUTES ?= 9
LOCK := -c constraints.txt

.PHONY: demo setup test test-slow lint lists docs evidence-training evidence-precision evidence-laptop evidence-dsprites clean
demo: setup
	$(BIN)/distaff study run studies/quick.py
	$(BIN)/distaff report studies/quick.py

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(LOCK) torch
	$(BIN)/pip install -q $(LOCK) -e '.[dev]'
	@$(BIN)/python -c "import torch; print('torch', torch.__version__, 'for', 'CUDA ' + torch.version.cuda if torch.version.cuda else 'the CPU')"
	@touch $@

lint: setup
	$(BIN)/ruff format --check src tests studies benchmarks docs
	$(BIN)/ruff check src tests studies benchmarks docs
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n 2 --dist loadfile

test-slow: setup
	$(BIN)/pip install -q $(LOCK) -e '.[ray]'
	$(BIN)/pytest -m slow

evidence-training: setup
	$(BIN)/python benchmarks/evidence_training.py

evidence-precision: setup
	$(BIN)/python benchmarks/evidence_precision.py

evidence-laptop: setup
	$(BIN)/distaff study run studies/laptop.py
	$(BIN)/python benchmarks/evidence_laptop.py

evidence-dsprites: setup
	$(BIN)/python benchmarks/evidence_dsprites.py --minutes $(MINUTES) --out out/dsprites_evidence
	$(BIN)/python benchmarks/evidence_dsprites.py --merge out/dsprites_evidence

lists: setup
	$(BIN)/python docs/lists.py
	$(BIN)/python docs/data/make.py

docs: setup
	$(BIN)/sphinx-build -W -q docs out/site
	@echo out/site/index.html

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
