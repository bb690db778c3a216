#include "base/eigen.h"

#include <stdlib.h>

/* LAPACK (OpenBLAS); the last two are Fortran's lengths of jobz and uplo. */
extern void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a,
                    const int *lda, double *w, double *work, const int *lwork, int *iwork,
                    const int *liwork, int *info, size_t jobz_length, size_t uplo_length);

bool slc_eigen(size_t n, double *a, double *values)
{
    const int m = (int)n, lwork = 1 + 6 * m + 2 * m * m, liwork = 3 + 5 * m;
    int info = -1;
    double *work = malloc((size_t)lwork * sizeof(*work));
    int *iwork = malloc((size_t)liwork * sizeof(*iwork));
    /* Row-major upper is column-major lower; eigenvectors come back as rows. */
    if (work && iwork)
        dsyevd_("V", "L", &m, a, &m, values, work, &lwork, iwork, &liwork, &info, 1, 1);
    free(work);
    free(iwork);
    return info == 0;
}
