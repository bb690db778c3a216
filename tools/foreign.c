#include "tools/foreign.h"

const char *const cli_looks[] = {"none",   "flip",        "five", "ten",
                                 "scales", "flip_scales", NULL};
const char *const cli_precisions[] = {"auto", "f32", "bf16", NULL};

static slc_status check(const cli_foreign *f, int count, slc_err *err)
{
    if (f->model && !f->weights)
        return slc_fail(err, SLC_EINVAL, "--model %s needs --weights FILE", f->model);
    if (f->weights && !f->model)
        return slc_fail(err, SLC_EINVAL, "--weights %s needs --model NAME", f->weights);
    if (f->model) return SLC_OK;
    if (f->names || f->ops || f->mean || f->std || f->resize || f->crop)
        return slc_fail(err, SLC_EINVAL,
                        "--classes, --resize, --crop, --mean, --std and --ops go with "
                        "--model; a model of sluice brings its own");
    if (count == 0)
        return slc_fail(err, SLC_EINVAL, "name a model, or give --model and --weights");
    return SLC_OK;
}

static slc_status open_model(slc_trained *out, const cli_foreign *f, char **args,
                             const slc_trained_settings *settings, slc_err *err)
{
    if (!f->model) return slc_trained_open(out, args[0], settings, err);
    return slc_trained_import(out,
                              &(slc_import){.model = f->model,
                                            .weights = f->weights,
                                            .names = f->names,
                                            .ops = f->ops,
                                            .resize = f->resize,
                                            .crop = f->crop,
                                            .mean = f->mean,
                                            .std = f->std},
                              settings, err);
}

slc_status cli_model_open(slc_trained *out, const cli_context *cli,
                          const cli_foreign *foreign, char **args, int count, int *first,
                          slc_err *err)
{
    const slc_trained_settings settings = {.batch = foreign->batch,
                                           .threads = cli->threads,
                                           .precision = (slc_precision)foreign->precision,
                                           .engine = foreign->engine};
    *first = foreign->model ? 0 : 1;
    slc_status st = check(foreign, count, err);
    if (st == SLC_OK) st = open_model(out, foreign, args, &settings, err);
    if (st == SLC_OK) st = slc_trained_look(out, (slc_looks)foreign->tta, err);
    return st;
}
