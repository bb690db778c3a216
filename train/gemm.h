/* One single-threaded matrix product: c = a b + beta c, rows first, a or b transposed. */
#ifndef TRAIN_GEMM_H
#define TRAIN_GEMM_H

#include <cblas.h>
#include <stdbool.h>
#include <stddef.h>

extern void openblas_set_num_threads(int count); /* not in every cblas.h */

/* To call once before products are run from threads of our own. */
static inline void slc_gemm_alone(void)
{
    openblas_set_num_threads(1);
}

static inline void slc_gemm(bool ta, bool tb, size_t m, size_t n, size_t k,
                            const float *a, size_t lda, const float *b, size_t ldb,
                            float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans,
                tb ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)lda, b,
                (int)ldb, beta, c, (int)ldc);
}

#endif
