/* calibrate: a temperature that makes a model's probabilities honest. */
#include "tools/cmd.h"
#include "train/calibrate.h"

typedef struct settings {
    const char *output, *data, *split;
} settings;

static const cli_opt options[] = {
    {'o', "output", CLI_FIELD(settings, output), .path = CLI_WRITES_OVER, .value = "FILE",
     .help = "write the model with its temperature there; MODEL itself is allowed"},
    {'d', "data", CLI_FIELD(settings, data), .path = CLI_READS, .value = "SOURCE",
     .help = "data set to fit on (default: the validation set of the model's recipe)"},
    {'s', "split", CLI_FIELD(settings, split), .value = "NAME",
     .help = "split of --data: train, val or test"},
    {0},
};

static void print_set(const char *name, const json_t *o)
{
    if (!o) return;
    printf("%-10s ECE %.4f -> %.4f, loss %.4f -> %.4f (%lld images)\n", name,
           json_number_value(json_object_get(o, "ece_before")),
           json_number_value(json_object_get(o, "ece_after")),
           json_number_value(json_object_get(o, "loss_before")),
           json_number_value(json_object_get(o, "loss_after")),
           (long long)json_integer_value(json_object_get(o, "images")));
}

static slc_status run(cli_context *cli, const void *of, int count, char **args,
                      slc_err *err)
{
    const settings *const s = of;
    slc_source *source = NULL;
    json_t *o = NULL;
    slc_status st = SLC_OK;
    (void)count;
    if (s->data) st = slc_source_open_text(&source, s->data, s->split, cli->log, err);
    if (st == SLC_OK)
        st = slc_calibrate_run(&(slc_calibrate_settings){.path = args[0],
                                                         .output = s->output,
                                                         .source = source,
                                                         .threads = cli->threads,
                                                         .log = cli->log,
                                                         .stop = cli->stop},
                               &o, err);
    if (st == SLC_OK && cli->json) {
        st = cli_print_json(o, err);
        o = NULL;
    } else if (st == SLC_OK) {
        printf("temperature %.4f\n",
               json_number_value(json_object_get(o, "temperature")));
        print_set("fitted on", json_object_get(o, "fit"));
        print_set("test set", json_object_get(o, "test"));
    }
    json_decref(o);
    slc_source_close(&source);
    return st;
}

const cli_cmd cli_cmd_calibrate = {
    .name = "calibrate",
    .group = CLI_TRAINING,
    .summary = "find the temperature that makes probabilities honest",
    .args = "MODEL",
    .least = 1,
    .most = 1,
    .details =
        "Logits are divided by one number, the temperature, which makes the validation "
        "set most likely\n"
        "(Guo et al. 2017). Answers stay as they are; eval, predict and ensembles of one "
        "file use the\n"
        "probabilities of FILE. Without --output nothing is written.",
    .examples = "  sluice calibrate runs/photos\n"
                "  sluice calibrate runs/photos -o runs/photos/model.safetensors",
    .options = options,
    .initial = &(const settings){.split = "val"},
    .settings_size = sizeof(settings),
    .run = run,
};
