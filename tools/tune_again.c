/* A trial trained again: what a study claims can be checked. */
#include "tools/tune_again.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "train/fit.h"
#include "train/study.h"

/* "7" or "7:RUN": which trial, and where to; RUN is DIR/again/0007 if it is not said. */
static slc_status read_which(const char *dir, const char *which, uint64_t *trial,
                             char *run, size_t size, slc_err *err)
{
    const char *colon = strchr(which, ':');
    const size_t digits = colon ? (size_t)(colon - which) : strlen(which);
    char number[24] = "";
    int64_t wanted = -1;

    if (digits < sizeof(number)) memcpy(number, which, digits);
    if (!slc_parse_int(number, &wanted) || wanted < 0 || (colon && !colon[1]))
        return slc_fail(
            err, SLC_EINVAL,
            "--rerun: \"%s\" is not N or N:RUN, a trial's number and a directory", which);
    *trial = (uint64_t)wanted;
    if (colon)
        snprintf(run, size, "%s", colon + 1);
    else
        snprintf(run, size, "%s/again/%04" PRIu64, dir, *trial);
    return SLC_OK;
}

/* The threads a trial was trained with, which rounding depends on; 0 if it did not tell. */
static size_t threads_of(const char *dir, uint64_t trial)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/trials/%04" PRIu64 "/summary.json", dir, trial);
    json_t *summary = json_load_file(path, 0, NULL);
    const json_int_t n = json_integer_value(json_object_get(summary, "threads"));
    json_decref(summary);
    return n > 0 ? (size_t)n : 0;
}

/* What became of the epochs of a trial that is trained again. */
typedef struct again {
    const slc_log *log;
    bool top1;
    const double *score; /* as the study remembers them */
    size_t known, same, different;
} again;

static bool on_epoch_again(void *user, const slc_epoch *epoch)
{
    again *a = user;
    const double value = a->top1 ? epoch->val_top1 : epoch->val_loss;
    slc_log_line(a->log, SLC_INFO, "epoch %" PRIu64 ": %.4f", epoch->epoch, value);
    if (epoch->epoch > a->known) return true;
    if (value == a->score[epoch->epoch - 1])
        a->same++;
    else
        a->different++;
    return true;
}

static slc_status train_again(cli_context *cli, slc_study *study, const slc_trial *trial,
                              const char *run, size_t threads, slc_err *err)
{
    slc_arena arena = {0};
    slc_recipe recipe = {0};
    slc_fit_result result = {0};
    double *score = NULL;
    again a = {.log = cli->log, .top1 = slc_study_tune(study)->metric == 0};
    const slc_node *node = slc_study_trial_recipe(study, trial, &arena);
    slc_status st = node ? slc_recipe_read(&recipe, node, err)
                         : slc_fail(err, SLC_ENOMEM, "tune: out of memory");

    if (st == SLC_OK) st = slc_study_scores(study, trial->trial, &score, &a.known, err);
    a.score = score;
    if (st == SLC_OK)
        st = slc_fit_run(&(slc_fit_settings){.recipe = &recipe,
                                             .run = run,
                                             .threads = threads,
                                             .log = cli->log,
                                             .stop = cli->stop,
                                             .on_epoch = on_epoch_again,
                                             .user = &a},
                         &result, err);
    if (st == SLC_OK && cli->json)
        st = cli_print_json(json_pack("{s:i, s:I, s:s, s:I, s:I}", "schema", 1, "trial",
                                      (json_int_t)trial->trial, "run", run, "epochs_same",
                                      (json_int_t)a.same, "epochs_different",
                                      (json_int_t)a.different),
                            err);
    else if (st == SLC_OK)
        printf("%s: trial %" PRIu64 " again; %zu epochs scored the same, %zu not\n", run,
               trial->trial, a.same, a.different);
    if (st == SLC_OK) cli->findings = a.different > 0;
    json_decref(result.summary);
    slc_recipe_free(&recipe);
    slc_arena_free(&arena);
    free(score);
    return st;
}

slc_status cli_tune_again(cli_context *cli, const char *dir, const char *which,
                          slc_err *err)
{
    slc_study *study = NULL;
    slc_trial *all = NULL;
    size_t n = 0, at = 0;
    uint64_t wanted = 0;
    char path[600];

    slc_status st = read_which(dir, which, &wanted, path, sizeof(path), err);
    if (st == SLC_OK) st = slc_study_reopen(&study, dir, err);
    if (st == SLC_OK) st = slc_study_trials(study, &all, &n, err);
    while (at < n && all[at].trial != wanted)
        at++;
    if (st == SLC_OK && at == n)
        st = slc_fail(err, SLC_EINVAL, "%s: there is no trial %" PRIu64 " among %zu", dir,
                      wanted, n);
    const size_t threads = cli->threads ? cli->threads : threads_of(dir, wanted);
    if (st == SLC_OK) st = train_again(cli, study, &all[at], path, threads, err);
    free(all);
    slc_study_close(&study);
    return st;
}
