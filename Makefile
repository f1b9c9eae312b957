# A fresh Debian machine needs make, git and Python 3.11; the rest is installed where it is missing.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export NXF_SYNTAX_PARSER := v2
export NXF_ANSI_LOG := false

PIP := $(wildcard containers/*.pip)
DATA := $(wildcard containers/*.data)
ANALYSES := $(PIP:containers/%.pip=%)
TOOLS := gseapy pytest pytest-xdist ruff selenium
VERSION := $(shell sed -n "s/^ *version *= '\(.*\)'/\1/p" nextflow.config)
ENGINE := docker

.PHONY: help demo test lint bench oracles images versions clean
help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' Makefile | expand -t 10

demo: .venv/ready  ## run the pipeline on the simulated small study; results/ is what it makes
	nextflow run . -profile test -resume
	@cat results/report/findings.txt
	@echo "Now open results/report/multiqc_report.html"

test: lint  ## all checks: lint, units, oracles, contract, whole runs of the pipeline, the report in a browser
	containers/install tests/browser.apt
	pytest -n $$(nproc) --dist loadgroup --no-loadscope-reorder

lint: .venv/ready  ## style and syntax, Python and Nextflow
	ruff check .
	ruff format --check .
	nextflow lint -exclude .venv -exclude work .

bench: .venv/ready  ## time and memory beside the rival of each kernel, as ratios
	@for script in tests/bench/*.py; do python $$script || exit 1; done

oracles: .venv/ready  ## write tests/oracles/*.tsv anew with R, Bioconductor and bcftools
	containers/install tests/oracles/r.apt
	@for script in tests/oracles/*.R; do echo "$$script"; (cd tests/oracles && Rscript $${script##*/}) || exit 1; done
	cd tests/oracles && PYTHONPATH=../../bin:.. python annotate_variants.py

images: $(ANALYSES:%=image-%)  ## build one container image per analysis
image-%:
	$(ENGINE) build --build-arg ANALYSIS=$* --tag nrf2flow/$*:$(VERSION) containers

versions:  ## write containers/constraints.txt anew, from the newest releases
	python3 -m venv --clear .venv
	.venv/bin/pip install -q $(PIP:%=-r %) $(TOOLS)
	.venv/bin/pip install -q --no-deps $(DATA:%=-r %)
	{ head -1 containers/constraints.txt; .venv/bin/pip freeze; } > .venv/constraints.txt
	mv .venv/constraints.txt containers

clean:  ## remove all that the other targets make
	rm -rf .venv nextflow/lib work results .nextflow* .*_cache

# In one resolver call, so that every analysis is tested with the versions that its image has.
.venv/ready: $(PIP) $(DATA) $(wildcard containers/*.apt) containers/constraints.txt containers/install $(wildcard nextflow/*)
	containers/install containers/*.apt
	python3 -c 'import ensurepip' 2>/dev/null || echo 'python3-venv -' | containers/install /dev/stdin
	python3 -m venv .venv
	.venv/bin/pip install -q -c containers/constraints.txt $(PIP:%=-r %) $(TOOLS)
	.venv/bin/pip install -q -c containers/constraints.txt --no-deps $(DATA:%=-r %)
	nextflow/install .venv/bin
	touch $@
