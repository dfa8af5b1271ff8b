# SPDX-License-Identifier: GPL-2.0
#
# install.mk - let a single folder of tests install itself
#
# In the kernel's tree, tools/testing/selftests/Makefile installs the runner
# and calls each folder for its tests.  Outside of that tree, where a folder
# is on its own, this does the same: "make install INSTALL_PATH=..." gives
#
#   run_kselftest.sh kselftest/   the runner
#   kselftest-list.txt            the list of tests
#   COLLECTION/                   the tests
#
# Include it after setting KSELFTEST_DIR and COLLECTION, before lib.mk.

ifneq ($(realpath $(KSELFTEST_DIR)),$(realpath ..))
ifneq ($(INSTALL_PATH),)

INSTALL_ROOT := $(INSTALL_PATH)
override INSTALL_PATH := $(INSTALL_ROOT)/$(COLLECTION)

# A test that is no more must not stay installed.
$(shell rm -rf $(INSTALL_PATH))

install: install_runner

.PHONY: install_runner
install_runner:
	mkdir -p $(INSTALL_ROOT)/kselftest
	install -m 755 $(addprefix $(KSELFTEST_DIR)/kselftest/,module.sh runner.sh prefix.pl) \
		$(INSTALL_ROOT)/kselftest
	install -m 755 $(KSELFTEST_DIR)/run_kselftest.sh $(INSTALL_ROOT)
	$(MAKE) -s --no-print-directory emit_tests INSTALL_PATH= COLLECTION=$(COLLECTION) \
		> $(INSTALL_ROOT)/kselftest-list.txt

endif
endif
