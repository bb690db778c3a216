/* The arithmetic of noise.h, compiled once for each instruction set; NOISE names the table. */

/* Philox4x32-10 on 64 counters side by side (see base/rng.c). */
static void bits(uint16_t out[SLC_NOISE_BITS], const uint32_t key[2],
                 const uint32_t counter[4])
{
    enum { N = SLC_NOISE_BLOCKS };
    uint32_t c0[N], c1[N], c2[N], c3[N];
    uint32_t k0 = key[0], k1 = key[1];
    for (uint32_t i = 0; i < N; i++) {
        c0[i] = counter[0] + i;
        c1[i] = counter[1];
        c2[i] = counter[2];
        c3[i] = counter[3];
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < N; i++) {
            const uint64_t p0 = (uint64_t)0xd2511f53u * c0[i];
            const uint64_t p1 = (uint64_t)0xcd9e8d57u * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c1[i] = (uint32_t)p1;
            c3[i] = (uint32_t)p0;
        }
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    const uint32_t *const word[4] = {c0, c1, c2, c3};
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < N; i++) {
            out[N * k + i] = (uint16_t)word[k][i];
            out[4 * N + N * k + i] = (uint16_t)(word[k][i] >> 16);
        }
}

static void shift(uint8_t *dst, const uint8_t *src, const uint16_t *restrict numbers,
                  const float *restrict table, float gain, float offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float v = (float)src[i] + offset + gain * table[numbers[i]] + 0.5f;
        const int level = (int)v;
        dst[i] = (uint8_t)(v < 0 ? 0 : level > 255 ? 255 : level);
    }
}

const slc_noise NOISE = {bits, shift};
