/* Plots: lines, points, bars and heat maps in panels, drawn by cairo, as PNG or SVG by the path's
 * extension. Without cairo they are refused with a sentence. */
#ifndef TOOLS_PLOT_H
#define TOOLS_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef enum cli_mark { CLI_LINE, CLI_POINTS, CLI_LINE_POINTS, CLI_BARS } cli_mark;

/* One curve. NaN values leave a gap. x NULL: 1, 2, 3... */
typedef struct cli_series {
    const char *name; /* in the legend; NULL = not listed */
    const double *x, *y;
    size_t n;
    cli_mark mark;
    bool dashed;
    bool faint; /* thin and grey, like level lines */
} cli_series;

/* One coordinate system. Zero ranges fit the data. */
typedef struct cli_panel {
    const char *title, *x_label, *y_label;
    const cli_series *series;
    size_t count;
    bool log_x, log_y;
    double x_lo, x_hi, y_lo, y_hi; /* lo == hi: fit the data */
    const char *const *bar_names;  /* under BARS and along heat maps; NULL = numbers */
    const double *verticals;       /* x of thin lines with notes */
    const char *const *notes;
    size_t vertical_count;

    /* A heat map instead of series: rows x columns values, 0 white, the largest darkest. */
    const double *heat;
    size_t rows, columns;
    const char *const *row_names, *const *column_names;
    bool heat_text; /* writes the value into each cell where it fits */
} cli_panel;

typedef struct cli_figure {
    const char *title;
    const cli_panel *panels;
    size_t count, columns; /* columns 0 = 2, or 1 for one panel */
    size_t width, height;  /* of a panel; 0 = 560 x 360 */
} cli_figure;

bool cli_plot_available(void);

/* Whether a figure could be written as that: cairo is there, and the extension is .png, .svg or
 * none. For commands that compute long before they draw. Errors: SLC_EINVAL. */
SLC_CHECKED slc_status cli_plot_check(const char *path, slc_err *err);

/* Errors: as cli_plot_check, SLC_ENOMEM, SLC_EIO. */
SLC_CHECKED slc_status cli_plot_write(const char *path, const cli_figure *figure,
                                      slc_err *err);

#endif
