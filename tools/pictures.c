#include "tools/pictures.h"

slc_status cli_pictures_open(const cli_context *cli, const slc_trained *trained,
                             const char *spec, const char *split, slc_source **source,
                             slc_loader_settings *settings, slc_err *err)
{
    const slc_status st = slc_source_open_text(source, spec, split, cli->log, err);
    if (st != SLC_OK) return st;
    *settings = slc_trained_stream(trained, *source, cli->threads);
    settings->log = cli->log;
    settings->on_error = SLC_ON_ERROR_SKIP;
    return SLC_OK;
}

bool cli_pictures_skip(cli_context *cli, int count, slc_status st, const slc_err *err)
{
    if (count < 2 || (st != SLC_EDATA && st != SLC_EFORMAT)) return false;
    slc_log_line(cli->log, SLC_BAD_INPUT, "%s (skipped)", err->msg);
    return true;
}

slc_status cli_pictures_run(cli_context *cli, const slc_trained *trained,
                            const slc_loader_settings *settings,
                            void (*take)(void *user, const slc_prediction *prediction),
                            void *user, slc_err *err)
{
    slc_loader *loader = NULL;
    slc_metric metric = {0};
    slc_status st = slc_loader_open(&loader, settings, err);
    if (st == SLC_OK)
        st = slc_trained_eval(
            trained, loader,
            &(slc_eval_settings){.stop = cli->stop, .on_prediction = take, .user = user},
            &metric, err);
    slc_metric_free(&metric);
    slc_loader_close(&loader);
    return st;
}
