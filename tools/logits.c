#include "tools/logits.h"

#include "base/str.h"

void cli_logits_take(void *user, const slc_prediction *p)
{
    const cli_logits *const out = user;
    char room[512];
    const char *const key = slc_source_key(out->source, p->index, room, sizeof(room));
    const char *const name = out->trained->classes[p->best];

    if (!out->list) {
        printf("%s\t%s", key, name);
        for (size_t c = 0; c < out->trained->class_count; c++)
            printf("\t%.9g", (double)p->logits[c]);
        putchar('\n');
        return;
    }
    json_t *const logits = json_array();
    for (size_t c = 0; c < out->trained->class_count; c++)
        json_array_append_new(logits, json_real((double)p->logits[c]));
    json_array_append_new(out->list, json_pack("{s:s, s:s, s:o}", "path", key, "class",
                                               name, "logits", logits));
}

static slc_status tell(cli_context *cli, cli_logits *out, const char *spec, bool flip,
                       slc_err *err)
{
    slc_source *source = NULL;
    slc_loader *loader = NULL;
    slc_loader_settings settings;
    slc_metric metric = {0};

    slc_status st = slc_source_open_text(&source, spec, NULL, cli->log, err);
    if (st == SLC_OK) {
        out->source = source;
        settings = slc_trained_stream(out->trained, source, cli->threads);
        settings.log = cli->log;
        settings.on_error = SLC_ON_ERROR_SKIP;
        st = slc_loader_open(&loader, &settings, err);
    }
    if (st == SLC_OK)
        st = slc_trained_eval(out->trained, loader,
                              &(slc_eval_settings){.stop = cli->stop,
                                                   .flip = flip,
                                                   .on_prediction = cli_logits_take,
                                                   .user = out},
                              &metric, err);
    if (st == SLC_OK && slc_loader_count(loader).bad) cli->findings = true;
    slc_metric_free(&metric);
    slc_loader_close(&loader);
    slc_source_close(&source);
    return st;
}

slc_status cli_logits_of(cli_context *cli, const slc_trained *trained, char **specs,
                         int count, bool flip, slc_err *err)
{
    cli_logits out = {.trained = trained, .list = cli->json ? json_array() : NULL};
    slc_str ops = {0};
    slc_status st = SLC_OK;

    for (int i = 0; st == SLC_OK && i < count; i++)
        st = tell(cli, &out, specs[i], flip, err);
    if (st == SLC_OK && cli->json) {
        if (trained->recipe.eval) slc_node_write(trained->recipe.eval, &ops);
        st = cli_print_json(json_pack("{s:i, s:s, s:s, s:O}", "schema", 1, "model",
                                      trained->path, "ops", ops.text ? ops.text : "",
                                      "predictions", out.list),
                            err);
    }
    slc_str_free(&ops);
    json_decref(out.list);
    return st;
}
