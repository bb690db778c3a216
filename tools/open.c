#include "tools/open.h"

#include <string.h>
#include <sys/stat.h>

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The recipe of a run directory, or NULL if path is not one. Lives in arena. */
static const char *recipe_of_run(const char *path, slc_arena *arena)
{
    struct stat info;
    const char *const inside = slc_arena_printf(arena, "%s/recipe.yaml", path);
    return inside && stat(inside, &info) == 0 ? inside : NULL;
}

const char *cli_recipe_path(const char *path, slc_arena *arena)
{
    const char *const inside = recipe_of_run(path, arena);
    return inside ? inside : path;
}

bool cli_is_recipe(const char *text)
{
    slc_arena arena = {0};
    const bool run = recipe_of_run(text, &arena) != NULL;
    slc_arena_free(&arena);
    return run || ends_with(text, ".yaml") || ends_with(text, ".yml");
}

const char *const *cli_sets(const cli_texts *sets, const char *room[CLI_MAX_TEXTS + 4])
{
    size_t n = 0;
    for (; n < sets->n; n++)
        room[n] = sets->v[n];
    room[n] = NULL;
    return room;
}

slc_status cli_recipe_open(slc_recipe *out, const char *path, const cli_texts *sets,
                           slc_err *err)
{
    const char *room[CLI_MAX_TEXTS + 4];
    slc_arena arena = {0};
    const slc_status st =
        slc_recipe_open(out, cli_recipe_path(path, &arena), cli_sets(sets, room), err);
    slc_arena_free(&arena);
    return st;
}

slc_status cli_stream_open(cli_stream *out, const cli_context *cli, const char *path,
                           const cli_texts *sets, const char *split, slc_err *err)
{
    *out = (cli_stream){0};

    slc_status st = cli_recipe_open(&out->recipe, path, sets, err);
    if (st == SLC_OK)
        st = slc_recipe_open_sources(&out->sources, &out->recipe, cli->log, err);
    if (st == SLC_OK)
        st = slc_recipe_make_plans(&out->plans, &out->recipe, out->sources.train, err);
    if (st == SLC_OK) st = slc_recipe_source(&out->source, &out->sources, split, err);
    if (st == SLC_OK) {
        const bool train = strcmp(split, "train") == 0;
        if (!out->source)
            st = slc_fail(err, SLC_EINVAL, "%s: the recipe has no %s data", path, split);
        else
            out->settings = slc_recipe_loader_settings(
                &out->recipe, &out->plans, out->source,
                train ? SLC_FOR_TRAIN : SLC_FOR_EVAL, cli->threads);
        out->settings.log = cli->log;
    }
    if (st != SLC_OK) cli_stream_close(out);
    return st;
}

void cli_stream_close(cli_stream *stream)
{
    slc_recipe_free_plans(&stream->plans);
    slc_recipe_close_sources(&stream->sources);
    slc_recipe_free(&stream->recipe);
    *stream = (cli_stream){0};
}
