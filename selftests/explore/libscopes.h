/* SPDX-License-Identifier: GPL-2.0 */
/* The scopes: which bounded parts of all that can happen are explored. */
#ifndef LIBSCOPES_H
#define LIBSCOPES_H

#include "libworld.h"

extern const struct scope scopes[];
extern const unsigned int scopes_count;

#endif
