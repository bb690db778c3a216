/* predict: what a trained model sees in pictures. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cmd.h"
#include "tools/doubt.h"
#include "tools/foreign.h"
#include "tools/pictures.h"
#include "train/fit.h"

typedef struct predict_settings {
    uint64_t top, mc_dropout;
    const char *sheet, *split;
    cli_foreign foreign;
} predict_settings;

#define FIELD(name) CLI_FIELD(predict_settings, name)

static const cli_opt options[] = {
    {'k', "top", FIELD(top), .lo = 1, .hi = 1000, .value = "N",
     .help = "classes to name for each"},
    {'s', "split", FIELD(split), .value = "NAME",
     .help = "train, val or test, of a source that has them (default: everything)"},
    {'b', "batch", FIELD(foreign.batch), .lo = 1, .hi = 65536, .value = "N",
     .help = "images at a time"},
    {0, "mc-dropout", FIELD(mc_dropout), .lo = 0, .hi = 10000, .value = "N",
     .help = "N passes with dropout drawing: entropy, mutual information, variance"},
    {0, "sheet", FIELD(sheet), .path = CLI_WRITES_PICTURE, .value = "FILE",
     .help = "with --mc-dropout: draw the most uncertain pictures there"},
    CLI_FOREIGN_OPTIONS(predict_settings),
    {0},
};

enum { MOST_TOP = 1000 };

typedef struct printer {
    const cli_context *cli;
    const slc_trained *trained;
    const slc_source *source;
    size_t top;
    const predict_settings *settings;
    json_t *list; /* with --json */
} printer;

/* The n most likely classes, the first of equals first. */
static void rank(const double *probs, size_t classes, size_t n, size_t *out)
{
    for (size_t k = 0; k < n; k++) {
        size_t best = SIZE_MAX;
        for (size_t c = 0; c < classes; c++) {
            bool taken = false;
            for (size_t j = 0; j < k; j++)
                taken = taken || out[j] == c;
            if (!taken && (best == SIZE_MAX || probs[c] > probs[best])) best = c;
        }
        out[k] = best;
    }
}

static void on_prediction(void *user, const slc_prediction *p)
{
    const printer *const out = user;
    const slc_trained *const t = out->trained;
    const size_t n = out->top < t->class_count ? out->top : t->class_count;
    size_t order[MOST_TOP];
    char room[512];
    const char *const key = slc_source_key(out->source, p->index, room, sizeof(room));

    rank(p->probs, t->class_count, n, order);
    if (!out->list) {
        printf("%s", key);
        for (size_t k = 0; k < n; k++)
            printf("\t%s %.4f", t->classes[order[k]], p->probs[order[k]]);
        putchar('\n');
        return;
    }
    json_t *const classes = json_array();
    for (size_t k = 0; k < n; k++)
        json_array_append_new(classes,
                              json_pack("{s:s, s:f}", "class", t->classes[order[k]],
                                        "probability", p->probs[order[k]]));
    json_array_append_new(out->list,
                          json_pack("{s:s, s:s, s:f, s:o}", "path", key, "class",
                                    t->classes[order[0]], "probability",
                                    p->probs[order[0]], "top", classes));
}

static slc_status predict_one(cli_context *cli, printer *out, const char *spec, int count,
                              slc_err *err)
{
    const predict_settings *const s = out->settings;
    slc_source *source = NULL;
    slc_loader_settings settings;
    slc_status st =
        cli_pictures_open(cli, out->trained, spec, s->split, &source, &settings, err);
    if (st != SLC_OK && cli_pictures_skip(cli, count, st, err)) return SLC_OK;
    out->source = source;
    if (st == SLC_OK && s->mc_dropout > 0)
        st = cli_doubt(cli, out->trained, &settings, s->mc_dropout, s->sheet, out->list,
                       err);
    else if (st == SLC_OK)
        st = cli_pictures_run(cli, out->trained, &settings, on_prediction, out, err);
    slc_source_close(&source);
    return st;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const predict_settings *const s = settings;
    slc_trained trained = {0};
    printer out = {.cli = cli, .trained = &trained, .top = s->top, .settings = s};

    int first = 0;
    if (s->sheet && !s->mc_dropout)
        return slc_fail(err, SLC_EINVAL, "--sheet goes with --mc-dropout N");
    slc_status st = cli_model_open(&trained, cli, &s->foreign, args, count, &first, err);
    if (st == SLC_OK && first == count)
        st = slc_fail(err, SLC_EINVAL, "name pictures to look at");
    if (cli->json) out.list = json_array();
    for (int i = first; st == SLC_OK && i < count; i++)
        st = predict_one(cli, &out, args[i], count - first, err);
    if (st == SLC_OK && cli->json) {
        st = cli_print_json(json_pack("{s:i, s:s, s:O}", "schema", 1, "model",
                                      trained.path, "predictions", out.list),
                            err);
    }
    json_decref(out.list);
    slc_trained_close(&trained);
    return st;
}

const cli_cmd cli_cmd_predict = {
    .name = "predict",
    .group = CLI_TRAINING,
    .summary = "name the most likely classes of pictures",
    .args = "[MODEL] SOURCE...",
    .least = 1,
    .most = -1,
    .details = "SOURCE is a picture, a folder of pictures, or any data source; its "
               "labels are not\n"
               "looked at. Every line of the output is the picture and its classes with\n"
               "probabilities, separated by tabs. Unreadable pictures are named on "
               "stderr (exit\n"
               "code 1).\n\n" CLI_FOREIGN_DETAILS,
    .examples =
        "  sluice predict runs/demo shoe.png\n"
        "  sluice predict runs/photos ~/photos --top 1 --json\n"
        "  sluice predict --model resnet18 --weights resnet18.safetensors cat.jpg",
    .options = options,
    .initial = &(const predict_settings){.top = 3, .foreign.batch = 64},
    .settings_size = sizeof(predict_settings),
    .run = run,
};
