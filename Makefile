# SPDX-License-Identifier: GPL-2.0
#
# edutcp: build, run and test.  "make help" lists what there is.
#
# All that is made goes to build/; kernels and the test harness go to a cache
# folder outside (see selftests/vm/provision).  Variables:
#
#   KDIR=FOLDER    headers of the kernel to build the module for; default: those
#                  of the running kernel, else those of the VM's
#   KERNEL=NAME    the VM's kernel: 6.1, 6.12, 6.12-rt-amd64, newest, arm64, ...,
#                  or one that is built from source, which takes minutes: debug,
#                  kcsan, coverage
#   TESTS=core     in the VM, run only the tests that say most (CORE_TESTS in
#                  selftests/Makefile)
#   K="NAME..."    the kernels that "make matrix" is to run; default: all
#   T=NAME         the one test that "make test" is to run
#   A=NAME         the one analyser that "make check-static" is to run
#   M=NAME         the one fault that "make mutate" is to plant
#   CMD=COMMAND    what "make vm-run" is to run
#   FUZZ_SECONDS=N  for each target of "make fuzz"; default 300
#   FUZZ_TARGET=NAME  the one target that "make fuzz" is to run
#   VM_FLAGS=...   more options for selftests/vm/run, e.g. "-c 1" or "-I"
#   W=1 C=1        Kbuild's: extra warnings (on by default), sparse

KERNEL   ?= 6.1
W        ?= 1
VM_FLAGS ?=

PROVISION := selftests/vm/provision
VM        := selftests/vm/run -k $(KERNEL) $(VM_FLAGS)

# These two are pieces of shell, run when a recipe needs them and not before:
# "make help" must not download a kernel.
VM_KDIR   := $$($(PROVISION) kernel $(KERNEL))/lib/modules/*/build
KSELFTEST := $$($(PROVISION) kselftest)

KDIR ?= $(or $(wildcard /lib/modules/$(shell uname -r)/build),$(VM_KDIR))

# What a VM of another architecture runs is cross-compiled, into a folder of
# its own.
ifeq ($(filter %arm64,$(KERNEL)),)
PROGRAMS := build
else
PROGRAMS := build/arm64
CROSS    := arm64
userspace: export CC := aarch64-linux-gnu-gcc
vm-tests: export CROSS_COMPILE := aarch64-linux-gnu-
endif

# CMD goes to the recipe through the environment, as it is: make would expand
# each "$" in it, and the shell each quote.
unexport CMD
export VM_COMMAND := $(value CMD)

# The suite gets what it needs through the environment, too.
export KERNEL T TESTS VM_FLAGS

.DEFAULT_GOAL := all
.PHONY: all module userspace vm-module run shell vm-run test check-core \
	check check-debug check-deep check-static mutate coverage coverage-core fuzz \
	fuzz-coverage conformance host-tests explore-tests fuzz-tests vm-tests \
	matrix matrix-readme checkpatch shellcheck clean \
	distclean clean-cache help

# ---------------------------------------------------------------------- build

all: module userspace	## build the module (for KDIR) and the tools

# $(call build-module,KDIR)
#
# Kbuild leaves its products beside the sources, so each kernel gets a folder
# of links to the sources: builds for several kernels lie side by side.  Links
# to sources that are gone go first, and everything if the folder was for another
# kernel of the same name: make would not know.
#
# CONFIG_DEBUG_INFO_BTF_MODULES is switched off since BTF would need the
# vmlinux that Debian's headers do not have; Kbuild complains of that each time.
# GCOV_PROFILE says something to kernels that can count only ("make coverage").
define build-module
	set -e; \
	kdir=$$(realpath -e $(1)); \
	release=$$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$$kdir/include/generated/utsrelease.h"); \
	dir=$(CURDIR)/build/module-$$release; \
	mkdir -p "$$dir"; \
	[ "$$(cat "$$dir/.kdir" 2>/dev/null)" = "$$kdir" ] || \
		find "$$dir" -mindepth 1 -delete; \
	echo "$$kdir" > "$$dir/.kdir"; \
	find "$$dir" -xtype l -delete; \
	cd module; \
	find . -type d -exec mkdir -p "$$dir/{}" ';'; \
	find . -type f '(' -name '*.[chS]' -o -name Kbuild ')' ! -name '*.mod.c' \
		-exec ln -sfn "$$PWD/{}" "$$dir/{}" ';'; \
	MAKE=$(MAKE) $(CURDIR)/selftests/vm/make-module "$$kdir" M="$$dir" W=$(W) GCOV_PROFILE=y \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
endef

module:		## build the module for KDIR, in build/module-RELEASE
	@$(PROVISION) packages build
	+@$(call build-module,$(KDIR))

vm-module:	## build the module for the VM's kernel
	@$(PROVISION) packages build $(CROSS)
	+@$(call build-module,$(VM_KDIR))

userspace:	## build the tools, in build/userspace
	@$(PROVISION) packages core $(CROSS)
	@$(MAKE) --no-print-directory -C userspace O=$(abspath $(PROGRAMS)/userspace)

# ------------------------------------------------------------------------ run

run: vm-module userspace	## show edutcp at work, in a VM
	@$(VM) selftests/vm/stage userspace/demo.sh

shell: vm-module userspace	## a shell in a VM with edutcp and two hosts
	@$(VM) -i selftests/vm/stage

vm-run: vm-module userspace	## run CMD in such a VM
	@$(VM) selftests/vm/stage "$$VM_COMMAND"

# ----------------------------------------------------------------------- test

test: vm-module userspace host-tests explore-tests fuzz-tests vm-tests	## run all tests, or the one named by T
	@selftests/suite virtual + documents host explore fuzz failing real

# All tests on Debian's kernel; those that say most on a newer one; and on the debug
# kernel, which takes four times as long, those in which much happens at once, and
# of those that say most all that do not count milliseconds.
check: userspace host-tests explore-tests fuzz-tests vm-tests	## what each change has to pass: three kernels
	+@$(MAKE) --no-print-directory vm-module KERNEL=6.1
	+@$(MAKE) --no-print-directory vm-module KERNEL=debug
	+@$(MAKE) --no-print-directory vm-module KERNEL=6.12
	@selftests/suite real@debug + virtual@6.1 core@6.12 + \
		documents host explore fuzz failing@6.1 real@6.1 untimed@debug

matrix:		## run the VM's tests on every kernel that we name, or those in K
	@selftests/matrix run $(K)
	@selftests/matrix table

matrix-readme:	## write the results of "make matrix" into README.md
	@selftests/matrix readme

check-core: host-tests	## test only the protocol core, without a VM
	@selftests/suite documents host

conformance:	## check the list of requirements, Documentation/conformance.rst
	@selftests/conformance

# Each kernel's module, then the tests of all with one result.
check-debug: userspace vm-tests	## run the VM's tests on kernels that look for faults; do they find planted ones?
	+@$(MAKE) --no-print-directory vm-module KERNEL=debug
	+@$(MAKE) --no-print-directory vm-module KERNEL=kcsan
	@selftests/suite virtual@debug virtual@kcsan + real@debug real@kcsan planted@debug planted@kcsan

check-deep: explore-tests	## explore the protocol core in all scopes: minutes
	@build/kselftest-explore/explore/explore --deep

mutate:		## plant known faults in the core, or the one named by M: are they caught?
	@$(PROVISION) packages core
	@selftests/mutate --kselftest "$(KSELFTEST)/tools/testing/selftests" $(M)

# The tests as "make test" runs them, but built to count; "_exit" is how a test
# ends, which would leave out to write what was counted.
coverage: userspace vm-tests	## which lines of the module all tests reach: an hour
	@$(PROVISION) packages core coverage
	+@$(MAKE) --no-print-directory vm-module KERNEL=coverage
	@rm -rf build/coverage
	+@$(COUNT_CORE)
	@mkdir -p build/coverage/module
	@status=0; \
	KERNEL=coverage VM_FLAGS="$(VM_FLAGS) -o $(CURDIR)/build/coverage/module" \
		selftests/suite virtual + real || status=1; \
	selftests/coverage module && selftests/coverage report && exit $$status

coverage-core:	## which lines and branches of the core the host tests reach
	@$(PROVISION) packages core coverage
	@rm -rf build/coverage
	+@$(COUNT_CORE)
	@selftests/coverage report

define COUNT_CORE
	set -e; \
	$(MAKE) --no-print-directory -s -C selftests/host all \
		KSELFTEST_DIR="$(KSELFTEST)/tools/testing/selftests" \
		OUTPUT=$(abspath build/coverage/core) \
		SANITIZE="-O0 --coverage -D_exit=exit"; \
	selftests/coverage core
endef

# Both run on this machine: those of the core, and the explorer.
host-tests explore-tests: %-tests:
	@$(PROVISION) packages core
	@$(MAKE) --no-print-directory -s -C selftests/$* install \
		KSELFTEST_DIR="$(KSELFTEST)/tools/testing/selftests" \
		OUTPUT=$(abspath build/selftests-$*) \
		INSTALL_PATH=$(abspath build/kselftest-$*)

# Into a folder of its own: kselftest's list of tests is one a folder.
fuzz-tests:
	@$(PROVISION) packages core fuzz
	@$(MAKE) --no-print-directory -s -C selftests/fuzz install \
		KSELFTEST_DIR="$(KSELFTEST)/tools/testing/selftests" \
		OUTPUT=$(abspath build/selftests-fuzz) \
		INSTALL_PATH=$(abspath build/kselftest-fuzz)

fuzz: fuzz-tests	## fuzz the core for longer; what is found is kept in build/fuzz
	@FUZZ_SECONDS="$(or $(FUZZ_SECONDS),300)" FUZZ_TARGET="$(FUZZ_TARGET)" \
		FUZZ_CORPUS=build/fuzz/corpus FUZZ_ARTIFACTS=build/fuzz \
		build/kselftest-fuzz/fuzz/fuzz.py

fuzz-coverage:	## which lines of the core the inputs found so far reach
	@$(PROVISION) packages core fuzz
	@rm -f build/selftests-fuzz/counted/*.profile
	@$(MAKE) --no-print-directory -s -C selftests/fuzz coverage \
		KSELFTEST_DIR="$(KSELFTEST)/tools/testing/selftests" \
		OUTPUT=$(abspath build/selftests-fuzz) \
		FUZZ_CORPUS=$(abspath build/fuzz/corpus)

vm-tests:
	@$(PROVISION) packages core $(CROSS)
	@$(MAKE) --no-print-directory -s -C selftests install \
		KSELFTEST_DIR="$(KSELFTEST)/tools/testing/selftests" \
		OUTPUT=$(abspath $(PROGRAMS)/selftests) \
		INSTALL_PATH=$(abspath $(PROGRAMS)/kselftest)

# ---------------------------------------------------------------------- check

# Programs are held to the kernel's style but for what they cannot have, the
# kernel's names for attributes; and what a signal handler shares is volatile.
# trace.h is laid out as trace headers are, which checkpatch does not know.
checkpatch:	## check the C code's style (settings: .checkpatch.conf)
	@$(PROVISION) packages lint
	@check="perl $(KSELFTEST)/scripts/checkpatch.pl -f"; status=0; \
	find module -name '*.[ch]' ! -name '*.mod.c' ! -name trace.h | sort | xargs $$check || status=1; \
	find userspace selftests -name '*.[ch]' | sort | xargs -r $$check --ignore \
		PREFER_DEFINED_ATTRIBUTE_MACRO,VOLATILE || status=1; \
	exit $$status

# SC1091: files sourced are checked by themselves (they say "shellcheck shell").
# SC2317: functions called by way of a variable or a trap are not unreachable.
shellcheck:	## check the shell scripts
	@$(PROVISION) packages lint
	@grep -rslIE '^#!.*[/ ](ba|da)?sh|^# shellcheck shell=' .ci selftests userspace | sort | \
		xargs shellcheck -e SC1091,SC2317

check-static:	## what static analysis finds, or the analyser named by A
	@selftests/static $(A)

# ---------------------------------------------------------------------- clean

clean distclean:	## remove all that was built
	rm -rf build

clean-cache:	## remove the kernels and the harness that were downloaded
	rm -rf "$${EDUTCP_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/edutcp}"

help:		## list these targets
	@awk -F ':.*## ' '/^[a-z].*## / { printf "  %-16s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
