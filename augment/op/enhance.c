#include "augment/op/enhance.h"

#include <string.h>

#include "augment/kernel/lut.h"
#include "augment/kernel/tint.h"

enum { MAX_ROW_STEPS = 8 };

uint8_t slc_enhance_mix(uint8_t from, uint8_t to, float factor)
{
    const float v = (float)from + factor * (float)((int)to - (int)from);
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v);
}

void slc_enhance_table(uint8_t table[256], uint8_t level, double factor)
{
    for (int i = 0; i < 256; i++)
        table[i] = slc_enhance_mix(level, (uint8_t)i, (float)factor);
}

slc_status slc_range_check(const char *name, const slc_reals *range, slc_err *err)
{
    if (range->n == 2 && range->v[0] > range->v[1])
        return slc_fail(err, SLC_EINVAL, "%s: the range [%g, %g] is empty", name,
                        range->v[0], range->v[1]);
    return SLC_OK;
}

slc_status slc_around_check(const char *name, const slc_reals *range, slc_err *err)
{
    if (range->n == 1 && range->v[0] < 0)
        return slc_fail(err, SLC_EINVAL, "%s: %g is negative; one number d is [-d, d]",
                        name, range->v[0]);
    return slc_range_check(name, range, err);
}

/* Steps that look at one pixel at a time and wait for the next pass over the rows. */
typedef struct row_step {
    slc_enhance_kind kind; /* brightness and contrast are tables by now */
    float factor;
    uint8_t shift;
    uint8_t table[256];
} row_step;

typedef struct row_steps {
    size_t count;
    row_step step[MAX_ROW_STEPS];
} row_steps;

static void add_table(row_steps *rows, uint8_t level, double factor)
{
    row_step *last = rows->count ? &rows->step[rows->count - 1] : NULL;
    uint8_t table[256];
    slc_enhance_table(table, level, factor);
    if (last && last->kind == SLC_ENHANCE_BRIGHTNESS) { /* two tables are one */
        for (int i = 0; i < 256; i++)
            last->table[i] = table[last->table[i]];
        return;
    }
    row_step *step = &rows->step[rows->count++];
    step->kind = SLC_ENHANCE_BRIGHTNESS;
    memcpy(step->table, table, sizeof(table));
}

/* As numpy's uint8(hue * 255): cut off towards zero, then modulo 256. */
static uint8_t hue_shift(double turns)
{
    return (uint8_t)(int)(turns * 255);
}

static void run_row(const row_steps *rows, uint8_t *px, size_t w, size_t channels,
                    slc_isa isa)
{
    const slc_tint *tint = slc_tints[isa];
    for (size_t i = 0; i < rows->count; i++) {
        const row_step *step = &rows->step[i];
        if (step->kind == SLC_ENHANCE_BRIGHTNESS)
            slc_lut[isa](px, px, w * channels, step->table);
        else if (step->kind == SLC_ENHANCE_SATURATION)
            tint->saturate(px, px, w, step->factor);
        else
            tint->hue(px, px, w, step->shift);
    }
}

static uint64_t sum_row(const uint8_t *px, size_t w, size_t channels, slc_isa isa)
{
    if (channels == 3) return slc_tints[isa]->grey_sum(px, w);
    uint64_t sum = 0;
    for (size_t x = 0; x < w; x++)
        sum += px[x];
    return sum;
}

/* Runs what waits, and gives the rounded mean of the grey picture that comes out. */
static uint8_t flush_and_mean(row_steps *rows, slc_image *image, slc_isa isa)
{
    uint64_t sum = 0;
    for (size_t y = 0; y < image->h; y++) {
        uint8_t *px = image->px + y * image->stride;
        run_row(rows, px, image->w, image->channels, isa);
        sum += sum_row(px, image->w, image->channels, isa);
    }
    rows->count = 0;
    const double mean = (double)sum / ((double)image->w * (double)image->h);
    return (uint8_t)(mean + 0.5);
}

void slc_enhance_image(slc_image *image, const slc_enhance *steps, size_t count,
                       slc_isa isa)
{
    const bool colour = image->channels == 3; /* grey pictures have no hue */
    row_steps rows = {0};
    for (size_t i = 0; i < count; i++) {
        const slc_enhance *e = &steps[i];
        if (e->kind == SLC_ENHANCE_BRIGHTNESS) {
            add_table(&rows, 0, e->amount);
        } else if (e->kind == SLC_ENHANCE_CONTRAST) {
            const uint8_t mean = flush_and_mean(&rows, image, isa);
            add_table(&rows, mean, e->amount);
        } else if (colour) {
            row_step *step = &rows.step[rows.count++];
            step->kind = e->kind;
            step->factor = (float)e->amount;
            step->shift = e->kind == SLC_ENHANCE_HUE ? hue_shift(e->amount) : 0;
        }
    }
    for (size_t y = 0; rows.count && y < image->h; y++)
        run_row(&rows, image->px + y * image->stride, image->w, image->channels, isa);
}
