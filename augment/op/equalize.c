/* Equalize and autocontrast: tables made from each channel's histogram, as Pillow's
 * ImageOps. */
#include <math.h>

#include "augment/op/point.h"

typedef struct settings {
    slc_reals cutoff;
    double p;
} settings;

static const slc_param equalize_params[] = {SLC_CHANCE(settings, "1"), {0}};
static const slc_param contrast_params[] = {
    {"cutoff", SLC_FIELD(settings, cutoff), .lo = 0, .hi = 100, .min_count = 1,
     .max_count = 2, .initial = "0", .unit = "%",
     .help = "share of pixels ignored at both ends, or [low, high]"},
    SLC_CHANCE(settings, "1"),
    {0}};

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    (void)out;
    return slc_draw_chance(at, ((const settings *)set)->p);
}

static void identity(uint8_t table[256])
{
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)i;
}

static void equalize_channel(const uint32_t hist[256], uint8_t table[256])
{
    uint64_t total = 0, last = 0;
    for (int i = 0; i < 256; i++) {
        total += hist[i];
        if (hist[i]) last = hist[i];
    }
    const uint64_t step = (total - last) / 255;
    if (step == 0) { /* a single level among them: all but last is nothing */
        identity(table);
        return;
    }
    uint64_t n = step / 2;
    for (int i = 0; i < 256; i++) {
        const uint64_t v = n / step; /* at most 255 where a level occurs */
        table[i] = (uint8_t)(v > 255 ? 255 : v);
        n += hist[i];
    }
}

static void equalize(const void *set, const slc_draw *drawn, uint32_t hist[3][256],
                     size_t pixels, size_t channels, uint8_t table[3][256])
{
    (void)set, (void)drawn, (void)pixels;
    for (size_t c = 0; c < channels; c++)
        equalize_channel(hist[c], table[c]);
}

static slc_status cutoff_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const slc_reals *cutoff = &((const settings *)set)->cutoff;
    const double low = cutoff->v[0], high = cutoff->v[cutoff->n > 1 ? 1 : 0];
    (void)arena;
    if (low + high < 100) return SLC_OK;
    return slc_fail(err, SLC_EINVAL, "cutoff: %g and %g %% leave no pixel", low, high);
}

/* Takes cut pixels away from one end of a histogram. */
static void cut_end(uint32_t hist[256], double cut, int from, int by)
{
    for (int i = from; i >= 0 && i < 256 && cut > 0; i += by) {
        const uint32_t taken = cut > hist[i] ? hist[i] : (uint32_t)cut;
        hist[i] -= taken;
        cut -= taken;
    }
}

static void stretch_channel(uint32_t hist[256], const slc_reals *cutoff, size_t pixels,
                            uint8_t table[256])
{
    const double low = cutoff->v[0], high = cutoff->v[cutoff->n > 1 ? 1 : 0];
    if (low != 0 || high != 0) {
        cut_end(hist, floor((double)pixels * low / 100), 0, 1);
        cut_end(hist, floor((double)pixels * high / 100), 255, -1);
    }
    int lo = 0, hi = 255;
    while (lo < 255 && !hist[lo])
        lo++;
    while (hi > 0 && !hist[hi])
        hi--;
    identity(table);
    if (hi <= lo) return;
    const double scale = 255.0 / (hi - lo), offset = -lo * scale;
    for (int i = 0; i < 256; i++) {
        const double v = i * scale + offset;
        table[i] = (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v);
    }
}

static void autocontrast(const void *set, const slc_draw *drawn, uint32_t hist[3][256],
                         size_t pixels, size_t channels, uint8_t table[3][256])
{
    const settings *s = set;
    (void)drawn;
    for (size_t c = 0; c < channels; c++)
        stretch_channel(hist[c], &s->cutoff, pixels, table[c]);
}

const slc_op slc_op_equalize = {
    .entry = {"equalize", "spread each channel's values evenly",
              "Pillow ImageOps.equalize", equalize_params, sizeof(settings)},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageOps.equalize",
    .neutral = "{p: 0}",
    .draw = draw,
    .tone = equalize,
};

const slc_op slc_op_autocontrast = {
    .entry = {"autocontrast", "stretch each channel to the full range",
              "Pillow ImageOps.autocontrast", contrast_params, sizeof(settings)},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageOps.autocontrast",
    .neutral = "{p: 0}",
    .prepare = cutoff_prepare,
    .draw = draw,
    .tone = autocontrast,
};
