/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzer's targets have in common.
 *
 * libFuzzer hands each target octets; the target reads them as a story. When
 * they are used up, all that is read is 0, and input_left() says so: any octets
 * at all are a story, and a change in one place leaves the rest as it was.
 */
#ifndef LIBFUZZ_H
#define LIBFUZZ_H

#include <stdnoreturn.h>

#include "types.h"

/* Octets of the input that have not been read yet. */
struct input {
	const u8 *at;
	size_t left;
};

static inline bool input_left(const struct input *in)
{
	return in->left > 0;
}

static inline u8 input_u8(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

/*
 * From the other end: for decisions of another kind, so that one more of these
 * does not change the meaning of all that follow.
 */
static inline u8 input_u8_from_end(struct input *in)
{
	return in->left ? in->at[--in->left] : 0;
}

static inline u16 input_u16(struct input *in)
{
	u16 high = input_u8(in);

	return (u16)(high << 8 | input_u8(in));
}

static inline u32 input_u32(struct input *in)
{
	u32 high = input_u16(in);

	return high << 16 | input_u16(in);
}

static inline bool input_bool(struct input *in)
{
	return input_u8(in) & 1;
}

/* A property does not hold: say which, and crash, so that the input is kept. */
noreturn void fuzz_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#define fuzz_check(condition) do {					\
	if (!(condition))						\
		fuzz_fail("%s:%d: this does not hold: %s", __FILE__,	\
			  __LINE__, #condition);			\
} while (0)

/*
 * What libFuzzer calls, by other names: once, at the start (libfuzz.c), and for
 * each input (a target). A negative result says that the input is no story.
 */
int fuzz_start(int *argc, char ***argv) __asm__("LLVMFuzzerInitialize");
int fuzz_input(const u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

#endif
