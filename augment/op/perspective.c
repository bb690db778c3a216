/* Perspective: each corner moves inwards by chance (torchvision RandomPerspective), or to
 * where it is told. */
#include <math.h>
#include <string.h>

#include "augment/keys.h"

enum { CORNERS = 4 };

typedef struct settings {
    double distortion_scale, p;
    slc_reals endpoints, coefficients, fill;
    int interpolation;
} settings;

static const slc_param params[] = {
    {"distortion_scale", SLC_FIELD(settings, distortion_scale), .lo = 0, .hi = 1,
     .initial = "0.5", .unit = "ratio",
     .help = "most of half a side that a corner moves"},
    SLC_CHANCE(settings, "0.5"),
    SLC_SAMPLING(settings, "bilinear"),
    SLC_FILL(settings, "colour outside"),
    {"endpoints", SLC_FIELD(settings, endpoints), .lo = -1e5, .hi = 1e5, .min_count = 0,
     .max_count = 8, .initial = "[]", .unit = "px",
     .help =
         "where the corners go instead: x and y of top left, top right, bottom right, "
         "bottom left"},
    {"coefficients", SLC_FIELD(settings, coefficients), .lo = -1e9, .hi = 1e9,
     .min_count = 0, .max_count = 8, .initial = "[]",
     .help = "the eight numbers of Pillow's Image.transform(PERSPECTIVE) instead"},
    {0}};

/* Do three of the four corners lie on one line? Then no map leads back. */
static bool on_a_line(const double *v)
{
    for (size_t i = 0; i < CORNERS; i++) {
        const double *a = v + 2 * i, *b = v + 2 * ((i + 1) % CORNERS),
                     *c = v + 2 * ((i + 2) % CORNERS);
        if ((b[0] - a[0]) * (c[1] - a[1]) == (c[0] - a[0]) * (b[1] - a[1])) return true;
    }
    return false;
}

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    if (s->endpoints.n % 8)
        return slc_fail(err, SLC_EINVAL, "endpoints: expected 8 numbers, found %zu",
                        s->endpoints.n);
    if (s->endpoints.n && on_a_line(s->endpoints.v))
        return slc_fail(err, SLC_EINVAL, "endpoints: three of the corners are on a line");
    if (s->coefficients.n % 8)
        return slc_fail(err, SLC_EINVAL, "coefficients: expected 8 numbers, found %zu",
                        s->coefficients.n);
    if (s->endpoints.n && s->coefficients.n)
        return slc_fail(err, SLC_EINVAL, "endpoints and coefficients exclude each other");
    return SLC_OK;
}

/* torchvision draws from [0, d] at the near side and [n - d - 1, n - 1] at the far one. */
static double near_side(slc_at *at, size_t n, double scale)
{
    return (double)slc_draw_int(at, 0, (int64_t)(scale * (double)(n / 2)));
}

static double far_side(slc_at *at, size_t n, double scale)
{
    const int64_t d = (int64_t)(scale * (double)(n / 2));
    return (double)slc_draw_int(at, (int64_t)n - d - 1, (int64_t)n - 1);
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    const double d = s->distortion_scale;
    if (!slc_draw_chance(at, s->p)) return false;
    if (s->coefficients.n) {
        for (int i = 0; i < 8; i++)
            out->v[i] = (double)NAN;
        return true;
    }
    if (s->endpoints.n) {
        memcpy(out->v, s->endpoints.v, 8 * sizeof(double));
        return true;
    }
    for (int i = 0; i < CORNERS; i++) {
        const bool right = i == 1 || i == 2, low = i >= 2;
        out->v[2 * i] = (right ? far_side : near_side)(at, at->w, d);
        out->v[2 * i + 1] = (low ? far_side : near_side)(at, at->h, d);
    }
    return true;
}

/* LAPACK's least squares by QR (OpenBLAS); the last argument is Fortran's length of trans. */
extern void sgels_(const char *trans, const int *m, const int *n, const int *columns,
                   float *a, const int *lda, float *b, const int *ldb, float *work,
                   const int *work_size, int *info, size_t trans_length);

/* Solves a x = b for eight unknowns in float32, as torchvision does, so that even ties fall
 * on the same side; a is column-major. False if a has no inverse. */
static bool solve(float a[64], float b[8])
{
    const int n = 8, one = 1, size = 512;
    float work[512];
    int info = 0;
    sgels_("N", &n, &n, &one, a, &n, b, &n, work, &size, &info, 1);
    for (int i = 0; i < n; i++)
        if (!isfinite(b[i])) return false;
    return info == 0;
}

/* The map that takes the end points back to the corners; corners that stay, or fall on one
 * line, give the identity. */
static slc_warp warp(const void *set, const slc_draw *drawn, size_t w, size_t h)
{
    const settings *s = set;
    const double *end = drawn->v;
    const double start[8] = {
        0, 0, (double)w - 1, 0, (double)w - 1, (double)h - 1, 0, (double)h - 1};
    slc_warp out = {.a = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
                    .w = w,
                    .h = h,
                    .filter = slc_warp_filter(s->interpolation)};
    float a[64], x[8];

    slc_fill_of(&s->fill, out.fill);
    if (s->coefficients.n) {
        for (size_t k = 0; k < 8; k++)
            out.a[k / 3][k % 3] = s->coefficients.v[k];
        return out;
    }
    if (memcmp(start, end, sizeof(start)) == 0) return out;
    for (int i = 0; i < CORNERS; i++) {
        const float p = (float)end[2 * i], q = (float)end[2 * i + 1];
        const float u = (float)start[2 * i], v = (float)start[2 * i + 1];
        const float rows[2][8] = {{p, q, 1, 0, 0, 0, -u * p, -u * q},
                                  {0, 0, 0, p, q, 1, -v * p, -v * q}};
        for (int k = 0; k < 8; k++) {
            a[8 * k + 2 * i] = rows[0][k];
            a[8 * k + 2 * i + 1] = rows[1][k];
        }
        x[2 * i] = u;
        x[2 * i + 1] = v;
    }
    if (!solve(a, x)) return out;
    for (int k = 0; k < 8; k++)
        out.a[k / 3][k % 3] = (double)x[k];
    return out;
}

const slc_op slc_op_perspective = {
    .entry = {"perspective", "move the corners", "torchvision RandomPerspective", params,
              sizeof(settings)},
    .value = {"x0", "y0", "x1", "y1", "x2", "y2", "x3", "y3"},
    .exactness =
        "nearest bit-exact for the same coefficients (which torchvision solves in "
        "float32, this in double); bilinear, bicubic at most 1 level",
    .peer = "torchvision 0.14 perspective; Pillow 9.4 Image.transform(PERSPECTIVE)",
    .neutral = "{distortion_scale: 0, p: 1}",
    .example = "{distortion_scale: 0.5, p: 1}",
    .prepare = prepare,
    .draw = draw,
    .warp = warp,
};
