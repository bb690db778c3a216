/* tune: hyper-parameter search. Every trial runs in a process of its own, so that one that
 * crashes or is killed for its memory costs the study nothing but that trial. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/cmd.h"
#include "tools/term.h"
#include "tools/tune_again.h"
#include "tools/tune_report.h"
#include "train/fit.h"
#include "train/study.h"

typedef struct tune_settings {
    const char *output;
    cli_texts set;
    bool show;
    const char *rerun;
} tune_settings;

#define FIELD(name) CLI_FIELD(tune_settings, name)

static const cli_opt options[] = {
    {'o', "output", FIELD(output), .path = CLI_WRITES_DIR, .value = "DIR",
     .help = "study directory"},
    {'s', "set", FIELD(set), .value = "KEY=VALUE",
     .help = "change a key of the recipe, for example tune.trials=50"},
    {0, "show", FIELD(show), .help = "only print the trials and draw the plots"},
    {0, "rerun", FIELD(rerun), .value = "N[:RUN]",
     .help = "train trial N again in RUN (DIR/again/N) and compare its scores"},
    {0},
};

/* How a trial's process ends, besides SLC_OK's 0. */
enum {
    EXIT_WAIT = 10,
    EXIT_END = 11,
    EXIT_STOP = 12,
    EXIT_FAILED = 13,
    EXIT_BROKEN = 14,
    EXIT_BAD_INPUTS = 15 /* trained, without the pictures that were bad */
};
enum { WAIT_US = 200000, POLL_US = 10000, HOPELESS = 3 };

/* --- inside a trial's process --------------------------------------------------------------- */

typedef struct trial_run {
    slc_study *study;
    slc_job *job;
    const slc_log *log;
    slc_status failed;
    slc_err err;
} trial_run;

/* Stops the run after the epoch that decides; its state stays for a later promotion. */
static bool on_epoch(void *user, const slc_epoch *epoch)
{
    trial_run *r = user;
    bool go_on = true;
    const double value =
        slc_study_tune(r->study)->metric == 0 ? epoch->val_top1 : epoch->val_loss;

    r->failed = slc_study_report(r->study, r->job, epoch->epoch, value, &go_on, &r->err);
    slc_log_line(r->log, SLC_INFO, "trial %" PRIu64 ", epoch %" PRIu64 ": %.4f",
                 r->job->trial.trial, epoch->epoch, value);
    return r->failed == SLC_OK && go_on;
}

static bool has_state(const char *dir)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/state.safetensors", dir);
    return access(path, R_OK) == 0;
}

/* Of a trial's own words only the study's first bad picture is told: the others meet it again. */
static void pass_on(void *user, slc_level level, const char *text)
{
    const cli_context *const cli = user;
    if (level == SLC_BAD_INPUT && !cli->term->bad_inputs)
        slc_log_line(cli->log, level, "%s", text);
}

/* Trains the job's trial up to where it must pause. SLC_ESTOP: the user wants to stop. */
static slc_status train(cli_context *cli, slc_study *study, slc_job *job, slc_err *err)
{
    slc_arena arena = {0};
    slc_recipe recipe = {0};
    slc_fit_result result = {0};
    trial_run r = {.study = study, .job = job, .log = cli->log};
    const slc_node *node = slc_study_trial_recipe(study, &job->trial, &arena);
    slc_status st = node ? slc_recipe_read(&recipe, node, err)
                         : slc_fail(err, SLC_ENOMEM, "tune: out of memory");
    if (st == SLC_OK)
        st = slc_fit_run(
            &(slc_fit_settings){.recipe = &recipe,
                                .run = job->dir,
                                .resume = job->resume && has_state(job->dir),
                                .overwrite = true,
                                .threads = cli->threads,
                                .log = &(const slc_log){.line = pass_on, .user = cli},
                                .stop = cli->stop,
                                .on_epoch = on_epoch,
                                .user = &r},
            &result, err);
    if (r.failed != SLC_OK) {
        *err = r.err;
        st = r.failed;
    } else if (st == SLC_ESTOP && !atomic_load(cli->stop)) {
        st = SLC_OK; /* a pause on a rung, or the pacer's stop */
    }
    json_decref(result.summary);
    slc_recipe_free(&recipe);
    slc_arena_free(&arena);
    return st;
}

/* One job, start to end; its trial's number goes to tell. The exit status tells the parent what became of it. */
static int run_job(cli_context *cli, const char *dir, int tell, slc_err *err)
{
    slc_study *study = NULL;
    slc_job job;
    int code = EXIT_BROKEN;
    const uint64_t start = slc_clock_ns();

    if (slc_study_reopen(&study, dir, err) != SLC_OK) return code;
    if (slc_study_next(study, &job, err) != SLC_OK) goto done;
    if (job.kind != SLC_JOB_RUN) {
        if (job.why) slc_log_line(cli->log, SLC_INFO, "%s", job.why);
        code = job.kind == SLC_JOB_WAIT ? EXIT_WAIT : EXIT_END;
        goto done;
    }
    if (write(tell, &job.trial.trial, sizeof(job.trial.trial)) < 0) goto done;
    close(tell);
    const slc_status st = train(cli, study, &job, err);
    const double seconds = 1e-9 * (double)(slc_clock_ns() - start);
    if (st == SLC_ESTOP) {
        code =
            EXIT_STOP; /* the trial stays "running": whoever comes next takes it over */
        goto done;
    }
    if (st != SLC_OK)
        slc_log_line(cli->log, SLC_WARNING, "trial %" PRIu64 " failed: %s",
                     job.trial.trial, err->msg);
    if (slc_study_finish(study, &job, seconds, st == SLC_OK ? NULL : err->msg, err) ==
        SLC_OK)
        code = st != SLC_OK ? EXIT_FAILED : cli->term->bad_inputs ? EXIT_BAD_INPUTS : 0;

done:
    slc_study_close(&study);
    return code;
}

/* --- the parent ------------------------------------------------------------------------------- */

/* Records that a trial's process died, so that nobody tries the same trial for ever. */
static slc_status bury(const char *dir, uint64_t trial, int signal_number, slc_err *err)
{
    slc_study *study = NULL;
    char why[80];
    snprintf(why, sizeof(why), "its process was ended by signal %d (%s)", signal_number,
             signal_number == SIGKILL ? "killed: out of memory?"
                                      : strsignal(signal_number));
    slc_status st = slc_study_reopen(&study, dir, err);
    if (st == SLC_OK) st = slc_study_bury(study, trial, why, err);
    slc_study_close(&study);
    return st;
}

/* The child's side: a study that is killed leaves nothing running. */
static _Noreturn void be_child(cli_context *cli, const char *dir, pid_t parent, int tell)
{
    slc_err err = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(EXIT_BROKEN);
    const int end = run_job(cli, dir, tell, &err);
    if (end == EXIT_BROKEN) fprintf(stderr, "sluice tune: %s\n", err.msg);
    fflush(NULL);
    _exit(end);
}

/* Until the child has ended. A stop that only this process was told of is passed on. */
static slc_status wait_for(const cli_context *cli, pid_t child, int *status, slc_err *err)
{
    pid_t ended;
    bool told = false;
    while ((ended = waitpid(child, status, WNOHANG)) == 0) {
        if (!told && atomic_load(cli->stop)) {
            kill(child, SIGTERM);
            told = true;
        }
        usleep(POLL_US);
    }
    return ended > 0 ? SLC_OK : slc_fail_errno(err, SLC_EIO, "tune: waiting for a trial");
}

/* Runs one job in a child, which tells through a pipe which trial it is; *code is how it ended. */
static slc_status spawn(cli_context *cli, const char *dir, int *code, slc_err *err)
{
    int status = 0, ends[2];
    uint64_t trial = 0;
    if (pipe(ends) != 0)
        return slc_fail_errno(err, SLC_EIO, "tune: cannot start a trial");
    fflush(NULL);
    const pid_t parent = getpid(), child = fork();
    if (child == 0) {
        close(ends[0]);
        be_child(cli, dir, parent, ends[1]);
    }
    close(ends[1]);
    const bool told = child > 0 && read(ends[0], &trial, sizeof(trial)) == sizeof(trial);
    close(ends[0]);
    if (child < 0) return slc_fail_errno(err, SLC_EIO, "tune: cannot start a trial");
    const slc_status st = wait_for(cli, child, &status, err);
    if (st != SLC_OK) return st;
    if (WIFSIGNALED(status)) {
        *code = EXIT_FAILED;
        return atomic_load(cli->stop) || !told ? SLC_OK
                                               : bury(dir, trial, WTERMSIG(status), err);
    }
    *code = WEXITSTATUS(status);
    if (*code == EXIT_BAD_INPUTS) {
        cli->term->bad_inputs = true;
        *code = 0;
    }
    if (*code == EXIT_BROKEN)
        return slc_fail(err, SLC_EIO, "%s: the study cannot go on", dir);
    return SLC_OK;
}

/* Job after job until the study, the user, the clock or bad luck ends it. */
static slc_status work(cli_context *cli, const char *dir, double minutes, slc_err *err)
{
    const uint64_t start = slc_clock_ns();
    int failures = 0, code = 0;
    bool any = false;

    while (code != EXIT_END) {
        if (minutes > 0 && 1e-9 * (double)(slc_clock_ns() - start) > 60 * minutes) {
            slc_log_line(cli->log, SLC_INFO, "the time is up");
            return SLC_OK;
        }
        slc_status st = spawn(cli, dir, &code, err);
        if (st != SLC_OK) return st;
        if (code == EXIT_STOP || atomic_load(cli->stop))
            return slc_fail(err, SLC_ESTOP,
                            "%s: stopped; the same command goes on where it was", dir);
        any |= code == 0;
        failures += code == EXIT_FAILED;
        if (!any && failures >= HOPELESS)
            return slc_fail(
                err, SLC_EDATA,
                "%s: the first %d trials all failed; see `sluice tune --show -o %s`", dir,
                failures, dir);
        if (code == EXIT_WAIT) usleep(WAIT_US);
    }
    return SLC_OK;
}

/* Whether the recipe at a point of its space can be trained, as far as that shows without data. */
static slc_status check_point(const slc_space *space, const slc_node *recipe,
                              const double *unit, slc_err *err)
{
    slc_arena arena = {0};
    slc_recipe read = {0};
    slc_recipe_plans plans = {0};
    const slc_node *node = slc_space_apply(space, recipe, unit, &arena);
    slc_status st = node ? slc_recipe_read(&read, node, err)
                         : slc_fail(err, SLC_ENOMEM, "tune: out of memory");

    if (st == SLC_OK) st = slc_recipe_make_plans(&plans, &read, NULL, err);
    if (st == SLC_OK && !read.data.val && read.data.val_fraction <= 0 && !read.data.folds)
        st = slc_fail(err, SLC_EINVAL,
                      "%s: a search needs a validation set: give data.val or "
                      "data.val_fraction",
                      recipe->origin);
    slc_recipe_free_plans(&plans);
    slc_recipe_free(&read);
    slc_arena_free(&arena);
    return st;
}

/* The middle of the space and its ends must be recipes; every choice must be one beside at least
 * one of these. */
static slc_status check_space(const slc_space *space, const slc_node *recipe,
                              slc_err *err)
{
    static const double at[] = {0.5, 0, 1};
    double unit[SLC_MAX_DIMS];
    slc_status st = SLC_OK;

    for (size_t i = 0; st == SLC_OK && i < SLC_COUNT(at); i++) {
        for (size_t d = 0; d < space->n; d++)
            unit[d] = at[i];
        st = check_point(space, recipe, unit, err);
    }
    for (size_t d = 0; st == SLC_OK && d < space->n; d++)
        for (size_t c = 0; st == SLC_OK && c < space->dim[d].choices; c++) {
            slc_err why = {0};
            for (size_t i = 0; i < SLC_COUNT(at); i++) {
                for (size_t k = 0; k < space->n; k++)
                    unit[k] = at[i];
                unit[d] = ((double)c + 0.5) / (double)space->dim[d].choices;
                st = check_point(space, recipe, unit, i ? &why : err);
                if (st == SLC_OK) break;
            }
        }
    return st;
}

static slc_status read_tree(slc_node **out, const char *path, const cli_texts *sets,
                            slc_arena *arena, slc_err *err)
{
    slc_status st = slc_node_read(out, arena, path, err);
    for (size_t i = 0; st == SLC_OK && i < sets->n; i++)
        st = slc_recipe_set(*out, arena, sets->v[i], err);
    return st;
}

/* Makes the study or checks that it is this recipe's, and closes it again before any fork. */
static slc_status prepare(const tune_settings *s, const char *path, double *minutes,
                          slc_err *err)
{
    slc_arena arena = {0};
    slc_node *recipe = NULL;
    slc_space space;
    slc_tune tune;
    slc_study *study = NULL;
    int64_t epochs = 10;
    slc_status st = read_tree(&recipe, path, &s->set, &arena, err);

    if (st == SLC_OK) st = slc_space_read(&space, recipe, &arena, err);
    if (st == SLC_OK)
        st = slc_tune_read(&tune, slc_node_get(recipe, "tune"), &arena, err);
    if (st == SLC_OK) st = check_space(&space, recipe, err);
    if (st == SLC_OK) {
        const slc_node *train = slc_node_get(recipe, "train");
        const slc_node *n = train ? slc_node_get(train, "epochs") : NULL;
        if (n && n->kind == SLC_NODE_SCALAR && !slc_parse_int(n->text, &epochs))
            st = slc_fail(err, SLC_EINVAL, "%s: train.epochs is not a number", path);
        *minutes = tune.minutes;
    }
    if (st == SLC_OK)
        st = slc_study_open(&study, s->output, recipe, &tune, (uint64_t)epochs, err);
    slc_study_close(&study);
    slc_arena_free(&arena);
    return st;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const tune_settings *s = settings;
    double minutes = 0;
    slc_status st = SLC_OK;

    if (!s->output)
        return slc_fail(err, SLC_EINVAL,
                        "where is the study? give it a directory with -o DIR");
    if (s->rerun) return cli_tune_again(cli, s->output, s->rerun, err);
    if (!s->show) {
        if (count != 1) return slc_fail(err, SLC_EINVAL, "which recipe? give one RECIPE");
        st = prepare(s, args[0], &minutes, err);
        if (st == SLC_OK) st = work(cli, s->output, minutes, err);
    }
    if (st == SLC_OK || st == SLC_ESTOP) {
        slc_err second = {0};
        const slc_status shown =
            cli_tune_report(cli, s->output, st == SLC_OK ? err : &second);
        if (st == SLC_OK) st = shown;
    }
    return st;
}

const cli_cmd cli_cmd_tune = {
    .name = "tune",
    .group = CLI_TRAINING,
    .summary = "search for better values of a recipe's keys",
    .args = "[RECIPE]",
    .least = 0,
    .most = 1,
    .details =
        "Any value of the recipe may be replaced by what it is to be drawn from:\n"
        "    lr: {log: [1e-4, 1]}      momentum: {uniform: [0, 0.99]}\n"
        "    width: {int: [8, 64], step: 8}      name: {choice: [sgd, adamw]}\n"
        "    beta2: {log: [0.9, 0.999], when: {optim.name: adamw}}\n"
        "Its tune section says how:\n"
        "    tune: {search: {name: bayes}, pacer: {name: asha}, trials: 30}\n"
        "search: grid, random, quasi (Sobol), bayes, tpe; pacer: none, median, asha; an "
        "end:\n"
        "trials, minutes, target. The study is one file that several processes may work "
        "on at\n"
        "the same time; the same command goes on after a kill, or with a larger budget.\n"
        "DIR receives best.yaml, history, importance, parallel and slice as PNG and SVG.",
    .examples = "  sluice tune recipes/tune-fashion-mnist.yaml -o studies/fashion\n"
                "  sluice tune recipes/tune-fashion-mnist.yaml -o studies/fashion --set "
                "tune.trials=60\n"
                "  sluice tune --show -o studies/fashion\n"
                "  sluice tune --rerun 7 -o studies/fashion",
    .options = options,
    .initial = &(const tune_settings){.output = NULL},
    .settings_size = sizeof(tune_settings),
    .run = run,
};
