/* What the three benchmarks share: the options of `sluice bench`. One benchmark is one file. */
#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

#include "tools/cmd.h"
#include "train/profile.h"

typedef struct bench_settings {
    const char *ops, *split, *model, *engine, *only;
    uint64_t batch, size, classes;
    double seconds;
    int precision; /* slc_precision */
    int cache;     /* slc_cache */
    int decode;    /* 0 fast, 1 exact */
    int type;      /* slc_dtype */
    bool layers;
} bench_settings;

/* The stream of a data source under a list of ops. */
SLC_CHECKED slc_status cli_bench_loader(cli_context *cli, const bench_settings *s,
                                        const char *source, slc_err *err);

/* Every op alone on one thread. source must be NULL. */
SLC_CHECKED slc_status cli_bench_ops(cli_context *cli, const bench_settings *s,
                                     const char *source, slc_err *err);

/* Steps of a model on synthetic pictures. source must be NULL. */
SLC_CHECKED slc_status cli_bench_train(cli_context *cli, const bench_settings *s,
                                       const char *source, slc_err *err);

/* What train's --layers measured: the rows of the fastest step, and its phases. */
typedef struct bench_layers {
    slc_profile_row *row;
    size_t count;
    double limit; /* GFLOP/s */
    double ms_forward, ms_loss, ms_backward, ms_optimizer;
} bench_layers;

void cli_bench_layers_print(const bench_layers *l);
json_t *cli_bench_layers_json(const bench_layers *l); /* NULL: memory ran out */

#endif
