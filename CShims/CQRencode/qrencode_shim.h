// libqrencode as Swift sees it.
#pragma once
#include <errno.h>
#include <qrencode.h>

// errno is a macro; libqrencode says with ERANGE that the data are too long.
static inline int cqrencode_errno(void) { return errno; }
static inline int cqrencode_too_long(void) { return ERANGE; }
