# Each target makes its own environment: python3, a C compiler and a package index are enough.
#
#   make run                       install into .venv and watch the demo
#   make test                      the whole suite, types, stubs and style
#   make test PYTHON=python3.13    the same with another Python, in an environment of its own
#   make test-all                  with each supported Python that is installed, or each of PYTHONS
#   make properties                the property tests with 20,000 examples each
#   make sanitize                  the suite with the core under the address and undefined-behaviour sanitizers
#   make memcheck                  every public method and the corpus under valgrind
#   make reference-totals          the same round after round on a debug build of CPython, which counts references
#   make kill-rounds               readers of logs are killed at 200 random moments each, and go on without a loss
#   make fuzz                      fuzzing guided by coverage, SECONDS for each of TARGETS; goes on from the last run
#   make fuzz-sanitized            the same under the address and undefined-behaviour sanitizers
#   make coverage                  lines and branches of the core and of Python that the suite reaches
#   make mutants                   400 small faults in the core and 400 in Python, each of which a test has to notice
#   make leaks                     100,000 rounds of success and of each way to fail, and what the process holds then
#   make starve                    each allocation fails in turn, in every way to read a stream
#   make matrix                    every HTTP library by what can happen to its response, as a table
#   make targets                   every target of a relay by what its official clients make of it, as a table
#   make browser-differential      ten thousand random streams of events, as Chromium and as the decoder reads them
#   make docs                      the site of the documentation, into build/site
#   make release                   all that a release needs, short of uploading
#   make conformance               hold other decoders to the corpus; rewrites docs/conformance.md
#   make bench-serving             what encoders and relays cost; rewrites benchmarks/serving/RESULTS.md
#   make bench                     compare with other libraries; rewrites benchmarks/RESULTS.md
#   make memory                    how many bytes a stream takes while it waits
#   make bench-logs                compare the ways to read log files; rewrites benchmarks/logs/RESULTS.md
#   make recipes                   run the recipes for engines that read splits, Ray among them

PYTHON ?= python3
PYTHONS ?= $(shell .ci/pythons)
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifeq ($(origin PYTHON),file)
VENV ?= .venv
else
VENV ?= .venv-$(VERSION)
endif
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := pyproject.toml setup.py $(wildcard src/*)
# What is installed as a copy is installed again if any of it changed.
PACKAGE := $(wildcard ndstream/*.py ndstream/*/*.py ndstream/*/*/*.py)

# niquests brings a fork of urllib3, which takes urllib3's name unless it is built by itself and told not to.
export URLLIB3_NO_OVERRIDE = 1
export PIP_NO_BINARY = urllib3-future

.PHONY: run test test-all lint properties fuzz fuzz-sanitized fuzz-corpus sanitize memcheck reference-totals kill-rounds starve leaks matrix targets browser-differential bench memory bench-logs bench-serving recipes clean conformance docs release coverage mutants

run: $(VENV)/installed-cli
	$(BIN)/ndstream demo

test: $(VENV)/installed-cli,test lint
	$(BIN)/python -m pytest -q -rs

lint: $(VENV)/installed-cli,test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(BIN):$$PATH" cython-lint src/*.pyx src/*.pxi
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml ndstream._core

test-all:
	set -e; for python in $(PYTHONS); do $(MAKE) test PYTHON=$$python; done

properties: $(VENV)/installed-cli,test
	NDSTREAM_HYPOTHESIS=thorough $(BIN)/python -m pytest -q -o faulthandler_timeout=0 tests/core/test_properties.py \
		tests/core/test_stateful.py tests/core/test_concatenated.py

kill-rounds: $(VENV)/installed-cli,test
	NDSTREAM_KILL_ROUNDS=200 $(BIN)/python -m pytest -q -o faulthandler_timeout=0 tests/logs/test_kill_and_resume.py

leaks: $(VENV)/installed-cli,test
	cd tests && PYTHONPATH=.:conformance:.. ../$(BIN)/python -m failures.leaks

# On a CPython that survives it itself, as 3.11 does.
starve: $(VENV)/installed-cli,test
	NDSTREAM_STARVE=1 $(BIN)/python -m pytest -q -rs -o faulthandler_timeout=0 tests/failures/test_starvation.py

# Needs clang with its runtime. The lines of Python that are reached guide as well from CPython 3.12 on.
SECONDS ?= 600
FUZZ_SEED ?= 0
FUZZ = cd tests && PYTHONPATH=.:conformance NDSTREAM_FUZZ_STATE=../build/fuzz ../build/fuzz-$(1)/bin/python -m fuzz
RUNTIME = $$(clang -print-file-name=libclang_rt.$(1)-$$(uname -m).$(2))

fuzz: build/fuzz-plain/installed
	$(call FUZZ,plain) run --seconds $(SECONDS) --seed $(FUZZ_SEED) $(TARGETS)
	$(call FUZZ,plain) totals

fuzz-sanitized: build/fuzz-sanitized/installed
	$(call FUZZ,sanitized) run --seconds $(SECONDS) --seed $(FUZZ_SEED) --sanitized $(call RUNTIME,asan,so) $(TARGETS)

fuzz-corpus: build/fuzz-plain/installed
	$(call FUZZ,plain) keep

build/fuzz-sanitized/installed: export NDSTREAM_SANITIZE = 1
build/fuzz-%/installed: $(SOURCES) $(PACKAGE) tests/fuzz/libfuzzer.c
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check orjson
	CC=clang LDSHARED="clang -shared" NDSTREAM_FUZZ=1 \
		$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps --no-cache-dir .
	cd $(@D) && clang -shared -fPIC -O2 -I$$(bin/python -c "import sysconfig; print(sysconfig.get_paths()['include'])") \
		-o $$(bin/python -c "import sysconfig; print(sysconfig.get_paths()['platlib'])")/libfuzzer.so \
		../../tests/fuzz/libfuzzer.c -Wl,--whole-archive $(call RUNTIME,fuzzer_no_main,a) -Wl,--no-whole-archive \
		-lstdc++ -lpthread -ldl -lm
	touch $@

coverage: $(VENV)/installed-cli,test
	$(BIN)/python -m tests.reached

# Goes on from the last run; SEED for another sample.
SEED ?= 1
mutants: $(VENV)/installed-cli,test
	$(BIN)/python -m tests.mutants --seed $(SEED)

# The suite with the core under GCC's address and undefined-behaviour sanitizers, in a copy of the tree, so that the core
# of this one stays as it is. FOLDERS goes on behind those that are done.
FOLDERS ?= core streams sources llm conformance fuzz logs serving cli
SANITIZED := build/sanitized
sanitize:
	mkdir -p $(SANITIZED)
	git ls-files -z | tar --null -c -T - | tar -x -C $(SANITIZED)
	NDSTREAM_SANITIZE=1 $(MAKE) -C $(SANITIZED) .venv/installed-cli,test PYTHON=$(PYTHON) VENV=.venv
	cd $(SANITIZED) && set -e; for folder in $(FOLDERS); do \
		LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" PYTHONMALLOC=malloc \
		ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		.venv/bin/python -m pytest -q -rf -o faulthandler_timeout=0 tests/$$folder; done

# Every public method and the corpus, as valgrind sees them; needs valgrind with its suppressions for CPython, and a
# CPython that is clean by itself, which the builds of 3.11 by pyenv are not.
WATCHED := build/watched-$(VERSION)
memcheck: $(WATCHED)/installed
	cd tests && PYTHONPATH=.:conformance PYTHONMALLOC=malloc valgrind --quiet --error-exitcode=9 --num-callers=30 \
		--suppressions=/usr/lib/valgrind/python3.supp ../$(WATCHED)/bin/python -m memory.every_method

# The same round after round. PYTHON has to be a debug build of CPython, which counts all references.
reference-totals: $(WATCHED)/installed
	cd tests && PYTHONPATH=.:conformance ../$(WATCHED)/bin/python -m memory.reference_totals

$(WATCHED)/installed: $(SOURCES) $(PACKAGE)
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check orjson .
	touch $@

matrix: $(VENV)/installed-cli,test
	$(BIN)/python -m tests.over_http.matrix

targets: $(VENV)/installed-cli,test
	$(BIN)/python -m tests.serving.targets

browser-differential: $(VENV)/installed-cli,test
	PYTHONPATH=tests $(BIN)/python -m serving.browser_differential

# Other decoders live in an environment of their own; those from npm, and the Node.js that runs them, in a folder of it.
CONFORMANCE := build/conformance
conformance:
	test -x $(CONFORMANCE)/bin/python || $(PYTHON) -m venv $(CONFORMANCE)
	$(CONFORMANCE)/bin/python -m pip install --quiet --disable-pip-version-check . tests/conformance \
		--requirement tests/conformance/peers/requirements.txt
	mkdir -p $(CONFORMANCE)/npm && cp tests/conformance/peers/package.json $(CONFORMANCE)/npm/
	cd $(CONFORMANCE)/npm && npm install --silent --no-package-lock
	cd tests/conformance && ../../$(CONFORMANCE)/bin/python -m peers ../../docs/conformance.md ../../$(CONFORMANCE)/npm

docs: build/docs/installed
	NO_MKDOCS_2_WARNING=1 build/docs/bin/mkdocs build --quiet --strict
	@echo "open build/site/index.html"

build/docs/installed: docs/site_requirements.txt
	test -x build/docs/bin/python || $(PYTHON) -m venv build/docs
	build/docs/bin/python -m pip install --quiet --disable-pip-version-check --requirement docs/site_requirements.txt
	touch $@

release:
	.ci/release

bench: $(VENV)/installed-cli,bench
	$(BIN)/python -m benchmarks.compare

memory: $(VENV)/installed-cli,test
	$(BIN)/python -m benchmarks.memory_per_stream

bench-logs: $(VENV)/installed-bench-logs
	$(BIN)/python -m benchmarks.logs

recipes: $(VENV)/installed-recipes
	RAY_AUTH_MODE=disabled $(BIN)/python examples/recipes/check.py

bench-serving: $(VENV)/installed-cli,bench
	$(BIN)/python -m benchmarks.serving

$(VENV)/installed-%: $(SOURCES)
	@echo "compiling the core and installing the extras $* into $(VENV), which takes a minute or more the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[$*]'
	touch $@

# Not every platform has a wheel of the engine; without it, its tests are skipped and say so.
$(VENV)/installed-cli,test: $(SOURCES)
	@echo "compiling the core and installing all that tests use into $(VENV), which takes minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --only-binary xllamacpp --editable '.[cli,test,engine]' || $(INSTALL) --editable '.[cli,test]'
	touch $@

clean:
	rm -rf .venv* build dist *.egg-info ndstream/*.so
