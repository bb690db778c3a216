/* Box, median and motion blur. */
#include <math.h>
#include <string.h>

#include "augment/kernel/filter.h"
#include "augment/keys.h"
#include "augment/op/bordered.h"
#include "augment/op/enhance.h"

enum { MAX_MEDIAN = 15, MAX_MOTION = 101 };

typedef struct settings {
    slc_reals radius, kernel_size, angle, direction;
    double p;
} settings;

static const slc_param box_params[] = {
    SLC_RANGE("radius", settings, radius, 0, 1000, "[1, 3]", "px",
              "0 leaves the picture as it is, 1 averages 3 x 3 px; one value or a range"),
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param median_params[] = {SLC_RANGE("kernel_size", settings, kernel_size,
                                                    1, MAX_MEDIAN, "3", "px",
                                                    "odd; one value or a range"),
                                          SLC_CHANCE(settings, "1"),
                                          {0}};
static const slc_param motion_params[] = {
    SLC_RANGE("kernel_size", settings, kernel_size, 1, MAX_MOTION, "[3, 7]", "px",
              "length of the path, odd; one value or a range"),
    SLC_RANGE("angle", settings, angle, -360, 360, "[0, 360]", "deg",
              "of the path; one value or a range"),
    SLC_RANGE("direction", settings, direction, -1, 1, "[-1, 1]", "ratio",
              "0 evenly along the path, -1 or 1 fading; one value or a range"),
    SLC_CHANCE(settings, "1"),
    {0}};

static slc_status box_prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return slc_range_check("radius", &((settings *)set)->radius, err);
}

static slc_status odd_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    for (size_t i = 0; i < s->kernel_size.n; i++)
        if (fmod(s->kernel_size.v[i], 2) != 1)
            return slc_fail(err, SLC_EINVAL, "kernel_size: %g is not odd",
                            s->kernel_size.v[i]);
    return slc_range_check("kernel_size", &s->kernel_size, err);
}

static slc_status motion_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    slc_status status = odd_prepare(set, arena, err);
    if (!status) status = slc_range_check("angle", &s->angle, err);
    return status ? status : slc_range_check("direction", &s->direction, err);
}

static bool box_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_range(at, &s->radius);
    return true;
}

/* An odd number from the range. */
static double draw_odd(slc_at *at, const slc_reals *range)
{
    const int64_t lo = (int64_t)range->v[0], hi = (int64_t)range->v[range->n > 1 ? 1 : 0];
    return (double)(lo + 2 * slc_draw_int(at, 0, (hi - lo) / 2));
}

static bool median_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = draw_odd(at, &s->kernel_size);
    return true;
}

static bool motion_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = draw_odd(at, &s->kernel_size);
    out->v[1] = slc_draw_range(at, &s->angle);
    out->v[2] = slc_draw_range(at, &s->direction);
    return true;
}

/* Pillow's fixed point: weights of a whole pixel and of the two at the ends, in 2^-24. */
typedef struct box {
    ptrdiff_t radius;
    uint32_t weight[2];
} box;

static box make_box(double radius)
{
    const float r = (float)radius;
    const ptrdiff_t whole = (ptrdiff_t)r;
    const uint32_t weight = (uint32_t)((float)(1 << 24) / (r * 2 + 1));
    return (box){
        .radius = whole,
        .weight = {weight, ((1u << 24) - (uint32_t)(whole * 2 + 1) * weight) / 2}};
}

/* sum[i] = src[0] + src[step] + ... up to src[i - step], separately for each channel. */
static void run_sums(uint32_t *sum, const uint8_t *src, size_t n, size_t step)
{
    uint32_t a = 0, b = 0, c = 0;
    if (step == 1) {
        for (size_t i = 0; i < n; i++) {
            sum[i] = a;
            a += src[i];
        }
        return;
    }
    for (size_t i = 0; i < n; i += 3) {
        sum[i] = a;
        sum[i + 1] = b;
        sum[i + 2] = c;
        a += src[i];
        b += src[i + 1];
        c += src[i + 2];
    }
}

/* Along the rows; sum has room for a row with its margins. */
static void box_across(const box *b, slc_image *out, const slc_image *in, uint32_t *sum,
                       slc_isa isa)
{
    const size_t c = in->channels, n = in->w * c, reach = (size_t)b->radius * c;
    for (size_t y = 0; y < in->h; y++) {
        const uint8_t *before = in->px + y * in->stride - reach - c; /* of dst[0] */
        run_sums(sum, before, n + 2 * reach + 2 * c, c);
        slc_filters_of[isa]->box_across(out->px + y * out->stride, sum + c,
                                        sum + 2 * reach + 2 * c, before,
                                        before + 2 * reach + 2 * c, b->weight, n);
    }
}

static void box_down(const box *b, slc_image *out, const slc_image *in, uint32_t *sum,
                     slc_isa isa)
{
    const size_t n = in->w * in->channels;
    const ptrdiff_t r = b->radius;
#define ROW(y) (in->px + slc_edge_at((y), in->h) * in->stride)
    memset(sum, 0, n * sizeof(*sum));
    for (ptrdiff_t y = -r - 1; y < r; y++) {
        const uint8_t *row = ROW(y);
        for (size_t i = 0; i < n; i++)
            sum[i] += row[i];
    }
    for (ptrdiff_t y = 0; y < (ptrdiff_t)in->h; y++)
        slc_filters_of[isa]->box_down(out->px + (size_t)y * out->stride, sum,
                                      ROW(y - r - 1), ROW(y + r), ROW(y + r + 1),
                                      b->weight, n);
#undef ROW
}

static slc_status box_area(const slc_context *context, const slc_draw *drawn,
                           const slc_image *in, slc_work *work, slc_image *out,
                           slc_err *err)
{
    const box b = make_box(drawn->v[0]);
    const size_t margin = (size_t)b.radius + 1;
    slc_image half, wide;
    (void)context;
    slc_status status =
        slc_image_alloc(&half, &work->arena, in->w, in->h, in->channels, err);
    if (!status)
        status = slc_bordered(&wide, in, margin, 0, slc_edge_at, &work->arena, err);
    if (status) return status;
    uint32_t *sum =
        slc_arena_alloc(&work->arena, (in->w + 2 * margin) * in->channels * sizeof(*sum));
    if (!sum) return slc_fail(err, SLC_ENOMEM, "box_blur: no memory");
    box_across(&b, &half, &wide, sum, work->isa);
    box_down(&b, out, &half, sum, work->isa);
    return SLC_OK;
}

static slc_status median_area(const slc_context *context, const slc_draw *drawn,
                              const slc_image *in, slc_work *work, slc_image *out,
                              slc_err *err)
{
    const slc_filters *f = slc_filters_of[work->isa];
    const size_t size = (size_t)drawn->v[0], margin = size / 2, c = in->channels,
                 n = in->w * c;
    slc_image from;
    (void)context;
    const slc_status status =
        slc_bordered(&from, in, margin, margin, slc_edge_at, &work->arena, err);
    if (status) return status;
    uint8_t *wide = slc_arena_alloc(&work->arena, n + 2 * c);
    if (!wide) return slc_fail(err, SLC_ENOMEM, "median_blur: no memory");
    for (size_t y = 0; y < in->h; y++) {
        const uint8_t *rows[MAX_MEDIAN];
        for (size_t t = 0; t < size; t++)
            rows[t] = from.px +
                      ((ptrdiff_t)(y + t) - (ptrdiff_t)margin) * (ptrdiff_t)from.stride -
                      margin * c;
        if (size == 3) {
            f->median3(wide, rows[0], rows[1], rows[2], n + 2 * c, c);
            memcpy(out->px + y * out->stride, wide + c, n);
        } else if (size == 5) {
            f->median5(out->px + y * out->stride, rows, n, c);
        } else {
            f->median(out->px + y * out->stride, rows, size, n, c);
        }
    }
    return SLC_OK;
}

static slc_status motion_area(const slc_context *context, const slc_draw *drawn,
                              const slc_image *in, slc_work *work, slc_image *out,
                              slc_err *err)
{
    const slc_filters *f = slc_filters_of[work->isa];
    const size_t size = (size_t)drawn->v[0], margin = size / 2, c = in->channels,
                 n = in->w * c;
    const double angle = drawn->v[1] * (M_PI / 180);
    ptrdiff_t offset[MAX_MOTION];
    float weight[MAX_MOTION];
    slc_image from;
    (void)context;
    const slc_status status =
        slc_bordered(&from, in, margin, margin, slc_reflect_at, &work->arena, err);
    if (status) return status;
    float *sums = slc_arena_alloc(&work->arena, (n + 64) * sizeof(*sums));
    if (!sums) return slc_fail(err, SLC_ENOMEM, "motion_blur: no memory");
    for (size_t t = 0; t < size; t++) {
        const double at = (double)t - (double)margin;
        const double along = size > 1 ? at / (double)margin : 0; /* -1 to 1 */
        offset[t] = (ptrdiff_t)lround(-at * sin(angle)) * (ptrdiff_t)from.stride +
                    (ptrdiff_t)lround(at * cos(angle)) * (ptrdiff_t)c;
        weight[t] = (float)((1 + drawn->v[2] * along) / (double)size);
    }
    for (size_t y = 0; y < in->h; y++) {
        const uint8_t *rows[MAX_MOTION];
        for (size_t t = 0; t < size; t++)
            rows[t] = from.px + y * from.stride + offset[t];
        f->down(sums, rows, weight, size, n);
        f->nearest(out->px + y * out->stride, sums, n);
    }
    return SLC_OK;
}

const slc_op slc_op_box_blur = {
    .entry = {"box_blur", "average over a square", "Pillow ImageFilter.BoxBlur",
              box_params, sizeof(settings)},
    .value = {"radius"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageFilter.BoxBlur",
    .neutral = "{radius: 0}",
    .prepare = box_prepare,
    .draw = box_draw,
    .area = box_area,
};

const slc_op slc_op_median_blur = {
    .entry = {"median_blur", "the middle value of a square",
              "Pillow ImageFilter.MedianFilter", median_params, sizeof(settings)},
    .value = {"kernel_size"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageFilter.MedianFilter",
    .neutral = "{kernel_size: 1}",
    .prepare = odd_prepare,
    .draw = median_draw,
    .area = median_area,
};

const slc_op slc_op_motion_blur = {
    .entry = {"motion_blur", "smear along a straight path",
              "imgaug and Albumentations MotionBlur", motion_params, sizeof(settings)},
    .value = {"kernel_size", "angle_deg", "direction"},
    .exactness =
        "exact by definition: the weighted mean of size points of the path, each "
        "at the nearest pixel",
    .neutral = "{kernel_size: 1}",
    .prepare = motion_prepare,
    .draw = motion_draw,
    .area = motion_area,
};
