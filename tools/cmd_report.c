/* report: a run as one HTML page that needs nothing else. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/cmd.h"
#include "tools/html.h"
#include "tools/look.h"
#include "tools/open.h"
#include "tools/plot.h"
#include "tools/run_plots.h"
#include "tools/tiles.h"
#include "tools/worst.h"

typedef struct report_settings {
    const char *output, *split;
    uint64_t samples;
} report_settings;

#define FIELD(name) CLI_FIELD(report_settings, name)

static const cli_opt options[] = {
    {'o', "output", FIELD(output), .path = CLI_WRITES_FILE, .value = "FILE",
     .help = "page to write (default: RUN/report.html)"},
    {'s', "split", FIELD(split), .value = "NAME",
     .help = "what to evaluate on: train, val or test"},
    {'n', "samples", FIELD(samples), .lo = 0, .hi = 256, .value = "N",
     .help = "pictures of the training stream to show"},
    {0},
};

static const char style[] =
    ":root{color-scheme:light dark}body{font:16px/1.5 "
    "system-ui,sans-serif;max-width:76rem;"
    "margin:2rem auto;padding:0 1rem;color:#222;background:#fff}h1{font-weight:600;"
    "margin-bottom:.2rem}h2{margin-top:2.4rem;font-weight:600;border-bottom:1px solid "
    "#ddd}"
    ".facts{display:flex;flex-wrap:wrap;gap:1rem;margin:1.4rem 0}.facts div{border:1px "
    "solid "
    "#ddd;border-radius:8px;padding:.6rem 1.1rem}.facts b{display:block;font-size:1.5rem;"
    "font-weight:600}img{max-width:100%;height:auto;background:#fff}table{border-"
    "collapse:"
    "collapse}td,th{padding:.25rem .9rem;text-align:right;border-bottom:1px solid "
    "#e4e4e4}"
    "td:first-child,th:first-child{text-align:left}pre{background:#f5f5f5;color:#222;"
    "padding:"
    "1rem;overflow:auto;border-radius:8px;font-size:.85rem}.dim{color:#777}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}.facts "
    "div,h2,td,th"
    "{border-color:#444}}";

/* What the page is made of; texts and file names live in the arena. */
typedef struct page {
    cli_context *cli;
    const report_settings *settings;
    const char *run;
    char room[4096]; /* a directory for the picture in the making */
    cli_worst worst;
    slc_arena arena;
    slc_str html;
} page;

static void heading(page *p, const char *text)
{
    slc_str_printf(&p->html, "<h2>%s</h2>\n", text);
}

static const char *path_of(page *p, const char *dir, const char *name)
{
    const char *path = slc_arena_printf(&p->arena, "%s/%s", dir, name);
    return path ? path : "";
}

/* Makes a place for one picture. Every picture has its own, so that whatever kills the report
 * hardly ever leaves one behind. */
static slc_status begin(page *p, const char *name, const char **path, slc_err *err)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(p->room, sizeof(p->room), "%s/sluice-report.XXXXXX",
             tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(p->room)) return slc_fail_errno(err, SLC_EIO, "%s", p->room);
    *path = path_of(p, p->room, name);
    return SLC_OK;
}

/* Takes the picture in, unless drawing it failed (st), and its place away. */
static slc_status end(page *p, const char *path, const char *alt, slc_status st,
                      slc_err *err)
{
    const bool svg = path && strstr(path, ".svg");
    if (!path) return st;
    if (st == SLC_OK)
        st = cli_html_picture(&p->html, path, svg ? "svg+xml" : "png", alt, err);
    (void)unlink(path);
    (void)rmdir(p->room);
    return st;
}

static void fact(page *p, const char *what, const char *fmt, double value)
{
    char text[64];
    snprintf(text, sizeof(text), fmt, value);
    slc_str_printf(&p->html, "<div><b>%s</b>%s</div>\n", text, what);
}

static slc_status add_curves(page *p, slc_err *err)
{
    const char *path = NULL;
    if (access(path_of(p, p->run, "metrics.jsonl"), F_OK) != 0) return SLC_OK;
    heading(p, "Curves");
    slc_status st = begin(p, "curves.svg", &path, err);
    if (st == SLC_OK) st = cli_curves_write(path, p->run, err);
    return end(p, path, "curves", st, err);
}

static void note(void *worst, const slc_prediction *p)
{
    cli_worst_note(worst, p);
}

static slc_status score(page *p, const slc_trained *t, const slc_source *source,
                        slc_metric *metric, slc_err *err)
{
    slc_loader_settings settings;
    slc_loader *loader = NULL;
    slc_status st = slc_trained_loader(t, source, p->cli->threads, &settings, err);
    settings.log = p->cli->log;
    if (st == SLC_OK) st = slc_loader_open(&loader, &settings, err);
    if (st == SLC_OK)
        st = slc_trained_eval(t, loader,
                              &(slc_eval_settings){.log = p->cli->log,
                                                   .stop = p->cli->stop,
                                                   .on_prediction = note,
                                                   .user = &p->worst},
                              metric, err);
    slc_loader_close(&loader);
    return st;
}

static void add_classes(page *p, const slc_trained *t, const slc_metric *metric)
{
    slc_str_add(&p->html,
                "<table><tr><th>class<th>images<th>precision<th>recall<th>F1\n");
    for (size_t c = 0; c < t->class_count; c++) {
        const slc_class_score s = slc_metric_class(metric, c);
        slc_str_add(&p->html, "<tr><td>");
        cli_html_text(&p->html, t->classes[c]);
        slc_str_printf(&p->html, "<td>%" PRIu64 "<td>%.4f<td>%.4f<td>%.4f\n", s.count,
                       s.precision, s.recall, s.f1);
    }
    slc_str_add(&p->html, "</table>\n");
}

static slc_status draw_scores(page *p, const slc_trained *t, const slc_metric *metric,
                              slc_err *err)
{
    static const struct {
        const char *name, *alt;
        slc_status (*draw)(const char *path, const json_t *metric, const char *title,
                           slc_err *err);
    } parts[] = {{"confusion.svg", "confusion", cli_confusion_write},
                 {"reliability.svg", "reliability", cli_reliability_write}};
    slc_status st = SLC_OK;
    json_t *object = slc_metric_json(metric, t->classes);
    if (!object) return slc_fail(err, SLC_ENOMEM, "report: out of memory");
    for (size_t i = 0; st == SLC_OK && i < SLC_COUNT(parts); i++) {
        const char *path = NULL;
        st = begin(p, parts[i].name, &path, err);
        if (st == SLC_OK) st = parts[i].draw(path, object, parts[i].alt, err);
        st = end(p, path, parts[i].alt, st, err);
    }
    json_decref(object);
    return st;
}

static slc_status add_worst(page *p, const slc_trained *t, const slc_source *source,
                            slc_err *err)
{
    const char *path = NULL;
    const slc_loader_settings s = slc_trained_stream(t, source, p->cli->threads);
    if (p->worst.count == 0) return SLC_OK;
    heading(p, "Largest losses");
    slc_status st = begin(p, "worst.png", &path, err);
    if (st == SLC_OK) st = cli_worst_write(path, &p->worst, t, &s, err);
    return end(p, path, "largest losses", st, err);
}

static slc_status add_histograms(page *p, slc_err *err)
{
    const char *path = NULL;
    json_t *line = NULL;
    slc_status st =
        cli_last_line_read(&line, path_of(p, p->run, "histograms.jsonl"), err);
    if (st != SLC_OK || !line) return st;
    heading(p, "Weights, gradients, updates");
    st = begin(p, "histograms.png", &path, err);
    if (st == SLC_OK) st = cli_histograms_write(path, line, err);
    json_decref(line);
    return end(p, path, "histograms", st, err);
}

static slc_status add_scores(page *p, const slc_trained *t, const slc_source *source,
                             slc_err *err)
{
    slc_metric metric = {0};
    slc_status st = score(p, t, source, &metric, err);
    if (st == SLC_OK) {
        heading(p, "Evaluation");
        slc_str_add(&p->html, "<p class=dim>");
        cli_html_text(&p->html, slc_source_describe(source));
        slc_str_add(&p->html, "</p><div class=facts>\n");
        fact(p, "top-1", "%.4f", slc_metric_top1(&metric));
        if (metric.k > 1 && t->class_count > metric.k)
            fact(p, "top-5", "%.4f", slc_metric_topk(&metric));
        fact(p, "loss", "%.4f", slc_metric_loss(&metric));
        fact(p, "calibration error", "%.4f", slc_metric_ece(&metric));
        fact(p, "images", "%.0f", (double)metric.count);
        slc_str_add(&p->html, "</div>\n");
        st = draw_scores(p, t, &metric, err);
    }
    if (st == SLC_OK) add_classes(p, t, &metric);
    if (st == SLC_OK) st = add_worst(p, t, source, err);
    slc_metric_free(&metric);
    return st;
}

/* The first batch as the net sees it in training. */
static slc_status add_samples(page *p, const slc_trained *t, const slc_source *source,
                              slc_err *err)
{
    slc_loader *loader = NULL;
    const slc_batch *batch = NULL;
    const char *path = NULL;
    cli_tiles *tiles = cli_tiles_create();
    slc_loader_settings s = slc_recipe_loader_settings(&t->recipe, &t->plans, source,
                                                       SLC_FOR_TRAIN, p->cli->threads);
    s.cache = SLC_CACHE_NONE;
    slc_status st = tiles ? slc_loader_open(&loader, &s, err)
                          : slc_fail(err, SLC_ENOMEM, "report: out of memory");
    if (st == SLC_OK) st = slc_loader_next(loader, &batch, err);
    if (st == SLC_OK && batch)
        st = cli_tiles_add_batch(tiles, loader, source, t->plans.augment,
                                 (uint64_t)t->recipe.seed, batch,
                                 (size_t)p->settings->samples, err);
    heading(p, "Training pictures, as the net sees them");
    if (st == SLC_OK && tiles->count > 0) {
        st = begin(p, "samples.png", &path, err);
        if (st == SLC_OK)
            st = cli_sheet_write(path, tiles->tile, tiles->count,
                                 &(cli_sheet){.least = 96}, err);
        st = end(p, path, "samples", st, err);
    }
    if (batch) slc_loader_release(loader, batch);
    slc_loader_close(&loader);
    cli_tiles_destroy(&tiles);
    return st;
}

/* A text file of the run, as it is. */
static slc_status add_file(page *p, const char *title, const char *name, slc_err *err)
{
    uint8_t *text = NULL;
    size_t size = 0;
    const char *path = path_of(p, p->run, name);
    if (access(path, F_OK) != 0) return SLC_OK;
    const slc_status st = slc_file_read(&text, &size, path, 1 << 20, err);
    if (st != SLC_OK) return st;
    heading(p, title);
    slc_str_add(&p->html, "<pre>");
    cli_html_text(&p->html, (const char *)text);
    slc_str_add(&p->html, "</pre>\n");
    free(text);
    return SLC_OK;
}

static void add_environment(page *p, const slc_trained *t)
{
    const slc_model_facts f = slc_model_facts_of(t->model);
    heading(p, "Environment");
    slc_str_add(&p->html, "<table>\n<tr><td>engine<td>");
    cli_html_text(&p->html, f.engine);
    slc_str_printf(
        &p->html,
        "\n<tr><td>precision<td>%s\n<tr><td>instruction set<td>%s\n"
        "<tr><td>threads<td>%zu\n<tr><td>input<td>%zu x %zu x %zu\n<tr><td>weights"
        "<td>%zu\n<tr><td>MFLOP an image<td>%.1f\n</table>\n",
        f.precision == SLC_PRECISION_BF16 ? "bf16" : "f32",
        slc_isa_name(slc_isa_detect()), f.threads, f.channels, f.height, f.width,
        f.weights, f.flops / 1e6);
}

static slc_status add_all(page *p, const slc_trained *t,
                          const slc_recipe_sources *sources, slc_err *err)
{
    const slc_source *source = NULL;
    slc_status st = slc_recipe_source(&source, sources, p->settings->split, err);
    if (st != SLC_OK) return st;
    slc_str_add(&p->html, "<!doctype html><html lang=en><meta charset=utf-8><meta "
                          "name=viewport content=\"width=device-width\"><title>");
    cli_html_text(&p->html, p->run);
    slc_str_printf(&p->html, "</title><style>%s</style>\n<h1>", style);
    cli_html_text(&p->html, p->run);
    slc_str_add(&p->html, "</h1>\n");
    if (source) st = add_scores(p, t, source, err);
    if (st == SLC_OK) st = add_curves(p, err);
    if (st == SLC_OK && p->settings->samples) st = add_samples(p, t, sources->train, err);
    if (st == SLC_OK) st = add_histograms(p, err);
    if (st == SLC_OK) st = add_file(p, "The end", "summary.json", err);
    if (st == SLC_OK) st = add_file(p, "Recipe", "recipe.yaml", err);
    if (st == SLC_OK) add_environment(p, t);
    slc_str_add(&p->html, "</html>\n");
    if (st == SLC_OK && p->html.failed)
        st = slc_fail(err, SLC_ENOMEM, "report: out of memory");
    return st;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    page p = {.cli = cli, .settings = settings, .run = args[0]};
    slc_recipe_sources sources = {0};
    slc_trained trained = {0};
    (void)count;

    if (!cli_plot_available())
        return slc_fail(err, SLC_EINVAL,
                        "report: built without cairo, nothing can be drawn");
    const char *output =
        p.settings->output ? p.settings->output : path_of(&p, p.run, "report.html");
    slc_status st = slc_trained_open(
        &trained, p.run, &(slc_trained_settings){.threads = cli->threads}, err);
    if (st == SLC_OK)
        st = slc_recipe_open_sources(&sources, &trained.recipe, cli->log, err);
    if (st == SLC_OK) st = add_all(&p, &trained, &sources, err);
    if (st == SLC_OK) st = slc_file_replace(output, p.html.text, p.html.size, err);
    if (st == SLC_OK && cli->json)
        st = cli_print_json(json_pack("{s:i, s:s, s:I}", "schema", 1, "report", output,
                                      "bytes", (json_int_t)p.html.size),
                            err);
    else if (st == SLC_OK)
        printf("%s: %.1f MB\n", output, (double)p.html.size / 1e6);
    slc_recipe_close_sources(&sources);
    slc_trained_close(&trained);
    slc_str_free(&p.html);
    slc_arena_free(&p.arena);
    return st;
}

const cli_cmd cli_cmd_report = {
    .name = "report",
    .group = CLI_INSIGHT,
    .summary = "a run as one self-contained HTML page",
    .args = "RUN",
    .least = 1,
    .most = 1,
    .details =
        "Scores, confusion, calibration and the largest losses on the test set, curves,\n"
        "training pictures, histograms (if the run keeps them), summary, recipe and\n"
        "environment, in one file that needs no other.",
    .examples =
        "  sluice report runs/demo\n  sluice report runs/demo -o demo.html --samples 64",
    .options = options,
    .initial = &(const report_settings){.split = "test", .samples = 32},
    .settings_size = sizeof(report_settings),
    .run = run,
};
