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
    char note[40][200];
    cli_choice choice[SLC_COUNT(note)];
    const size_t n = count < SLC_COUNT(note) ? count : SLC_COUNT(note);
    for (size_t i = 0; i < n; i++) {
        snprintf(note[i], sizeof(note[i]), "%s %.2f entropy %.2f",
                 t->classes[doubt[i].best], doubt[i].confidence, doubt[i].entropy);
        choice[i] = (cli_choice){.index = doubt[i].index, .note = note[i]};
    }
    return cli_tiles_write_choice(path, "most uncertain pictures", settings, choice, n,
                                  err);
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

/* Takes pictures that could not be read off the list; how many are left. */
static size_t keep_seen(slc_doubt *doubt, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (doubt[i].seen) doubt[kept++] = doubt[i];
    return kept;
}

slc_status cli_doubt(cli_context *cli, const slc_trained *trained,
                     const slc_loader_settings *settings, uint64_t passes,
                     const char *sheet, json_t *list, slc_err *err)
{
    const uint64_t n = slc_source_count(settings->source);
    slc_doubt *doubt = calloc(n + 1, sizeof(*doubt));
    if (!doubt) return slc_fail(err, SLC_ENOMEM, "mc-dropout: out of memory");
    slc_status st = slc_doubt_run(trained, settings, passes, cli->stop, doubt, err);
    const size_t seen = keep_seen(doubt, (size_t)n);
    for (size_t i = 0; st == SLC_OK && i < seen; i++)
        tell(trained, settings->source, &doubt[i], list);
    if (st == SLC_OK && sheet && seen > 0) {
        qsort(doubt, seen, sizeof(*doubt), most_uncertain);
        st = write_sheet(sheet, trained, settings, doubt, seen, err);
    }
    free(doubt);
    return st;
}
