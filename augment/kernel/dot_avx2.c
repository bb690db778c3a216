#include <immintrin.h>

#include "augment/kernel/dot.h"

float slc_dot_avx2(const float *a, const float *b, size_t n)
{
    __m256 lo = _mm256_setzero_ps(), hi = _mm256_setzero_ps();
    float part[16], sum = 0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        lo = _mm256_add_ps(lo,
                           _mm256_mul_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
        hi = _mm256_add_ps(
            hi, _mm256_mul_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8)));
    }
    for (; i < n; i++)
        sum += a[i] * b[i];
    _mm256_storeu_ps(part, lo);
    _mm256_storeu_ps(part + 8, hi);
    for (size_t k = 0; k < 16; k++)
        sum += part[k];
    return sum;
}
