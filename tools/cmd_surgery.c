/* fold and prune: smaller nets that give the same answers. */
#include "tools/cmd.h"
#include "train/surgery.h"

typedef struct surgery_settings {
    const char *output, *data, *split;
    uint64_t images, finetune;
    double similar;
} surgery_settings;

#define FIELD(name) CLI_FIELD(surgery_settings, name)
#define COMMON                                                                           \
    {'o',                                                                                \
     "output",                                                                           \
     FIELD(output),                                                                      \
     .path = CLI_WRITES_FILE,                                                            \
     .value = "FILE",                                                                    \
     .help = "model file to write"},                                                     \
        {'d',                                                                            \
         "data",                                                                         \
         FIELD(data),                                                                    \
         .path = CLI_READS,                                                              \
         .value = "SOURCE",                                                              \
         .help = "pictures to verify on (default: those of the recipe)"},                \
        {'s', "split", FIELD(split), .value = "NAME", .help = "train, val or test"},     \
    {                                                                                    \
        'n', "images", FIELD(images), .lo = 1, .hi = 1e9, .value = "N",                  \
                                      .help = "how many of them"                         \
    }

static const cli_opt fold_options[] = {COMMON, {0}};
static const cli_opt prune_options[] = {
    COMMON,
    {0, "similar", FIELD(similar), .lo = 0.5, .hi = 1, .value = "R",
     .help = "correlation from which on two maps are one"},
    {0, "finetune", FIELD(finetune), .hi = 1e6, .value = "EPOCHS",
     .help = "then train so long, at a tenth of the recipe's learning rate"},
    {0}};

typedef slc_status operation(const char *path, const char *output,
                             const slc_surgery_settings *settings, json_t **result,
                             slc_err *err);

static slc_status operate(cli_context *cli, const surgery_settings *s, operation *op,
                          const char *path, json_t **result, slc_err *err)
{
    slc_source *source = NULL;
    slc_status st = SLC_OK;
    if (s->data) st = slc_source_open_text(&source, s->data, s->split, cli->log, err);
    if (st == SLC_OK)
        st = op(path, s->output,
                &(slc_surgery_settings){.source = source,
                                        .images = s->images,
                                        .similar = s->similar,
                                        .finetune = s->finetune,
                                        .threads = cli->threads,
                                        .log = cli->log,
                                        .stop = cli->stop},
                result, err);
    slc_source_close(&source);
    return st;
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static slc_status run_fold(cli_context *cli, const void *settings, int count, char **args,
                           slc_err *err)
{
    json_t *o = NULL;
    (void)count;
    const slc_status st = operate(cli, settings, slc_fold, args[0], &o, err);
    if (st != SLC_OK) return st;
    if (cli->json) return cli_print_json(o, err);
    printf(
        "%.0f batch norms folded; logits of %.0f images differ by at most %.2g of their "
        "size\n",
        number(o, "folded"), number(o, "images"), number(o, "difference"));
    json_decref(o);
    return SLC_OK;
}

static slc_status run_prune(cli_context *cli, const void *settings, int count,
                            char **args, slc_err *err)
{
    json_t *o = NULL;
    (void)count;
    const slc_status st = operate(cli, settings, slc_prune, args[0], &o, err);
    if (st != SLC_OK) return st;
    if (cli->json) return cli_print_json(o, err);
    const json_t *list = json_object_get(o, "removed");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i);
        const char *layer = json_string_value(json_object_get(r, "layer"));
        if (json_object_get(r, "dead"))
            printf("%s: map %.0f is dead\n", layer, number(r, "map"));
        else
            printf("%s: map %.0f looks like map %.0f (%.4f)\n", layer, number(r, "map"),
                   number(r, "twin"), number(r, "similarity"));
    }
    printf(
        "%zu maps removed, %.0f of %.0f weights left; logits of %.0f images differ by at "
        "most %.2g of their size\n",
        json_array_size(list), number(o, "weights_after"), number(o, "weights_before"),
        number(o, "images"), number(o, "difference"));
    const json_t *tuned = json_object_get(o, "finetune");
    if (json_object_get(tuned, "set"))
        printf("%.0f epochs of fine-tuning: %s top-1 %.4f -> %.4f\n",
               number(tuned, "epochs"), json_string_value(json_object_get(tuned, "set")),
               number(tuned, "top1_before"), number(tuned, "top1_after"));
    json_decref(o);
    return SLC_OK;
}

const cli_cmd cli_cmd_fold = {
    .name = "fold",
    .group = CLI_INSIGHT,
    .summary = "batch norm folded into the weights before it",
    .args = "MODEL",
    .least = 1,
    .most = 1,
    .details =
        "Logits of real pictures are compared first; a net whose answers would change "
        "is not written.",
    .examples = "  sluice fold runs/demo -o folded.safetensors",
    .options = fold_options,
    .initial = &(const surgery_settings){.split = "test", .images = 256},
    .settings_size = sizeof(surgery_settings),
    .run = run_fold,
};

const cli_cmd cli_cmd_prune = {
    .name = "prune",
    .group = CLI_INSIGHT,
    .summary = "look-alike and dead feature maps removed",
    .args = "MODEL",
    .least = 1,
    .most = 1,
    .details =
        "Maps are compared on real pictures; the weights that read a removed map go to "
        "its\n"
        "twin. --finetune then trains FILE by its own recipe, in the directory FILE.run.",
    .examples =
        "  sluice prune runs/demo --similar 0.98 -o pruned.safetensors\n"
        "  sluice prune runs/demo --similar 0.9 --finetune 2 -o pruned.safetensors",
    .options = prune_options,
    .initial = &(const surgery_settings){.split = "test", .images = 256, .similar = 0.98},
    .settings_size = sizeof(surgery_settings),
    .run = run_prune,
};
