#include "tools/foreign.h"

const char *const cli_looks[] = {"none",   "flip",        "five", "ten",
                                 "scales", "flip_scales", NULL};

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

slc_status cli_model_open(slc_trained *out, const cli_foreign *foreign, char **args,
                          int count, int *first, const slc_trained_settings *settings,
                          slc_err *err)
{
    *first = foreign->model ? 0 : 1;
    const slc_status st = check(foreign, count, err);
    if (st != SLC_OK) return st;
    if (!foreign->model) return slc_trained_open(out, args[0], settings, err);
    return slc_trained_import(out,
                              &(slc_import){.model = foreign->model,
                                            .weights = foreign->weights,
                                            .names = foreign->names,
                                            .ops = foreign->ops,
                                            .resize = foreign->resize,
                                            .crop = foreign->crop,
                                            .mean = foreign->mean,
                                            .std = foreign->std},
                              settings, err);
}
