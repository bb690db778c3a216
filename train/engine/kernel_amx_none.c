/* Stands in for kernel_amx.c where the compiler has no matrix tiles: slc_isa_tiles() says no then,
 * and nothing here is ever called. */
#include "train/engine/kernel_amx.h"

void slc_amx_begin(void)
{
}

void slc_amx_end(void)
{
}

void slc_amx_product(float *sum, const uint16_t *const a[2], size_t stride,
                     const size_t *at, size_t steps, const uint16_t *b,
                     const uint16_t *ahead, size_t lines)
{
    (void)sum, (void)a, (void)stride, (void)at, (void)steps, (void)b, (void)ahead;
    (void)lines;
}

void slc_amx_ask(const slc_amx_out *out, const int32_t pixel[32], size_t first)
{
    (void)out, (void)pixel, (void)first;
}

void slc_amx_store(const slc_amx_out *out, const int32_t pixel[32], size_t first,
                   const float *sum)
{
    (void)out, (void)pixel, (void)first, (void)sum;
}

void slc_amx_weights(uint16_t *to, const float *w, size_t columns, size_t rows,
                     size_t across, size_t down)
{
    (void)to, (void)w, (void)columns, (void)rows, (void)across, (void)down;
}

void slc_amx_learn(float *const to[4], float *const next[4], bool add, const uint16_t *a0,
                   const uint16_t *a1, const uint16_t *b0, const uint16_t *b1,
                   size_t steps)
{
    (void)to, (void)next, (void)add, (void)a0, (void)a1, (void)b0, (void)b1, (void)steps;
}

void slc_amx_learn_rows(float *const to[6], float *const next[6], bool add,
                        const uint16_t *a0, const uint16_t *a1, const uint16_t *b0,
                        const uint16_t *b1, const uint16_t *b2, size_t steps)
{
    (void)to, (void)next, (void)add, (void)a0, (void)a1;
    (void)b0, (void)b1, (void)b2, (void)steps;
}

void slc_amx_turn(uint16_t *to, size_t next, const uint16_t *const x[32],
                  const uint16_t *const ahead[32], size_t c)
{
    (void)to, (void)next, (void)x, (void)ahead, (void)c;
}

void slc_amx_pair(uint16_t *to, size_t next, const uint16_t *const x[32],
                  const uint16_t *const ahead[32], size_t c,
                  const struct slc_affine *norm, const uint16_t *zeros)
{
    (void)to, (void)next, (void)x, (void)ahead, (void)c, (void)norm, (void)zeros;
}

void slc_amx_norm(uint16_t *to, const uint16_t *x, size_t count, size_t c,
                  const struct slc_affine *norm)
{
    (void)to, (void)x, (void)count, (void)c, (void)norm;
}

void slc_amx_give(float *w, bool add, size_t rows, size_t columns, size_t across,
                  size_t down, const float *sum)
{
    (void)w, (void)add, (void)rows, (void)columns, (void)across, (void)down, (void)sum;
}
