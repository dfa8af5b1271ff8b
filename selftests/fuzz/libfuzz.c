// SPDX-License-Identifier: GPL-2.0
/* What the fuzzer's targets have in common: see libfuzz.h. */

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "libfuzz.h"
#include "libscenario.h"

/*
 * An input that is run by itself ("events FILE") tells its story, and ends like
 * a test on the host. In search of one there is no time for stories.
 */
int fuzz_start(int *argc, char ***argv)
{
	struct stat file;
	int i;

	scenario_searching = true;
	for (i = 1; i < *argc; i++)
		if ((*argv)[i][0] != '-' && !stat((*argv)[i], &file) &&
		    S_ISREG(file.st_mode))
			scenario_searching = false;
	return 0;
}

void fuzz_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "# ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}
