#include "tools/plot.h"

#include "config.h"

#if !SLC_HAVE_CAIRO

bool cli_plot_available(void)
{
    return false;
}

slc_status cli_plot_check(const char *path, slc_err *err)
{
    return slc_fail(err, SLC_EINVAL,
                    "%s: this sluice was built without cairo, which draws plots", path);
}

slc_status cli_plot_write(const char *path, const cli_figure *figure, slc_err *err)
{
    (void)figure;
    return cli_plot_check(path, err);
}

#else

#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/str.h"
#include "tools/plot_draw.h"

enum { MARGIN = 16, HEAD = 30, MOST_TICKS = 6 };

bool cli_plot_available(void)
{
    return true;
}

static cairo_status_t append(void *user, const unsigned char *bytes, unsigned n)
{
    slc_str *const out = user;
    slc_str_add_n(out, bytes, n);
    return out->failed ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

/* ".svg", or "" if the file's name has none. */
static const char *extension(const char *path)
{
    const char *const slash = strrchr(path, '/'), *const name = slash ? slash + 1 : path;
    const char *const dot = strrchr(name, '.');
    return dot && dot > name ? dot : "";
}

slc_status cli_plot_check(const char *path, slc_err *err)
{
    const char *const end = extension(path);
    if (!*end || strcasecmp(end, ".png") == 0 || strcasecmp(end, ".svg") == 0)
        return SLC_OK;
    return slc_fail(err, SLC_EINVAL, "%s: plots are written as .png or .svg", path);
}

static void draw_figure(cairo_t *cairo, const cli_figure *f, size_t columns, double w,
                        double h, double total_w)
{
    const double head = f->title ? HEAD : 0;

    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    if (f->title)
        cli_draw_text(cairo, total_w / 2, MARGIN + 10, f->title, 15, CLI_CENTRE, true);
    for (size_t i = 0; i < f->count; i++) {
        cairo_save(cairo);
        cairo_translate(cairo, MARGIN + (double)(i % columns) * (w + MARGIN),
                        MARGIN + head + (double)(i / columns) * (h + MARGIN));
        if (f->panels[i].heat)
            cli_draw_heat(cairo, &f->panels[i], w, h);
        else
            cli_draw_panel(cairo, &f->panels[i], w, h);
        cairo_restore(cairo);
    }
}

slc_status cli_plot_write(const char *path, const cli_figure *f, slc_err *err)
{
    const size_t columns = f->columns ? f->columns : (f->count > 1 ? 2 : 1);
    const size_t rows = (f->count + columns - 1) / columns;
    const double w = f->width ? (double)f->width : 560,
                 h = f->height ? (double)f->height : 360;
    const double total_w = MARGIN + (double)columns * (w + MARGIN);
    const double total_h = MARGIN + (f->title ? HEAD : 0) + (double)rows * (h + MARGIN);
    const bool svg = strcasecmp(extension(path), ".svg") == 0;
    slc_str bytes = {0};
    slc_status st = cli_plot_check(path, err);

    if (st != SLC_OK) return st;
    cairo_surface_t *const surface =
        svg ? cairo_svg_surface_create_for_stream(append, &bytes, total_w, total_h)
            : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)total_w, (int)total_h);
    cairo_t *const cairo = cairo_create(surface);
    draw_figure(cairo, f, columns, w, h, total_w);
    cairo_status_t drawn = cairo_status(cairo);
    cairo_destroy(cairo);
    if (svg)
        cairo_surface_finish(surface);
    else if (drawn == CAIRO_STATUS_SUCCESS)
        drawn = cairo_surface_write_to_png_stream(surface, append, &bytes);
    if (drawn == CAIRO_STATUS_SUCCESS) drawn = cairo_surface_status(surface);
    cairo_surface_destroy(surface);

    if (drawn != CAIRO_STATUS_SUCCESS || bytes.failed)
        st = slc_fail(err, SLC_ENOMEM, "%s: cairo: %s", path,
                      cairo_status_to_string(drawn));
    if (st == SLC_OK) st = slc_file_replace(path, bytes.text, bytes.size, err);
    slc_str_free(&bytes);
    return st;
}

#endif
