/* 3-Augment of DeiT III: grey, solarized or blurred, and a colour jitter. */
#include <stdio.h>

#include "augment/op.h"

typedef struct settings {
    double color_jitter;
} settings;

static const slc_param params[] = {
    {"color_jitter", SLC_FIELD(settings, color_jitter), .lo = 0, .hi = 1,
     .initial = "0.3", .unit = "ratio",
     .help = "of brightness, contrast and saturation, afterwards"},
    {0}};

enum { JITTER = 3 }; /* after the three */

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    (void)set;
    out->v[0] = (double)slc_draw_below(at, JITTER);
    return true;
}

static size_t expand(const slc_context *context, const slc_draw *drawn, slc_call *calls)
{
    const settings *s = context->settings;
    calls[0] = (slc_call){.child = (uint32_t)drawn->v[0]};
    calls[1] = (slc_call){.child = JITTER};
    return s->color_jitter > 0 ? 2 : 1;
}

/* Twice three sigma of 2 px and the middle: 13 px hold the whole Gaussian. */
static slc_status children(const void *set, slc_arena *arena, const slc_node **list,
                           slc_err *err)
{
    const settings *s = set;
    char amount[32];
    slc_format_real(s->color_jitter, amount, sizeof(amount));
    const char *text = slc_arena_printf(
        arena,
        "[{random_grayscale: {p: 1}}, {solarize: {threshold: 128, p: 1}}, "
        "{gaussian_blur: {kernel_size: 13, sigma: [0.1, 2]}}, "
        "{color_jitter: {brightness: %s, contrast: %s, saturation: %s}}]",
        amount, amount, amount);
    slc_node *parsed = NULL;
    if (!text) return slc_fail(err, SLC_ENOMEM, "three_augment: no memory");
    size_t size = 0;
    while (text[size])
        size++;
    const slc_status status =
        slc_node_parse(&parsed, arena, text, size, "three_augment", err);
    *list = parsed;
    return status;
}

const slc_op slc_op_three_augment = {
    .entry = {"three_augment", "grey, solarized or blurred, then colour jitter",
              "Touvron, Cord & Jégou, DeiT III, ECCV 2022, arXiv:2204.07118", params,
              sizeof(settings)},
    .value = {"which"},
    .exactness = "as its parts",
    .draw = draw,
    .expand = expand,
    .children = children,
};
