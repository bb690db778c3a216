#include "loader/doctor/doctor_impl.h"

#include "augment/codec.h"

/* Where cell i of n begins in a side; every cell has at least one pixel. */
static size_t edge(size_t i, size_t n, size_t side)
{
    return i * side / n;
}

static unsigned mean_of(const slc_image *im, size_t x0, size_t x1, size_t y0, size_t y1)
{
    uint64_t sum = 0;
    if (x1 <= x0) x1 = x0 + 1;
    if (y1 <= y0) y1 = y0 + 1;
    for (size_t y = y0; y < y1; y++) {
        const uint8_t *row = im->px + y * im->stride;
        for (size_t i = x0 * im->channels; i < x1 * im->channels; i++)
            sum += row[i];
    }
    return (unsigned)(sum / ((x1 - x0) * (y1 - y0) * im->channels));
}

void slc_thumb_make(slc_chart *chart, const slc_image *im)
{
    for (size_t y = 0; y < SLC_THUMB_H; y++)
        for (size_t x = 0; x < SLC_THUMB_W; x++)
            chart->thumb[y * SLC_THUMB_W + x] = (uint8_t)mean_of(
                im, edge(x, SLC_THUMB_W, im->w), edge(x + 1, SLC_THUMB_W, im->w),
                edge(y, SLC_THUMB_H, im->h), edge(y + 1, SLC_THUMB_H, im->h));
    chart->dhash = 0;
    for (size_t y = 0; y < SLC_THUMB_H; y++)
        for (size_t x = 0; x + 1 < SLC_THUMB_W; x++) {
            const uint8_t *cell = chart->thumb + y * SLC_THUMB_W + x;
            chart->dhash = chart->dhash << 1 | (cell[0] < cell[1]);
        }
}
