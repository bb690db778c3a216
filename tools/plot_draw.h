/* Drawing on a cairo surface: texts, one coordinate system, one heat map. Built with cairo only. */
#ifndef TOOLS_PLOT_DRAW_H
#define TOOLS_PLOT_DRAW_H

#include "config.h"

#if SLC_HAVE_CAIRO
#include <cairo.h>

#include "tools/plot.h"

typedef enum cli_align { CLI_LEFT, CLI_CENTRE, CLI_RIGHT } cli_align;

/* y is the middle of the line. Returns the width. */
double cli_draw_text(cairo_t *cairo, double x, double y, const char *text, double size,
                     cli_align align, bool bold);

/* Fill a rectangle of w x h at the origin. */
void cli_draw_panel(cairo_t *cairo, const cli_panel *panel, double w, double h);
void cli_draw_heat(cairo_t *cairo, const cli_panel *panel, double w, double h);

#endif
#endif
