# stoker: "make help" lists the targets.  Plain GNU make; everything built goes to $(BUILD).

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
SAN ?=
BUILD ?= build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))
comma := ,

CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(if $(CI),-Werror)
# -ffp-contract=off: the plan's arithmetic is the same on every machine (PROTOCOL.md, "plan 1").
STK_CFLAGS = -std=c17 -D_GNU_SOURCE -I. -fPIC -pthread -ffp-contract=off -MMD -MP $(WARNINGS) \
	-DSTOKER_VERSION='"$(VERSION)"' $(SAN_FLAGS) $(PKG_CFLAGS)
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
LDFLAGS += $(SAN_FLAGS) -pthread

# Debian 13 and later call msgpack's C library msgpack-c.
MSGPACK = $(shell pkg-config --exists msgpack-c && echo msgpack-c || echo msgpack)
PACKAGES = libuv libzmq $(MSGPACK) libjpeg libconfuse libxxhash jansson cairo
SYSTEMD = $(shell pkg-config --exists libsystemd && echo libsystemd)
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES)) $(if $(SYSTEMD),-DSTK_SYSTEMD)
libs = $(shell pkg-config --libs $(1))

# One folder a stage; "make lint" holds the includes to this order.
PROTO_SRC := $(wildcard proto/*.c)
CONFIG_SRC := $(wildcard config/*.c)
NOTIFY_SRC = daemon/notify_$(if $(SYSTEMD),systemd,none).c
LOOP_SRC = $(wildcard daemon/server*.c) $(NOTIFY_SRC)
DAEMON_SRC := $(filter-out daemon/main.c daemon/server%.c daemon/notify_%.c, \
	$(wildcard daemon/*.c daemon/*/*.c))
CLIENT_SRC := $(wildcard client/*.c)
COMMAND_SRC := $(wildcard client/command/*.c)
DEMO_SRC := $(wildcard tests/demo/*.c)
TEST_SRC := $(wildcard tests/check_*.c)
EXAMPLE_SRC := $(wildcard client/examples/*.c)

object = $(patsubst %.c,$(BUILD)/%.o,$(1))
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))
PROGRAMS = $(BUILD)/stokerd $(BUILD)/stoker
SONAME := libstoker.so.0
LIBRARIES = $(BUILD)/libstoker.a $(BUILD)/$(SONAME)

# Targets that install packages before anything asks pkg-config.
.PHONY: all demo check bench lint fuzz install uninstall dist clean help \
	demo-run check-run tests

all: $(PROGRAMS) $(LIBRARIES) $(BUILD)/stoker-demo-draw

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(STK_CFLAGS) $(CFLAGS) -c -o $@ $<

# The kernels are where the time goes.
$(BUILD)/daemon/image/%.o $(BUILD)/daemon/mix/%.o: CFLAGS += -O3

$(BUILD)/libdaemon.a: $(call object,$(DAEMON_SRC) $(CONFIG_SRC) $(PROTO_SRC))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libloop.a: $(call object,$(LOOP_SRC))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libstoker.a: $(call object,$(CLIENT_SRC) $(PROTO_SRC))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/$(SONAME): $(call object,$(CLIENT_SRC) $(PROTO_SRC)) client/libstoker.map
	$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=client/libstoker.map \
		$(LDFLAGS) -o $@ $(filter %.o,$^) $(call libs,libzmq $(MSGPACK))

DAEMON_LIBS = $(call libs,libuv libzmq $(MSGPACK) libjpeg libconfuse libxxhash $(SYSTEMD)) -lm
COMMAND_LIBS = $(call libs,libzmq $(MSGPACK) libxxhash jansson cairo) -lm

$(BUILD)/stokerd: $(BUILD)/daemon/main.o $(BUILD)/libloop.a $(BUILD)/libdaemon.a
	$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/stoker: $(call object,$(COMMAND_SRC)) $(BUILD)/libstoker.a
	$(CC) $(LDFLAGS) -o $@ $^ $(COMMAND_LIBS)

$(BUILD)/stoker-demo-draw: $(call object,$(DEMO_SRC))
	$(CC) $(LDFLAGS) -o $@ $^ $(call libs,libjpeg) -lm

$(BUILD)/examples/%: $(BUILD)/client/examples/%.o $(BUILD)/libstoker.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(call libs,libzmq $(MSGPACK)) -lm

$(BUILD)/tests/check_%: $(BUILD)/tests/check_%.o $(BUILD)/libdaemon.a $(BUILD)/libstoker.a
	$(CC) $(LDFLAGS) -o $@ $^ $(call libs,check) $(DAEMON_LIBS)

# What integration tests drive by hand.
TOOLS := $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%,$(wildcard tests/tools/*.c))

$(BUILD)/tests/tools/%: $(BUILD)/tests/tools/%.o $(BUILD)/libdaemon.a
	$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

tests: all $(TESTS) $(TOOLS) $(patsubst client/examples/%.c,$(BUILD)/examples/%,$(EXAMPLE_SRC))

clean:
	rm -rf build dist

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
