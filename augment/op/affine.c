/* Affine maps: rotate, affine, shear, translate. The matrices are computed as Pillow's
 * Image.rotate and torchvision's affine do, operation by operation, so that even nearest
 * sampling takes the same pixels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "augment/keys.h"
#include "augment/op/enhance.h"

static double radians(double degrees)
{
    return degrees * (M_PI / 180.0);
}

/* ---- rotate ---- */

typedef struct rotate_settings {
    slc_reals degrees, fill, center;
    int interpolation;
    bool expand;
    double p;
} rotate_settings;

static const slc_param rotate_params[] = {
    {"degrees", SLC_FIELD(rotate_settings, degrees), .lo = -36000, .hi = 36000,
     .min_count = 1, .max_count = 2, .initial = "15", .unit = "deg",
     .help = "counter-clockwise: the range to draw from; one number d is [-d, d]"},
    SLC_SAMPLING(rotate_settings, "nearest"),
    SLC_FILL(rotate_settings, "colour outside"),
    {"expand", SLC_FIELD(rotate_settings, expand), .initial = "false",
     .help = "grow so that all of the image stays visible"},
    {"center", SLC_FIELD(rotate_settings, center), .lo = -1e6, .hi = 1e6, .min_count = 0,
     .max_count = 2, .initial = "[]", .unit = "px", .help = "[x, y]; [] is the middle"},
    SLC_CHANCE(rotate_settings, "1"),
    {0}};

static slc_status center_prepare(const slc_reals *center, slc_err *err)
{
    if (center->n != 1) return SLC_OK;
    return slc_fail(err, SLC_EINVAL, "center: expected [x, y]");
}

static slc_status rotate_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const rotate_settings *s = set;
    (void)arena;
    const slc_status status = slc_around_check("degrees", &s->degrees, err);
    return status ? status : center_prepare(&s->center, err);
}

static bool rotate_draw(const void *set, slc_at *at, slc_draw *out)
{
    const rotate_settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_around(at, &s->degrees);
    return true;
}

/* Python's round(x, 15): to the nearest decimal, so that quarter turns are exact. */
static double round15(double x)
{
    char text[32];
    snprintf(text, sizeof(text), "%.15f", x);
    return strtod(text, NULL);
}

/* Image.rotate(expand=True): the box of the turned corners, and the shift into its middle. */
static void expand(slc_warp *warp, size_t w, size_t h)
{
    double(*a)[3] = warp->a, x0 = 0, x1 = 0, y0 = 0, y1 = 0;
    for (int i = 0; i < 4; i++) {
        const double x = i == 1 || i == 2 ? (double)w : 0, y = i >= 2 ? (double)h : 0;
        const double u = a[0][0] * x + a[0][1] * y + a[0][2],
                     v = a[1][0] * x + a[1][1] * y + a[1][2];
        x0 = i ? fmin(x0, u) : u, x1 = i ? fmax(x1, u) : u;
        y0 = i ? fmin(y0, v) : v, y1 = i ? fmax(y1, v) : v;
    }
    const double nw = ceil(x1) - floor(x0), nh = ceil(y1) - floor(y0);
    const double dx = -(nw - (double)w) / 2.0, dy = -(nh - (double)h) / 2.0;
    const double tx = a[0][0] * dx + a[0][1] * dy + a[0][2],
                 ty = a[1][0] * dx + a[1][1] * dy + a[1][2];
    a[0][2] = tx;
    a[1][2] = ty;
    warp->w = (size_t)nw;
    warp->h = (size_t)nh;
}

static slc_warp rotate_warp(const void *set, const slc_draw *drawn, size_t w, size_t h)
{
    const rotate_settings *s = set;
    double turn = fmod(drawn->v[0], 360.0);
    if (turn < 0) turn += 360.0;
    const double angle = -radians(turn);
    const double c = round15(cos(angle)), sn = round15(sin(angle)),
                 m = round15(-sin(angle));
    const double cx = s->center.n ? s->center.v[0] : (double)w / 2.0,
                 cy = s->center.n ? s->center.v[1] : (double)h / 2.0;
    slc_warp warp = {.a = {{c, sn, c * -cx + sn * -cy + 0.0 + cx},
                           {m, c, m * -cx + c * -cy + 0.0 + cy},
                           {0, 0, 1}},
                     .w = w,
                     .h = h,
                     .filter = slc_warp_filter(s->interpolation)};
    slc_fill_of(&s->fill, warp.fill);
    if (s->expand && !s->center.n && (turn == 90 || turn == 270)) {
        /* Pillow turns the pixels themselves: the box is the turned image's. */
        warp.w = h;
        warp.h = w;
        const double dx = -((double)h - (double)w) / 2.0, dy = -dx;
        warp.a[0][2] += warp.a[0][0] * dx + warp.a[0][1] * dy;
        warp.a[1][2] += warp.a[1][0] * dx + warp.a[1][1] * dy;
    } else if (s->expand) {
        expand(&warp, w, h);
    }
    return warp;
}

static bool rotate_size(const void *set, size_t *w, size_t *h)
{
    (void)w, (void)h;
    return !((const rotate_settings *)set)->expand;
}

const slc_op slc_op_rotate = {
    .entry = {"rotate", "turn by an angle", "torchvision RandomRotation", rotate_params,
              sizeof(rotate_settings)},
    .value = {"angle_deg"},
    .exactness = "nearest bit-exact; bilinear, bicubic at most 1 level",
    .peer = "Pillow 9.4 Image.rotate",
    .neutral = "{degrees: 0, interpolation: bilinear}",
    .example = "{degrees: [25, 25], interpolation: bilinear}",
    .prepare = rotate_prepare,
    .draw = rotate_draw,
    .size = rotate_size,
    .warp = rotate_warp,
};

/* ---- affine ---- */

enum { ANGLE, TX, TY, SCALE, SHEAR_X, SHEAR_Y };

/* torchvision's _get_inverse_affine_matrix. */
static void inverse_affine(double a[3][3], const double v[6], double cx, double cy)
{
    const double rot = radians(v[ANGLE]), sx = radians(v[SHEAR_X]),
                 sy = radians(v[SHEAR_Y]);
    const double p = cos(rot - sy) / cos(sy);
    const double q = -cos(rot - sy) * tan(sx) / cos(sy) - sin(rot);
    const double r = sin(rot - sy) / cos(sy);
    const double t = -sin(rot - sy) * tan(sx) / cos(sy) + cos(rot);
    const double m[2][2] = {{t / v[SCALE], -q / v[SCALE]}, {-r / v[SCALE], p / v[SCALE]}};

    for (int i = 0; i < 2; i++) {
        a[i][0] = m[i][0];
        a[i][1] = m[i][1];
        a[i][2] = m[i][0] * (-cx - v[TX]) + m[i][1] * (-cy - v[TY]);
        a[i][2] += i ? cy : cx;
        a[2][i] = 0;
    }
    a[2][2] = 1;
}

static slc_warp affine_of(const double v[6], double cx, double cy, size_t w, size_t h,
                          int interpolation, const slc_reals *fill)
{
    slc_warp warp = {.w = w, .h = h, .filter = slc_warp_filter(interpolation)};
    inverse_affine(warp.a, v, cx, cy);
    slc_fill_of(fill, warp.fill);
    return warp;
}

typedef struct affine_settings {
    slc_reals degrees, translate, scale, shear, fill, center;
    int interpolation;
    double p;
} affine_settings;

static const slc_param affine_params[] = {
    {"degrees", SLC_FIELD(affine_settings, degrees), .lo = -36000, .hi = 36000,
     .min_count = 1, .max_count = 2, .initial = "0", .unit = "deg",
     .help = "clockwise: the range to draw from; one number d is [-d, d]"},
    {"translate", SLC_FIELD(affine_settings, translate), .lo = 0, .hi = 1, .min_count = 2,
     .max_count = 2, .initial = "[0, 0]", .unit = "ratio",
     .help = "most of the width and of the height to move by, either way"},
    {"scale", SLC_FIELD(affine_settings, scale), .lo = 1e-3, .hi = 1e3, .min_count = 1,
     .max_count = 2, .initial = "1", .unit = "ratio", .help = "one value, or the range"},
    {"shear", SLC_FIELD(affine_settings, shear), .lo = -89, .hi = 89, .min_count = 1,
     .max_count = 4, .initial = "0", .unit = "deg",
     .help = "d: x in [-d, d]; [lo, hi]: x; [lo, hi, lo, hi]: x and y"},
    SLC_SAMPLING(affine_settings, "nearest"),
    SLC_FILL(affine_settings, "colour outside"),
    {"center", SLC_FIELD(affine_settings, center), .lo = -1e6, .hi = 1e6, .min_count = 0,
     .max_count = 2, .initial = "[]", .unit = "px", .help = "[x, y]; [] is the middle"},
    SLC_CHANCE(affine_settings, "1"),
    {0}};

static slc_status affine_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const affine_settings *s = set;
    slc_status status;
    (void)arena;
    if (s->shear.n == 3)
        return slc_fail(err, SLC_EINVAL, "shear: expected 1, 2 or 4 numbers, found 3");
    if ((status = slc_around_check("degrees", &s->degrees, err))) return status;
    if ((status = slc_range_check("scale", &s->scale, err))) return status;
    if ((status = slc_around_check("shear", &s->shear, err))) return status;
    return center_prepare(&s->center, err);
}

static bool affine_draw(const void *set, slc_at *at, slc_draw *out)
{
    const affine_settings *s = set;
    const double dx = s->translate.v[0] * (double)at->w,
                 dy = s->translate.v[1] * (double)at->h;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[ANGLE] = slc_draw_around(at, &s->degrees);
    out->v[TX] = rint(slc_draw_uniform(at, -dx, dx));
    out->v[TY] = rint(slc_draw_uniform(at, -dy, dy));
    out->v[SCALE] = slc_draw_range(at, &s->scale);
    out->v[SHEAR_X] = slc_draw_around(at, &s->shear);
    out->v[SHEAR_Y] =
        s->shear.n == 4 ? slc_draw_uniform(at, s->shear.v[2], s->shear.v[3]) : 0;
    return true;
}

static slc_warp affine_warp(const void *set, const slc_draw *drawn, size_t w, size_t h)
{
    const affine_settings *s = set;
    return affine_of(drawn->v, s->center.n ? s->center.v[0] : (double)w * 0.5,
                     s->center.n ? s->center.v[1] : (double)h * 0.5, w, h,
                     s->interpolation, &s->fill);
}

const slc_op slc_op_affine = {
    .entry = {"affine", "turn, move, scale and shear at once", "torchvision RandomAffine",
              affine_params, sizeof(affine_settings)},
    .value = {"angle_deg", "x_px", "y_px", "scale", "shear_x_deg", "shear_y_deg"},
    .exactness = "nearest bit-exact; bilinear, bicubic at most 1 level",
    .peer = "torchvision 0.14 affine on Pillow 9.4 images",
    .neutral = "{degrees: 0, interpolation: bilinear}",
    .example = "{degrees: [10, 10], translate: [0.1, 0.1], scale: 0.9, shear: [5, 5], "
               "interpolation: bilinear}",
    .prepare = affine_prepare,
    .draw = affine_draw,
    .warp = affine_warp,
};

/* ---- shear ---- */

enum { CENTER, CORNER };
static const char *const anchors[] = {"center", "corner", NULL};

typedef struct shear_settings {
    slc_reals x, y, fill;
    int about, interpolation;
    double p;
} shear_settings;

static const slc_param shear_params[] = {
    {"x", SLC_FIELD(shear_settings, x), .lo = -89, .hi = 89, .min_count = 1,
     .max_count = 2, .initial = "[-15, 15]", .unit = "deg",
     .help = "rows slide: one value, or the range"},
    {"y", SLC_FIELD(shear_settings, y), .lo = -89, .hi = 89, .min_count = 1,
     .max_count = 2, .initial = "0", .unit = "deg",
     .help = "columns slide: one value, or the range"},
    {"about", SLC_FIELD(shear_settings, about), .choices = anchors, .initial = "center",
     .help = "the point that stays: the middle, or the top left corner (policies)"},
    SLC_SAMPLING(shear_settings, "nearest"),
    SLC_FILL(shear_settings, "colour outside"),
    SLC_CHANCE(shear_settings, "1"),
    {0}};

static slc_status shear_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const shear_settings *s = set;
    (void)arena;
    const slc_status status = slc_range_check("x", &s->x, err);
    return status ? status : slc_range_check("y", &s->y, err);
}

static bool shear_draw(const void *set, slc_at *at, slc_draw *out)
{
    const shear_settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_range(at, &s->x);
    out->v[1] = slc_draw_range(at, &s->y);
    return true;
}

static slc_warp shear_warp(const void *set, const slc_draw *drawn, size_t w, size_t h)
{
    const shear_settings *s = set;
    const double half = s->about == CENTER ? 0.5 : 0;
    const double v[6] = {[SCALE] = 1, [SHEAR_X] = drawn->v[0], [SHEAR_Y] = drawn->v[1]};
    return affine_of(v, (double)w * half, (double)h * half, w, h, s->interpolation,
                     &s->fill);
}

const slc_op slc_op_shear = {
    .entry = {"shear", "slide rows or columns",
              "torchvision affine; AutoAugment ShearX, Y", shear_params,
              sizeof(shear_settings)},
    .value = {"x_deg", "y_deg"},
    .exactness = "nearest bit-exact; bilinear, bicubic at most 1 level",
    .peer = "torchvision 0.14 affine on Pillow 9.4 images",
    .neutral = "{x: 0, interpolation: bilinear}",
    .example = "{x: 10, interpolation: bilinear}",
    .prepare = shear_prepare,
    .draw = shear_draw,
    .warp = shear_warp,
};

/* ---- translate ---- */

enum { RATIO, PX };
static const char *const units[] = {"ratio", "px", NULL};

typedef struct translate_settings {
    slc_reals x, y, fill;
    int unit, interpolation;
    double p;
} translate_settings;

static const slc_param translate_params[] = {
    {"x", SLC_FIELD(translate_settings, x), .lo = -SLC_MAX_SIDE, .hi = SLC_MAX_SIDE,
     .min_count = 1, .max_count = 2, .initial = "[-0.1, 0.1]",
     .help = "to the right: one value, or the range"},
    {"y", SLC_FIELD(translate_settings, y), .lo = -SLC_MAX_SIDE, .hi = SLC_MAX_SIDE,
     .min_count = 1, .max_count = 2, .initial = "[-0.1, 0.1]",
     .help = "down: one value, or the range"},
    {"unit", SLC_FIELD(translate_settings, unit), .choices = units, .initial = "ratio",
     .help = "of x and y: parts of the width and height, or pixels"},
    SLC_SAMPLING(translate_settings, "nearest"),
    SLC_FILL(translate_settings, "colour outside"),
    SLC_CHANCE(translate_settings, "1"),
    {0}};

static slc_status translate_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const translate_settings *s = set;
    (void)arena;
    const slc_status status = slc_range_check("x", &s->x, err);
    return status ? status : slc_range_check("y", &s->y, err);
}

/* Whole pixels, as torchvision draws them. */
static bool translate_draw(const void *set, slc_at *at, slc_draw *out)
{
    const translate_settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    const double x = slc_draw_range(at, &s->x), y = slc_draw_range(at, &s->y);
    out->v[0] = rint(s->unit == PX ? x : x * (double)at->w);
    out->v[1] = rint(s->unit == PX ? y : y * (double)at->h);
    return true;
}

static slc_warp translate_warp(const void *set, const slc_draw *drawn, size_t w, size_t h)
{
    const translate_settings *s = set;
    const double v[6] = {[TX] = drawn->v[0], [TY] = drawn->v[1], [SCALE] = 1};
    return affine_of(v, (double)w * 0.5, (double)h * 0.5, w, h, s->interpolation,
                     &s->fill);
}

const slc_op slc_op_translate = {
    .entry = {"translate", "move", "torchvision affine; AutoAugment TranslateX, Y",
              translate_params, sizeof(translate_settings)},
    .value = {"x_px", "y_px"},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 affine on Pillow 9.4 images",
    .neutral = "{x: 0, y: 0}",
    .example = "{x: 0.1, y: 0.1}",
    .prepare = translate_prepare,
    .draw = translate_draw,
    .warp = translate_warp,
};
