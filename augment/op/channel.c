/* Ops on whole channels: channel_shuffle and channel_dropout. */
#include "augment/keys.h"
#include "augment/op.h"

typedef struct settings {
    slc_reals count, fill;
    double p;
} settings;

static const slc_param shuffle_params[] = {SLC_CHANCE(settings, "0.5"), {0}};
static const slc_param dropout_params[] = {
    {"count", SLC_FIELD(settings, count), .lo = 1, .hi = 2, .min_count = 1,
     .max_count = 2, .initial = "1", .help = "how many are dropped; one or a range"},
    {"fill", SLC_FIELD(settings, fill), .lo = 0, .hi = 255, .min_count = 1,
     .max_count = 1, .initial = "0", .unit = "level", .help = "what is put there"},
    SLC_CHANCE(settings, "0.5"),
    {0}};

/* One of the six orders, as three values. */
static bool shuffle_draw(const void *set, slc_at *at, slc_draw *out)
{
    static const uint8_t order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    if (!slc_draw_chance(at, ((const settings *)set)->p)) return false;
    const uint64_t which = slc_draw_below(at, 6);
    for (int c = 0; c < 3; c++)
        out->v[c] = order[which][c];
    return true;
}

static slc_colour shuffle_colour(const void *set, const slc_draw *drawn)
{
    slc_colour m = {0};
    (void)set;
    for (int c = 0; c < 3; c++)
        m.m[c][(int)drawn->v[c]] = 1;
    return m;
}

static slc_status dropout_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    for (size_t i = 0; i < s->count.n; i++)
        if (s->count.v[i] != 1 && s->count.v[i] != 2)
            return slc_fail(err, SLC_EINVAL, "count: %g is neither 1 nor 2",
                            s->count.v[i]);
    if (s->count.n == 2 && s->count.v[0] > s->count.v[1])
        return slc_fail(err, SLC_EINVAL, "count: the range is empty");
    return SLC_OK;
}

static bool dropout_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    const int64_t count = slc_draw_int(at, (int64_t)s->count.v[0],
                                       (int64_t)s->count.v[s->count.n > 1 ? 1 : 0]);
    const uint64_t one = slc_draw_below(at, 3); /* dropped alone, or kept alone */
    for (uint64_t c = 0; c < 3; c++)
        out->v[c] = count == 1 ? c == one : c != one;
    return true;
}

static slc_colour dropout_colour(const void *set, const slc_draw *drawn)
{
    const settings *s = set;
    slc_colour m = {0};
    for (int c = 0; c < 3; c++) {
        const bool drop = drawn->v[c] != 0;
        m.m[c][c] = drop ? 0 : 1;
        m.m[c][3] = drop ? (float)s->fill.v[0] : 0;
    }
    return m;
}

const slc_op slc_op_channel_shuffle = {
    .entry = {"channel_shuffle", "put the channels in another order",
              "torchvision RandomChannelPermutation", shuffle_params, sizeof(settings)},
    .value = {"from0", "from1", "from2"},
    .exactness = "exact by definition",
    .neutral = "{p: 0}",
    .min_channels = 3,
    .draw = shuffle_draw,
    .colour = shuffle_colour,
};

const slc_op slc_op_channel_dropout = {
    .entry = {"channel_dropout", "replace one or two channels by a constant",
              "Albumentations ChannelDropout", dropout_params, sizeof(settings)},
    .value = {"drop0", "drop1", "drop2"},
    .exactness = "exact by definition",
    .neutral = "{p: 0}",
    .min_channels = 3,
    .prepare = dropout_prepare,
    .draw = dropout_draw,
    .colour = dropout_colour,
};
