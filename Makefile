# SPDX-License-Identifier: GPL-2.0
#
# kquic. Most targets work in the lab (tests/lab): a Debian root and a virtual
# machine, made and cached on first use; so nothing is needed on the host, and
# KERNEL=bpo builds and boots the backports kernel instead of Debian 13's own.
# `native` and `install` are for the machine they run on.

KVER    ?= $(shell uname -r)
O       ?= build/native
DESTDIR ?=
prefix  ?= /usr
SUITE   ?=
# In this order: each part finds what it needs in the build trees before it.
parts   := $(patsubst %/,%,$(dir $(wildcard kernel/Kbuild lib/Makefile tools/Makefile \
	bench/Makefile bpf/Makefile)))
part     = $(MAKE) -C $* O=$(abspath $(O))/$* prefix=$(prefix) \
	   DESTDIR=$(if $(DESTDIR),$(abspath $(DESTDIR)))
export KVER

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

all: build
build: ## build everything in the lab, into build/<kernel version>/
	@tests/lab/build

demo: build ## fetch a file through kernel QUIC in a VM, then against ngtcp2
	@tests/demo/run

test: ## run the tests, all or SUITE="unit vm ..."; see tests/suites
	@tests/lab/host python3
	@tests/run $(SUITE)

interop: build ## other engines, over the public runner's cases; PEER=a,b CASE=c,d
	@tests/lab/host python3
	@tests/interop/run $(if $(PEER),PEER=$(PEER)) $(if $(CASE),CASE=$(CASE)) \
		$(if $(ROLE),ROLE=$(ROLE)) $(if $(SINCE),"SINCE=$(SINCE)")

test-debug: ## the tests in a VM, and failing allocations, on a debug kernel; takes hours without KVM
	@tests/lab/host python3
	@KERNEL=debug tests/run $(or $(SUITE),vm http bpf ctl conformance offload offload-ways attack \
		wire xdp samba faults offload-faults)

lint: ## check style, types and the rules of the house
	@tests/lab/host python3
	@tests/lint/run

compliance: ## write docs/COMPLIANCE.md from docs/compliance
	@tests/lab/host python3
	@python3 tests/lint/compliance.py

bpftool: ## build bpftool with the patches of tools/bpftool, as build/bpftool
	@tests/lab/bpftool

bench: build ## what bytes, requests, handshakes and memory cost; docs/BENCH.md
	@tests/lab/host python3
	@bench/run.py --lab --plots

bench-quick: build ## instructions per byte and per request: TCP, kTLS, kquic, ngtcp2, nginx
	@tests/lab/host python3
	@bench/run.py --lab --group quick

bench-gate: build ## the most important of these against bench/baseline.json: TAP
	@tests/lab/host python3
	@bench/run.py --lab --gate

bench-baseline: build ## write bench/baseline.json
	@tests/lab/host python3
	@bench/run.py --lab --write-baseline

shell: build ## a shell in a VM that has everything installed
	@tests/lab/run --shell

root: ## build the lab's Debian root and the guests' image, and print where
	@tests/lab/root
	@tests/lab/image

native: $(addprefix native-,$(parts)) ## build for this machine's kernel, into build/native/
native-%:
	$(part)

install: $(addprefix install-,$(parts)) ## install for this machine's kernel; KVER=, prefix=, DESTDIR=
install-%:
	$(part) install

clean: ## remove build/
	rm -rf build

distclean: clean ## remove the lab's cache as well
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/kquic"

.PHONY: help all build demo test test-debug interop lint compliance bpftool bench bench-quick bench-gate bench-baseline shell root native install clean distclean
.NOTPARALLEL:
