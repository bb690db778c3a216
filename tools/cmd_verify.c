/* overfit and verify: what to ask a recipe before the long run. */
#include <string.h>

#include "tools/cmd.h"
#include "tools/open.h"
#include "train/sanity.h"

typedef struct sanity_options {
    cli_texts sets;
    uint64_t images, steps;
    double lr, target;
} sanity_options;

#define FIELD(name) CLI_FIELD(sanity_options, name)
#define COMMON                                                                           \
    {'s', "set", FIELD(sets), .value = "KEY=VALUE",                                      \
     .help = "change a key of the recipe"},                                              \
        {'n',                                                                            \
         "images",                                                                       \
         FIELD(images),                                                                  \
         .lo = 0,                                                                        \
         .hi = 1e6,                                                                      \
         .value = "N",                                                                   \
         .help = "how many pictures to learn (0 = automatic)"},                          \
        {0,                                                                              \
         "steps",                                                                        \
         FIELD(steps),                                                                   \
         .lo = 1,                                                                        \
         .hi = 1e6,                                                                      \
         .value = "N",                                                                   \
         .help = "optimizer steps at most"},                                             \
    {                                                                                    \
        0, "lr", FIELD(lr), .lo = 0, .hi = 1e3, .value = "RATE",                         \
                            .help = "learning rate (0 = the recipe's)"                   \
    }

static const cli_opt overfit_options[] = {COMMON,
                                          {0, "target", FIELD(target), .lo = 1e-6,
                                           .hi = 10, .value = "LOSS",
                                           .help = "the loss that counts as zero"},
                                          {0}};
static const cli_opt verify_options[] = {COMMON, {0}};

typedef slc_status question(const slc_sanity_settings *settings, json_t **result,
                            slc_err *err);

/* Opens the recipe, asks, and says by the exit code whether the answer was good. */
static slc_status ask(cli_context *cli, const sanity_options *s, const char *path,
                      question *what, json_t **result, slc_err *err)
{
    slc_recipe recipe = {0};
    slc_status st = cli_recipe_open(&recipe, path, &s->sets, err);
    if (st == SLC_OK)
        st = what(&(slc_sanity_settings){.recipe = &recipe,
                                         .images = s->images,
                                         .steps = s->steps,
                                         .lr = s->lr,
                                         .target = s->target,
                                         .threads = cli->threads,
                                         .log = cli->log,
                                         .stop = cli->stop},
                  result, err);
    if (st == SLC_OK) {
        cli->findings = !json_is_true(json_object_get(*result, "ok"));
        json_object_set_new(*result, "schema", json_integer(1));
    }
    slc_recipe_free(&recipe);
    return st;
}

static slc_status run_overfit(cli_context *cli, const void *settings, int count,
                              char **args, slc_err *err)
{
    json_t *o = NULL;
    (void)count;
    const slc_status st = ask(cli, settings, args[0], slc_overfit, &o, err);
    if (st != SLC_OK) return st;
    if (cli->json) return cli_print_json(o, err);
    const json_t *loss = json_object_get(o, "loss"),
                 *advice = json_object_get(o, "advice");
    printf("%s: %lld pictures, loss %.4f at the start, ",
           cli->findings ? "NOT learnt" : "learnt by heart",
           (long long)json_integer_value(json_object_get(o, "images")),
           json_number_value(json_object_get(o, "start")));
    if (json_is_number(loss))
        printf("%.4g", json_number_value(loss));
    else
        printf("no number");
    printf(" after %lld steps at rate %.3g, top-1 %.3f\n",
           (long long)json_integer_value(json_object_get(o, "steps")),
           json_number_value(json_object_get(o, "lr")),
           json_number_value(json_object_get(o, "top1")));
    for (size_t i = 0; i < json_array_size(advice); i++)
        printf("  %s\n", json_string_value(json_array_get(advice, i)));
    json_decref(o);
    return SLC_OK;
}

static slc_status run_verify(cli_context *cli, const void *settings, int count,
                             char **args, slc_err *err)
{
    json_t *o = NULL;
    (void)count;
    const slc_status st = ask(cli, settings, args[0], slc_verify, &o, err);
    if (st != SLC_OK) return st;
    if (cli->json) return cli_print_json(o, err);
    const json_t *checks = json_object_get(o, "checks");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *c = json_array_get(checks, i);
        printf("%-8s%-11s %s\n",
               json_is_true(json_object_get(c, "ok")) ? "ok" : "finding",
               json_string_value(json_object_get(c, "name")),
               json_string_value(json_object_get(c, "text")));
    }
    json_decref(o);
    return SLC_OK;
}

const cli_cmd cli_cmd_overfit = {
    .name = "overfit",
    .group = CLI_INSIGHT,
    .summary = "can the net learn one batch by heart",
    .args = "RECIPE",
    .least = 1,
    .most = 1,
    .details =
        "Trains on one batch, without augmentation, mixing, smoothing and dropout, until "
        "the loss is\n"
        "zero and every picture right. A net that cannot do that has a fault: "
        "exit code 1, and\n"
        "what to look at. Nothing is written.",
    .examples = "  sluice overfit recipes/fashion-mnist.yaml\n"
                "  sluice overfit recipe.yaml --images 32 --lr 0.01",
    .options = overfit_options,
    .initial = &(const sanity_options){.steps = 300, .target = 0.01},
    .settings_size = sizeof(sanity_options),
    .run = run_overfit,
};

const cli_cmd cli_cmd_verify = {
    .name = "verify",
    .group = CLI_INSIGHT,
    .summary = "is the data of a recipe what it seems",
    .args = "RECIPE",
    .least = 1,
    .most = 1,
    .details = "Checks, a line each: inputs are normalised; every class occurs; no "
               "picture occurs\n"
               "under two labels; the loss before the first step is ln C; a short "
               "training beats\n"
               "guessing on pictures held out; with shuffled labels it does not. Exit "
               "code 1 on a\n"
               "finding. Nothing is written.",
    .examples = "  sluice verify recipes/fashion-mnist.yaml\n"
                "  sluice verify recipe.yaml --images 2000 --json",
    .options = verify_options,
    .initial = &(const sanity_options){.steps = 60},
    .settings_size = sizeof(sanity_options),
    .run = run_verify,
};
