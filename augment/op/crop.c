/* Crops and pads: parts of the image, some of which reach outside it. */
#include <math.h>

#include "augment/keys.h"

/* ---- crop ---- */

typedef struct crop_settings {
    int64_t top, left, height, width;
} crop_settings;

static const slc_param crop_params[] = {
    {"top", SLC_FIELD(crop_settings, top), .lo = 0, .hi = SLC_MAX_SIDE, .initial = "0",
     .unit = "px", .help = "first row"},
    {"left", SLC_FIELD(crop_settings, left), .lo = 0, .hi = SLC_MAX_SIDE, .initial = "0",
     .unit = "px", .help = "first column"},
    {"height", SLC_FIELD(crop_settings, height), .lo = 1, .hi = SLC_MAX_SIDE,
     .unit = "px", .help = "rows"},
    {"width", SLC_FIELD(crop_settings, width), .lo = 1, .hi = SLC_MAX_SIDE, .unit = "px",
     .help = "columns"},
    {0}};

static slc_status crop_region(const void *set, const slc_draw *drawn, size_t w, size_t h,
                              slc_region *out, slc_err *err)
{
    const crop_settings *s = set;
    (void)drawn;
    *out = (slc_region){
        .x = s->left, .y = s->top, .w = (size_t)s->width, .h = (size_t)s->height};
    if ((size_t)(s->left + s->width) > w || (size_t)(s->top + s->height) > h)
        return slc_fail(err, SLC_EINVAL,
                        "crop: %zu x %zu px at (%td, %td) does not fit into %zu x %zu px",
                        out->w, out->h, out->x, out->y, w, h);
    return SLC_OK;
}

static bool crop_size(const void *set, size_t *w, size_t *h)
{
    const crop_settings *s = set;
    *w = (size_t)s->width;
    *h = (size_t)s->height;
    return true;
}

const slc_op slc_op_crop = {
    .entry = {"crop", "cut out a fixed box", "torchvision crop", crop_params,
              sizeof(crop_settings)},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 Image.crop",
    .example = "{top: 16, left: 16, height: 192, width: 192}",
    .size = crop_size,
    .region = crop_region,
};

/* ---- center_crop ---- */

typedef struct center_settings {
    slc_reals size, fill;
} center_settings;

static const slc_param center_params[] = {
    {"size", SLC_FIELD(center_settings, size), .whole = true, .lo = 1, .hi = SLC_MAX_SIDE,
     .min_count = 1, .max_count = 2, .unit = "px", .help = "side, or [height, width]"},
    SLC_FILL(center_settings, "colour around smaller images"),
    {0}};

/* Where a centred stretch of want begins in have; torchvision rounds half to even when it
 * cuts, and down when it pads. */
static ptrdiff_t centred(size_t have, size_t want)
{
    if (want > have) return -(ptrdiff_t)((want - have) / 2);
    return (ptrdiff_t)rint((double)(have - want) / 2.0);
}

static slc_status center_region(const void *set, const slc_draw *drawn, size_t w,
                                size_t h, slc_region *out, slc_err *err)
{
    const center_settings *s = set;
    (void)drawn, (void)err;
    slc_size_of(&s->size, &out->h, &out->w);
    out->x = centred(w, out->w);
    out->y = centred(h, out->h);
    slc_fill_of(&s->fill, out->fill);
    return SLC_OK;
}

static bool center_size(const void *set, size_t *w, size_t *h)
{
    const center_settings *s = set;
    slc_size_of(&s->size, h, w);
    return true;
}

const slc_op slc_op_center_crop = {
    .entry = {"center_crop", "cut out the middle", "torchvision CenterCrop",
              center_params, sizeof(center_settings)},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 CenterCrop",
    .example = "{size: 192}",
    .size = center_size,
    .region = center_region,
};

/* ---- random_crop ---- */

typedef struct random_settings {
    slc_reals size, padding, fill;
    bool pad_if_needed;
    int padding_mode;
} random_settings;

static const slc_param random_params[] = {
    {"size", SLC_FIELD(random_settings, size), .whole = true, .lo = 1, .hi = SLC_MAX_SIDE,
     .min_count = 1, .max_count = 2, .unit = "px", .help = "side, or [height, width]"},
    {"padding", SLC_FIELD(random_settings, padding), .whole = true, .lo = 0,
     .hi = SLC_MAX_SIDE, .min_count = 1, .max_count = 4, .initial = "0", .unit = "px",
     .help = "added first: all sides, [left and right, top and bottom], or "
             "[left, top, right, bottom]"},
    {"pad_if_needed", SLC_FIELD(random_settings, pad_if_needed), .initial = "false",
     .help = "pad images that are too small"},
    SLC_FILL(random_settings, "colour of constant padding"),
    {"padding_mode", SLC_FIELD(random_settings, padding_mode),
     .choices = slc_border_names, .initial = "constant",
     .help = "what the padding shows"},
    {0}};

/* left, top, right, bottom from 1, 2 or 4 numbers. */
static void sides_of(const slc_reals *padding, size_t out[4])
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (size_t)padding->v[padding->n == 4 ? i : i % padding->n];
}

static slc_status padding_prepare(const slc_reals *padding, slc_err *err)
{
    if (padding->n != 3) return SLC_OK;
    return slc_fail(err, SLC_EINVAL, "padding: expected 1, 2 or 4 numbers, found 3");
}

static slc_status random_prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return padding_prepare(&((random_settings *)set)->padding, err);
}

/* First pixel of a window of want px, drawn evenly from those that fit into have px with
 * before and after more around; torchvision pads both sides by what is missing. */
static ptrdiff_t place(slc_at *at, size_t have, size_t before, size_t after, size_t want,
                       bool pad_if_needed)
{
    size_t total = have + before + after;
    if (total < want && pad_if_needed) {
        const size_t missing = want - total;
        before += missing;
        total += 2 * missing;
    }
    const uint64_t slack = total > want ? total - want : 0;
    return (ptrdiff_t)slc_draw_below(at, slack + 1) - (ptrdiff_t)before;
}

static bool random_draw(const void *set, slc_at *at, slc_draw *out)
{
    const random_settings *s = set;
    size_t w, h, pad[4];
    slc_size_of(&s->size, &h, &w);
    sides_of(&s->padding, pad);
    out->v[1] = (double)place(at, at->h, pad[1], pad[3], h, s->pad_if_needed);
    out->v[0] = (double)place(at, at->w, pad[0], pad[2], w, s->pad_if_needed);
    return true;
}

static slc_status random_region(const void *set, const slc_draw *drawn, size_t w,
                                size_t h, slc_region *out, slc_err *err)
{
    const random_settings *s = set;
    size_t pad[4];
    slc_size_of(&s->size, &out->h, &out->w);
    sides_of(&s->padding, pad);
    out->x = (ptrdiff_t)drawn->v[0];
    out->y = (ptrdiff_t)drawn->v[1];
    out->border = (slc_border)s->padding_mode;
    slc_fill_of(&s->fill, out->fill);
    w += pad[0] + pad[2];
    h += pad[1] + pad[3];
    if (!s->pad_if_needed && (out->w > w || out->h > h))
        return slc_fail(err, SLC_EINVAL,
                        "random_crop: %zu x %zu px does not fit into %zu x %zu px%s; "
                        "pad_if_needed: true makes room",
                        out->w, out->h, w, h,
                        pad[0] + pad[1] + pad[2] + pad[3] ? ", padding included" : "");
    return SLC_OK;
}

static bool random_size(const void *set, size_t *w, size_t *h)
{
    const random_settings *s = set;
    slc_size_of(&s->size, h, w);
    return true;
}

const slc_op slc_op_random_crop = {
    .entry = {"random_crop", "cut out a box anywhere", "torchvision RandomCrop",
              random_params, sizeof(random_settings)},
    .value = {"x", "y"},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 RandomCrop",
    .example = "{size: 192, padding: 4}",
    .prepare = random_prepare,
    .draw = random_draw,
    .size = random_size,
    .region = random_region,
};

/* ---- pad ---- */

typedef struct pad_settings {
    slc_reals padding, fill;
    int padding_mode;
} pad_settings;

static const slc_param pad_params[] = {
    {"padding", SLC_FIELD(pad_settings, padding), .whole = true, .lo = 0,
     .hi = SLC_MAX_SIDE, .min_count = 1, .max_count = 4, .unit = "px",
     .help =
         "all sides, [left and right, top and bottom], or [left, top, right, bottom]"},
    SLC_FILL(pad_settings, "colour of constant padding"),
    {"padding_mode", SLC_FIELD(pad_settings, padding_mode), .choices = slc_border_names,
     .initial = "constant", .help = "what the padding shows"},
    {0}};

static slc_status pad_prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return padding_prepare(&((pad_settings *)set)->padding, err);
}

static slc_status pad_region(const void *set, const slc_draw *drawn, size_t w, size_t h,
                             slc_region *out, slc_err *err)
{
    const pad_settings *s = set;
    size_t pad[4];
    (void)drawn, (void)err;
    sides_of(&s->padding, pad);
    *out = (slc_region){.x = -(ptrdiff_t)pad[0],
                        .y = -(ptrdiff_t)pad[1],
                        .w = w + pad[0] + pad[2],
                        .h = h + pad[1] + pad[3],
                        .border = (slc_border)s->padding_mode};
    slc_fill_of(&s->fill, out->fill);
    return SLC_OK;
}

static bool pad_size(const void *set, size_t *w, size_t *h)
{
    const pad_settings *s = set;
    size_t pad[4];
    if (!*w || !*h) return false;
    sides_of(&s->padding, pad);
    *w += pad[0] + pad[2];
    *h += pad[1] + pad[3];
    return true;
}

const slc_op slc_op_pad = {
    .entry = {"pad", "add a border", "torchvision Pad", pad_params, sizeof(pad_settings)},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 Pad (Pillow and numpy.pad)",
    .neutral = "{padding: 0}",
    .example = "{padding: 4, padding_mode: reflect}",
    .prepare = pad_prepare,
    .size = pad_size,
    .region = pad_region,
};
