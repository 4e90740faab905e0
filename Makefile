# stoker: "make help" lists the targets.  Plain GNU make; everything built goes to $(BUILD).

VERSION := 0.1.0
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
SYSCONFDIR ?= /etc
DESTDIR ?=
# A data set of class folders of JPEGs for the demo; its own is drawn where this is empty.
DATA ?=
# make bench QUICK=1 measures each thing once, for a moment.
QUICK ?=
# make check SAN=address,undefined builds and tests under sanitizers, in a folder of its own.
SAN ?=
comma := ,
BUILD ?= build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(if $(CI),-Werror)
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# -ffp-contract=off: the plan's arithmetic is the same on every machine (PROTOCOL.md, "plan 1").
STK_CFLAGS = -std=c17 -D_GNU_SOURCE -I. -fPIC -pthread -ffp-contract=off -MMD -MP $(WARNINGS) \
	-DSTOKER_VERSION='"$(VERSION)"' $(SAN_FLAGS) $(PACKAGE_CFLAGS)
STK_LDFLAGS = -pthread $(SAN_FLAGS) $(LDFLAGS)

# Reports about libraries that the sanitizers cannot look into.
export LSAN_OPTIONS ?= suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0
export TSAN_OPTIONS ?= suppressions=$(CURDIR)/tests/tsan.supp

# Asked once, and only by what compiles: the targets that install packages come before them.
# What there are alternatives to is asked for quietly; without the others nothing can be built.
# Debian 13 and later call msgpack's C library msgpack-c.
once = $(eval $(1) := $(shell $(2)))$($(1))
need = $(eval $(1) := $(shell $(2)))$(if $(filter 0,$(.SHELLSTATUS)),$($(1)),$(missing))
missing = $(error libraries are missing; ".ci/packages build" installs them)
MSGPACK = $(call once,MSGPACK,pkg-config --exists msgpack-c 2>/dev/null && echo msgpack-c \
	|| echo msgpack)
SYSTEMD = $(call once,SYSTEMD,pkg-config --exists libsystemd 2>/dev/null && echo libsystemd)
PACKAGE_CFLAGS = $(call need,PACKAGE_CFLAGS,pkg-config --cflags libuv libzmq $(MSGPACK) libjpeg \
	libconfuse libxxhash libmicrohttpd jansson cairo)
libs = $(shell pkg-config --libs $(1))
DAEMON_LIBS = $(call need,DAEMON_LIBS,pkg-config --libs libuv libzmq $(MSGPACK) libjpeg \
	libconfuse libxxhash libmicrohttpd $(SYSTEMD) && echo -lm)
CLIENT_LIBS = $(call need,CLIENT_LIBS,pkg-config --libs libzmq $(MSGPACK))
COMMAND_LIBS = $(call need,COMMAND_LIBS,pkg-config --libs libxxhash jansson cairo ncursesw libconfuse libjpeg \
	&& echo -lm)

# One folder a stage; "make lint" holds the includes to this order.
NOTIFY_SRC = daemon/notify_$(if $(SYSTEMD),systemd,none).c
LOOP_SRC = $(wildcard daemon/server/*.c) $(NOTIFY_SRC)
PROTO_SRC := $(wildcard proto/*.c)
DAEMON_SRC := $(PROTO_SRC) $(wildcard config/*.c) $(filter-out daemon/main.c daemon/server/%.c \
	daemon/notify_%.c,$(wildcard daemon/*.c daemon/*/*.c))
CLIENT_SRC := $(PROTO_SRC) $(wildcard client/*.c)
COMMAND_SRC := $(wildcard client/command/*.c client/doctor/*.c)

object = $(patsubst %.c,$(BUILD)/%.o,$(1))
program = $(patsubst %.c,$(BUILD)/%,$(wildcard $(1)))
SONAME := libstoker.so.0
PROGRAMS := $(BUILD)/stokerd $(BUILD)/stoker
LIBRARIES := $(BUILD)/libstoker.a $(BUILD)/$(SONAME)
EXAMPLES := $(call program,client/examples/*.c)
TESTS := $(call program,tests/check_*.c)
TOOLS := $(call program,tests/tools/*.c)
FUZZERS := $(call program,tests/fuzz/*.c)
CHAOS := $(call program,tests/chaos/*.c)
MINUTES ?= 1
# Areas and views of random pictures for make check-long; as many as that take some twenty minutes.
CASES ?= 1000000

# make chaos: as many kills and batches, or so many hours; SEED=7 repeats a run's faults.
KILLS ?=
BATCHES ?=
HOURS ?=

.PHONY: all demo example check check-long chaos soak bench fuzz lint install uninstall dist clean help packages-demo \
	packages-example packages-check packages-bench packages-lint run-demo run-example run-check run-check-long \
	run-chaos run-soak run-bench \
	run-lint tests hostile packages-hostile run-hostile
.PHONY: deb check-deb packages-deb run-deb run-check-deb
.PHONY: check-faults run-check-faults wheel packages-wheel run-wheel check-sandbox run-check-sandbox

all: $(PROGRAMS) $(LIBRARIES)

help:
	@echo 'make                build stokerd, stoker and libstoker in $(BUILD)/'
	@echo 'make demo           stream a drawn data set to a trainer, make a picture of a batch'
	@echo 'make demo DATA=DIR  the same with your folder of class folders of JPEGs'
	@echo 'make example        train with PyTorch on the drawn data set, stop, go on'
	@echo 'make check          run every test; SAN=address,undefined or SAN=thread sanitizes'
	@echo 'make check-long     random crops and views alone, CASES=1000000; SEED=7 draws others'
	@echo 'make chaos          kill daemons and trainers; HOURS=1, or KILLS=1000 BATCHES=100000, SEED=7'
	@echo 'make check-faults   fail every allocation and system call of the daemon once'
	@echo 'make check-sandbox  every test, the daemons with the system calls of the unit alone'
	@echo 'make soak           stream for MINUTES=30: memory, descriptors and threads stay as they are'
	@echo 'make bench          measure against libjpeg-turbo and PyTorch; DATA=DIR, QUICK=1'
	@echo 'make hostile        what a good trainer keeps beside strangers that do their worst'
	@echo 'make fuzz MINUTES=1 fuzz with libFuzzer what reads bytes of strangers; or SECONDS=24'
	@echo 'make lint           hold the source to the house rules'
	@echo 'make wheel          the Python package as a wheel and an sdist in $(BUILD)/wheel/'
	@echo 'make deb            Debian packages of the last commit in $(BUILD)/deb/, looked over by lintian'
	@echo 'make check-deb      install, use and purge them in a clean Debian; needs root'
	@echo 'make install        install below PREFIX=$(PREFIX), DESTDIR is honoured'
	@echo 'make uninstall      take it away again; the configuration stays'
	@echo 'make dist           a tar ball of the last commit in dist/'
	@echo 'make clean          remove build/ and dist/'
	@echo 'demo, example, check, bench and lint install the packages they need (Debian, Ubuntu).'

# What a user calls installs packages first, then makes the rest in a second make, which may ask
# pkg-config.
demo check bench fuzz hostile lint wheel deb check-deb: %: packages-%
	@$(MAKE) --no-print-directory run-$*

check-long check-faults check-sandbox chaos soak: %: packages-check
	@$(MAKE) --no-print-directory run-$*

packages-demo:
	@.ci/packages build

packages-example:
	@.ci/packages build example

# Without torchvision its tests are skipped, which is fine where somebody just has a look.
packages-check:
	@.ci/packages build check $(if $(CI),reference)

packages-bench:
	@.ci/packages build bench

packages-fuzz:
	@.ci/packages build fuzz

packages-hostile:
	@.ci/packages build check

packages-lint:
	@.ci/packages build check lint

run-demo: $(PROGRAMS) $(BUILD)/stoker-demo-draw
	@tests/demo/run $(BUILD) $(DATA)

run-example: $(PROGRAMS) $(BUILD)/stoker-demo-draw
	@tests/demo/train $(BUILD)

run-check: tests
	@tests/run $(BUILD)

run-check-long: export STOKER_CASES = $(CASES)
run-check-long: export STOKER_SEED = $(or $(SEED),1)
run-check-long: export STOKER_BUILD = $(abspath $(BUILD))
run-check-long: tests
	@$(BUILD)/tests/check_crops
	@STOKER_CASES=$$(($(CASES) / 8)) $(BUILD)/tests/check_jpeg_map
	@/usr/bin/python3 -m pytest -q -p no:cacheprovider -k random tests/integration/test_pixels.py

run-chaos: export STOKER_BUILD = $(abspath $(BUILD))
run-chaos: tests
	@/usr/bin/python3 tests/chaos/run.py $(if $(KILLS),--kills $(KILLS)) \
		$(if $(BATCHES),--batches $(BATCHES)) $(if $(HOURS),--hours $(HOURS)) \
		$(if $(SEED),--seed $(SEED))

run-soak: export STOKER_BUILD = $(abspath $(BUILD))
run-soak: MINUTES = 30
run-soak: tests
	@/usr/bin/python3 tests/chaos/soak.py --minutes $(MINUTES)

# Every call that can fail, instead of a sample of them.
run-check-faults: export STOKER_FAULTS = all
run-check-faults: export STOKER_BUILD = $(abspath $(BUILD))
run-check-faults: tests
	@/usr/bin/python3 -m pytest -q -rP -p no:cacheprovider tests/integration/test_faults.py

# Every daemon that a test starts has the unit's system calls and no others; one more ends it.
run-check-sandbox: export STOKER_SANDBOX = 1
run-check-sandbox: export STOKER_BUILD = $(abspath $(BUILD))
run-check-sandbox: tests
	@/usr/bin/python3 -m pytest -q -rfEs -p no:cacheprovider -n $$(nproc) --dist loadfile \
		tests/integration tests/python

run-bench: $(PROGRAMS) $(BUILD)/stokerd-library $(BUILD)/stoker-measure $(BUILD)/stoker-demo-draw
	@/usr/bin/python3 tests/bench/run.py $(BUILD) $(if $(DATA),--data '$(DATA)') \
		$(if $(QUICK),--quick)

# libFuzzer is clang's, and instruments everything, so it has a build folder of its own.
run-fuzz:
	@command -v clang >/dev/null || { echo "skipped: make fuzz (no clang)"; exit 0; }; \
	$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,address,undefined BUILD=build/fuzz \
		fuzzers && tests/fuzz/run build/fuzz $(or $(SECONDS),$$(($(MINUTES) * 60)))

run-hostile: $(PROGRAMS)
	@/usr/bin/python3 tests/hostile/measure.py $(abspath $(BUILD)) --seconds $(or $(SECONDS),1)

run-lint:
	@/usr/bin/python3 tests/lint.py

packages-deb packages-check-deb:
	@.ci/packages build deb

run-deb:
	@systemd/build-deb $(BUILD) $(VERSION)

run-check-deb: run-deb $(BUILD)/stoker-demo-draw
	@tests/deb/run $(BUILD)

packages-wheel:
	@.ci/packages wheel

# setuptools writes beside what it builds, so it gets a copy.  Nothing is fetched.
run-wheel:
	@rm -rf $(BUILD)/python $(BUILD)/wheel
	@mkdir -p $(BUILD)/python
	@cp -R client/python/pyproject.toml client/python/README.md client/python/stoker LICENSE \
		$(BUILD)/python
	@cd $(BUILD)/python && /usr/bin/python3 -m build --no-isolation --outdir ../wheel . >build.log \
		|| { cat build.log; exit 1; }
	@ls $(BUILD)/wheel/*

# Objects.

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(STK_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# The kernels are where the time goes.
$(BUILD)/daemon/image/%.o $(BUILD)/daemon/mix/%.o: CFLAGS += -O3

# What it takes in is told by no .d file.
$(BUILD)/daemon/server/page.o: $(wildcard daemon/page/*)

# An example says <stoker.h>, as its users do.
$(BUILD)/client/examples/%.o: STK_CFLAGS += -Iclient

# Libraries.

define archive
	@rm -f $@
	$(AR) rcs $@ $^
endef

$(BUILD)/libdaemon.a: $(call object,$(DAEMON_SRC))
	$(archive)

$(BUILD)/libloop.a: $(call object,$(LOOP_SRC))
	$(archive)

$(BUILD)/libstoker.a: $(call object,$(CLIENT_SRC))
	$(archive)

$(BUILD)/$(SONAME): $(call object,$(CLIENT_SRC)) client/libstoker.map
	$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=client/libstoker.map \
		$(STK_LDFLAGS) -o $@ $(filter %.o,$^) $(CLIENT_LIBS)

# Programs.

$(BUILD)/stokerd: $(BUILD)/daemon/main.o $(BUILD)/libloop.a $(BUILD)/libdaemon.a
	$(CC) $(STK_LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

# stokerd on a disk that fails when a test says so, and whose http server ages as fast as it wants.
$(BUILD)/stokerd-disk: $(BUILD)/daemon/main.o $(BUILD)/tests/faults/disk.o \
		$(BUILD)/tests/faults/haste.o $(BUILD)/libloop.a $(BUILD)/libdaemon.a
	$(CC) $(STK_LDFLAGS) -Wl,--wrap=pread,--wrap=pwrite,--wrap=statx,--wrap=statvfs \
		-Wl,--wrap=server_http_tick -o $@ $^ $(DAEMON_LIBS)

# stokerd that decodes with libjpeg-turbo alone, to compare with.
$(BUILD)/stokerd-library: $(BUILD)/daemon/main.o $(BUILD)/tests/bench/library.o $(BUILD)/libloop.a \
		$(BUILD)/libdaemon.a
	$(CC) $(STK_LDFLAGS) -Wl,--wrap=decode_open -o $@ $^ $(DAEMON_LIBS)

# stokerd with calls that fail: what the daemon's own objects call by these names, tests/faults gets.
FAULTS := malloc calloc realloc reallocarray aligned_alloc strdup strndup fstat stat statx flock \
	getrlimit setrlimit sched_getaffinity mprotect access mmap fopen fdopendir readdir fgets \
	pthread_create pthread_attr_init close open openat read pread zmq_ctx_new zmq_socket \
	zmq_setsockopt zmq_socket_monitor zmq_connect zmq_bind zmq_msg_init_data zmq_msg_init_size zmq_send \
	zmq_msg_send zmq_recv zmq_msg_recv zmq_ctx_term uv_loop_init uv_poll_init uv_async_init uv_signal_init \
	uv_signal_start

$(BUILD)/stokerd-faulty: $(BUILD)/daemon/main.o $(BUILD)/tests/faults/faults.o $(BUILD)/libloop.a \
		$(BUILD)/libdaemon.a
	$(CC) $(STK_LDFLAGS) $(FAULTS:%=-Wl,--wrap=%) -o $@ $^ $(DAEMON_LIBS)

# Preloaded: it stands in for malloc, and so no sanitizer may.
$(BUILD)/libzmq-memory.so: tests/faults/libzmq_memory.c
	$(CC) $(filter-out -fsanitize%,$(STK_CFLAGS)) $(CFLAGS) -shared -o $@ $<

# The doctor reads configurations and pictures as the daemon does.
$(BUILD)/stoker: $(call object,$(COMMAND_SRC)) $(BUILD)/libstoker.a $(BUILD)/libdaemon.a
	$(CC) $(STK_LDFLAGS) -o $@ $^ $(CLIENT_LIBS) $(COMMAND_LIBS)

$(BUILD)/stoker-measure: $(call object,$(filter-out %/library.c,$(wildcard tests/bench/*.c))) \
		$(BUILD)/libdaemon.a
	$(CC) $(STK_LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/stoker-demo-draw: $(call object,$(wildcard tests/demo/*.c))
	$(CC) $(STK_LDFLAGS) -o $@ $^ $(call libs,libjpeg) -lm

$(EXAMPLES): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libstoker.a
	$(CC) $(STK_LDFLAGS) -o $@ $^ $(CLIENT_LIBS)

# The command's own modules are in no library.
$(BUILD)/tests/check_sheet: $(call object,client/command/drawing.c client/command/explain.c client/command/sheet.c)
SLOTS := client/command/arguments.c client/command/class_names.c client/command/slots.c
$(BUILD)/tests/check_slots: $(call object,$(SLOTS))
$(BUILD)/tests/check_explain_lines: $(call object,$(SLOTS) client/command/explain_lines.c)
$(BUILD)/tests/check_lines: $(call object,client/command/arguments.c client/command/lines.c)
TOP := client/command/figures.c client/command/json.c client/command/top_model.c \
	client/command/top_page.c client/command/top_view.c
$(BUILD)/tests/check_top: $(call object,client/command/arguments.c $(TOP))
$(BUILD)/tests/check_json: $(call object,client/command/arguments.c client/command/json.c)

$(TESTS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libdaemon.a $(BUILD)/libstoker.a
	$(CC) $(STK_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call libs,check) \
		$(DAEMON_LIBS) $(if $(filter %_sheet %_json %_top,$@),$(COMMAND_LIBS))

$(TOOLS) $(CHAOS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libdaemon.a $(BUILD)/libstoker.a
	$(CC) $(STK_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(if $(filter %/confine,$@),-lseccomp)

$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libdaemon.a $(BUILD)/libstoker.a
	$(CC) $(subst fuzzer-no-link,fuzzer,$(STK_LDFLAGS)) -o $@ $^ $(DAEMON_LIBS)

fuzzers: $(FUZZERS) $(BUILD)/stoker-demo-draw $(BUILD)/tests/tools/draw_jpegs

tests: $(BUILD)/stokerd-disk $(BUILD)/stokerd-library $(BUILD)/stokerd-faulty $(BUILD)/libzmq-memory.so
tests: all $(TESTS) $(TOOLS) $(CHAOS) $(EXAMPLES) $(BUILD)/stoker-demo-draw $(BUILD)/stoker-measure

# Installation.

MAN_PAGES := man1/stoker.1 man3/libstoker.3 man5/stokerd.conf.5 man7/stoker-protocol.7 man8/stokerd.8
COMPLETIONS := bash-completion/completions
HEADERS := proto/message.h proto/status.h
substitute = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' \
	-e 's|@MSGPACK@|$(MSGPACK)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' -e 's|@LIBDIR@|$(LIBDIR)|g'
# stokerd@NAME is the same, but for where its configuration and its sockets are.
instance = -e 's|/stokerd.conf|/%i.conf|' -e 's|^RuntimeDirectory=.*|&-%i|' -e 's|^Description=.*|& %i|'
UNITS := stokerd.service stokerd@.service stokerd.socket
to = $(DESTDIR)$(PREFIX)
to_lib = $(DESTDIR)$(LIBDIR)
to_units = $(DESTDIR)$(UNITDIR)

install: all
	install -D -m 755 $(BUILD)/stokerd $(to)/sbin/stokerd
	install -D -m 755 $(BUILD)/stoker $(to)/bin/stoker
	install -D -m 644 $(BUILD)/libstoker.a $(to_lib)/libstoker.a
	install -D -m 755 $(BUILD)/$(SONAME) $(to_lib)/$(SONAME)
	ln -sf $(SONAME) $(to_lib)/libstoker.so
	install -D -m 644 client/stoker.h $(to)/include/stoker/stoker.h
	install -D -m 644 -t $(to)/include/stoker/proto $(HEADERS)
	install -d $(to_lib)/pkgconfig $(to_units)
	$(substitute) client/stoker.pc.in > $(to_lib)/pkgconfig/stoker.pc
	$(substitute) systemd/stokerd.service > $(to_units)/stokerd.service
	$(substitute) $(instance) systemd/stokerd.service > $(to_units)/stokerd@.service
	install -m 644 systemd/stokerd.socket $(to_units)
	install -D -m 644 systemd/stokerd.sysusers $(to)/lib/sysusers.d/stokerd.conf
	install -D -m 644 systemd/stokerd.tmpfiles $(to)/lib/tmpfiles.d/stokerd.conf
	install -D -m 644 client/stoker.1 $(to)/share/man/man1/stoker.1
	install -D -m 644 config/stokerd.conf.5 $(to)/share/man/man5/stokerd.conf.5
	install -D -m 644 daemon/stokerd.8 $(to)/share/man/man8/stokerd.8
	install -D -m 644 client/libstoker.3 $(to)/share/man/man3/libstoker.3
	install -D -m 644 proto/stoker-protocol.7 $(to)/share/man/man7/stoker-protocol.7
	install -D -m 644 client/completion/stoker.bash $(to)/share/$(COMPLETIONS)/stoker
	ln -sf stoker $(to)/share/$(COMPLETIONS)/stokerd
	install -D -m 644 client/completion/_stoker $(DESTDIR)$(ZSHDIR)/_stoker
	install -D -m 644 -t $(to)/share/doc/stoker README.md CHANGELOG.md LICENSE proto/PROTOCOL.md \
		daemon/index/FORMAT.md \
		config/stokerd.conf.example systemd/private-network.conf \
		systemd/grafana-dashboard.json systemd/stoker.rules.yml
	test -e $(DESTDIR)$(SYSCONFDIR)/stoker/stokerd.conf || install -D -m 644 \
		config/stokerd.conf.example $(DESTDIR)$(SYSCONFDIR)/stoker/stokerd.conf
	@[ -n "$(DESTDIR)" ] || systemd/after-install $(PREFIX)

uninstall:
	rm -f $(to)/sbin/stokerd $(to)/bin/stoker $(to_lib)/libstoker.a $(to_lib)/$(SONAME) \
		$(to_lib)/libstoker.so $(to_lib)/pkgconfig/stoker.pc $(addprefix $(to_units)/,$(UNITS)) \
		$(to)/lib/sysusers.d/stokerd.conf $(to)/lib/tmpfiles.d/stokerd.conf \
		$(addprefix $(to)/share/man/,$(MAN_PAGES)) $(DESTDIR)$(ZSHDIR)/_stoker \
		$(addprefix $(to)/share/$(COMPLETIONS)/,stoker stokerd)
	rm -rf $(to)/include/stoker $(to)/share/doc/stoker

dist:
	@mkdir -p dist
	git archive --prefix=stoker-$(VERSION)/ -o dist/stoker-$(VERSION).tar.gz HEAD
	@echo dist/stoker-$(VERSION).tar.gz

clean:
	rm -rf build dist

# The packages' copies of the tree are not this build's.
-include $(shell find $(BUILD) -path '*deb' -prune -o -type f -name '*.d' -print 2>/dev/null)
