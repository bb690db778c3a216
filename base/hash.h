/* Hashes: SHA-256 for what people compare, a fast 64-bit one for tables. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* FIPS 180-4. */
typedef struct slc_sha256 {
    uint32_t state[8];
    uint64_t size;
    uint8_t tail[64];
} slc_sha256;

SLC_API void slc_sha256_begin(slc_sha256 *sha);
SLC_API void slc_sha256_add(slc_sha256 *sha, const void *bytes, size_t size);
SLC_API void slc_sha256_end(slc_sha256 *sha, uint8_t out[32]);
SLC_API void slc_sha256_hex(slc_sha256 *sha, char out[65]); /* ends it; lower-case text */

/* Same bytes and seed, same value on every machine. Not against adversaries. */
SLC_API uint64_t slc_hash64(const void *bytes, size_t size, uint64_t seed);

#endif
