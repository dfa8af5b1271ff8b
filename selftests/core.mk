# SPDX-License-Identifier: GPL-2.0
#
# core.mk - programs that run on this machine and have in them all of the
# protocol core, and all lib*.c of their own folder
#
# Include it after setting TEST_GEN_PROGS, COLLECTION, and in CFLAGS what is
# special (how far to optimise).  CORE may name another folder than the core's:
# say, a core with a fault planted in it.

KSELFTEST_DIR ?= ../..
OUTPUT        ?= .
CORE          ?= ../../module/core

CFLAGS += -std=gnu11 -Wall -Wextra -Wshadow -Werror -g
CFLAGS += -I$(CORE) -isystem $(KSELFTEST_DIR) -MMD -MP

# lib.mk's rule would compile the core again for each program.
OVERRIDE_TARGETS := 1

include ../install.mk
include $(KSELFTEST_DIR)/lib.mk

LIBRARY := $(patsubst $(CORE)/%.c,$(OUTPUT)/core/%.o,$(wildcard $(CORE)/*.c)) \
	   $(patsubst %.c,$(OUTPUT)/%.o,$(wildcard lib*.c))

$(TEST_GEN_PROGS): %: %.o $(LIBRARY)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(OUTPUT)/core/%.o: $(CORE)/%.c
	mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

$(OUTPUT)/%.o: %.c
	mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

.SECONDARY:
-include $(wildcard $(OUTPUT)/*.d $(OUTPUT)/core/*.d)
