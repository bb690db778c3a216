/* Eigenvalues of symmetric matrices, by LAPACK. */
#ifndef BASE_EIGEN_H
#define BASE_EIGEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* a is n x n, row-major; only its upper triangle is read. Its rows become the eigenvectors,
 * of length 1; values receives the n eigenvalues, the smallest first. False if memory ran
 * out or the iteration did not end; a is lost then. Threads: safe. */
SLC_API bool slc_eigen(size_t n, double *a, double *values);

#endif
