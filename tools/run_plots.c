#include "tools/run_plots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "tools/plot.h"

enum { METRICS_LIMIT = 256 << 20 };

/* One key over the epochs. */
typedef struct column {
    const char *key, *legend;
    double *y;
    size_t known; /* values that are numbers */
} column;

enum {
    EPOCH,
    TRAIN_LOSS,
    VAL_LOSS,
    TEST_LOSS,
    TRAIN_TOP1,
    VAL_TOP1,
    TEST_TOP1,
    LR,
    GRAD,
    COLUMNS
};

static const column keys[COLUMNS] = {
    [EPOCH] = {"epoch"},
    [TRAIN_LOSS] = {"train_loss", "train"},
    [VAL_LOSS] = {"val_loss", "validation"},
    [TEST_LOSS] = {"test_loss", "test"},
    [TRAIN_TOP1] = {"train_top1", "train"},
    [VAL_TOP1] = {"val_top1", "validation"},
    [TEST_TOP1] = {"test_top1", "test"},
    [LR] = {"lr", "learning rate"},
    [GRAD] = {"grad_norm", "gradient norm"},
};

/* Every line is an object; a last line that was cut short by a kill is passed over. */
static slc_status read_columns(const char *run, slc_arena *arena, column *columns,
                               size_t *rows, slc_err *err)
{
    uint8_t *text = NULL;
    size_t size = 0, lines = 1;
    const char *const path = slc_arena_printf(arena, "%s/metrics.jsonl", run);
    if (!path) return slc_fail(err, SLC_ENOMEM, "out of memory");

    slc_status st = slc_file_read(&text, &size, path, METRICS_LIMIT, err);
    if (st != SLC_OK) return st;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    memcpy(columns, keys, sizeof(keys));
    for (size_t c = 0; c < COLUMNS; c++)
        if (!(columns[c].y = slc_arena_zero(arena, lines, sizeof(double))))
            st = slc_fail(err, SLC_ENOMEM, "out of memory");

    *rows = 0;
    for (char *line = (char *)text, *next; st == SLC_OK && line && *line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        json_t *const object = json_loads(line, 0, NULL);
        if (!object) continue;
        for (size_t c = 0; c < COLUMNS; c++) {
            const json_t *const value = json_object_get(object, columns[c].key);
            columns[c].y[*rows] = json_is_number(value) ? json_number_value(value) : NAN;
            columns[c].known += json_is_number(value);
        }
        ++*rows;
        json_decref(object);
    }
    free(text);
    return st;
}

/* The columns from first to last that have any value, as series. */
static size_t collect(const column *columns, size_t first, size_t last, size_t rows,
                      cli_series *out)
{
    size_t n = 0;
    for (size_t c = first; c <= last; c++)
        if (columns[c].known)
            out[n++] = (cli_series){.name = columns[c].legend,
                                    .x = columns[EPOCH].known ? columns[EPOCH].y : NULL,
                                    .y = columns[c].y,
                                    .n = rows,
                                    .mark = rows < 40 ? CLI_LINE_POINTS : CLI_LINE};
    return n;
}

slc_status cli_curves_write(const char *path, const char *run, slc_err *err)
{
    static const struct {
        const char *title, *label;
        size_t first, last;
    } parts[] = {{"loss", "cross-entropy", TRAIN_LOSS, TEST_LOSS},
                 {"top-1 accuracy", "share right", TRAIN_TOP1, TEST_TOP1},
                 {"learning rate", NULL, LR, LR},
                 {"gradient norm", "before clipping", GRAD, GRAD}};
    cli_series series[SLC_COUNT(parts)][3];
    cli_panel panels[SLC_COUNT(parts)];
    column columns[COLUMNS];
    size_t rows = 0, n = 0;
    slc_arena arena = {0};

    slc_status st = read_columns(run, &arena, columns, &rows, err);
    for (size_t i = 0; st == SLC_OK && i < SLC_COUNT(parts); i++) {
        const size_t count =
            collect(columns, parts[i].first, parts[i].last, rows, series[i]);
        if (!count) continue;
        if (count == 1) series[i][0].name = NULL;
        panels[n++] = (cli_panel){.title = parts[i].title,
                                  .x_label = "epoch",
                                  .y_label = parts[i].label,
                                  .series = series[i],
                                  .count = count};
    }
    if (st == SLC_OK && n == 0)
        st = slc_fail(err, SLC_EDATA, "%s/metrics.jsonl: no epoch has been recorded yet",
                      run);
    if (st == SLC_OK)
        st = cli_plot_write(path, &(cli_figure){.panels = panels, .count = n}, err);
    slc_arena_free(&arena);
    return st;
}

slc_status cli_last_line_read(json_t **out, const char *path, slc_err *err)
{
    uint8_t *text = NULL;
    size_t size = 0;
    *out = NULL;
    if (access(path, F_OK) != 0) return SLC_OK;
    const slc_status st = slc_file_read(&text, &size, path, (size_t)1 << 31, err);
    for (size_t end = size, at; st == SLC_OK && !*out && end > 0; end = at) {
        for (at = end - 1; at > 0 && text[at - 1] != '\n';)
            at--;
        *out = json_loadb((const char *)text + at, end - at, 0, NULL);
    }
    free(text);
    return st;
}

slc_status cli_confusion_write(const char *path, const json_t *metric, const char *title,
                               slc_err *err)
{
    const json_t *const rows = json_object_get(metric, "confusion");
    const json_t *const classes = json_object_get(metric, "classes");
    const size_t n = json_array_size(rows);
    slc_arena arena = {0};
    slc_status st;

    if (n == 0)
        return slc_fail(err, SLC_EDATA, "%s: the evaluation has no confusion matrix",
                        path);
    double *const heat = slc_arena_zero(&arena, n * n, sizeof(*heat));
    const char **const names = slc_arena_zero(&arena, n + 1, sizeof(*names));
    if (!heat || !names) {
        st = slc_fail(err, SLC_ENOMEM, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        const char *const name =
            json_string_value(json_object_get(json_array_get(classes, i), "name"));
        names[i] = name ? name : "?";
        for (size_t k = 0; k < n; k++)
            heat[i * n + k] =
                json_number_value(json_array_get(json_array_get(rows, i), k));
    }
    const size_t side = n <= 12 ? 640 : n <= 40 ? 900 : 1200;
    const cli_panel panel = {.title = title,
                             .x_label = "predicted",
                             .y_label = "true",
                             .heat = heat,
                             .rows = n,
                             .columns = n,
                             .row_names = names,
                             .column_names = names,
                             .heat_text = true};
    st = cli_plot_write(
        path,
        &(cli_figure){.panels = &panel, .count = 1, .width = side + 60, .height = side},
        err);
done:
    slc_arena_free(&arena);
    return st;
}

slc_status cli_reliability_write(const char *path, const json_t *metric,
                                 const char *title, slc_err *err)
{
    enum { MOST = 64 };
    static const double ends[] = {0, 1};
    double confidence[MOST], accuracy[MOST], middle[MOST], count[MOST];
    const json_t *const list = json_object_get(metric, "reliability");
    const size_t n = json_array_size(list) < MOST ? json_array_size(list) : MOST;
    char named[160];
    size_t used = 0;

    if (n == 0)
        return slc_fail(err, SLC_EDATA, "%s: the evaluation has no reliability", path);
    for (size_t i = 0; i < n; i++) {
        const json_t *const bin = json_array_get(list, i);
        count[i] = json_number_value(json_object_get(bin, "count"));
        middle[i] = (double)i + 1;
        if (count[i] == 0) continue;
        confidence[used] = json_number_value(json_object_get(bin, "confidence"));
        accuracy[used++] = json_number_value(json_object_get(bin, "accuracy"));
    }
    snprintf(named, sizeof(named), "reliability, ECE %.4f",
             json_number_value(json_object_get(metric, "ece")));
    const cli_series curve[] = {
        {.x = ends, .y = ends, .n = 2, .faint = true},
        {.x = confidence, .y = accuracy, .n = used, .mark = CLI_LINE_POINTS}};
    const cli_series bars = {.x = middle, .y = count, .n = n, .mark = CLI_BARS};
    const cli_panel panels[] = {{.title = named,
                                 .x_label = "confidence",
                                 .y_label = "share right",
                                 .series = curve,
                                 .count = 2,
                                 .x_hi = 1,
                                 .y_hi = 1},
                                {.title = "images per bin of confidence",
                                 .x_label = "bin, of equal width from 0 to 1",
                                 .y_label = "images",
                                 .series = &bars,
                                 .count = 1}};
    return cli_plot_write(
        path, &(cli_figure){.title = title, .panels = panels, .count = 2}, err);
}
