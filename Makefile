# A fresh Debian machine needs make, git and Python 3.11; the rest is installed where it is missing.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export NXF_SYNTAX_PARSER := v2
export NXF_ANSI_LOG := false

PIP := $(wildcard containers/*.pip)
DATA := $(wildcard containers/*.data)
ANALYSES := $(PIP:containers/%.pip=%)
TOOLS := gseapy pytest pytest-xdist ruff selenium
VERSION := $(shell sed -n "s/^ *version *= '\(.*\)'/\1/p" nextflow.config)
# Of containers: docker or podman. The demo runs without if none is named.
ENGINE :=
REGISTRY := localhost/nrf2flow
BUILD_OPTIONS :=
IMAGES := $(ANALYSES:%=$(REGISTRY)/%:$(VERSION))

.PHONY: help demo test test-images faults lint bench oracles images engine push versions clean
help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | expand -t 13

demo: $(if $(ENGINE),.venv/nextflow,.venv/ready)  ## run the pipeline on the simulated small study; ENGINE=podman: in the images
	nextflow run . -profile test$(ENGINE:%=,%) --registry $(REGISTRY) -resume
	@cat results/report/findings.txt
	@echo "Now open results/report/multiqc_report.html"

test: lint  ## all checks: lint, units, oracles, contract, whole runs of the pipeline, the report in a browser
	containers/install tests/browser.apt
	pytest -n $$(nproc) --no-loadscope-reorder

faults: .venv/ready  ## kills, full disks, lost nodes and the like, each as a whole run (CASES="..." for some)
	-containers/install tests/faults/slurm.apt
	@python tests/faults/run.py $(CASES)

lint: .venv/ready  ## style and syntax, Python and Nextflow
	ruff check .
	ruff format --check .
	nextflow lint -exclude .venv -exclude work -exclude results .

bench: .venv/ready  ## time and memory beside the rival of each kernel, as ratios
	@for script in tests/bench/*.py; do python $$script || exit 1; done

oracles: .venv/ready  ## write tests/oracles/*.tsv anew with R, Bioconductor and bcftools
	containers/install tests/oracles/r.apt
	@for script in tests/oracles/*.R; do echo "$$script"; (cd tests/oracles && Rscript $${script##*/}) || exit 1; done
	cd tests/oracles && PYTHONPATH=../../bin:.. python annotate_variants.py

# One after another, so that the layers that images share are made once.
images: engine  ## build one container image per analysis, and print their sizes
	@for analysis in $(ANALYSES); do \
		echo "$$analysis"; \
		$(ENGINE) build --quiet $(BUILD_OPTIONS) --build-arg ANALYSIS=$$analysis --tag $(REGISTRY)/$$analysis:$(VERSION) containers >/dev/null || exit 1; \
	done
	@containers/sizes $(ENGINE) $(IMAGES)

test-images: engine .venv/ready  ## ask each image for its versions and commands, and run its script in it
	pytest tests/images --engine $(ENGINE) --registry $(REGISTRY)

push: engine  ## send the images to REGISTRY, from where clusters and clouds take them
	@for image in $(IMAGES); do $(ENGINE) push --quiet $$image || exit 1; done

engine:
	@[ -n "$(ENGINE)" ] || { echo 'Say which engine of containers: ENGINE=docker or ENGINE=podman' >&2; exit 1; }

versions:  ## write containers/constraints.txt anew, from the newest releases
	python3 -m venv --clear .venv
	.venv/bin/pip install -q $(PIP:%=-r %) $(TOOLS)
	.venv/bin/pip install -q --no-deps $(DATA:%=-r %)
	{ head -1 containers/constraints.txt; .venv/bin/pip freeze; } > .venv/constraints.txt
	mv .venv/constraints.txt containers

clean:  ## remove all that the other targets make
	rm -rf .venv nextflow/lib work results .nextflow* .*_cache

# In one resolver call, so that every analysis is tested with the versions that its image has.
.venv/ready: .venv/nextflow $(PIP) $(DATA) $(wildcard containers/*.apt) containers/constraints.txt containers/install $(wildcard nextflow/*)
	containers/install containers/*.apt
	python3 -c 'import ensurepip' 2>/dev/null || echo 'python3-venv -' | containers/install /dev/stdin
	python3 -m venv .venv
	.venv/bin/pip install -q -c containers/constraints.txt $(PIP:%=-r %) $(TOOLS)
	.venv/bin/pip install -q -c containers/constraints.txt --no-deps $(DATA:%=-r %)
	touch $@

.venv/nextflow: containers/install $(wildcard nextflow/*)
	mkdir -p .venv/bin
	nextflow/install .venv/bin
	touch $@
