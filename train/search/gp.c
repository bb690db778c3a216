/* A Gaussian process with a Matern-5/2 kernel: Cholesky through LAPACK, everything else plain
 * loops, since n is the number of trials and stays in the hundreds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "train/gemm.h"
#include "train/search.h"

/* LAPACK, as OpenBLAS exports it. Column-major, so "L" of ours is "U" of theirs; the matrices
 * are symmetric and we stay with their view throughout. */
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
extern void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);

struct slc_gp {
    size_t n, dims;
    slc_gp_hyper hyper;
    double *x;       /* n x dims */
    double *y;       /* n */
    double *chol;    /* n x n, lower triangle by rows: K = L L^T */
    double *inverse; /* n x n, of K, symmetric; NULL until the gradient needs it */
    double *alpha;   /* n, K^-1 y */
};

/* Matern-5/2 at squared scaled distance q = sum ((a - b) / l)^2, with unit signal. */
static double matern(double q)
{
    const double r = sqrt(5 * q);
    return (1 + r + r * r / 3) * exp(-r);
}

static double distance(const slc_gp_hyper *h, const double *a, const double *b,
                       size_t dims)
{
    double q = 0;
    for (size_t i = 0; i < dims; i++) {
        const double t = (a[i] - b[i]) / h->length[i];
        q += t * t;
    }
    return q;
}

/* Solves L z = b in place. */
static void forward(const double *l, size_t n, double *b)
{
    for (size_t i = 0; i < n; i++) {
        double sum = b[i];
        for (size_t k = 0; k < i; k++)
            sum -= l[i * n + k] * b[k];
        b[i] = sum / l[i * n + i];
    }
}

/* Solves L^T z = b in place. */
static void backward(const double *l, size_t n, double *b)
{
    for (size_t i = n; i-- > 0;) {
        double sum = b[i];
        for (size_t k = i + 1; k < n; k++)
            sum -= l[k * n + i] * b[k];
        b[i] = sum / l[i * n + i];
    }
}

static slc_status factor(slc_gp *gp, slc_err *err)
{
    const size_t n = gp->n;
    const int order = (int)n;
    int info = 0;

    slc_gemm_alone(); /* its threads only spin on matrices this small */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            gp->chol[i * n + j] =
                gp->hyper.signal * matern(distance(&gp->hyper, gp->x + i * gp->dims,
                                                   gp->x + j * gp->dims, gp->dims)) +
                (i == j ? gp->hyper.noise : 0);
    dpotrf_("U", &order, gp->chol, &order, &info); /* lower by rows = upper by columns */
    if (info != 0)
        return slc_fail(
            err, SLC_EINVAL,
            "gaussian process: the kernel matrix of %zu points is not positive "
            "definite (noise %g)",
            n, gp->hyper.noise);
    memcpy(gp->alpha, gp->y, n * sizeof(double));
    forward(gp->chol, n, gp->alpha);
    backward(gp->chol, n, gp->alpha);
    return SLC_OK;
}

slc_status slc_gp_create(slc_gp **out, const double *x, const double *y, size_t n,
                         size_t dims, const slc_gp_hyper *hyper, slc_err *err)
{
    slc_status st = SLC_OK;
    size_t square;
    *out = NULL;
    if (n == 0 || dims == 0 || dims > SLC_MAX_DIMS || n > 20000 ||
        !slc_mul(n, n, &square))
        return slc_fail(err, SLC_EINVAL, "gaussian process: %zu points of %zu dimensions",
                        n, dims);

    slc_gp *gp = calloc(1, sizeof(*gp));
    if (gp) {
        *gp = (slc_gp){.n = n, .dims = dims, .hyper = *hyper};
        gp->x = malloc(n * dims * sizeof(double));
        gp->y = malloc(n * sizeof(double));
        gp->chol = calloc(square, sizeof(double));
        gp->alpha = malloc(n * sizeof(double));
    }
    if (!gp || !gp->x || !gp->y || !gp->chol || !gp->alpha) {
        st = slc_fail(err, SLC_ENOMEM, "gaussian process: out of memory for %zu points",
                      n);
        goto done;
    }
    memcpy(gp->x, x, n * dims * sizeof(double));
    memcpy(gp->y, y, n * sizeof(double));
    st = factor(gp, err);

done:
    if (st != SLC_OK) slc_gp_destroy(&gp);
    *out = gp;
    return st;
}

void slc_gp_destroy(slc_gp **gp)
{
    if (!*gp) return;
    free((*gp)->x);
    free((*gp)->y);
    free((*gp)->chol);
    free((*gp)->inverse);
    free((*gp)->alpha);
    free(*gp);
    *gp = NULL;
}

void slc_gp_predict(const slc_gp *gp, const double *x, double *mean, double *variance)
{
    const size_t n = gp->n;
    double stack[256], *k = n <= SLC_COUNT(stack) ? stack : malloc(n * sizeof(double));

    *mean = 0;
    *variance = gp->hyper.signal;
    if (!k) return; /* the prior: an honest answer when memory ran out */
    for (size_t i = 0; i < n; i++) {
        k[i] = gp->hyper.signal *
               matern(distance(&gp->hyper, x, gp->x + i * gp->dims, gp->dims));
        *mean += k[i] * gp->alpha[i];
    }
    forward(gp->chol, n, k);
    for (size_t i = 0; i < n; i++)
        *variance -= k[i] * k[i];
    *variance = fmax(*variance, 0);
    if (k != stack) free(k);
}

/* K^-1 from its factor, both triangles filled. False if memory ran out. */
static bool invert(slc_gp *gp)
{
    const size_t n = gp->n;
    const int order = (int)n;
    int info = 0;

    if (!gp->inverse) gp->inverse = malloc(n * n * sizeof(double));
    if (!gp->inverse) return false;
    memcpy(gp->inverse, gp->chol, n * n * sizeof(double));
    dpotri_("U", &order, gp->inverse, &order, &info);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            gp->inverse[i * n + j] = gp->inverse[j * n + i];
    return info == 0;
}

/* d/d log theta = 1/2 sum_ij (alpha_i alpha_j - K^-1_ij) dK_ij / d log theta
 * (Rasmussen & Williams, eq. 5.9), where for a length scale
 * dk / d log l_d = s 5/3 (1 + r) exp(-r) ((a_d - b_d) / l_d)^2. */
static void gradient_of(const slc_gp *gp, double *gradient)
{
    const size_t n = gp->n, dims = gp->dims;
    const slc_gp_hyper *h = &gp->hyper;

    memset(gradient, 0, (dims + 2) * sizeof(double));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            const double *a = gp->x + i * dims, *b = gp->x + j * dims;
            const double r = sqrt(5 * distance(h, a, b, dims)), e = h->signal * exp(-r);
            const double w = (i == j ? 0.5 : 1) *
                             (gp->alpha[i] * gp->alpha[j] - gp->inverse[i * n + j]);
            gradient[0] += w * (1 + r + r * r / 3) * e;
            if (i == j) gradient[1] += w * h->noise;
            for (size_t d = 0; d < dims; d++) {
                const double t = (a[d] - b[d]) / h->length[d];
                gradient[2 + d] += w * (5.0 / 3) * (1 + r) * e * t * t;
            }
        }
}

double slc_gp_likelihood(const slc_gp *gp, double *gradient)
{
    double value = -0.5 * (double)gp->n * log(2 * 3.14159265358979323846);
    for (size_t i = 0; i < gp->n; i++)
        value -= 0.5 * gp->y[i] * gp->alpha[i] + log(gp->chol[i * gp->n + i]);
    if (gradient) {
        /* The inverse is a cache of what is already determined: logically const. */
        if (invert((slc_gp *)gp))
            gradient_of(gp, gradient);
        else
            memset(gradient, 0, (gp->dims + 2) * sizeof(double));
    }
    return value;
}

/* Weak log-normal priors keep a handful of points from driving a scale to nothing or to
 * infinity: mean and standard deviation of the logarithm. */
static const struct {
    double mean, sd, lo, hi;
} prior_signal = {0, 1, -4.6, 4.6}, prior_noise = {-7, 2, -16, 0},
  prior_length = {-0.7, 0.8, -4, 3};

static double clamp_log(double v, double lo, double hi)
{
    return fmin(fmax(v, lo), hi);
}

static void to_hyper(const double *theta, size_t dims, slc_gp_hyper *h)
{
    h->signal = exp(theta[0]);
    h->noise = exp(theta[1]);
    for (size_t d = 0; d < dims; d++)
        h->length[d] = exp(theta[2 + d]);
}

/* Log posterior at theta and its gradient; -inf where the matrix cannot be factored. */
static double posterior(const double *x, const double *y, size_t n, size_t dims,
                        const double *theta, double *gradient)
{
    slc_gp *gp = NULL;
    slc_gp_hyper h;
    double value = -INFINITY;

    to_hyper(theta, dims, &h);
    if (slc_gp_create(&gp, x, y, n, dims, &h, NULL) == SLC_OK) {
        value = slc_gp_likelihood(gp, gradient);
        for (size_t i = 0; i < dims + 2; i++) {
            const double mean = i == 0   ? prior_signal.mean
                                : i == 1 ? prior_noise.mean
                                         : prior_length.mean;
            const double sd = i == 0   ? prior_signal.sd
                              : i == 1 ? prior_noise.sd
                                       : prior_length.sd;
            value -= 0.5 * (theta[i] - mean) * (theta[i] - mean) / (sd * sd);
            gradient[i] -= (theta[i] - mean) / (sd * sd);
        }
    }
    slc_gp_destroy(&gp);
    return value;
}

/* Resilient propagation (Riedmiller & Braun 1993, iRprop-): only signs of the gradient are
 * used, so scales of the parameters do not matter and no line search is needed. */
slc_status slc_gp_fit(const double *x, const double *y, size_t n, size_t dims,
                      slc_gp_hyper *hyper, size_t steps, slc_err *err)
{
    double theta[SLC_MAX_DIMS + 2], best[SLC_MAX_DIMS + 2], gradient[SLC_MAX_DIMS + 2];
    double last[SLC_MAX_DIMS + 2] = {0}, size[SLC_MAX_DIMS + 2], top = -INFINITY;

    if (dims == 0 || dims > SLC_MAX_DIMS)
        return slc_fail(err, SLC_EINVAL, "gaussian process: %zu dimensions", dims);
    theta[0] = log(hyper->signal);
    theta[1] = log(hyper->noise);
    for (size_t d = 0; d < dims; d++)
        theta[2 + d] = log(hyper->length[d]);
    for (size_t i = 0; i < dims + 2; i++)
        size[i] = 0.1;
    memcpy(best, theta, sizeof(best));

    for (size_t step = 0; step < steps; step++) {
        const double value = posterior(x, y, n, dims, theta, gradient);
        if (value > top) {
            top = value;
            memcpy(best, theta, sizeof(best));
        }
        if (value == -INFINITY) break;
        for (size_t i = 0; i < dims + 2; i++) {
            const double sign = gradient[i] * last[i];
            size[i] = clamp_log(size[i] * (sign > 0 ? 1.2 : sign < 0 ? 0.5 : 1), 1e-4, 1);
            last[i] = sign < 0 ? 0 : gradient[i];
            theta[i] += last[i] > 0 ? size[i] : last[i] < 0 ? -size[i] : 0;
            const double lo = i == 0   ? prior_signal.lo
                              : i == 1 ? prior_noise.lo
                                       : prior_length.lo;
            const double hi = i == 0   ? prior_signal.hi
                              : i == 1 ? prior_noise.hi
                                       : prior_length.hi;
            theta[i] = clamp_log(theta[i], lo, hi);
        }
    }
    to_hyper(best, dims, hyper);
    return top == -INFINITY ? slc_fail(err, SLC_EINVAL,
                                       "gaussian process: no kernel fits %zu points", n)
                            : SLC_OK;
}

double slc_expected_improvement(double mean, double variance, double best)
{
    const double sd = sqrt(variance), gain = best - mean;
    if (sd < 1e-12) return fmax(gain, 0);
    const double z = gain / sd;
    const double density =
        exp(-0.5 * z * z) * 0.39894228040143267794; /* 1 / sqrt(2 pi) */
    return gain * 0.5 * erfc(-z * 0.70710678118654752440) + sd * density;
}
