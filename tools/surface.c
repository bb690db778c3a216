#include "tools/surface.h"

#include <math.h>

enum { GRID = 120, LEVELS = 14 };

/* Long and narrow: what momentum is for. */
static double bowl(double x, double y, double g[2])
{
    g[0] = x, g[1] = 20 * y;
    return (x * x + 20 * y * y) / 2;
}

/* Rosenbrock 1960: a curved valley. */
static double rosenbrock(double x, double y, double g[2])
{
    const double a = 1 - x, b = y - x * x;
    g[0] = -2 * a - 400 * x * b, g[1] = 200 * b;
    return a * a + 100 * b * b;
}

/* Beale 1958: flat far away, steep at the edges. */
static double beale(double x, double y, double g[2])
{
    static const double c[] = {1.5, 2.25, 2.625};
    double sum = 0, power = 1;
    g[0] = g[1] = 0;
    for (int i = 0; i < 3; i++) {
        const double slope = x * (i + 1) * power; /* of x y^(i+1) by y */
        power *= y;
        const double r = c[i] - x + x * power;
        sum += r * r;
        g[0] += 2 * r * (power - 1);
        g[1] += 2 * r * slope;
    }
    return sum;
}

/* A saddle at the origin between two minima. */
static double saddle(double x, double y, double g[2])
{
    g[0] = 2 * x, g[1] = y * y * y - y;
    return x * x + y * y * (y * y - 2) / 4 + .25;
}

const cli_surface cli_surfaces[] = {
    {"beale", beale, {1, 1.5}, {3, .5}, -1, 4.5, -1.5, 2},
    {"bowl", bowl, {-4, 1}, {0, 0}, -4.5, 2, -1.5, 1.5},
    {"rosenbrock", rosenbrock, {-1.2, 1}, {1, 1}, -2, 2, -1, 3},
    {"saddle", saddle, {1, .001}, {0, 1}, -1.5, 1.5, -1.5, 1.5},
};
const char *const cli_surface_names[] = {"beale", "bowl", "rosenbrock", "saddle", NULL};

typedef struct corner {
    double x, y, v;
} corner;

/* Where the level crosses the side from a to b, or NaN. */
static corner cross(corner a, corner b, double level)
{
    if ((a.v < level) == (b.v < level)) return (corner){NAN, NAN, 0};
    const double t = (level - a.v) / (b.v - a.v);
    return (corner){a.x + t * (b.x - a.x), a.y + t * (b.y - a.y), 0};
}

/* The segment in one triangle, if the level goes through it. */
static size_t segment(const corner t[3], double level, double *x, double *y)
{
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        const corner c = cross(t[i], t[(i + 1) % 3], level);
        if (isnan(c.x)) continue;
        x[n] = c.x, y[n] = c.y;
        n++;
    }
    if (n) x[n] = y[n] = NAN, n++;
    return n;
}

static corner corner_at(const cli_surface *s, size_t i, size_t j)
{
    double g[2];
    corner c = {.x = s->x_lo + (s->x_hi - s->x_lo) * (double)i / GRID,
                .y = s->y_lo + (s->y_hi - s->y_lo) * (double)j / GRID};
    c.v = log1p(s->at(c.x, c.y, g));
    return c;
}

size_t cli_surface_levels(const cli_surface *s, double *x, double *y, size_t room)
{
    double highest = 0;
    size_t n = 0;
    for (size_t k = 0; k < (GRID + 1) * (GRID + 1); k++)
        highest = fmax(highest, corner_at(s, k / (GRID + 1), k % (GRID + 1)).v);
    for (size_t k = 0; k < GRID * GRID; k++) {
        const size_t i = k / GRID, j = k % GRID;
        const corner a = corner_at(s, i, j), b = corner_at(s, i + 1, j),
                     c = corner_at(s, i + 1, j + 1), d = corner_at(s, i, j + 1);
        for (size_t level = 1; level <= LEVELS && n + 6 <= room; level++) {
            const double at = highest * ((double)level - .5) / LEVELS;
            n += segment((const corner[]){a, b, c}, at, x + n, y + n);
            n += segment((const corner[]){a, c, d}, at, x + n, y + n);
        }
    }
    return n;
}
