/* Tiles of a preview: pictures of a stream with what was drawn for them. */
#ifndef TOOLS_TILES_H
#define TOOLS_TILES_H

#include "loader/loader.h"
#include "tools/picture.h"

enum { CLI_MOST_TILES = 1024 };

/* Grows a list of tiles; pictures and texts live in the arena. */
typedef struct cli_tiles {
    cli_tile tile[CLI_MOST_TILES];
    size_t count;
    slc_arena arena;
} cli_tiles;

/* Zeroed list from malloc; NULL if memory ran out. */
cli_tiles *cli_tiles_create(void);
void cli_tiles_destroy(cli_tiles **tiles);

/* One sample made alone, shown as cli_batch_image does. note (may be NULL) starts the caption. */
SLC_CHECKED slc_status cli_tiles_add_sample(cli_tiles *tiles, const slc_loader *loader,
                                            const slc_source *source,
                                            const slc_policy *policy, const slc_key *key,
                                            const char *note, slc_err *err);

/* The first most images of a batch as the model sees them, put back into the range of pictures
 * (policy tells the normalisation); loader makes the draws' texts. */
SLC_CHECKED slc_status cli_tiles_add_batch(cli_tiles *tiles, const slc_loader *loader,
                                           const slc_source *source,
                                           const slc_policy *policy, uint64_t seed,
                                           const slc_batch *batch, size_t most,
                                           slc_err *err);

/* A picture of a source, and what is said about it. */
typedef struct cli_choice {
    uint64_t index;
    const char *note;
} cli_choice;

/* Draws pictures of the settings' source, as its ops prepare them, on a sheet; at most
 * CLI_MOST_TILES. No pictures: no file. */
SLC_CHECKED slc_status cli_tiles_write_choice(const char *path, const char *title,
                                              const slc_loader_settings *settings,
                                              const cli_choice *choice, size_t count,
                                              slc_err *err);

/* A batch of one sample: its values from the arena, the rest 0. Errors: as slc_tail_write,
 * SLC_ENOMEM. */
SLC_CHECKED slc_status cli_batch_of_one(slc_batch *out, slc_arena *arena,
                                        const slc_image *image, const slc_tail *tail,
                                        slc_dtype type, slc_layout layout, slc_err *err);

/* Image i of a batch, put back into the range of pictures (policy tells the normalisation; what
 * was whitened fills the range); pixels from the arena. Errors: SLC_ENOMEM. */
SLC_CHECKED slc_status cli_batch_image(slc_image *out, slc_arena *arena,
                                       const slc_batch *batch, size_t i,
                                       const slc_policy *policy, slc_err *err);

#endif
