/* Studies: what several processes, a pacer and a kill may and may not do to one. */
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "tests/check.h"
#include "train/search/ledger.h"
#include "train/study.h"

static const char recipe_text[] = "optim: {lr: {log: [1e-3, 1]}}\n"
                                  "train: {epochs: 9}\n"
                                  "tune: {search: {name: random}, trials: 12}\n";

static slc_node *parse(slc_arena *arena, const char *text)
{
    slc_node *node = NULL;
    slc_err err = {0};
    CHECK(slc_node_parse(&node, arena, text, strlen(text), "r.yaml", &err) == SLC_OK,
          "%s", err.msg);
    return node;
}

static slc_study *open_study(slc_arena *arena, const char *dir, const char *tune)
{
    slc_study *study = NULL;
    slc_tune t;
    slc_err err = {0};
    CHECK(slc_tune_read(&t, parse(arena, tune), arena, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_study_open(&study, dir, parse(arena, recipe_text), &t, 9, &err) == SLC_OK,
          "%s", err.msg);
    return study;
}

/* The score of a trial after so many epochs: it only depends on its point, and grows. */
static double score(const slc_trial *trial, uint64_t epoch)
{
    return 1 - fabs(trial->unit[0] - 0.7) - 0.5 / (double)epoch;
}

/* Works until the study ends; returns the number of epochs trained. */
static uint64_t work(slc_study *study, uint64_t most_jobs)
{
    uint64_t epochs = 0;
    slc_err err = {0};
    for (uint64_t k = 0; k < most_jobs; k++) {
        slc_job job;
        CHECK(slc_study_next(study, &job, &err) == SLC_OK, "%s", err.msg);
        if (job.kind == SLC_JOB_END) break;
        if (job.kind == SLC_JOB_WAIT) {
            usleep(1000);
            continue;
        }
        bool go_on = true;
        for (uint64_t e = job.trial.epochs + 1; e <= job.until && go_on; e++, epochs++)
            CHECK(slc_study_report(study, &job, e, score(&job.trial, e), &go_on, &err) ==
                      SLC_OK,
                  "%s", err.msg);
        CHECK(slc_study_finish(study, &job, 0.1, NULL, &err) == SLC_OK, "%s", err.msg);
    }
    return epochs;
}

static size_t count_state(slc_study *study, slc_trial_state state)
{
    slc_trial *all;
    size_t n, found = 0;
    slc_err err = {0};
    CHECK(slc_study_trials(study, &all, &n, &err) == SLC_OK, "%s", err.msg);
    for (size_t i = 0; i < n; i++)
        found += all[i].state == state;
    free(all);
    return found;
}

static void test_processes_share_without_loss(const char *dir)
{
    slc_arena arena = {0};
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            slc_study *study =
                open_study(&arena, dir, "{search: {name: random}, trials: 12}");
            work(study, 1000);
            slc_study_close(&study);
            _exit(0);
        }
    for (int i = 0; i < 3; i++) {
        int status;
        CHECK(wait(&status) > 0 && status == 0, "a process failed: %d", status);
    }
    slc_study *study = open_study(&arena, dir, "{search: {name: random}, trials: 12}");
    CHECK(count_state(study, SLC_TRIAL_DONE) == 12, "%zu done, not 12",
          count_state(study, SLC_TRIAL_DONE));
    slc_trial *all;
    size_t n;
    CHECK(slc_study_trials(study, &all, &n, NULL) == SLC_OK && n == 12, "%zu", n);
    for (size_t i = 0; i < n; i++) {
        double *scores;
        size_t count;
        CHECK(all[i].trial == i, "trial %zu is number %d", i, (int)all[i].trial);
        CHECK(slc_study_scores(study, i, &scores, &count, NULL) == SLC_OK && count == 9,
              "trial %zu: %zu epochs", i, count);
        free(scores);
    }
    free(all);
    slc_study_close(&study);
    slc_arena_free(&arena);
}

static void test_the_dead_are_taken_over(const char *dir)
{
    slc_arena arena = {0};
    slc_err err = {0};
    const pid_t child = fork();
    if (child == 0) { /* takes a trial, reports two epochs, dies */
        slc_study *study = open_study(&arena, dir, "{search: {name: random}, trials: 2}");
        slc_job job;
        bool go_on;
        CHECK(slc_study_next(study, &job, &err) == SLC_OK, "%s", err.msg);
        for (uint64_t e = 1; e <= 2; e++)
            CHECK(slc_study_report(study, &job, e, score(&job.trial, e), &go_on, &err) ==
                      SLC_OK,
                  "%s", err.msg);
        _exit(7);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child, "wait");
    slc_study *study = open_study(&arena, dir, "{search: {name: random}, trials: 2}");
    slc_job job;
    CHECK(slc_study_next(study, &job, &err) == SLC_OK, "%s", err.msg);
    CHECK(job.kind == SLC_JOB_RUN && job.resume && job.trial.trial == 0 &&
              job.trial.epochs == 2,
          "got trial %d at epoch %d", (int)job.trial.trial, (int)job.trial.epochs);
    slc_study_close(&study);
    slc_arena_free(&arena);
}

static void test_asha_spends_less_and_continues(const char *dir)
{
    static const char tune[] =
        "{search: {name: random}, trials: 27, pacer: {name: asha, eta: 3}}";
    slc_arena arena = {0};
    slc_study *study = open_study(&arena, dir, tune);
    const uint64_t epochs = work(study, 1000);
    CHECK(epochs <= 27 * 9 / 3, "%d epochs", (int)epochs);

    slc_trial *all;
    size_t n, best = 0, done = 0;
    CHECK(slc_study_trials(study, &all, &n, NULL) == SLC_OK && n == 27, "%zu", n);
    for (size_t i = 0; i < n; i++) {
        if (score(&all[i], 9) > score(&all[best], 9)) best = i;
        done += all[i].state == SLC_TRIAL_DONE;
        CHECK(all[i].epochs == 1 || all[i].epochs == 3 || all[i].epochs == 9,
              "trial %zu: %d", i, (int)all[i].epochs);
    }
    CHECK(all[best].state == SLC_TRIAL_DONE, "the best trial was not finished");
    CHECK(done >= 1 && done <= 6, "%zu ran through", done);
    free(all);
    slc_study_close(&study);
    slc_arena_free(&arena);
}

static void test_another_recipe_is_refused(const char *dir)
{
    slc_arena arena = {0};
    slc_study *study = open_study(&arena, dir, "{trials: 3}");
    slc_err err = {0};
    slc_tune t = *slc_study_tune(study);
    slc_study_close(&study);

    const slc_node *other =
        parse(&arena, "optim: {lr: {log: [1e-3, 2]}}\ntrain: {epochs: 9}\n");
    CHECK(slc_study_open(&study, dir, other, &t, 9, &err) == SLC_EINVAL, "accepted");
    CHECK(strstr(err.msg, "optim.lr"), "%s", err.msg);

    CHECK(slc_study_reopen(&study, "/nonexistent", &err) != SLC_OK, "opened");
    slc_arena_free(&arena);
}

static void test_failures_are_kept_and_passed_over(const char *dir)
{
    slc_arena arena = {0};
    slc_err err = {0};
    slc_study *study = open_study(&arena, dir, "{trials: 3}");
    slc_job job;
    CHECK(slc_study_next(study, &job, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_study_finish(study, &job, 1, "loss is not a number", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(work(study, 100) == 18, "two trials of nine epochs remain");
    CHECK(count_state(study, SLC_TRIAL_FAILED) == 1, "the failure was lost");
    slc_study_close(&study);
    slc_arena_free(&arena);
}

/* A study of a later program is left alone. */
static void test_another_version_is_refused(const char *dir)
{
    slc_arena arena = {0};
    slc_err err = {0};
    char path[160];
    slc_study *study = open_study(&arena, dir, "{trials: 3}");
    const slc_node *recipe = slc_study_recipe(study);
    const slc_tune t = *slc_study_tune(study);
    slc_ledger *ledger = NULL;
    snprintf(path, sizeof(path), "%s/study.sqlite", dir);
    CHECK(slc_ledger_open(&ledger, path, false, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_ledger_put(ledger, "version", "99", &err) == SLC_OK, "%s", err.msg);

    slc_study *other = NULL;
    CHECK(slc_study_reopen(&other, dir, &err) == SLC_EFORMAT, "reopened");
    CHECK(strstr(err.msg, "study format 99, this program knows 1"), "%s", err.msg);
    CHECK(slc_study_open(&other, dir, recipe, &t, 9, &err) == SLC_EFORMAT, "opened");
    CHECK(strstr(err.msg, "study format 99"), "%s", err.msg);
    char *version = NULL;
    CHECK(slc_ledger_get(ledger, "version", &version, &err) == SLC_OK &&
              strcmp(version, "99") == 0,
          "the version was changed to %s", version ? version : "nothing");
    free(version);
    slc_ledger_close(&ledger);
    slc_study_close(&study);
    slc_arena_free(&arena);
}

/* Who keeps a study locked for longer than anyone waits is named as the reason; nothing is lost
 * by it. */
static void test_a_locked_study_says_so(const char *dir)
{
    slc_arena arena = {0};
    slc_err err = {0};
    char path[160];
    slc_study *study = open_study(&arena, dir, "{trials: 3}");
    slc_ledger *holder = NULL, *other = NULL;
    snprintf(path, sizeof(path), "%s/study.sqlite", dir);
    CHECK(slc_ledger_open(&holder, path, false, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_ledger_open(&other, path, false, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_ledger_begin(holder, &err) == SLC_OK, "%s", err.msg);

    slc_ledger_wait(other, 100);
    CHECK(slc_ledger_begin(other, &err) == SLC_EIO, "two hold the lock");
    CHECK(strstr(err.msg, "in use: another program has kept it locked for 0.1 s"), "%s",
          err.msg);
    CHECK(slc_ledger_put(holder, "mine", "kept", &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_ledger_end(holder, SLC_OK, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_ledger_begin(other, &err) == SLC_OK, "still locked: %s", err.msg);
    char *text = NULL;
    CHECK(slc_ledger_get(other, "mine", &text, &err) == SLC_OK && text &&
              strcmp(text, "kept") == 0,
          "what the holder wrote is lost");
    free(text);
    CHECK(slc_ledger_end(other, SLC_OK, &err) == SLC_OK, "%s", err.msg);
    slc_ledger_close(&other);
    slc_ledger_close(&holder);
    slc_study_close(&study);
    slc_arena_free(&arena);
}

static void in_directory(const char *root, const char *name, void (*test)(const char *))
{
    char dir[128];
    snprintf(dir, sizeof(dir), "%s/%s", root, name);
    test(dir);
}

int main(void)
{
    char root[] = "/tmp/test_study.XXXXXX", command[64];
    CHECK(mkdtemp(root), "%s", root);
    in_directory(root, "share", test_processes_share_without_loss);
    in_directory(root, "dead", test_the_dead_are_taken_over);
    in_directory(root, "asha", test_asha_spends_less_and_continues);
    in_directory(root, "other", test_another_recipe_is_refused);
    in_directory(root, "version", test_another_version_is_refused);
    in_directory(root, "locked", test_a_locked_study_says_so);
    in_directory(root, "failed", test_failures_are_kept_and_passed_over);
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command) == 0 ? 0 : 1;
}
