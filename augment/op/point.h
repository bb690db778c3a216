/* What ops that are tables share. */
#ifndef AUGMENT_OP_POINT_H
#define AUGMENT_OP_POINT_H

#include <string.h>

#include "augment/keys.h"
#include "augment/op/enhance.h"

/* Rounds to the nearest level. */
static inline uint8_t slc_level(double v)
{
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5);
}

/* All three channels as the first. */
static inline void slc_table_repeat(uint8_t table[3][256])
{
    memcpy(table[1], table[0], 256);
    memcpy(table[2], table[0], 256);
}

#endif
