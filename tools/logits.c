#include "tools/logits.h"

#include "base/str.h"
#include "tools/pictures.h"

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
    json_t *const item =
        json_pack("{s:s, s:s, s:o}", "path", key, "class", name, "logits", logits);
    if (p->label >= 0 && (size_t)p->label < out->trained->class_count)
        json_object_set_new(item, "label", json_string(out->trained->classes[p->label]));
    json_array_append_new(out->list, item);
}

static slc_status tell(cli_context *cli, cli_logits *out, const char *spec, int count,
                       slc_err *err)
{
    slc_source *source = NULL;
    slc_loader_settings settings;
    slc_status st =
        cli_pictures_open(cli, out->trained, spec, NULL, &source, &settings, err);
    if (st != SLC_OK && cli_pictures_skip(cli, count, st, err)) return SLC_OK;
    out->source = source;
    if (st == SLC_OK)
        st = cli_pictures_run(cli, out->trained, &settings, cli_logits_take, out, err);
    slc_source_close(&source);
    return st;
}

slc_status cli_logits_of(cli_context *cli, const slc_trained *trained, char **specs,
                         int count, slc_err *err)
{
    cli_logits out = {.trained = trained, .list = cli->json ? json_array() : NULL};
    slc_str ops = {0};
    slc_status st = SLC_OK;

    for (int i = 0; st == SLC_OK && i < count; i++)
        st = tell(cli, &out, specs[i], count, err);
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
