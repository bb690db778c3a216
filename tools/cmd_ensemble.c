/* ensemble: several trained models as one. */
#include "tools/cmd.h"
#include "train/ensemble.h"

typedef struct settings {
    int mode; /* slc_ensemble_mode */
    const char *output, *data, *split;
    uint64_t norm_batches;
} settings;

static const char *const modes[] = {"logits", "prob", "vote", "weights", "soup", NULL};

static const cli_opt options[] = {
    {'m', "mode", CLI_FIELD(settings, mode), .choices = modes,
     .help = "what is averaged: answers (logits, prob, vote) or weights (weights, soup)"},
    {'o', "output", CLI_FIELD(settings, output), .path = CLI_WRITES_FILE, .value = "FILE",
     .help = "write one model file that eval and predict take"},
    {'d', "data", CLI_FIELD(settings, data), .path = CLI_READS, .value = "SOURCE",
     .help = "data set to score on (default: the test set of the first recipe)"},
    {'s', "split", CLI_FIELD(settings, split), .value = "NAME",
     .help = "split of --data: train, val or test"},
    {0, "norm-batches", CLI_FIELD(settings, norm_batches), .lo = 1, .hi = 1e9,
     .value = "N", .help = "batches to measure batch-norm statistics of averages with"},
    {0},
};

static void print_text(const json_t *o)
{
    const json_t *list = json_object_get(o, "members");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        printf("%.4f  %s%s\n", json_number_value(json_object_get(m, "top1")),
               json_string_value(json_object_get(m, "path")),
               json_is_true(json_object_get(m, "used")) ? "" : " (left out)");
    }
    printf("%.4f  ensemble (%s): %+.2f points over the best member, members disagree on "
           "%.2f %%\n",
           json_number_value(json_object_get(o, "top1")),
           json_string_value(json_object_get(o, "mode")),
           100 * json_number_value(json_object_get(o, "gain")),
           100 * json_number_value(json_object_get(o, "disagreement")));
}

static slc_status run(cli_context *cli, const void *of, int count, char **args,
                      slc_err *err)
{
    const settings *s = of;
    slc_source *source = NULL;
    json_t *result = NULL;
    slc_status st = SLC_OK;
    if (s->data) st = slc_source_open_text(&source, s->data, s->split, cli->log, err);
    if (st == SLC_OK)
        st = slc_ensemble_run(&(slc_ensemble_settings){.paths = (const char *const *)args,
                                                       .count = (size_t)count,
                                                       .mode = (slc_ensemble_mode)s->mode,
                                                       .output = s->output,
                                                       .source = source,
                                                       .norm_batches = s->norm_batches,
                                                       .threads = cli->threads,
                                                       .log = cli->log,
                                                       .stop = cli->stop},
                              &result, err);
    if (st == SLC_OK && cli->json) {
        st = cli_print_json(result, err);
        result = NULL;
    } else if (st == SLC_OK) {
        print_text(result);
    }
    json_decref(result);
    slc_source_close(&source);
    return st;
}

const cli_cmd cli_cmd_ensemble = {
    .name = "ensemble",
    .group = CLI_TRAINING,
    .summary = "several trained models as one: scores, disagreement, gain",
    .args = "RUN RUN...",
    .least = 2,
    .most = -1,
    .details =
        "Members are run directories or model files with the same classes and the same\n"
        "preprocessing. logits, prob and vote combine answers and write a file that "
        "holds\n"
        "all members. weights and soup average the weights of nets that began with the "
        "same\n"
        "ones, measure batch-norm statistics again, and write a single net; soup takes "
        "a\n"
        "member in only if the scores gain by it.",
    .examples = "  sluice ensemble runs/seed1 runs/seed2 runs/seed3 --mode prob -o "
                "ensemble.safetensors\n"
                "  sluice ensemble runs/snap/snapshot-*.safetensors --mode logits",
    .options = options,
    .initial = &(
        const settings){.mode = SLC_ENSEMBLE_PROB, .split = "test", .norm_batches = 100},
    .settings_size = sizeof(settings),
    .run = run,
};
