/* Several looks at one picture for evaluation: its mirror image, the corners and the middle, the
 * same mirrored, or boxes of several sizes. An image has that many views; the key says which one
 * is made. */
#include <math.h>
#include <stdio.h>

#include "augment/op.h"

typedef struct settings {
    slc_reals size;
    bool vertical_flip;
} settings;

static const slc_param no_params[] = {{0}};

static const slc_param five_params[] = {
    {"size", SLC_FIELD(settings, size), .whole = true, .lo = 1, .hi = SLC_MAX_SIDE,
     .min_count = 1, .max_count = 2, .unit = "px", .help = "side, or [height, width]"},
    {0}};

static const slc_param ten_params[] = {
    {"size", SLC_FIELD(settings, size), .whole = true, .lo = 1, .hi = SLC_MAX_SIDE,
     .min_count = 1, .max_count = 2, .unit = "px", .help = "side, or [height, width]"},
    {"vertical_flip", SLC_FIELD(settings, vertical_flip), .initial = "false",
     .help = "mirror top and bottom instead"},
    {0}};

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    (void)set;
    out->v[0] = at->key.view;
    return true;
}

static slc_status region(const void *set, const slc_draw *drawn, size_t w, size_t h,
                         slc_region *out, slc_err *err)
{
    const settings *s = set;
    const unsigned view = (unsigned)drawn->v[0] % 5;
    slc_size_of(&s->size, &out->h, &out->w);
    if (out->w > w || out->h > h)
        return slc_fail(err, SLC_EINVAL,
                        "five_crop: %zu x %zu px does not fit into %zu x %zu px", out->w,
                        out->h, w, h);
    out->x = view & 1 ? (ptrdiff_t)(w - out->w) : 0;
    out->y = view & 2 ? (ptrdiff_t)(h - out->h) : 0;
    if (view == 4) {
        out->x = (ptrdiff_t)rint((double)(w - out->w) / 2.0);
        out->y = (ptrdiff_t)rint((double)(h - out->h) / 2.0);
    }
    return SLC_OK;
}

static bool size(const void *set, size_t *w, size_t *h)
{
    const settings *s = set;
    slc_size_of(&s->size, h, w);
    return true;
}

static uint32_t five(const void *set)
{
    (void)set;
    return 5;
}

static uint32_t ten(const void *set)
{
    (void)set;
    return 10;
}

const slc_op slc_op_five_crop = {
    .entry = {"five_crop", "the corners and the middle, one per view",
              "torchvision FiveCrop", five_params, sizeof(settings)},
    .value = {"view"},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 FiveCrop",
    .example = "{size: 192}",
    .draw = draw,
    .size = size,
    .views = five,
    .region = region,
};

static slc_status children(const void *set, slc_arena *arena, const slc_node **list,
                           slc_err *err)
{
    const settings *s = set;
    char text[160];
    slc_node *node = NULL;
    const int n = snprintf(
        text, sizeof(text), "[{five_crop: {size: [%g, %g]}}, {%s: {p: 1}}]", s->size.v[0],
        s->size.v[s->size.n - 1], s->vertical_flip ? "vflip" : "hflip");
    const slc_status status =
        slc_node_parse(&node, arena, text, (size_t)n, "ten_crop", err);
    *list = node;
    return status;
}

static size_t expand(const slc_context *context, const slc_draw *drawn, slc_call *calls)
{
    const double view = (double)((unsigned)drawn->v[0] % 10);
    (void)context;
    calls[0] =
        (slc_call){.child = 0, .drawn = true, .draw = {{view >= 5 ? view - 5 : view}}};
    calls[1] = (slc_call){.child = 1};
    return view >= 5 ? 2 : 1;
}

const slc_op slc_op_ten_crop = {
    .entry = {"ten_crop", "five_crop and its mirror images, one per view",
              "torchvision TenCrop", ten_params, sizeof(settings)},
    .value = {"view"},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 TenCrop",
    .example = "{size: 192}",
    .draw = draw,
    .size = size,
    .views = ten,
    .expand = expand,
    .children = children,
};

static slc_status flip_child(const void *set, slc_arena *arena, const slc_node **list,
                             slc_err *err)
{
    static const char text[] = "[{hflip: {p: 1}}]";
    slc_node *node = NULL;
    (void)set;
    const slc_status status =
        slc_node_parse(&node, arena, text, sizeof(text) - 1, "hflip_views", err);
    *list = node;
    return status;
}

static size_t flip_second(const slc_context *context, const slc_draw *drawn,
                          slc_call *calls)
{
    (void)context;
    calls[0] = (slc_call){.child = 0};
    return (unsigned)drawn->v[0] % 2;
}

static uint32_t two(const void *set)
{
    (void)set;
    return 2;
}

const slc_op slc_op_hflip_views = {
    .entry = {"hflip_views", "the picture and its mirror image, one per view",
              "test-time augmentation by flips: Krizhevsky et al., NIPS 2012", no_params,
              0},
    .value = {"view"},
    .exactness = "bit-exact",
    .peer = "torchvision 0.14 hflip",
    .draw = draw,
    .views = two,
    .expand = flip_second,
    .children = flip_child,
};

typedef struct scaled {
    slc_reals size, scales;
} scaled;

static const slc_param scale_params[] = {
    {"size", SLC_FIELD(scaled, size), .whole = true, .lo = 1, .hi = SLC_MAX_SIDE,
     .min_count = 1, .max_count = 2, .unit = "px", .help = "side, or [height, width]"},
    {"scales", SLC_FIELD(scaled, scales), .lo = 0.1, .hi = 10, .min_count = 2,
     .max_count = 8, .initial = "[0.875, 1, 1.15]", .unit = "ratio",
     .help = "of the picture, one per view: the box has the size divided by it"},
    {0}};

static uint32_t scale_count(const void *set)
{
    return (uint32_t)((const scaled *)set)->scales.n;
}

/* The box keeps the proportions of the size, and is no larger than the picture lets it be. */
static slc_status scale_box(const void *set, const slc_draw *drawn, size_t w, size_t h,
                            slc_resample *out, slc_err *err)
{
    const scaled *s = set;
    *out = (slc_resample){.filter = SLC_BILINEAR};
    slc_size_of(&s->size, &out->h, &out->w);
    const double scale = s->scales.v[(size_t)drawn->v[0] % s->scales.n];
    const double fit = fmin((double)w / (double)out->w, (double)h / (double)out->h);
    const double times = fmin(1 / scale, fit);
    const double box_w = fmax(1, rint(times * (double)out->w));
    const double box_h = fmax(1, rint(times * (double)out->h));
    (void)err;
    out->x0 = rint(((double)w - box_w) / 2);
    out->y0 = rint(((double)h - box_h) / 2);
    out->x1 = out->x0 + box_w;
    out->y1 = out->y0 + box_h;
    return SLC_OK;
}

static bool scaled_size(const void *set, size_t *w, size_t *h)
{
    slc_size_of(&((const scaled *)set)->size, h, w);
    return true;
}

const slc_op slc_op_scale_crops = {
    .entry = {"scale_crops",
              "the middle at several scales, resized to one size, one per view",
              "multi-scale evaluation: Simonyan & Zisserman, ICLR 2015", scale_params,
              sizeof(scaled)},
    .value = {"view"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 crop and Image.resize",
    .example = "{size: 192}",
    .draw = draw,
    .size = scaled_size,
    .views = scale_count,
    .resample = scale_box,
};
