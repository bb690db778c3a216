/* Text on pictures, through cairo. Without cairo nothing is drawn and texts need no room. */
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include <stdbool.h>

#include "augment/image.h"

/* A pen over an RGB picture. Begin copies the picture to cairo, end copies it back. */
typedef struct cli_pen cli_pen;
SLC_CHECKED slc_status cli_pen_begin(cli_pen **out, slc_image *canvas, slc_err *err);
void cli_pen_end(cli_pen **pen); /* accepts NULL inside */

/* Lays text into a column at (x, y), width px wide: wrapped at spaces, words that are too long
 * are cut, at most so many lines. Returns the lines used; draws them only if draw is true. */
size_t cli_pen_text(cli_pen *pen, double x, double y, double width, size_t lines,
                    const char *text, bool bold, bool draw);

double cli_text_line(void); /* height of a line, px; 0 without cairo */

#endif
