/* bench: how fast loading, ops and training are on this machine. */
#include <string.h>

#include "base/str.h"
#include "tools/bench.h"

#define FIELD(name) CLI_FIELD(bench_settings, name)

static const char *const precisions[] = {"auto", "f32", "bf16", NULL};
static const char *const caches[] = {"none", "encoded", "decoded", NULL};
static const char *const decodes[] = {"fast", "exact", NULL};
static const char *const types[] = {"u8", "f32", "bf16", "f16", NULL};

static const cli_opt options[] = {
    {'t', "seconds", FIELD(seconds), .lo = 0.01, .hi = 3600, .value = "T",
     .help = "time to measure (default: 5 for loader and train, 0.2 for every op)"},
    {'b', "batch", FIELD(batch), .lo = 1, .hi = 65536, .value = "N",
     .help = "images in a batch"},
    {0, "ops", FIELD(ops), .value = "LIST",
     .help = "loader: what is done to every picture"},
    {'s', "split", FIELD(split), .value = "NAME", .help = "loader: train, val or test"},
    {0, "cache", FIELD(cache), .choices = caches,
     .help = "loader: what is kept in memory"},
    {0, "decode", FIELD(decode), .choices = decodes,
     .help = "loader: scaling while decoding"},
    {0, "type", FIELD(type), .choices = types,
     .help = "loader: element type of the batches"},
    {0, "only", FIELD(only), .value = "OP", .help = "ops: measure this one alone"},
    {0, "size", FIELD(size), .lo = 1, .hi = 4096, .value = "PX",
     .help = "ops: side of the picture"},
    {'m', "model", FIELD(model), .value = "NAME", .help = "train: which model"},
    {0, "layers", FIELD(layers),
     .help = "train: time and speed of every layer, and where the rest goes"},
    {0, "precision", FIELD(precision), .choices = precisions,
     .help = "train: arithmetic"},
    {0, "engine", FIELD(engine), .value = "NAME", .help = "train: onednn or blas"},
    {0},
};

static const struct {
    const char *name;
    slc_status (*run)(cli_context *cli, const bench_settings *s, const char *source,
                      slc_err *err);
} benches[] = {
    {"loader", cli_bench_loader}, {"ops", cli_bench_ops}, {"train", cli_bench_train}};

static const char *next_bench(const void *of, size_t i)
{
    (void)of;
    return i < SLC_COUNT(benches) ? benches[i].name : NULL;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    for (size_t i = 0; i < SLC_COUNT(benches); i++)
        if (strcmp(args[0], benches[i].name) == 0)
            return benches[i].run(cli, settings, count > 1 ? args[1] : NULL, err);
    const char *const near = slc_suggest(args[0], next_bench, NULL);
    return near
               ? slc_fail(err, SLC_EINVAL,
                          "unknown benchmark \"%s\"; did you mean \"%s\"?", args[0], near)
               : slc_fail(err, SLC_EINVAL,
                          "unknown benchmark \"%s\"; there are loader, ops and "
                          "train",
                          args[0]);
}

const cli_cmd cli_cmd_bench = {
    .name = "bench",
    .group = CLI_INSIGHT,
    .summary = "measure images per second of loading, of ops, or of training",
    .args = "loader SOURCE|ops|train",
    .least = 1,
    .most = 2,
    .details = "loader: from SOURCE to finished batches. ops: every op on one thread. "
               "train: steps of\n"
               "a model on synthetic pictures that are already in memory.",
    .examples = "  sluice bench loader ~/photos --ops '[{random_resized_crop: {size: "
                "224}}, hflip]'\n"
                "  sluice bench ops --json\n"
                "  sluice bench train --model cnn28 --batch 128 --precision bf16 --json\n"
                "  sluice bench train --model resnet18-cifar --batch 64 --precision f32 "
                "--layers",
    .options = options,
    .initial = &(const bench_settings){.ops = "[]",
                                       .split = "train",
                                       .model = "cnn28",
                                       .batch = 128,
                                       .size = 224,
                                       .type = 1},
    .settings_size = sizeof(bench_settings),
    .run = run,
};
