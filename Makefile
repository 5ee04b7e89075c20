# Everything from a bare Python: `make demo`, `make test`, `make bench`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed

.PHONY: demo test gallery bench clean

demo: $(INSTALLED)
	$(BIN)/python demos/fit_globe.py

test: $(INSTALLED)
	$(BIN)/python -m pytest

# Runs all demos and makes the pictures in docs/images from theirs.
gallery: $(INSTALLED)
	$(BIN)/python demos/gallery.py

# Measures how fast it is, beside other renderers where they are installed (extra `peers`). BENCH="--docs" puts the
# results into docs/benchmarks.md.
bench: $(INSTALLED)
	$(BIN)/python -m benchmarks $(BENCH)

$(INSTALLED): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,demos]'
	@touch $@

clean:
	rm -rf $(VENV) demos/output benchmarks/output
