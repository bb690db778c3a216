#include "tools/doubt.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/tiles.h"
#include "train/uncertainty.h"

static int most_uncertain(const void *a, const void *b)
{
    const slc_doubt *x = a, *y = b;
    if (x->entropy != y->entropy) return x->entropy < y->entropy ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The most uncertain pictures first, with what was said about them. */
static slc_status write_sheet(const char *path, const slc_trained *t,
                              const slc_loader_settings *settings, const slc_doubt *doubt,
                              size_t count, slc_err *err)
{
    slc_loader *loader = NULL;
    cli_tiles *tiles = cli_tiles_create();
    slc_status st = tiles ? slc_loader_open(&loader, settings, err)
                          : slc_fail(err, SLC_ENOMEM, "sheet: out of memory");
    for (size_t i = 0; st == SLC_OK && i < count && i < 40; i++) {
        char note[200];
        const slc_key key = {.index = doubt[i].index};
        snprintf(note, sizeof(note), "%s %.2f entropy %.2f", t->classes[doubt[i].best],
                 doubt[i].confidence, doubt[i].entropy);
        st = cli_tiles_add_sample(tiles, loader, settings->source, &key, note, err);
    }
    if (st == SLC_OK)
        st = cli_sheet_write(path, tiles->tile, tiles->count,
                             &(cli_sheet){.title = "most uncertain pictures"}, err);
    slc_loader_close(&loader);
    if (tiles) cli_tiles_destroy(&tiles);
    return st;
}

static void tell(const slc_trained *t, const slc_source *source, const slc_doubt *d,
                 json_t *list)
{
    char room[512];
    const char *key = slc_source_key(source, d->index, room, sizeof(room));
    if (list)
        json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:f, s:f, s:f}", "path",
                                              key, "class", t->classes[d->best],
                                              "probability", d->confidence, "entropy",
                                              d->entropy, "mutual_information", d->mutual,
                                              "variance", d->variance));
    else
        printf("%s\t%s %.4f\tentropy %.4f\tmutual information %.4f\tvariance %.5f\n", key,
               t->classes[d->best], d->confidence, d->entropy, d->mutual, d->variance);
}

slc_status cli_doubt(const cli_context *cli, const slc_trained *trained,
                     const slc_loader_settings *settings, uint64_t passes,
                     const char *sheet, json_t *list, slc_err *err)
{
    const uint64_t n = slc_source_count(settings->source);
    slc_doubt *doubt = calloc(n + 1, sizeof(*doubt));
    if (!doubt) return slc_fail(err, SLC_ENOMEM, "mc-dropout: out of memory");
    slc_status st = slc_doubt_run(trained, settings, passes, cli->stop, doubt, err);
    for (uint64_t i = 0; st == SLC_OK && i < n; i++)
        tell(trained, settings->source, &doubt[i], list);
    if (st == SLC_OK && sheet && n > 0) {
        qsort(doubt, n, sizeof(*doubt), most_uncertain);
        st = write_sheet(sheet, trained, settings, doubt, (size_t)n, err);
    }
    free(doubt);
    return st;
}
