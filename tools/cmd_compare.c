/* compare: is one model really better than another? */
#include <stdlib.h>

#include "tools/cmd.h"
#include "train/compare.h"
#include "train/fit.h"

typedef struct settings {
    const char *data, *split;
    uint64_t resamples;
} settings;

static const cli_opt options[] = {
    {'d', "data", CLI_FIELD(settings, data), .path = CLI_READS, .value = "SOURCE",
     .help = "data set (default: the test set of the first model's recipe)"},
    {'s', "split", CLI_FIELD(settings, split), .value = "NAME",
     .help = "split of --data: train, val or test"},
    {0, "resamples", CLI_FIELD(settings, resamples), .lo = 100, .hi = 1e6, .value = "N",
     .help = "of the bootstrap"},
    {0},
};

enum { UNSEEN, WRONG, RIGHT };

static void note(void *user, const slc_prediction *p)
{
    uint8_t *seen = user;
    if (p->label >= 0) seen[p->index] = (size_t)p->label == p->best ? RIGHT : WRONG;
}

/* Leaves out what was not read or has no label; how many are left. */
static uint64_t keep_seen(uint8_t *a, uint8_t *b, uint64_t n)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (a[i] == UNSEEN || b[i] == UNSEEN) continue;
        a[kept] = a[i] == RIGHT;
        b[kept++] = b[i] == RIGHT;
    }
    return kept;
}

static slc_status answers(cli_context *cli, const char *path, const slc_source *source,
                          uint8_t *right, slc_err *err)
{
    slc_trained t = {0};
    slc_loader_settings ls;
    slc_loader *loader = NULL;
    slc_metric metric = {0};
    slc_status st =
        slc_trained_open(&t, path, &(slc_trained_settings){.threads = cli->threads}, err);
    if (st == SLC_OK) st = slc_trained_loader(&t, source, cli->threads, &ls, err);
    ls.log = cli->log;
    if (st == SLC_OK) st = slc_loader_open(&loader, &ls, err);
    if (st == SLC_OK)
        st = slc_trained_eval(
            &t, loader,
            &(slc_eval_settings){
                .log = cli->log, .stop = cli->stop, .on_prediction = note, .user = right},
            &metric, err);
    slc_metric_free(&metric);
    slc_loader_close(&loader);
    slc_trained_close(&t);
    return st;
}

static slc_status print(cli_context *cli, char **args, const slc_comparison *c,
                        slc_err *err)
{
    if (cli->json)
        return cli_print_json(
            json_pack("{s:i, s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:f}",
                      "schema", 1, "a", args[0], "b", args[1], "images", (json_int_t)c->n,
                      "top1_a", c->top1_a, "top1_b", c->top1_b, "difference",
                      c->difference, "lo", c->lo, "hi", c->hi, "only_a",
                      (json_int_t)c->only_a, "only_b", (json_int_t)c->only_b, "p_value",
                      c->p_value),
            err);
    printf("A  %.4f  %s\nB  %.4f  %s\n", c->top1_a, args[0], c->top1_b, args[1]);
    printf("B - A = %+.2f points, 95 %% interval %+.2f to %+.2f (bootstrap over %llu "
           "images)\n",
           100 * c->difference, 100 * c->lo, 100 * c->hi, (unsigned long long)c->n);
    printf("only A is right %llu times, only B %llu times: p = %.3g (McNemar, exact)\n",
           (unsigned long long)c->only_a, (unsigned long long)c->only_b, c->p_value);
    return SLC_OK;
}

static slc_status open_data(cli_context *cli, const settings *s, const char *path,
                            slc_recipe_sources *sources, slc_source **given, slc_err *err)
{
    slc_trained t = {0};
    if (s->data) return slc_source_open_text(given, s->data, s->split, cli->log, err);
    slc_status st = slc_trained_open(&t, path, NULL, err);
    if (st == SLC_OK) st = slc_recipe_open_sources(sources, &t.recipe, cli->log, err);
    if (st == SLC_OK && !sources->test)
        st = slc_fail(err, SLC_EINVAL, "%s: its recipe has no test set; give --data",
                      path);
    slc_trained_close(&t);
    return st;
}

static slc_status run(cli_context *cli, const void *of, int count, char **args,
                      slc_err *err)
{
    const settings *s = of;
    slc_recipe_sources sources = {0};
    slc_source *given = NULL;
    uint8_t *right[2] = {NULL, NULL};
    (void)count;
    slc_status st = open_data(cli, s, args[0], &sources, &given, err);
    const slc_source *source = given ? given : sources.test;
    for (size_t i = 0; st == SLC_OK && i < 2; i++) {
        right[i] = calloc(slc_source_count(source) + 1, 1);
        st = right[i] ? answers(cli, args[i], source, right[i], err)
                      : slc_fail(err, SLC_ENOMEM, "compare: out of memory");
    }
    if (st == SLC_OK) {
        const uint64_t n = keep_seen(right[0], right[1], slc_source_count(source));
        const slc_comparison c = slc_compare(right[0], right[1], n, s->resamples, 1);
        st = print(cli, args, &c, err);
    }
    free(right[0]);
    free(right[1]);
    slc_source_close(&given);
    slc_recipe_close_sources(&sources);
    return st;
}

const cli_cmd cli_cmd_compare = {
    .name = "compare",
    .group = CLI_INSIGHT,
    .summary = "two models on the same images: difference, interval, significance",
    .args = "A B",
    .least = 2,
    .most = 2,
    .details = "Tells both accuracies, their difference with its 95 % interval "
               "(bootstrap over the\n"
               "images), on how many images only one of the two is right, and McNemar's "
               "exact p:\n"
               "the chance of such a difference between models that are equally good.",
    .examples = "  sluice compare runs/one runs/two\n"
                "  sluice compare runs/one ensemble.safetensors --data new.csv --json",
    .options = options,
    .initial = &(const settings){.split = "test", .resamples = 2000},
    .settings_size = sizeof(settings),
    .run = run,
};
