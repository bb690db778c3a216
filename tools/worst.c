#include "tools/worst.h"

#include <stdio.h>
#include <string.h>

#include "tools/tiles.h"

void cli_worst_note(cli_worst *w, const slc_prediction *p)
{
    size_t at = w->count;
    if (p->label < 0) return;
    while (at > 0 && p->loss > w->list[at - 1].loss)
        at--;
    if (at == CLI_MOST_WORST) return;
    if (w->count < CLI_MOST_WORST) w->count++;
    memmove(w->list + at + 1, w->list + at, (w->count - 1 - at) * sizeof(*w->list));
    w->list[at] = (cli_wrong){.index = p->index,
                              .best = p->best,
                              .probability = p->probs[p->best],
                              .loss = p->loss};
}

slc_status cli_worst_write(const char *path, const cli_worst *worst,
                           const slc_trained *trained,
                           const slc_loader_settings *settings, slc_err *err)
{
    char note[CLI_MOST_WORST][200];
    cli_choice choice[CLI_MOST_WORST];
    for (size_t i = 0; i < worst->count; i++) {
        const cli_wrong *one = &worst->list[i];
        snprintf(note[i], sizeof(note[i]), "%s %.2f\nloss %.2f",
                 trained->classes[one->best], one->probability, one->loss);
        choice[i] = (cli_choice){.index = one->index, .note = note[i]};
    }
    return cli_tiles_write_choice(path, "largest losses: true class, answer", settings,
                                  choice, worst->count, err);
}
