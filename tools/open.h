/* A recipe opened for looking at its stream: what digest, preview, bench and replay begin with. */
#ifndef TOOLS_OPEN_H
#define TOOLS_OPEN_H

#include "tools/cmd.h"
#include "train/recipe.h"

typedef struct cli_stream {
    slc_recipe recipe;
    slc_recipe_sources sources;
    slc_recipe_plans plans;
    slc_loader_settings
        settings; /* of the training stream; may be changed before opening */
    const slc_source *source;
} cli_stream; /* zero is closed */

/* Reads a recipe, or that of a run directory, with its --set assignments. */
SLC_CHECKED slc_status cli_recipe_open(slc_recipe *out, const char *path,
                                       const cli_texts *sets, slc_err *err);

/* The same, and opens its data.
 * split: "train", "val" or "test". */
SLC_CHECKED slc_status cli_stream_open(cli_stream *out, const cli_context *cli,
                                       const char *path, const cli_texts *sets,
                                       const char *split, slc_err *err);
void cli_stream_close(cli_stream *stream);

/* Assignments as the NULL-terminated array that the library takes; lives in room. */
const char *const *cli_sets(const cli_texts *sets, const char *room[CLI_MAX_TEXTS + 4]);

/* The recipe.yaml inside if path is a run directory, else path. May live in arena. */
const char *cli_recipe_path(const char *path, slc_arena *arena);

/* True if the text names a recipe file or a run directory rather than a data source. */
bool cli_is_recipe(const char *text);

#endif
