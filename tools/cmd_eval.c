/* eval: how good a trained model is on a data set. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "tools/cmd.h"
#include "tools/foreign.h"
#include "tools/logits.h"
#include "tools/plot.h"
#include "tools/run_plots.h"
#include "tools/table.h"
#include "tools/worst.h"
#include "train/fit.h"

typedef struct eval_settings {
    const char *data, *split, *output;
    bool logits;
    cli_foreign foreign;
} eval_settings;

#define FIELD(name) CLI_FIELD(eval_settings, name)

static const cli_opt options[] = {
    {'d', "data", FIELD(data), .path = CLI_READS, .value = "SOURCE",
     .help = "data set (default: the one of the model's recipe)"},
    {'s', "split", FIELD(split), .value = "NAME", .help = "train, val or test"},
    {'o', "output", FIELD(output), .path = CLI_WRITES_DIR, .value = "DIR",
     .help = "write eval.json, confusion.png, reliability.png and top-losses.png there"},
    {'b', "batch", FIELD(foreign.batch), .lo = 0, .hi = 65536, .value = "N",
     .help = "images at a time (default: the recipe's)"},
    {0, "logits", FIELD(logits), .help = "tell every picture's logits too"},
    CLI_FOREIGN_OPTIONS(eval_settings),
    {0},
};

/* The data set that is asked for, or the recipe's own of that split. */
static slc_status open_data(const cli_context *cli, const eval_settings *s,
                            const slc_trained *trained, slc_recipe_sources *sources,
                            slc_source **given, const slc_source **out, slc_err *err)
{
    if (s->data) {
        const slc_status st =
            slc_source_open_text(given, s->data, s->split, cli->log, err);
        *out = *given;
        return st;
    }
    slc_status st = slc_recipe_open_sources(sources, &trained->recipe, cli->log, err);
    if (st == SLC_OK) st = slc_recipe_source(out, sources, s->split, err);
    if (st != SLC_OK || *out) return st;
    return slc_fail(err, SLC_EINVAL,
                    "%s: its recipe has no %s data; name some with --data", trained->path,
                    s->split);
}

static slc_status save(const cli_context *cli, const char *output, const json_t *object,
                       slc_err *err)
{
    const char *const data = json_string_value(json_object_get(object, "data"));
    char path[4096];
    slc_status st = slc_dir_make(output, err);

    if (st == SLC_OK) {
        snprintf(path, sizeof(path), "%s/eval.json", output);
        st = slc_json_write(object, path, err);
    }
    if (st == SLC_OK && !cli_plot_available()) {
        slc_log_line(cli->log, SLC_WARNING, "built without cairo: no plots");
        return SLC_OK;
    }
    if (st == SLC_OK) {
        snprintf(path, sizeof(path), "%s/confusion.png", output);
        st = cli_confusion_write(path, object, data, err);
    }
    if (st == SLC_OK) {
        snprintf(path, sizeof(path), "%s/reliability.png", output);
        st = cli_reliability_write(path, object, data, err);
    }
    return st;
}

static void print_confused(const slc_trained *trained, const slc_metric *metric)
{
    slc_confused most[5];
    const size_t n = slc_metric_confused(metric, most, SLC_COUNT(most));
    for (size_t i = 0; i < n; i++)
        printf("%s %6" PRIu64 "  %s taken for %s\n",
               i ? "             " : "most confused", most[i].count,
               trained->classes[most[i].truth], trained->classes[most[i].prediction]);
}

static void print_classes(const slc_trained *trained, const slc_metric *metric)
{
    cli_table t;
    cli_table_begin(&t);
    fprintf(t.cells, "class\timages\tprecision\trecall\tF1\n");
    for (size_t c = 0; c < trained->class_count; c++) {
        const slc_class_score score = slc_metric_class(metric, c);
        cli_table_text(&t, trained->classes[c]);
        fprintf(t.cells, "\t%" PRIu64 "\t%.4f\t%.4f\t%.4f\n", score.count,
                score.precision, score.recall, score.f1);
    }
    cli_table_end(&t, stdout);
    putchar('\n');
}

static void print_text(const slc_trained *trained, const slc_metric *metric,
                       const json_t *object)
{
    const double k = json_number_value(json_object_get(object, "k"));
    printf("top-1   %.4f of %lld images\n", slc_metric_top1(metric),
           (long long)json_integer_value(json_object_get(object, "count")));
    if (trained->class_count > k && k > 1)
        printf("top-%.0f   %.4f\n", k, slc_metric_topk(metric));
    printf("loss    %.4f\nECE     %.4f\nspeed   %.0f images/s\n", slc_metric_loss(metric),
           slc_metric_ece(metric),
           json_number_value(json_object_get(object, "images_per_second")));
    putchar('\n');
    if (trained->class_count <= 100) print_classes(trained, metric);
    print_confused(trained, metric);
}

/* The object that is printed and saved. */
static json_t *report(const slc_trained *trained, const slc_source *source,
                      const slc_metric *metric, uint64_t bad, double rate)
{
    json_t *const object = slc_metric_json(metric, trained->classes);
    if (!object) return NULL;
    json_object_set_new(object, "schema", json_integer(1));
    json_object_set_new(object, "model", json_string(trained->path));
    json_object_set_new(object, "data", json_string(slc_source_describe(source)));
    json_object_set_new(object, "bad", json_integer((json_int_t)bad));
    json_object_set_new(object, "temperature", json_real(trained->temperature));
    json_object_set_new(object, "images_per_second", json_real(rate));
    json_object_set_new(object, "peak_rss_bytes",
                        json_integer((json_int_t)cli_peak_rss()));
    return object;
}

/* What listens to every picture's answer. */
typedef struct listener {
    cli_logits logits;
    cli_worst worst;
    bool tell_logits;
} listener;

static void take(void *user, const slc_prediction *p)
{
    listener *const l = user;
    cli_worst_note(&l->worst, p);
    if (l->tell_logits) cli_logits_take(&l->logits, p);
}

/* Prints the report, saves it and its pictures. */
static slc_status publish(cli_context *cli, const eval_settings *s, const listener *l,
                          const slc_loader_settings *settings, const slc_metric *metric,
                          json_t *object, slc_err *err)
{
    const slc_trained *const trained = l->logits.trained;
    char path[4096];
    slc_status st = SLC_OK;

    json_object_set_new(object, "tta", json_string(cli_looks[s->foreign.tta]));
    if (l->logits.list) json_object_set(object, "predictions", l->logits.list);
    if (s->output) {
        snprintf(path, sizeof(path), "%s/top-losses.png", s->output);
        st = save(cli, s->output, object, err);
        if (st == SLC_OK) st = cli_worst_write(path, &l->worst, trained, settings, err);
    }
    if (st == SLC_OK && cli->json) return cli_print_json(json_incref(object), err);
    if (st == SLC_OK) print_text(trained, metric, object);
    return st;
}

static slc_status evaluate(cli_context *cli, const eval_settings *s,
                           const slc_trained *trained, const slc_source *source,
                           slc_err *err)
{
    slc_loader_settings settings;
    slc_loader *loader = NULL;
    slc_metric metric = {0};
    listener l = {
        .logits = {trained, source, s->logits && cli->json ? json_array() : NULL},
        .tell_logits = s->logits};

    slc_status st = slc_trained_loader(trained, source, cli->threads, &settings, err);
    settings.log = cli->log;
    if (st == SLC_OK) st = slc_loader_open(&loader, &settings, err);
    const uint64_t start = slc_clock_ns();
    if (st == SLC_OK)
        st = slc_trained_eval(
            trained, loader,
            &(slc_eval_settings){
                .log = cli->log, .stop = cli->stop, .on_prediction = take, .user = &l},
            &metric, err);
    if (st == SLC_OK) {
        const slc_loader_counters counters = slc_loader_count(loader);
        const double rate =
            (double)counters.samples * 1e9 / (double)(slc_clock_ns() - start);
        json_t *const object = report(trained, source, &metric, counters.bad, rate);
        st = object ? publish(cli, s, &l, &settings, &metric, object, err)
                    : slc_fail(err, SLC_ENOMEM, "eval: out of memory");
        json_decref(object);
    }
    json_decref(l.logits.list);
    slc_metric_free(&metric);
    slc_loader_close(&loader);
    return st;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const eval_settings *const s = settings;
    const slc_source *source = NULL;
    slc_recipe_sources sources = {0};
    slc_source *given = NULL;
    slc_trained trained = {0};
    int first = 0;

    if (s->foreign.model && count == 0 && !s->data)
        return slc_fail(err, SLC_EINVAL,
                        "name pictures, or a labelled data set with --data");
    slc_status st = cli_model_open(&trained, cli, &s->foreign, args, count, &first, err);
    if (st == SLC_OK && first < count) {
        st = cli_logits_of(cli, &trained, args + first, count - first, err);
    } else {
        if (st == SLC_OK)
            st = open_data(cli, s, &trained, &sources, &given, &source, err);
        if (st == SLC_OK) st = evaluate(cli, s, &trained, source, err);
    }
    slc_source_close(&given);
    slc_recipe_close_sources(&sources);
    slc_trained_close(&trained);
    return st;
}

const cli_cmd cli_cmd_eval = {
    .name = "eval",
    .group = CLI_TRAINING,
    .summary = "accuracy, scores per class and confusion of a trained model",
    .args = "[MODEL] [PICTURES...]",
    .most = -1,
    .details =
        "MODEL is a model.safetensors, or a run directory that holds one. The "
        "model's own recipe\n"
        "says how pictures are decoded, resized and normalised. With PICTURES (files, "
        "folders, any\n"
        "source; labels are not looked at) it tells their logits instead of "
        "scores: path, class\n"
        "and all logits between tabs, or JSON.\n\n" CLI_FOREIGN_DETAILS,
    .examples = "  sluice eval runs/demo\n"
                "  sluice eval runs/photos --data ~/new-photos -o report\n"
                "  sluice eval --model resnet18 --weights resnet18.safetensors cat.jpg "
                "--json",
    .options = options,
    .initial = &(const eval_settings){.split = "test"},
    .settings_size = sizeof(eval_settings),
    .run = run,
};
