/* Arithmetic on sizes that come from files: checked, never wrapping. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a op b; false, with *out untouched, if the result does not fit into size_t. */
static inline bool slc_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

static inline bool slc_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

/* a * b * c, checked the same way. */
static inline bool slc_mul3(size_t a, size_t b, size_t c, size_t *out)
{
    size_t ab;
    return slc_mul(a, b, &ab) && slc_mul(ab, c, out);
}

/* n rounded up to a multiple of step (a power of two); n must leave room for it. */
static inline size_t slc_round_up(size_t n, size_t step)
{
    return (n + step - 1) & ~(step - 1);
}

static inline size_t slc_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t slc_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
