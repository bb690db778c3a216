#include "tools/picture.h"

#include <math.h>
#include <string.h>

#include "augment/codec.h"
#include "base/file.h"
#include "tools/text.h"

enum {
    MARGIN = 20,     /* around the sheet */
    GAP = 14,        /* between tiles */
    TEXT_GAP = 4,    /* between a tile and its caption */
    MOST_LINES = 16, /* of a caption */
    LEAST = 132,     /* defaults of cli_sheet */
    MOST = 256,
    MOST_SIDE = 30000, /* cairo's own limit is 32,767 */
};

/* Where things go. All cells are equal, so margins are even. */
typedef struct grid {
    size_t columns, rows;
    size_t cell_w, cell_h;             /* of the picture's place */
    size_t title_lines, caption_lines; /* the same under every tile */
    size_t head, text_h;               /* px */
    size_t w, h;                       /* of the sheet */
} grid;

/* Enlarges by a whole factor or shrinks, keeping the aspect. */
static void shown_size(const slc_image *image, const cli_sheet *sheet, size_t *w,
                       size_t *h)
{
    const size_t least = sheet->least ? sheet->least : LEAST;
    const size_t most = sheet->most ? sheet->most : MOST;
    const size_t side = image->w > image->h ? image->w : image->h;

    if (side > most) {
        *w = image->w * most / side;
        *h = image->h * most / side;
    } else {
        const size_t factor = side < least ? (least + side - 1) / side : 1;
        *w = image->w * factor;
        *h = image->h * factor;
    }
    if (*w == 0) *w = 1;
    if (*h == 0) *h = 1;
}

/* Every shown pixel is the mean of the source pixels it covers, at least one. */
static void put_tile(slc_image *canvas, size_t x0, size_t y0, const slc_image *image,
                     size_t w, size_t h)
{
    for (size_t y = 0; y < h; y++) {
        const size_t top = y * image->h / h;
        const size_t bottom =
            (y + 1) * image->h / h > top ? (y + 1) * image->h / h : top + 1;
        for (size_t x = 0; x < w; x++) {
            const size_t left = x * image->w / w;
            const size_t right =
                (x + 1) * image->w / w > left ? (x + 1) * image->w / w : left + 1;
            uint8_t *const out = canvas->px + (y0 + y) * canvas->stride + 3 * (x0 + x);
            for (size_t c = 0; c < 3; c++) {
                const size_t from = image->channels == 3 ? c : 0;
                size_t sum = 0;
                for (size_t v = top; v < bottom; v++)
                    for (size_t u = left; u < right; u++)
                        sum += image->px[v * image->stride + u * image->channels + from];
                const size_t n = (bottom - top) * (right - left);
                out[c] = (uint8_t)((sum + n / 2) / n);
            }
        }
    }
}

static size_t measure(cli_pen *pen, const char *text, size_t width, bool bold)
{
    return text && pen
               ? cli_pen_text(pen, 0, 0, (double)width, MOST_LINES, text, bold, false)
               : 0;
}

static grid lay_out(cli_pen *pen, const cli_tile *tiles, size_t count,
                    const cli_sheet *sheet)
{
    grid g = {.columns = sheet->columns};
    const size_t line = (size_t)cli_text_line();

    for (size_t i = 0; i < count; i++) {
        size_t w, h;
        shown_size(&tiles[i].image, sheet, &w, &h);
        if (w > g.cell_w) g.cell_w = w;
        if (h > g.cell_h) g.cell_h = h;
    }
    if (g.columns == 0) g.columns = (size_t)ceil(sqrt((double)count));
    if (sheet->columns == 0 && g.columns > 8) g.columns = 8;
    if (g.columns > count) g.columns = count;
    g.rows = (count + g.columns - 1) / g.columns;

    for (size_t i = 0; i < count; i++) {
        const size_t t = measure(pen, tiles[i].title, g.cell_w, true);
        const size_t c = measure(pen, tiles[i].caption, g.cell_w, false);
        if (t > g.title_lines) g.title_lines = t;
        if (c > g.caption_lines) g.caption_lines = c;
    }
    g.text_h = (g.title_lines + g.caption_lines) * line;
    if (g.text_h) g.text_h += TEXT_GAP;
    g.w = 2 * MARGIN + g.columns * g.cell_w + (g.columns - 1) * GAP;
    g.head = sheet->title ? measure(pen, sheet->title, g.w - 2 * MARGIN, true) * line : 0;
    if (g.head) g.head += TEXT_GAP * 2;
    g.h = 2 * MARGIN + g.head + g.rows * (g.cell_h + g.text_h) + (g.rows - 1) * GAP;
    return g;
}

static slc_status draw_texts(slc_image *canvas, const grid *g, const cli_tile *tiles,
                             size_t count, const cli_sheet *sheet, slc_err *err)
{
    cli_pen *pen = NULL;
    const slc_status st = cli_pen_begin(&pen, canvas, err);
    const double width = (double)g->cell_w;

    if (st != SLC_OK || !pen) return st;
    if (sheet->title)
        cli_pen_text(pen, MARGIN, MARGIN, (double)(g->w - 2 * MARGIN), MOST_LINES,
                     sheet->title, true, true);
    for (size_t i = 0; i < count; i++) {
        const size_t row = i / g->columns, column = i % g->columns;
        const double x = (double)(MARGIN + column * (g->cell_w + GAP));
        double y = (double)(MARGIN + g->head + row * (g->cell_h + g->text_h + GAP) +
                            g->cell_h + TEXT_GAP);
        if (tiles[i].title)
            y += (double)cli_pen_text(pen, x, y, width, g->title_lines, tiles[i].title,
                                      true, true) *
                 cli_text_line();
        if (tiles[i].caption)
            cli_pen_text(pen, x, y, width, g->caption_lines, tiles[i].caption, false,
                         true);
    }
    cli_pen_end(&pen);
    return SLC_OK;
}

static bool has_extension(const char *path)
{
    const char *const dot = strrchr(path, '.'), *const slash = strrchr(path, '/');
    return dot && dot > (slash ? slash + 1 : path);
}

slc_status cli_image_write(const char *path, const slc_image *image, slc_err *err)
{
    const slc_codec *codec = slc_codec_by_extension(path);
    slc_str bytes = {0};

    if (!codec && !has_extension(path)) codec = slc_codec_by_extension("a.png");
    if (!codec || !codec->encode)
        return slc_fail(err, SLC_EINVAL,
                        "%s: no picture format of that extension can be written; .png, "
                        ".jpg and .webp can",
                        path);
    slc_status st = slc_encode(codec, NULL, image, &bytes, err);
    if (st == SLC_OK)
        st = slc_file_replace(path, bytes.text, bytes.size, err);
    else
        slc_err_prefix(err, "%s", path);
    slc_str_free(&bytes);
    return st;
}

slc_status cli_sheet_write(const char *path, const cli_tile *tiles, size_t count,
                           const cli_sheet *sheet, slc_err *err)
{
    uint8_t dot[3] = {0};
    slc_image probe = {.px = dot, .w = 1, .h = 1, .channels = 3, .stride = 3}, canvas;
    slc_arena arena = {0};
    cli_pen *pen = NULL;

    if (count == 0)
        return slc_fail(err, SLC_EINVAL, "%s: there are no pictures to show", path);
    slc_status st = cli_pen_begin(&pen, &probe, err); /* to measure texts with */
    if (st != SLC_OK) return st;
    const grid g = lay_out(pen, tiles, count, sheet);
    cli_pen_end(&pen);
    if (g.w > MOST_SIDE || g.h > MOST_SIDE)
        return slc_fail(err, SLC_ELIMIT, "%s: a sheet of %zu x %zu px is over %d px",
                        path, g.w, g.h, (int)MOST_SIDE);

    st = slc_image_alloc(&canvas, &arena, g.w, g.h, 3, err);
    if (st != SLC_OK) goto done;
    for (size_t y = 0; y < g.h; y++)
        memset(canvas.px + y * canvas.stride, 255, 3 * g.w);
    for (size_t i = 0; i < count; i++) {
        size_t w, h;
        shown_size(&tiles[i].image, sheet, &w, &h);
        const size_t row = i / g.columns, column = i % g.columns;
        put_tile(&canvas, MARGIN + column * (g.cell_w + GAP) + (g.cell_w - w) / 2,
                 MARGIN + g.head + row * (g.cell_h + g.text_h + GAP) + (g.cell_h - h) / 2,
                 &tiles[i].image, w, h);
    }
    st = draw_texts(&canvas, &g, tiles, count, sheet, err);
    if (st == SLC_OK) st = cli_image_write(path, &canvas, err);
done:
    slc_arena_free(&arena);
    return st;
}
