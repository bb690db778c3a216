/* Products of bf16 numbers on a processor's matrix tiles (AMX), and the orders that they want.
 * A tile is 16 rows of 64 bytes; two by two of them are summed at a time, 32 x 32 numbers in
 * f32. Compiled for such a processor alone: call only where slc_isa_tiles() says yes.
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, TDPBF16PS.
 * Threads: safe on different outputs; each thread brackets its work with begin and end. */
#ifndef TRAIN_ENGINE_KERNEL_AMX_H
#define TRAIN_ENGINE_KERNEL_AMX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slc_affine;

enum {
    SLC_TILE = 16,                            /* rows of a tile, and f32 numbers across */
    SLC_TILE_DEPTH = 32,                      /* bf16 numbers across */
    SLC_TILE_SIDE = 32,                       /* two tiles */
    SLC_TILE_SIZE = SLC_TILE * SLC_TILE_DEPTH /* bf16 numbers of a tile */
};

void slc_amx_begin(void);
void slc_amx_end(void);

/* sum[32][32] = over steps of a's rows times b. a: two runs of 16 rows, stride numbers apart,
 * of which step i takes 32 numbers from at[i] on. b: [steps][2][16][16][2], see below. Every
 * step also asks for so many lines of ahead, which comes next. */
void slc_amx_product(float *sum, const uint16_t *const a[2], size_t stride,
                     const size_t *at, size_t steps, const uint16_t *b,
                     const uint16_t *ahead, size_t lines);

/* Where sums go. */
typedef struct slc_amx_out {
    uint16_t *y;
    size_t c;          /* channels of a pixel */
    const float *bias; /* c of them, or NULL */
    bool add;          /* to what is there */
    bool past;         /* whole lines past the caches; y and c are whole lines then */
    double *sums;      /* NULL, or 2 x c: what is stored, and its squares, are added */
} slc_amx_out;

/* Asks for what the same store will write, unless it goes past the caches. */
void slc_amx_ask(const slc_amx_out *out, const int32_t pixel[32], size_t first);

/* Rows r of sum to channels first to first + 31 of pixel number pixel[r]; none where
 * pixel[r] < 0. */
void slc_amx_store(const slc_amx_out *out, const int32_t pixel[32], size_t first,
                   const float *sum);

/* Weights of 32 columns and 32 rows in pairs, [2][16 row pairs][16 columns][2]; number
 * (column, row) is w[column * across + row * down]. What is beyond columns and rows is 0. */
void slc_amx_weights(uint16_t *to, const float *w, size_t columns, size_t rows,
                     size_t across, size_t down);

/* Sums number 2 i + j, [16][16] each, (+)= over steps of tiles a_i times b_j, steps of both one
 * tile apart. Asks for the sums that come next. */
void slc_amx_learn(float *const to[4], float *const next[4], bool add, const uint16_t *a0,
                   const uint16_t *a1, const uint16_t *b0, const uint16_t *b1,
                   size_t steps);

/* The same of number 2 j + i, with three b. */
void slc_amx_learn_rows(float *const to[6], float *const next[6], bool add,
                        const uint16_t *a0, const uint16_t *a1, const uint16_t *b0,
                        const uint16_t *b1, const uint16_t *b2, size_t steps);

/* 32 pixels of c channels turned: tile k / 16 holds [16 channels][32 pixels]; next numbers
 * lie between a tile and that of the next 16 channels. The pixels ahead are asked for. */
void slc_amx_turn(uint16_t *to, size_t next, const uint16_t *const x[32],
                  const uint16_t *const ahead[32], size_t c);

/* 32 pixels of c channels by pairs: tile k / 16 holds [16 pairs][16 channels][2]. norm, if not
 * NULL: what is made of all but those at zeros. */
void slc_amx_pair(uint16_t *to, size_t next, const uint16_t *const x[32],
                  const uint16_t *const ahead[32], size_t c,
                  const struct slc_affine *norm, const uint16_t *zeros);

/* count pixels of c channels as batch norm makes them. */
void slc_amx_norm(uint16_t *to, const uint16_t *x, size_t count, size_t c,
                  const struct slc_affine *norm);

/* A sum's rows to weights: number (r, i) of rows x 16 goes, or is added, to
 * w[r * across + i * down], for i below columns. */
void slc_amx_give(float *w, bool add, size_t rows, size_t columns, size_t across,
                  size_t down, const float *sum);

#endif
