#include "tools/tune_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "tools/plot.h"
#include "tools/table.h"
#include "train/study.h"

enum { NEIGHBOURS = 5, TEXT = 64, SHOWN = 12 };

typedef struct report {
    slc_study *study;
    const slc_space *space;
    slc_trial *trial; /* by number */
    size_t n;
    size_t *order; /* best first */
    const char *metric;
} report;

/* Best first; those without a value last, by number. */
static void sort_trials(report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        size_t at = i;
        while (at > 0 && slc_study_better(r->study, r->trial[i].value,
                                          r->trial[r->order[at - 1]].value)) {
            r->order[at] = r->order[at - 1];
            at--;
        }
        r->order[at] = i;
    }
}

/* --- what mattered --------------------------------------------------------------------------- */

static double distance(const slc_space *space, const slc_trial *a, const slc_trial *b,
                       size_t without)
{
    double sum = 0;
    for (size_t d = 0; d < space->n; d++)
        if (d != without) {
            const double t = slc_dim_snap(&space->dim[d], a->unit[d]) -
                             slc_dim_snap(&space->dim[d], b->unit[d]);
            sum += t * t;
        }
    return sum;
}

/* The value that the nearest other trials predict for trial at, leaving one dimension out of
 * the distance (without = space->n: none). */
static double predict(const report *r, size_t at, size_t without)
{
    double near[NEIGHBOURS], value[NEIGHBOURS], sum = 0, weights = 0;
    size_t have = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (i == at || isnan(r->trial[i].value)) continue;
        const double q = distance(r->space, &r->trial[at], &r->trial[i], without);
        size_t k = have < NEIGHBOURS ? have++ : NEIGHBOURS - 1;
        if (k == NEIGHBOURS - 1 && have == NEIGHBOURS && i >= NEIGHBOURS && q >= near[k])
            continue;
        for (; k > 0 && near[k - 1] > q; k--) {
            near[k] = near[k - 1];
            value[k] = value[k - 1];
        }
        near[k] = q;
        value[k] = r->trial[i].value;
    }
    for (size_t k = 0; k < have; k++) {
        const double w = 1 / (sqrt(near[k]) + 1e-3);
        sum += w * value[k];
        weights += w;
    }
    return weights > 0 ? sum / weights : NAN;
}

/* How much worse each trial is predicted from its neighbours when a dimension is ignored:
 * permutation importance of a nearest-neighbour model, as shares of 1. */
static void importance(const report *r, double *share)
{
    double error[SLC_MAX_DIMS + 1] = {0}, sum = 0;
    for (size_t d = 0; d <= r->space->n; d++)
        for (size_t i = 0; i < r->n; i++) {
            if (isnan(r->trial[i].value)) continue;
            const double e = predict(r, i, d) - r->trial[i].value;
            if (!isnan(e)) error[d] += e * e;
        }
    for (size_t d = 0; d < r->space->n; d++) {
        share[d] = fmax(error[d] - error[r->space->n], 0);
        sum += share[d];
    }
    for (size_t d = 0; d < r->space->n; d++)
        share[d] = sum > 0 ? share[d] / sum : 1 / (double)r->space->n;
}

/* --- plots ------------------------------------------------------------------------------------ */

/* Each figure twice: a picture to look at, a drawing to print. */
static slc_status write_both(const char *dir, const char *name, const cli_figure *figure,
                             slc_err *err)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/%s.png", dir, name);
    slc_status st = cli_plot_write(path, figure, err);
    snprintf(path, sizeof(path), "%s/%s.svg", dir, name);
    return st == SLC_OK ? cli_plot_write(path, figure, err) : st;
}

static slc_status plot_history(const report *r, const char *dir, double *memory,
                               slc_err *err)
{
    double *x = memory, *y = memory + r->n, *best = memory + 2 * r->n, top = NAN;
    for (size_t i = 0; i < r->n; i++) {
        x[i] = (double)r->trial[i].trial;
        y[i] = r->trial[i].value;
        if (slc_study_better(r->study, y[i], top)) top = y[i];
        best[i] = top;
    }
    const cli_series series[] = {
        {.name = "trial", .x = x, .y = y, .n = r->n, .mark = CLI_POINTS},
        {.name = "best so far", .x = x, .y = best, .n = r->n, .mark = CLI_LINE},
    };
    const cli_panel panel = {.title = "history",
                             .x_label = "trial",
                             .y_label = r->metric,
                             .series = series,
                             .count = 2};
    return write_both(dir, "history", &(cli_figure){.panels = &panel, .count = 1}, err);
}

static slc_status plot_importance(const report *r, const char *dir, slc_err *err)
{
    double share[SLC_MAX_DIMS];
    const char *names[SLC_MAX_DIMS];
    importance(r, share);
    for (size_t d = 0; d < r->space->n; d++)
        names[d] = r->space->dim[d].path;
    const cli_series series = {.y = share, .n = r->space->n, .mark = CLI_BARS};
    const cli_panel panel = {.title = "importance",
                             .y_label = "share",
                             .series = &series,
                             .count = 1,
                             .bar_names = names};
    return write_both(dir, "importance",
                      &(cli_figure){.panels = &panel, .count = 1, .width = 720}, err);
}

/* Where a value stands on its axis: reals as they are (log where they are searched so),
 * choices by number. */
static double axis_value(const slc_dim *dim, double u)
{
    char text[TEXT];
    double v = 0;
    if (dim->kind == SLC_DIM_CHOICE) return floor(u * (double)dim->choices) + 1;
    slc_dim_text(dim, u, text, sizeof(text));
    return slc_parse_real(text, &v) ? v : NAN;
}

static slc_status plot_slices(const report *r, const char *dir, double *memory,
                              slc_err *err)
{
    cli_series series[SLC_MAX_DIMS];
    cli_panel panel[SLC_MAX_DIMS];
    double *y = memory + r->space->n * r->n;

    for (size_t i = 0; i < r->n; i++)
        y[i] = r->trial[i].value;
    for (size_t d = 0; d < r->space->n; d++) {
        const slc_dim *dim = &r->space->dim[d];
        double *x = memory + d * r->n;
        for (size_t i = 0; i < r->n; i++)
            x[i] = axis_value(dim, r->trial[i].unit[d]);
        series[d] = (cli_series){.x = x, .y = y, .n = r->n, .mark = CLI_POINTS};
        panel[d] = (cli_panel){.x_label = dim->path,
                               .y_label = r->metric,
                               .series = &series[d],
                               .count = 1,
                               .log_x = dim->log};
    }
    return write_both(dir, "slice",
                      &(cli_figure){.title = "slices",
                                    .panels = panel,
                                    .count = r->space->n,
                                    .columns = r->space->n < 3 ? r->space->n : 3,
                                    .width = 360,
                                    .height = 280},
                      err);
}

/* One line per trial over all axes, each scaled to [0, 1]; the last axis is the metric. The
 * best few are named and solid, the rest dashed. */
static slc_status plot_parallel(const report *r, const char *dir, double *memory,
                                slc_err *err)
{
    const size_t axes = r->space->n + 1;
    double lo = INFINITY, hi = -INFINITY;
    const char *names[SLC_MAX_DIMS + 1];
    const size_t shown = r->n < 60 ? r->n : 60;
    cli_series *series = calloc(shown ? shown : 1, sizeof(*series));
    char(*labels)[TEXT] = calloc(SHOWN, sizeof(*labels));
    slc_status st = SLC_OK;

    for (size_t i = 0; i < r->n; i++)
        if (!isnan(r->trial[i].value)) {
            lo = fmin(lo, r->trial[i].value);
            hi = fmax(hi, r->trial[i].value);
        }
    if (!series || !labels) st = slc_fail(err, SLC_ENOMEM, "tune: out of memory");
    for (size_t k = 0; st == SLC_OK && k < shown; k++) {
        const slc_trial *t = &r->trial[r->order[k]];
        double *y = memory + k * axes;
        for (size_t d = 0; d < r->space->n; d++)
            y[d] = slc_dim_snap(&r->space->dim[d], t->unit[d]);
        y[axes - 1] = hi > lo ? (t->value - lo) / (hi - lo) : 0.5;
        series[k] = (cli_series){.y = y, .n = axes, .mark = CLI_LINE, .dashed = k >= 3};
        if (k < 3) {
            snprintf(labels[k], TEXT, "trial %" PRIu64 ": %.4f", t->trial, t->value);
            series[k].name = labels[k];
        }
    }
    for (size_t d = 0; d < r->space->n; d++)
        names[d] = r->space->dim[d].path;
    names[axes - 1] = r->metric;
    const cli_panel panel = {.title = "parallel coordinates",
                             .y_label = "part of the range",
                             .series = series,
                             .count = shown,
                             .bar_names = names,
                             .y_hi = 1};
    if (st == SLC_OK)
        st = write_both(dir, "parallel",
                        &(cli_figure){.panels = &panel, .count = 1, .width = 900}, err);
    free(series);
    free(labels);
    return st;
}

static slc_status plot_all(const report *r, const char *dir, slc_err *err)
{
    if (!cli_plot_available() || r->n == 0) return SLC_OK;
    const size_t room = (r->space->n + 4) * (r->n > 60 ? r->n : 60);
    double *memory = malloc(room * sizeof(double));
    if (!memory) return slc_fail(err, SLC_ENOMEM, "tune: out of memory");
    slc_status st = plot_history(r, dir, memory, err);
    if (st == SLC_OK) st = plot_importance(r, dir, err);
    if (st == SLC_OK) st = plot_slices(r, dir, memory, err);
    if (st == SLC_OK) st = plot_parallel(r, dir, memory, err);
    free(memory);
    return st;
}

/* --- tables ----------------------------------------------------------------------------------- */

static bool all_failed(const report *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->trial[i].state != SLC_TRIAL_FAILED) return false;
    return r->n > 0;
}

static void print_trial(FILE *cells, const report *r, const slc_trial *t)
{
    fprintf(cells, "%" PRIu64 "\t%s\t%" PRIu64, t->trial, slc_trial_states[t->state],
            t->epochs);
    fprintf(cells, isnan(t->value) ? "\t-" : "\t%.4f", t->value);
    fprintf(cells, "\t%.1f", t->seconds);
    for (size_t d = 0; d < r->space->n; d++) {
        char text[TEXT];
        slc_dim_text(&r->space->dim[d], t->unit[d], text, sizeof(text));
        fprintf(cells, "\t%s", slc_dim_active(r->space, d, t->unit) ? text : "-");
    }
    if (t->state == SLC_TRIAL_FAILED) fprintf(cells, "\t(%s)", t->message);
    fputc('\n', cells);
}

static void print_table(const report *r, const char *dir)
{
    cli_table t;
    cli_table_begin(&t);
    fprintf(t.cells, "trial\tstate\tepochs\t%s\tseconds", r->metric);
    for (size_t d = 0; d < r->space->n; d++)
        fprintf(t.cells, "\t%s", r->space->dim[d].path);
    fputc('\n', t.cells);
    for (size_t k = 0; k < r->n; k++)
        print_trial(t.cells, r, &r->trial[r->order[k]]);
    cli_table_end(&t, stdout);
    if (r->n && !isnan(r->trial[r->order[0]].value))
        printf("best: trial %" PRIu64
               "; train it in full with: sluice train %s/best.yaml -o RUN\n",
               r->trial[r->order[0]].trial, dir);
    else if (all_failed(r))
        printf("no trial came to a score; the table says why\n");
}

static json_t *trial_json(const report *r, const slc_trial *t)
{
    json_t *params = json_object();
    for (size_t d = 0; d < r->space->n; d++) {
        char text[TEXT];
        double number;
        if (!slc_dim_active(r->space, d, t->unit)) continue;
        slc_dim_text(&r->space->dim[d], t->unit[d], text, sizeof(text));
        json_object_set_new(params, r->space->dim[d].path,
                            slc_parse_real(text, &number) ? json_real(number)
                                                          : json_string(text));
    }
    return json_pack("{s:I, s:s, s:I, s:o, s:f, s:s, s:o}", "trial", (json_int_t)t->trial,
                     "state", slc_trial_states[t->state], "epochs", (json_int_t)t->epochs,
                     r->metric, isnan(t->value) ? json_null() : json_real(t->value),
                     "seconds", t->seconds, "message", t->message, "params", params);
}

static slc_status print_json(const report *r, slc_err *err)
{
    json_t *trials = json_array(), *shares = json_object();
    double share[SLC_MAX_DIMS];
    importance(r, share);
    for (size_t d = 0; d < r->space->n; d++)
        json_object_set_new(shares, r->space->dim[d].path, json_real(share[d]));
    for (size_t i = 0; i < r->n; i++)
        json_array_append_new(trials, trial_json(r, &r->trial[i]));
    const bool any = r->n && !isnan(r->trial[r->order[0]].value);
    return cli_print_json(
        json_pack("{s:i, s:s, s:o, s:o, s:o}", "schema", 1, "metric", r->metric, "best",
                  any ? trial_json(r, &r->trial[r->order[0]]) : json_null(), "importance",
                  shares, "trials", trials),
        err);
}

static slc_status write_best(const report *r, const char *dir, slc_err *err)
{
    char path[600];
    slc_arena arena = {0};
    slc_str text = {0};
    if (!r->n || isnan(r->trial[r->order[0]].value)) return SLC_OK;

    slc_node *recipe = slc_study_trial_recipe(r->study, &r->trial[r->order[0]], &arena);
    slc_status st = recipe ? SLC_OK : slc_fail(err, SLC_ENOMEM, "tune: out of memory");
    if (st == SLC_OK) {
        slc_node_write(recipe, &text);
        snprintf(path, sizeof(path), "%s/best.yaml", dir);
        st = slc_file_replace(path, text.text, text.size, err);
    }
    slc_str_free(&text);
    slc_arena_free(&arena);
    return st;
}

slc_status cli_tune_report(cli_context *cli, const char *dir, slc_err *err)
{
    report r = {0};
    slc_status st = slc_study_reopen(&r.study, dir, err);
    if (st == SLC_OK) st = slc_study_trials(r.study, &r.trial, &r.n, err);
    if (st == SLC_OK) {
        r.space = slc_study_space(r.study);
        r.metric = slc_study_tune(r.study)->metric == 0 ? "top1" : "loss";
        r.order = calloc(r.n + 1, sizeof(*r.order));
        if (!r.order) st = slc_fail(err, SLC_ENOMEM, "tune: out of memory");
    }
    if (st == SLC_OK) {
        sort_trials(&r);
        st = write_best(&r, dir, err);
    }
    if (st == SLC_OK) st = plot_all(&r, dir, err);
    if (st == SLC_OK && cli->json) st = print_json(&r, err);
    if (st == SLC_OK && !cli->json) print_table(&r, dir);
    if (st == SLC_OK && all_failed(&r)) cli->findings = true;
    free(r.order);
    free(r.trial);
    slc_study_close(&r.study);
    return st;
}
