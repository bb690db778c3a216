#include "tools/text.h"

#include "config.h"

#if SLC_HAVE_CAIRO

#include <cairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double font_px = 12, line_px = 15;

struct cli_pen {
    slc_image *canvas;
    cairo_surface_t *surface;
    cairo_t *cairo;
};

double cli_text_line(void)
{
    return line_px;
}

/* cairo's RGB24 keeps 0xXXRRGGBB in one native word. */
static void copy_in(const slc_image *from, cairo_surface_t *to)
{
    uint8_t *const base = cairo_image_surface_get_data(to);
    const size_t stride = (size_t)cairo_image_surface_get_stride(to);
    for (size_t y = 0; y < from->h; y++)
        for (size_t x = 0; x < from->w; x++) {
            const uint8_t *const p = from->px + y * from->stride + 3 * x;
            const uint32_t word = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
            memcpy(base + y * stride + 4 * x, &word, 4);
        }
    cairo_surface_mark_dirty(to);
}

static void copy_out(cairo_surface_t *from, slc_image *to)
{
    cairo_surface_flush(from);
    const uint8_t *const base = cairo_image_surface_get_data(from);
    const size_t stride = (size_t)cairo_image_surface_get_stride(from);
    for (size_t y = 0; y < to->h; y++)
        for (size_t x = 0; x < to->w; x++) {
            uint8_t *const p = to->px + y * to->stride + 3 * x;
            uint32_t word;
            memcpy(&word, base + y * stride + 4 * x, 4);
            p[0] = (uint8_t)(word >> 16), p[1] = (uint8_t)(word >> 8),
            p[2] = (uint8_t)word;
        }
}

slc_status cli_pen_begin(cli_pen **out, slc_image *canvas, slc_err *err)
{
    cli_pen *const pen = calloc(1, sizeof(*pen));
    *out = pen;
    if (!pen) return slc_fail(err, SLC_ENOMEM, "out of memory");
    pen->canvas = canvas;
    pen->surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)canvas->w, (int)canvas->h);
    pen->cairo = cairo_create(pen->surface);
    if (cairo_status(pen->cairo) != CAIRO_STATUS_SUCCESS) {
        pen->canvas = NULL;
        cli_pen_end(out);
        return slc_fail(err, SLC_ENOMEM, "cairo has no memory for %zu x %zu px",
                        canvas->w, canvas->h);
    }
    copy_in(canvas, pen->surface);
    return SLC_OK;
}

void cli_pen_end(cli_pen **pen)
{
    if (!*pen) return;
    if ((*pen)->canvas) copy_out((*pen)->surface, (*pen)->canvas);
    cairo_destroy((*pen)->cairo);
    cairo_surface_destroy((*pen)->surface);
    free(*pen);
    *pen = NULL;
}

static double width_of(cli_pen *pen, const char *text, size_t n)
{
    char piece[256];
    cairo_text_extents_t extents;
    snprintf(piece, sizeof(piece), "%.*s", (int)n, text);
    cairo_text_extents(pen->cairo, piece, &extents);
    return extents.x_advance;
}

/* Moves back to the start of a UTF-8 character. */
static size_t whole_characters(const char *text, size_t n)
{
    while (n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* Bytes of the next line: up to '\n', or the last space that fits, or, of a long word, the last
 * slash or underscore, or what fits. */
static size_t break_line(cli_pen *pen, const char *text, double width)
{
    const size_t end = strcspn(text, "\n");
    size_t fits = end > 250 ? 250 : end, at;

    if (fits == end && width_of(pen, text, end) <= width) return end;
    while (fits > 1 && width_of(pen, text, whole_characters(text, fits)) > width)
        fits--;
    fits = whole_characters(text, fits);
    for (at = fits; at > 0 && text[at] != ' '; at--)
        ;
    if (at > 0) return at;
    for (at = fits; at > 0 && text[at - 1] != '/' && text[at - 1] != '_'; at--)
        ;
    return at > 0 ? at : fits;
}

size_t cli_pen_text(cli_pen *pen, double x, double y, double width, size_t lines,
                    const char *text, bool bold, bool draw)
{
    size_t used = 0;
    char piece[256];

    cairo_select_font_face(pen->cairo, "sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(pen->cairo, font_px);
    cairo_set_source_rgb(pen->cairo, .13, .13, .13);
    while (*text && used < lines) {
        const size_t n = break_line(pen, text, width);
        if (draw) {
            const bool cut = used + 1 == lines && text[n];
            snprintf(piece, sizeof(piece), "%.*s%s", (int)n, text, cut ? " …" : "");
            cairo_move_to(pen->cairo, x, y + (double)used * line_px + font_px);
            cairo_show_text(pen->cairo, piece);
        }
        text += n;
        if (*text == ' ' || *text == '\n') text++;
        used++;
    }
    return used;
}

#else

struct cli_pen {
    char none;
};

double cli_text_line(void)
{
    return 0;
}

slc_status cli_pen_begin(cli_pen **out, slc_image *canvas, slc_err *err)
{
    (void)canvas, (void)err;
    *out = NULL;
    return SLC_OK;
}

void cli_pen_end(cli_pen **pen)
{
    (void)pen;
}

size_t cli_pen_text(cli_pen *pen, double x, double y, double width, size_t lines,
                    const char *text, bool bold, bool draw)
{
    (void)pen, (void)x, (void)y, (void)width, (void)lines, (void)text, (void)bold,
        (void)draw;
    return 0;
}

#endif
