#include "augment/policy/space.h"

#include <math.h>
#include <stdio.h>

/* The ops behind the moves, in the order of the children. */
enum {
    SHEAR,
    TRANSLATE,
    ROTATE,
    BRIGHTNESS,
    SATURATION,
    CONTRAST,
    SHARPNESS,
    POSTERIZE,
    SOLARIZE,
    AUTOCONTRAST,
    EQUALIZE,
    INVERT,
    CHILDREN
};

static const char *const names[CHILDREN] = {
    "shear",     "translate", "rotate",   "brightness",   "saturation", "contrast",
    "sharpness", "posterize", "solarize", "autocontrast", "equalize",   "invert"};

const char *const slc_move_names[] = {
    "identity",     "shear_x",    "shear_y",  "translate_x", "translate_y", "rotate",
    "brightness",   "saturation", "contrast", "sharpness",   "posterize",   "solarize",
    "autocontrast", "equalize",   "invert",   NULL};

/* torch.linspace in float32 with AVX2, to the last bit (a translation by 15.999 px is another one
 * than by 16): counted from the nearer end; whole pairs of vectors of eight from their first
 * element with rounded products, the rest with fused ones. */
static double linspace(double from, double to, int i, int n)
{
    const float a = (float)from, b = (float)to, step = (b - a) / (float)(n - 1);
    const int first = i / 8 * 8;
    if (n == 1) return a;
    if (i < n / 16 * 16) {
        const float base =
            first < n / 2 ? a + step * (float)first : b - step * (float)(n - 1 - first);
        return base + step * (float)(i - first);
    }
    return i < n / 2 ? (float)((double)a + (double)step * i)
                     : (float)((double)b - (double)step * (n - 1 - i));
}

bool slc_move_is_signed(slc_move move)
{
    return move >= SLC_MOVE_SHEAR_X && move <= SLC_MOVE_SHARPNESS;
}

double slc_move_magnitude(slc_move move, const slc_reach *r, int bin, int bins)
{
    const double end[SLC_MOVE_COUNT] = {
        [SLC_MOVE_SHEAR_X] = r->shear,           [SLC_MOVE_SHEAR_Y] = r->shear,
        [SLC_MOVE_TRANSLATE_X] = r->translate_w, [SLC_MOVE_TRANSLATE_Y] = r->translate_h,
        [SLC_MOVE_ROTATE] = r->rotate,           [SLC_MOVE_BRIGHTNESS] = r->enhance,
        [SLC_MOVE_COLOR] = r->enhance,           [SLC_MOVE_CONTRAST] = r->enhance,
        [SLC_MOVE_SHARPNESS] = r->enhance};
    if (slc_move_is_signed(move)) return linspace(0, end[move], bin, bins);
    if (move == SLC_MOVE_SOLARIZE) return linspace(255, 0, bin, bins);
    if (move == SLC_MOVE_POSTERIZE && bins > 1) {
        const float per_bit = (float)(bins - 1) / (float)r->posterize_span;
        return r->posterize_from - (double)rintf((float)bin / per_bit);
    }
    return move == SLC_MOVE_POSTERIZE ? r->posterize_from : 0;
}

/* {interpolation: nearest, fill: [0]} and what else the op needs, as key and value. */
static slc_node *warp_settings(const slc_space *space, slc_arena *arena, const char *key,
                               const char *value)
{
    slc_node *map = slc_node_new(arena, SLC_NODE_MAP);
    slc_node *fill = slc_node_new(arena, SLC_NODE_LIST);
    for (size_t i = 0; i < space->fill.n; i++) {
        char text[32];
        slc_format_real(space->fill.v[i], text, sizeof(text));
        slc_node_add(fill, slc_node_scalar(arena, text));
    }
    slc_node_put(map, arena, "interpolation",
                 slc_node_scalar(arena, slc_warp_filter_names[space->interpolation]));
    slc_node_put(map, arena, "fill", fill);
    if (key) slc_node_put(map, arena, key, slc_node_scalar(arena, value));
    return map;
}

slc_status slc_space_children(const slc_space *space, slc_arena *arena,
                              const slc_node **list, slc_err *err)
{
    slc_node *all = slc_node_new(arena, SLC_NODE_LIST);
    for (int i = 0; i < CHILDREN; i++) {
        slc_node *set = i == SHEAR       ? warp_settings(space, arena, "about", "corner")
                        : i == TRANSLATE ? warp_settings(space, arena, "unit", "px")
                        : i == ROTATE    ? warp_settings(space, arena, NULL, NULL)
                                         : slc_node_new(arena, SLC_NODE_MAP);
        slc_node *item = slc_node_new(arena, SLC_NODE_MAP);
        if (!slc_node_put(item, arena, names[i], set) || !slc_node_add(all, item))
            return slc_fail(err, SLC_ENOMEM, "policy: no memory");
    }
    *list = all;
    return SLC_OK;
}

size_t slc_move_call(slc_move move, double magnitude, slc_call *call)
{
    static const uint8_t child[SLC_MOVE_COUNT] = {
        [SLC_MOVE_SHEAR_X] = SHEAR,         [SLC_MOVE_SHEAR_Y] = SHEAR,
        [SLC_MOVE_TRANSLATE_X] = TRANSLATE, [SLC_MOVE_TRANSLATE_Y] = TRANSLATE,
        [SLC_MOVE_ROTATE] = ROTATE,         [SLC_MOVE_BRIGHTNESS] = BRIGHTNESS,
        [SLC_MOVE_COLOR] = SATURATION,      [SLC_MOVE_CONTRAST] = CONTRAST,
        [SLC_MOVE_SHARPNESS] = SHARPNESS,   [SLC_MOVE_POSTERIZE] = POSTERIZE,
        [SLC_MOVE_SOLARIZE] = SOLARIZE,     [SLC_MOVE_AUTOCONTRAST] = AUTOCONTRAST,
        [SLC_MOVE_EQUALIZE] = EQUALIZE,     [SLC_MOVE_INVERT] = INVERT};
    if (move == SLC_MOVE_IDENTITY) return 0;
    *call = (slc_call){.child = child[move], .drawn = true};
    double *v = call->draw.v;
    const int vertical = move == SLC_MOVE_SHEAR_Y || move == SLC_MOVE_TRANSLATE_Y;
    if (child[move] == SHEAR)
        v[vertical] = atan(magnitude) * (180 / M_PI);
    else if (child[move] == TRANSLATE)
        v[vertical] = trunc(magnitude);
    else if (move >= SLC_MOVE_BRIGHTNESS && move <= SLC_MOVE_SHARPNESS)
        v[0] = 1 + magnitude;
    else
        v[0] = magnitude;
    return 1;
}
