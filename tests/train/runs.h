/* Runs as a whole. Each run is a process of its own, as kill -9 wants one, and OpenMP does
 * not survive a fork. */
#ifndef TESTS_TRAIN_RUNS_H
#define TESTS_TRAIN_RUNS_H

#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/train/tiny.h"
#include "train/checkpoint.h"
#include "train/fit.h"

static char root[256];

static const char *const plain =
    "seed: 3\n"
    "data: {path: 'idx:%s/data', val_fraction: 0.25}\n"
    "augment: [hflip: {p: 0}, random_crop: {size: 8, padding: 1}, normalize: {mean: 0.4, "
    "std: 0.3}]\n"
    "eval: [normalize: {mean: 0.4, std: 0.3}]\n"
    "loader: {threads: 2}\n"
    "model: {layers: [{conv2d: {name: c1, out: 8, kernel: 3, padding: 1, bias: false}},\n"
    "  {batch_norm: {name: b1}}, relu, {max_pool: 2}, flatten, {dropout: 0.2},\n"
    "  {linear: {name: fc, out: 4}}]}\n"
    "optim: {name: sgd, lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 5e-4}\n"
    "schedule: {name: cosine, warmup_epochs: 1}\n"
    "train: {epochs: 5, batch: 16, precision: f32, checkpoint_steps: 4, "
    "checkpoint_minutes: 0}\n";

/* One run. kill_at: raise SIGKILL in the log call of so many batches; stop_at: set the flag. */
typedef struct job {
    const char *name;
    const char *const *sets;
    bool resume, overwrite, own_recipe;
    const char *const *allow;
    uint64_t kill_at, stop_at, batches;
    atomic_int stop;
} job;

static inline void on_progress(void *user, const char *what, uint64_t done,
                               uint64_t total, double rate)
{
    job *j = user;
    (void)done, (void)total, (void)rate;
    if (strncmp(what, "epoch", 5) != 0) return;
    j->batches++;
    if (j->batches == j->kill_at) kill(getpid(), SIGKILL);
    if (j->batches == j->stop_at) atomic_store(&j->stop, 1);
}

static inline slc_status make_recipe(slc_recipe *recipe, const char *const *sets,
                                     slc_err *err)
{
    char text[4096];
    slc_arena arena = {0};
    slc_node *node;
    snprintf(text, sizeof(text), plain, root);
    slc_status st = slc_node_parse(&node, &arena, text, strlen(text), "recipe", err);
    for (; st == SLC_OK && sets && *sets; sets++)
        st = slc_node_set(node, &arena, *sets, err);
    if (st == SLC_OK) st = slc_recipe_read(recipe, node, err);
    slc_arena_free(&arena);
    return st;
}

static inline slc_status run(job *j, slc_err *err)
{
    char dir[400];
    slc_recipe recipe = {0};
    slc_fit_result result = {0};
    const slc_log log = {.progress = on_progress, .user = j};
    snprintf(dir, sizeof(dir), "%s/%s", root, j->name);
    slc_status st = make_recipe(&recipe, j->sets, err);
    if (st == SLC_OK)
        st = slc_fit_run(&(slc_fit_settings){.recipe = j->own_recipe ? NULL : &recipe,
                                             .run = dir,
                                             .resume = j->resume,
                                             .overwrite = j->overwrite,
                                             .allow = j->allow,
                                             .threads = 2,
                                             .log = &log,
                                             .stop = &j->stop},
                         &result, err);
    json_decref(result.summary);
    slc_recipe_free(&recipe);
    return st;
}

/* Runs in a child; its status, or -1 if it was killed. The message goes to text. */
static inline int child(job j, char text[600])
{
    int pipe_of[2];
    CHECK(pipe(pipe_of) == 0, "pipe");
    const pid_t pid = fork();
    CHECK(pid >= 0, "fork");
    if (pid == 0) {
        slc_err err = {0};
        const slc_status st = run(&j, &err);
        const ssize_t wrote = write(pipe_of[1], err.msg, strlen(err.msg));
        _exit(wrote < 0 ? 99 : (int)st);
    }
    int status;
    close(pipe_of[1]);
    const ssize_t n = read(pipe_of[0], text, 599);
    text[n > 0 ? n : 0] = 0;
    close(pipe_of[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void must(job j)
{
    char text[600];
    const int st = child(j, text);
    CHECK(st == SLC_OK, "%s: %d %s", j.name, st, text);
}

static inline void refused(job j, slc_status want, const char *says)
{
    char text[600];
    const int st = child(j, text);
    CHECK(st == (int)want && strstr(text, says), "%s: %d \"%s\", expected \"%s\"", j.name,
          st, text, says);
}

static inline uint8_t *slurp(const char *run_name, const char *name, size_t *size)
{
    char path[600];
    uint8_t *bytes;
    slc_err err = {0};
    snprintf(path, sizeof(path), "%s/%s/%s", root, run_name, name);
    CHECK(slc_file_read(&bytes, size, path, 1 << 24, &err) == SLC_OK, "%s", err.msg);
    return bytes;
}

static inline void same_file(const char *a, const char *b, const char *name)
{
    size_t n, m;
    uint8_t *x = slurp(a, name, &n), *y = slurp(b, name, &m);
    CHECK(n == m && memcmp(x, y, n) == 0, "%s differs between %s and %s", name, a, b);
    free(x);
    free(y);
}

/* Lines without the parts that hold times. */
static inline void same_metrics(const char *a, const char *b)
{
    static const char *const keys[] = {"epoch",      "step",     "lr",       "train_loss",
                                       "train_top1", "val_loss", "val_top1", "grad_norm"};
    size_t n, m;
    char *x = (char *)slurp(a, "metrics.jsonl", &n),
         *y = (char *)slurp(b, "metrics.jsonl", &m);
    char *p = x, *q = y;
    int lines = 0;
    for (; *p && *q; lines++) {
        json_t *u = json_loads(p, JSON_DISABLE_EOF_CHECK, NULL);
        json_t *v = json_loads(q, JSON_DISABLE_EOF_CHECK, NULL);
        for (size_t k = 0; k < SLC_COUNT(keys); k++)
            CHECK(json_equal(json_object_get(u, keys[k]), json_object_get(v, keys[k])),
                  "line %d of %s and %s: %s", lines + 1, a, b, keys[k]);
        json_decref(u);
        json_decref(v);
        p = strchr(p, '\n') + 1;
        q = strchr(q, '\n') + 1;
    }
    CHECK(!*p && !*q && lines > 0, "%s and %s have different numbers of lines", a, b);
    free(x);
    free(y);
}

static inline double summary_value(const char *run_name, const char *group,
                                   const char *key)
{
    size_t n;
    char *text = (char *)slurp(run_name, "summary.json", &n);
    json_t *o = json_loads(text, 0, NULL);
    const double v =
        json_number_value(group ? json_object_get(json_object_get(o, group), key)
                                : json_object_get(o, key));
    json_decref(o);
    free(text);
    return v;
}

/* Makes the data, runs the tests, and takes everything away again. */
static inline int runs_main(void (*tests)(void))
{
    char text[300];
    slc_err err = {0};
    snprintf(root, sizeof(root), "/tmp/sluice-test-runs-%d", (int)getpid());
    CHECK(slc_dir_make(root, &err) == SLC_OK, "%s", err.msg);
    snprintf(text, sizeof(text), "%s/data", root);
    tiny_make(text);
    tests();
    snprintf(text, sizeof(text), "rm -rf %s", root);
    return system(text) == 0 ? 0 : 1;
}

#endif
