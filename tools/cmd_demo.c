/* demo: from nothing to a trained classifier and its pictures, by commands that a person could
 * have typed; each is shown before it runs. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/cmd.h"
#include "tools/demo_recipes.h"
#include "tools/shapes.h"

static const char fashion[] =
    "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz";

typedef struct demo_settings {
    const char *output;
    bool shapes;
} demo_settings;

#define FIELD(name) CLI_FIELD(demo_settings, name)

static const cli_opt options[] = {
    {'o', "output", FIELD(output), .path = CLI_WRITES_DIR, .value = "RUN",
     .help = "directory for everything the demo leaves"},
    {0, "shapes", FIELD(shapes),
     .help = "train on small pictures of shapes, drawn here, instead of Fashion-MNIST"},
    {0},
};

enum { MOST_WORDS = 16 };

/* Runs "NAME word..." as the command line would; the words are separated by single spaces. */
static slc_status step(cli_context *cli, const char *line, slc_err *err)
{
    _Alignas(max_align_t) char settings[CLI_MAX_SETTINGS] = {0};
    char copy[2048], *words[MOST_WORDS + 1] = {NULL}, *rest = NULL;
    int count = 0;

    slc_log_line(cli->log, SLC_INFO, "\n$ sluice %s", line);
    snprintf(copy, sizeof(copy), "%s", line);
    const cli_cmd *const cmd = cli_command_find(strtok_r(copy, " ", &rest));
    for (char *word; count < MOST_WORDS && (word = strtok_r(NULL, " ", &rest));)
        words[count++] = word;
    if (cmd->initial) memcpy(settings, cmd->initial, cmd->settings_size);
    slc_status st = cli_opt_parse(&(const cli_opt_set){cmd->options, settings}, 1, &count,
                                  words, err);
    if (st == SLC_OK) st = cmd->run(cli, settings, count, words, err);
    cli_show(cli);
    return st;
}

/* Everything the recipe needs, in RUN: the recipe itself and perhaps the pictures. */
static slc_status prepare(const char *run, bool shapes, slc_err *err)
{
    char path[1024];
    const char *const recipe = shapes ? CLI_RECIPE_SHAPES : CLI_RECIPE_FASHION;

    if (strlen(run) > 200 || strchr(run, ' '))
        return slc_fail(err, SLC_EINVAL,
                        "%.200s: the demo wants a short directory without spaces", run);
    if (!shapes && access(fashion, R_OK) != 0)
        return slc_fail(
            err, SLC_EDATA,
            "%s is missing: \"apt install dataset-fashion-mnist\" brings it, and "
            "\"sluice demo --shapes\" needs no data",
            fashion);
    slc_status st = slc_dir_make(run, err);
    snprintf(path, sizeof(path), "%s/pictures", run);
    if (st == SLC_OK && shapes) st = cli_shapes_write(path, err);
    snprintf(path, sizeof(path), "%s/demo.yaml", run);
    return st == SLC_OK ? slc_file_replace(path, recipe, strlen(recipe), err) : st;
}

static slc_status run_all(cli_context *cli, const char *run, bool shapes, slc_err *err)
{
    char line[1024], set[300] = "";
    if (shapes) snprintf(set, sizeof(set), " --set data.path=folder:%s/pictures", run);
    snprintf(line, sizeof(line),
             "preview %s/demo.yaml --count 32 --columns 8 -o %s/preview.png%s", run, run,
             set);
    slc_status st = step(cli, line, err);
    snprintf(line, sizeof(line), "train %s/demo.yaml -o %s --overwrite%s", run, run, set);
    if (st == SLC_OK) st = step(cli, line, err);
    snprintf(line, sizeof(line), "eval %s -o %s", run, run);
    return st == SLC_OK ? step(cli, line, err) : st;
}

static json_t *accuracy(const char *run)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/eval.json", run);
    json_t *const eval = json_load_file(path, 0, NULL);
    json_t *const top1 = json_incref(json_object_get(eval, "top1"));
    json_decref(eval);
    return top1;
}

/* With --json the steps' own results go nowhere: stdout gets one object. */
static slc_status run_silently(cli_context *cli, const char *run, bool shapes,
                               slc_err *err)
{
    fflush(stdout);
    const int out = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
    if (out < 0 || nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
        return slc_fail_errno(err, SLC_EIO, "standard output");
    slc_status st = run_all(cli, run, shapes, err);
    fflush(stdout);
    if (dup2(out, STDOUT_FILENO) < 0 && st == SLC_OK)
        st = slc_fail_errno(err, SLC_EIO, "standard output");
    close(out);
    close(nowhere);
    return st == SLC_OK ? cli_print_json(json_pack("{s:i, s:s, s:o?}", "schema", 1, "run",
                                                   run, "top1", accuracy(run)),
                                         err)
                        : st;
}

static void print_next(const char *run, bool shapes)
{
    json_t *const top1 = accuracy(run);
    printf("\n%s holds model.safetensors, metrics.jsonl, summary.json, recipe.yaml, "
           "preview.png\n(what training saw), curves.png and confusion.png.\n\n"
           "test accuracy %.4f\n\nWorth trying next:\n",
           run, json_number_value(top1));
    json_decref(top1);
    printf("  sluice predict %s %s%s --top 1 | head\n", run,
           shapes ? run : "idx:/usr/share/datasets/fashion-mnist",
           shapes ? "/pictures/test" : "");
    printf("  sluice train %s/recipe.yaml -o runs/longer --epochs 20\n", run);
    printf("  sluice preview %s/recipe.yaml --index 7 --draws 16 -o draws.png\n", run);
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const demo_settings *const s = settings;
    (void)count;
    (void)args;

    slc_status st = prepare(s->output, s->shapes, err);
    if (st == SLC_OK && cli->json) return run_silently(cli, s->output, s->shapes, err);
    if (st == SLC_OK) st = run_all(cli, s->output, s->shapes, err);
    if (st == SLC_OK) print_next(s->output, s->shapes);
    return st;
}

const cli_cmd cli_cmd_demo = {
    .name = "demo",
    .group = CLI_OTHER,
    .summary = "preview, train and evaluate on pictures at hand, step by step",
    .args = "",
    .details =
        "Trains on Debian's Fashion-MNIST (apt install dataset-fashion-mnist) in two "
        "minutes, or\n"
        "with --shapes in seconds on pictures that it draws itself. Every step is an "
        "ordinary\n"
        "command, shown before it runs. RUN receives the recipe, model and pictures.",
    .examples = "  sluice demo\n"
                "  sluice demo --shapes -o runs/shapes",
    .options = options,
    .initial = &(const demo_settings){.output = "runs/demo"},
    .settings_size = sizeof(demo_settings),
    .run = run,
};
