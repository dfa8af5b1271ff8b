/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few words that the protocol core borrows from its surroundings.
 *
 * The core is compiled into the kernel module and, unchanged, into programs
 * that run on the host (tests, explorer, fuzzer). This is its only file that
 * knows which of the two it is in.
 */
#ifndef EDUTCP_CORE_TYPES_H
#define EDUTCP_CORE_TYPES_H

#ifdef __KERNEL__

#include <linux/bug.h>
#include <linux/string.h>
#include <linux/types.h>

/* The core has contradicted itself: complain, with a stack trace. */
#define core_bug_on(condition) WARN_ON_ONCE(condition)

#else

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;

#define core_bug_on(condition) ({		\
	if (condition)				\
		abort();			\
	false;					\
})
#define BIT(n) (1u << (n))

#endif /* __KERNEL__ */

static inline u32 min_u32(u32 a, u32 b)
{
	return a < b ? a : b;
}

static inline u32 max_u32(u32 a, u32 b)
{
	return a > b ? a : b;
}

#endif
