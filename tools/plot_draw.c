#include "tools/plot_draw.h"

#if SLC_HAVE_CAIRO

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_DECADES = 8 }; /* ticks of a long logarithmic axis */

typedef struct axis {
    double lo, hi; /* in log10 units if log */
    bool log;
    double from, to; /* px */
} axis;

typedef struct frame {
    axis x, y;
    double left, top, right, bottom;
} frame;

/* Okabe & Ito (2008): told apart by colour-blind readers too. */
static const double colours[][3] = {
    {.0, .447, .698}, {.835, .369, .0},   {.0, .62, .451}, {.8, .475, .655},
    {.902, .624, .0}, {.337, .706, .914}, {.35, .35, .35},
};

double cli_draw_text(cairo_t *cairo, double x, double y, const char *text, double size,
                     cli_align align, bool bold)
{
    cairo_text_extents_t e;
    cairo_select_font_face(cairo, "sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, size);
    cairo_text_extents(cairo, text, &e);
    const double shift = align == CLI_LEFT     ? 0
                         : align == CLI_CENTRE ? e.x_advance / 2
                                               : e.x_advance;
    cairo_set_source_rgb(cairo, .13, .13, .13);
    cairo_move_to(cairo, x - shift, y + size * .35);
    cairo_show_text(cairo, text);
    return e.x_advance;
}

static double place(const axis *a, double value)
{
    const double v = a->log ? log10(value) : value;
    return a->from + (v - a->lo) / (a->hi - a->lo) * (a->to - a->from);
}

static bool shows(const axis *a, double value)
{
    return isfinite(value) && (!a->log || value > 0);
}

static void widen(axis *a, double value)
{
    if (!shows(a, value)) return;
    const double v = a->log ? log10(value) : value;
    if (!(a->lo <= v)) a->lo = v;
    if (!(a->hi >= v)) a->hi = v;
}

/* 1, 2 or 5 times a power of ten, so that about four steps cover the span. */
static double tick_step(double span)
{
    const double raw = span / 4, power = pow(10, floor(log10(raw)));
    const double part = raw / power;
    return (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10) * power;
}

static double x_of(const cli_series *s, size_t i)
{
    return s->x ? s->x[i] : (double)(i + 1);
}

/* The ranges of the data, or what the panel asks for, with a little air. */
static void fit(axis *a, double lo, double hi, double air)
{
    if (lo != hi) {
        a->lo = a->log ? log10(lo) : lo;
        a->hi = a->log ? log10(hi) : hi;
        return;
    }
    if (!(a->lo <= a->hi)) a->lo = 0, a->hi = 1;
    const double span = a->hi - a->lo;
    if (span <= 0) { /* a flat line: nothing below zero if it is above */
        const double room = a->log || a->lo == 0 ? .5 : fabs(a->lo) / 2;
        a->lo -= room, a->hi += room;
        return;
    }
    a->lo -= span * air, a->hi += span * air;
}

static frame make_frame(const cli_panel *p, double w, double h)
{
    frame f = {.x = {NAN, NAN, p->log_x, 0, 0}, .y = {NAN, NAN, p->log_y, 0, 0}};
    bool bars = false;

    for (size_t s = 0; s < p->count; s++) {
        bars = bars || p->series[s].mark == CLI_BARS;
        for (size_t i = 0; i < p->series[s].n; i++) {
            if (!shows(&f.y, p->series[s].y[i])) continue;
            widen(&f.x, x_of(&p->series[s], i));
            widen(&f.y, p->series[s].y[i]);
        }
    }
    if (bars) {
        widen(&f.y, 0);
        f.x.lo -= .6, f.x.hi += .6;
    }
    fit(&f.x, p->x_lo, p->x_hi, bars ? 0 : .02);
    fit(&f.y, p->y_lo, p->y_hi, .06);
    if (bars && p->y_lo == p->y_hi && f.y.lo < 0 && f.y.lo > -.07 * f.y.hi) f.y.lo = 0;
    f.left = p->y_label ? 74 : 58, f.right = w - 12;
    f.top = p->title ? 30 : 8, f.bottom = h - (p->x_label ? 46 : p->bar_names ? 36 : 26);
    f.x.from = f.left, f.x.to = f.right;
    f.y.from = f.bottom, f.y.to = f.top;
    return f;
}

static void hair(cairo_t *cairo, double x0, double y0, double x1, double y1, double grey)
{
    cairo_set_source_rgb(cairo, grey, grey, grey);
    cairo_set_line_width(cairo, 1);
    cairo_move_to(cairo, floor(x0) + .5, floor(y0) + .5);
    cairo_line_to(cairo, floor(x1) + .5, floor(y1) + .5);
    cairo_stroke(cairo);
}

static void draw_tick(cairo_t *cairo, const frame *f, bool is_x, double value, double at)
{
    char text[32];
    snprintf(text, sizeof(text), "%.4g", fabs(value) < 1e-12 ? 0 : value);
    if (is_x) {
        hair(cairo, at, f->top, at, f->bottom, .9);
        cli_draw_text(cairo, at, f->bottom + 12, text, 11, CLI_CENTRE, false);
    } else {
        hair(cairo, f->left, at, f->right, at, .9);
        cli_draw_text(cairo, f->left - 6, at, text, 11, CLI_RIGHT, false);
    }
}

/* 1, 2 and 5 of every decade where few are in sight, else the decades alone. */
static void draw_log_axis(cairo_t *cairo, const frame *f, const axis *a, bool is_x)
{
    static const double part[] = {1, 2, 5};
    const size_t parts = a->hi - a->lo < 2.5 ? SLC_COUNT(part) : 1;
    const double step = fmax(1, floor((a->hi - a->lo) / MOST_DECADES));

    for (double decade = floor(a->lo); decade <= a->hi; decade += step)
        for (size_t i = 0; i < parts; i++) {
            const double value = part[i] * pow(10, decade), at = log10(value);
            if (at >= a->lo && at <= a->hi)
                draw_tick(cairo, f, is_x, value, place(a, value));
        }
}

static void draw_axis(cairo_t *cairo, const frame *f, const axis *a, bool is_x,
                      bool whole)
{
    double step = tick_step(a->hi - a->lo);
    if (a->log) {
        draw_log_axis(cairo, f, a, is_x);
        return;
    }
    if (whole && step < 1) step = 1;
    for (double v = ceil(a->lo / step - 1e-9) * step; v <= a->hi + step * 1e-9; v += step)
        draw_tick(cairo, f, is_x, v, place(a, v));
}

static double longest_name(cairo_t *cairo, const char *const *names, size_t n)
{
    double longest = 0;
    cairo_text_extents_t e;
    cairo_select_font_face(cairo, "sans", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, 11);
    for (size_t i = 0; names && i < n; i++) {
        cairo_text_extents(cairo, names[i], &e);
        if (e.x_advance > longest) longest = e.x_advance;
    }
    return longest;
}

/* On two lines in turn where one would be too crowded. */
static void draw_bar_names(cairo_t *cairo, const cli_panel *p, const frame *f)
{
    const double unit = fabs(place(&f->x, f->x.lo + 1) - place(&f->x, f->x.lo));
    const bool crowded = longest_name(cairo, p->bar_names, p->series[0].n) > unit - 4;

    for (size_t i = 0; i < p->series[0].n; i++) {
        char text[24];
        snprintf(text, sizeof(text), "%s", p->bar_names[i]);
        cli_draw_text(cairo, place(&f->x, x_of(&p->series[0], i)),
                      f->bottom + 12 + (crowded ? 13 * (double)(i % 2) : 0), text,
                      p->series[0].n > 12 ? 9 : 11, CLI_CENTRE, false);
    }
}

static void draw_bars(cairo_t *cairo, const cli_panel *p, size_t which, const frame *f)
{
    const cli_series *const s = &p->series[which];
    const double unit = fabs(place(&f->x, f->x.lo + 1) - place(&f->x, f->x.lo));
    const double width = .8 * unit / (double)p->count;

    for (size_t i = 0; i < s->n; i++) {
        if (!shows(&f->y, s->y[i])) continue;
        const double x = place(&f->x, x_of(s, i)) - .4 * unit + width * (double)which;
        const double y0 = place(&f->y, f->y.lo > 0 ? f->y.lo : 0),
                     y1 = place(&f->y, s->y[i]);
        cairo_rectangle(cairo, x, fmin(y0, y1), fmax(width - 1, 1), fabs(y1 - y0));
        cairo_fill(cairo);
    }
}

static void draw_curve(cairo_t *cairo, const cli_series *s, const frame *f)
{
    bool pen_down = false;

    cairo_set_line_width(cairo, s->faint ? .6 : 1.8);
    if (s->faint) cairo_set_source_rgb(cairo, .62, .62, .62);
    cairo_set_dash(cairo, (const double[]){5, 3}, s->dashed ? 2 : 0, 0);
    for (size_t i = 0; i < s->n; i++) {
        if (!shows(&f->y, s->y[i]) || !shows(&f->x, x_of(s, i))) {
            pen_down = false;
            continue;
        }
        const double x = place(&f->x, x_of(s, i)), y = place(&f->y, s->y[i]);
        if (s->mark != CLI_LINE) {
            cairo_new_sub_path(cairo);
            cairo_arc(cairo, x, y, 2.6, 0, 6.2832);
            cairo_fill(cairo);
        }
        if (s->mark == CLI_POINTS) continue;
        /* Strokes are made segment by segment where points lie between them. */
        if (pen_down) {
            const double px = place(&f->x, x_of(s, i - 1)),
                         py = place(&f->y, s->y[i - 1]);
            cairo_move_to(cairo, px, py);
            cairo_line_to(cairo, x, y);
            cairo_stroke(cairo);
        }
        pen_down = true;
    }
    cairo_set_dash(cairo, NULL, 0, 0);
}

static void set_colour(cairo_t *cairo, size_t i)
{
    const double *const c = colours[i % SLC_COUNT(colours)];
    cairo_set_source_rgb(cairo, c[0], c[1], c[2]);
}

/* In the top line, right of the title. */
static void draw_legend(cairo_t *cairo, const cli_panel *p, const frame *f)
{
    double x = f->right;
    for (size_t k = p->count; k-- > 0;) {
        if (!p->series[k].name) continue;
        x -= cli_draw_text(cairo, x, f->top - 12, p->series[k].name, 11, CLI_RIGHT,
                           false) +
             5;
        set_colour(cairo, k);
        cairo_rectangle(cairo, x - 12, f->top - 14, 12, 4);
        cairo_fill(cairo);
        x -= 24;
    }
}

static void draw_labels(cairo_t *cairo, const cli_panel *p, const frame *f)
{
    if (p->title)
        cli_draw_text(cairo, f->left, f->top - 12, p->title, 13, CLI_LEFT, true);
    if (p->x_label)
        cli_draw_text(cairo, (f->left + f->right) / 2, f->bottom + 32, p->x_label, 12,
                      CLI_CENTRE, false);
    if (!p->y_label) return;
    cairo_save(cairo);
    cairo_translate(cairo, 12, (f->top + f->bottom) / 2);
    cairo_rotate(cairo, -M_PI / 2);
    cli_draw_text(cairo, 0, 0, p->y_label, 12, CLI_CENTRE, false);
    cairo_restore(cairo);
}

static bool all_whole(const cli_panel *p)
{
    for (size_t s = 0; s < p->count; s++)
        for (size_t i = 0; i < p->series[s].n; i++)
            if (x_of(&p->series[s], i) != floor(x_of(&p->series[s], i))) return false;
    return true;
}

void cli_draw_panel(cairo_t *cairo, const cli_panel *p, double w, double h)
{
    const frame f = make_frame(p, w, h);

    if (p->bar_names && p->count)
        draw_bar_names(cairo, p, &f);
    else
        draw_axis(cairo, &f, &f.x, true, all_whole(p) && !p->log_x);
    draw_axis(cairo, &f, &f.y, false, false);
    cairo_save(cairo);
    cairo_rectangle(cairo, f.left, f.top - 3, f.right - f.left + 3, f.bottom - f.top + 3);
    cairo_clip(cairo);
    for (size_t s = 0; s < p->count; s++) {
        set_colour(cairo, s);
        if (p->series[s].mark == CLI_BARS)
            draw_bars(cairo, p, s, &f);
        else
            draw_curve(cairo, &p->series[s], &f);
    }
    cairo_restore(cairo);
    for (size_t i = 0; i < p->vertical_count; i++) {
        const double x = place(&f.x, p->verticals[i]);
        hair(cairo, x, f.top, x, f.bottom, .45);
        if (p->notes && p->notes[i])
            cli_draw_text(cairo, x + 4, f.top + 8 + 14 * (double)(i % 3), p->notes[i], 11,
                          CLI_LEFT, false);
    }
    hair(cairo, f.left, f.bottom, f.right, f.bottom, .3);
    hair(cairo, f.left, f.top, f.left, f.bottom, .3);
    draw_labels(cairo, p, &f);
    draw_legend(cairo, p, &f);
}

/* White to deep blue. */
static void heat_colour(cairo_t *cairo, double part)
{
    const double t = sqrt(part < 0   ? 0
                          : part > 1 ? 1
                                     : part); /* small counts stay visible */
    cairo_set_source_rgb(cairo, 1 - .95 * t, 1 - .70 * t, 1 - .42 * t);
}

static void draw_cell(cairo_t *cairo, const cli_panel *p, size_t i, double largest,
                      double x, double y, double w, double h)
{
    char text[16];
    cairo_text_extents_t e;

    heat_colour(cairo, largest > 0 ? p->heat[i] / largest : 0);
    cairo_rectangle(cairo, x, y, w + .5, h + .5);
    cairo_fill(cairo);
    if (!p->heat_text || p->heat[i] == 0) return;
    snprintf(text, sizeof(text), "%.4g", p->heat[i]);
    cairo_set_font_size(cairo, 11);
    cairo_text_extents(cairo, text, &e);
    if (e.x_advance > w - 2 || h < 12) return;
    const double grey = p->heat[i] > .3 * largest ? 1 : .1;
    cairo_set_source_rgb(cairo, grey, grey, grey);
    cairo_move_to(cairo, x + (w - e.x_advance) / 2, y + h / 2 + 4);
    cairo_show_text(cairo, text);
}

static void draw_heat_names(cairo_t *cairo, const cli_panel *p, const frame *f)
{
    const double w = (f->right - f->left) / (double)p->columns;
    const double h = (f->bottom - f->top) / (double)p->rows;

    for (size_t i = 0; h >= 9 && p->row_names && i < p->rows; i++)
        cli_draw_text(cairo, f->left - 6, f->top + h * ((double)i + .5), p->row_names[i],
                      11, CLI_RIGHT, false);
    for (size_t i = 0; w >= 9 && p->column_names && i < p->columns; i++) {
        cairo_save(cairo);
        cairo_translate(cairo, f->left + w * ((double)i + .5), f->bottom + 6);
        cairo_rotate(cairo, -M_PI / 2);
        cli_draw_text(cairo, 0, 0, p->column_names[i], 11, CLI_RIGHT, false);
        cairo_restore(cairo);
    }
}

void cli_draw_heat(cairo_t *cairo, const cli_panel *p, double w, double h)
{
    frame f = {.right = w - 4, .top = p->title ? 30 : 6};
    double largest = 0;

    f.left = longest_name(cairo, p->row_names, p->rows) + 34;
    f.bottom = h - longest_name(cairo, p->column_names, p->columns) - 34;
    for (size_t i = 0; i < p->rows * p->columns; i++)
        if (p->heat[i] > largest) largest = p->heat[i];
    const double cell_w = (f.right - f.left) / (double)p->columns;
    const double cell_h = (f.bottom - f.top) / (double)p->rows;
    for (size_t i = 0; i < p->rows * p->columns; i++)
        draw_cell(cairo, p, i, largest, f.left + cell_w * (double)(i % p->columns),
                  f.top + cell_h * (double)(i / p->columns), cell_w, cell_h);
    draw_heat_names(cairo, p, &f);
    hair(cairo, f.left, f.top, f.right, f.top, .6);
    hair(cairo, f.left, f.bottom, f.right, f.bottom, .6);
    hair(cairo, f.left, f.top, f.left, f.bottom, .6);
    hair(cairo, f.right, f.top, f.right, f.bottom, .6);
    if (p->title) cli_draw_text(cairo, f.left, f.top - 12, p->title, 13, CLI_LEFT, true);
    if (p->x_label)
        cli_draw_text(cairo, (f.left + f.right) / 2, h - 10, p->x_label, 12, CLI_CENTRE,
                      false);
    if (!p->y_label) return;
    cairo_save(cairo);
    cairo_translate(cairo, 12, (f.top + f.bottom) / 2);
    cairo_rotate(cairo, -M_PI / 2);
    cli_draw_text(cairo, 0, 0, p->y_label, 12, CLI_CENTRE, false);
    cairo_restore(cairo);
}

#endif
