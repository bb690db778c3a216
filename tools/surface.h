/* Functions of two numbers for the command paths: what optimizers are shown on. */
#ifndef TOOLS_SURFACE_H
#define TOOLS_SURFACE_H

#include <stddef.h>

typedef struct cli_surface {
    const char *name;
    double (*at)(double x, double y, double gradient[2]); /* value */
    double start[2], least[2]; /* where paths begin, and the minimum they look for */
    double x_lo, x_hi, y_lo, y_hi;
} cli_surface;

extern const cli_surface cli_surfaces[];
extern const char *const cli_surface_names[]; /* NULL at the end */

/* Level lines as pairs of points with a NaN after each pair, by marching squares over a grid; the
 * levels are evenly spaced in log(1 + value). Returns how many numbers were written, at most room. */
size_t cli_surface_levels(const cli_surface *surface, double *x, double *y, size_t room);

#endif
