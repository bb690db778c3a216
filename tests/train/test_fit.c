/* Runs as a whole. Each run is a process of its own, as kill -9 wants one, and OpenMP does
 * not survive a fork. */
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

static const char *const rich[] = {"optim={name: adamw, lr: 0.003, lookahead: 3, "
                                   "groups: [{match: 'fc.*', lr: 2}], layer_decay: 0.9}",
                                   "mix=[{mixup: {alpha: 0.4}}]",
                                   "train.ema={decay: 0.9}",
                                   "train.accumulate=3",
                                   "train.clip_norm=0.5",
                                   "train.early_stop={patience: 2, metric: loss}",
                                   NULL};

static const char *const late[] = {"train.swa={start: 0.4, lr: 0.02, bn_batches: 8}",
                                   "schedule={name: cosine_restarts, cycles: 5}",
                                   "train.snapshots=3", "train.clip_value=0.2", NULL};

/* Everything before the dropout is frozen up to epoch 3, and nothing random comes before it. */
#define FROZEN                                                                           \
    "augment=[normalize: {mean: 0.4, std: 0.3}]", "train.freeze=[c1.*, b1.*]",           \
        "train.unfreeze_at=3"
static const char *const frozen_kept[] = {FROZEN, NULL};
static const char *const frozen_run[] = {FROZEN, "train.freeze_cache_mb=0", NULL};

/* One run. kill_at: raise SIGKILL in the log call of so many batches; stop_at: set the flag. */
typedef struct job {
    const char *name;
    const char *const *sets;
    bool resume, overwrite, own_recipe;
    const char *const *allow;
    uint64_t kill_at, stop_at, batches;
    atomic_int stop;
} job;

static void on_progress(void *user, const char *what, uint64_t done, uint64_t total,
                        double rate)
{
    job *j = user;
    (void)done, (void)total, (void)rate;
    if (strncmp(what, "epoch", 5) != 0) return;
    j->batches++;
    if (j->batches == j->kill_at) kill(getpid(), SIGKILL);
    if (j->batches == j->stop_at) atomic_store(&j->stop, 1);
}

static slc_status make_recipe(slc_recipe *recipe, const char *const *sets, slc_err *err)
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

static slc_status run(job *j, slc_err *err)
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
static int child(job j, char text[600])
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

static void must(job j)
{
    char text[600];
    const int st = child(j, text);
    CHECK(st == SLC_OK, "%s: %d %s", j.name, st, text);
}

static void refused(job j, slc_status want, const char *says)
{
    char text[600];
    const int st = child(j, text);
    CHECK(st == (int)want && strstr(text, says), "%s: %d \"%s\", expected \"%s\"", j.name,
          st, text, says);
}

static uint8_t *slurp(const char *run_name, const char *name, size_t *size)
{
    char path[600];
    uint8_t *bytes;
    slc_err err = {0};
    snprintf(path, sizeof(path), "%s/%s/%s", root, run_name, name);
    CHECK(slc_file_read(&bytes, size, path, 1 << 24, &err) == SLC_OK, "%s", err.msg);
    return bytes;
}

static void same_file(const char *a, const char *b, const char *name)
{
    size_t n, m;
    uint8_t *x = slurp(a, name, &n), *y = slurp(b, name, &m);
    CHECK(n == m && memcmp(x, y, n) == 0, "%s differs between %s and %s", name, a, b);
    free(x);
    free(y);
}

/* Lines without the parts that hold times. */
static void same_metrics(const char *a, const char *b)
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

static double summary_value(const char *run_name, const char *group, const char *key)
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

static void test_learns(void)
{
    must((job){.name = "plain"});
    const double top1 = summary_value("plain", "test", "top1");
    CHECK(top1 > 0.9, "test top1 is %g", top1);
}

static void test_repeats_itself(void)
{
    must((job){.name = "again"});
    same_file("plain", "again", "model.safetensors");
    same_file("plain", "again", "steps.csv");
    same_metrics("plain", "again");
}

static void test_survives_kill(const char *const *sets, const char *name)
{
    static const uint64_t moments[] = {2, 11, 23, 31};
    char text[600];
    must((job){.name = name, .sets = sets});
    for (size_t i = 0; i < SLC_COUNT(moments); i++) {
        char killed[64];
        snprintf(killed, sizeof(killed), "%s-killed-%zu", name, i);
        const int st =
            child((job){.name = killed, .sets = sets, .kill_at = moments[i]}, text);
        CHECK(st == -1, "not killed: %d %s", st, text);
        must((job){.name = killed, .resume = true, .own_recipe = true});
        same_file(name, killed, "model.safetensors");
        same_file(name, killed, "steps.csv");
        same_metrics(name, killed);
    }
}

/* Killed twice at random, read by other numbers of threads each time: still the same bytes. */
static void test_survives_any_kill_with_any_threads(void)
{
    static const char *const one[] = {"loader.threads=1", NULL};
    static const char *const four[] = {"loader.threads=4", "loader.ahead=2", NULL};
    static const char *const three[] = {"loader.threads=3", "loader.ahead=5", NULL};
    for (uint64_t i = 0; i < 3; i++) {
        slc_rng rng = slc_rng_at((uint64_t)getpid(), 0, i, SLC_SLOT_SAMPLER);
        const uint64_t first = 1 + slc_rng_below(&rng, 40),
                       second = 1 + slc_rng_below(&rng, 30);
        char name[64], text[600];
        snprintf(name, sizeof(name), "killed-%d-at-%d-and-%d", (int)i, (int)first,
                 (int)second);
        int st = child((job){.name = name, .sets = i % 2 ? four : one, .kill_at = first},
                       text);
        CHECK(st == -1, "%s: not killed: %s", name, text);
        st = child((job){.name = name,
                         .sets = i % 2 ? one : four,
                         .resume = true,
                         .kill_at = second},
                   text);
        CHECK(st == -1, "%s: not killed again: %s", name, text);
        must((job){.name = name, .sets = three, .resume = true});
        same_file("plain", name, "model.safetensors");
        same_file("plain", name, "steps.csv");
        same_metrics("plain", name);
    }
}

/* What the frozen layers made is kept or made again: the same run, interrupted or not. */
static void test_frozen_layers_may_run_once(void)
{
    must((job){.name = "kept-not", .sets = frozen_run});
    test_survives_kill(frozen_kept, "kept");
    same_file("kept", "kept-not", "steps.csv");
    same_metrics("kept", "kept-not");
}

/* Sum over all 2 x 2 patches of the training pictures of y_i y_k, of the first four filters. */
static void filter_products(const float *w, double sum[4][4], double *count)
{
    char path[400];
    uint8_t *px;
    size_t size;
    slc_err err = {0};
    snprintf(path, sizeof(path), "%s/data/train-images-idx3-ubyte", root);
    CHECK(slc_file_read(&px, &size, path, 1 << 20, &err) == SLC_OK, "%s", err.msg);
    for (size_t at = 16; at + TINY_SIDE * TINY_SIDE <= size; at += TINY_SIDE * TINY_SIDE)
        for (size_t i = 0; i < (TINY_SIDE - 1) * (TINY_SIDE - 1); i++, ++*count) {
            const size_t y = i / (TINY_SIDE - 1), x = i % (TINY_SIDE - 1);
            double out[4] = {0};
            for (size_t k = 0; k < 16; k++) {
                const size_t pixel = (y + k % 4 / 2) * TINY_SIDE + x + k % 2;
                out[k / 4] += (double)w[k] * (px[at + pixel] / 255.0 - 0.4) / 0.3;
            }
            for (size_t k = 0; k < 16; k++)
                sum[k / 4][k % 4] += out[k / 4] * out[k % 4];
        }
    free(px);
}

static void test_a_whitening_layer_whitens_and_stays(void)
{
    const char *const sets[] = {
        "model={layers: [{conv2d: {name: white, out: 8, kernel: 2, "
        "init: whitening}}, relu, flatten, {linear: {out: 4}}]}",
        "train.epochs=2", NULL};
    char path[400];
    slc_err err = {0};
    slc_tensors *file;
    double sum[4][4] = {{0}}, count = 0;
    must((job){.name = "white", .sets = sets});
    snprintf(path, sizeof(path), "%s/white/model.safetensors", root);
    CHECK(slc_tensors_open(&file, path, &err) == SLC_OK, "%s", err.msg);
    const slc_blob *blob = slc_tensors_seek(file, "white.weight");
    CHECK(blob && blob->size == 8 * 4 * sizeof(float), "no white.weight");
    float w[32];
    memcpy(w, blob->data, sizeof(w));
    for (size_t i = 0; i < 16; i++)
        CHECK(w[i] == -w[16 + i], "number %zu has no mirror: it has learned", i);
    filter_products(w, sum, &count); /* a quarter of these pictures was not measured */
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            CHECK(fabs(sum[i][k] / count - (i == k)) < 0.1, "%zu, %zu: %g", i, k,
                  sum[i][k] / count);
    slc_tensors_close(&file);
    const char *const wrong[] = {"model={layers: [{conv2d: {out: 9, kernel: 2, init: "
                                 "whitening}}, relu, flatten, {linear: {out: 4}}]}",
                                 NULL};
    refused((job){.name = "wrong", .sets = wrong}, SLC_EINVAL, "twice");
}

/* Two batches of 20 whose gradients make one step are one batch of 40. */
static void test_accumulation_is_a_bigger_batch(void)
{
#define SMOOTH                                                                           \
    "model={layers: [{conv2d: {out: 8, kernel: 3}}, relu, flatten, {linear: {out: 4}}]}"
    static const char *const big[] = {SMOOTH, "train.batch=40", NULL};
    static const char *const twice[] = {SMOOTH, "train.batch=20", "train.accumulate=2",
                                        NULL};
    must((job){.name = "big", .sets = big});
    must((job){.name = "twice", .sets = twice});
    CHECK(summary_value("big", NULL, "steps") == summary_value("twice", NULL, "steps"),
          "as many steps");
    const double a = summary_value("big", "test", "loss"),
                 b = summary_value("twice", "test", "loss");
    CHECK(fabs(a - b) <= 1e-5 * a, "loss %.9g in one batch, %.9g in two", a, b);
}

static void test_stops_and_goes_on(void)
{
    refused((job){.name = "stopped", .stop_at = 7}, SLC_ESTOP,
            "after step 8; state saved");
    must((job){.name = "stopped", .resume = true});
    same_file("plain", "stopped", "model.safetensors");
    must((job){.name = "stopped", .resume = true}); /* a finished run stays as it is */
    same_file("plain", "stopped", "model.safetensors");
}

static void test_refusals(void)
{
    static const char *const lr[] = {"optim.lr=0.01", "train.epochs=6", NULL};
    static const char *const allow[] = {"optim.lr", "train.epochs", NULL};
    static const char *const frozen[] = {"train.freeze=[nothing.*]", NULL};
    static const char *const groups[] = {"optim.groups=[{match: nothing, lr: 2}]", NULL};
    static const char *const all[] = {"train.freeze=['*']", NULL};
    static const char *const warm[] = {"schedule.warmup_epochs=5", NULL};
    static const char *const hot[] = {"optim.lr=1e6", "schedule.warmup_epochs=0",
                                      "train.checkpoint_steps=0", NULL};
    refused((job){.name = "plain"}, SLC_EINVAL, "holds a run already");
    refused((job){.name = "plain", .resume = true, .sets = lr}, SLC_EINVAL,
            "the recipe has changed: optim.lr, train.epochs");
    static const char *const mistyped[] = {"optim.lr", "train.epoch", NULL};
    refused((job){.name = "again", .resume = true, .sets = lr, .allow = mistyped},
            SLC_EINVAL, "no key \"train.epoch\"; did you mean \"train.epochs\"?");
    must((job){.name = "again", .resume = true, .sets = lr, .allow = allow});
    refused((job){.name = "r1", .sets = frozen}, SLC_EINVAL, "nothing.*");
    refused((job){.name = "r2", .sets = groups}, SLC_EINVAL, "matches no tensor");
    refused((job){.name = "r3", .sets = all}, SLC_EINVAL, "frozen");
    refused((job){.name = "r4", .sets = warm}, SLC_EINVAL, "leaves nothing");
    refused((job){.name = "r5", .resume = true}, SLC_EDATA, "no run to resume");
    refused((job){.name = "hot", .sets = hot}, SLC_EDATA, "not a number");
    must((job){.name = "hot"}); /* nothing came of it: nothing is in the way */
}

/* A run that cannot begin leaves the directory as it was: absent, or without a trace of it. */
static void test_a_failed_start_leaves_nothing(void)
{
    static const char *const data[] = {"data={path: 'idx:/nowhere'}", NULL};
    static const char *const from[] = {"model.from=/nowhere.safetensors", NULL};
    static const char *const wide[] = {"model={layers: [flatten, {linear: {out: 5}}]}",
                                       NULL};
    static const char *const zero[] = {"schedule={name: cyclic, up: 0}", NULL};
    static const char *const restarts[] = {
        "schedule={name: cosine_restarts, cycles: 1000}", NULL};
    const struct {
        const char *const *sets;
        slc_status want;
        const char *says;
    } bad[] = {{data, SLC_EDATA, "/nowhere"},
               {from, SLC_EDATA, "/nowhere.safetensors"},
               {wide, SLC_EINVAL, "one per class"},
               {zero, SLC_EINVAL, "zero steps"},
               {restarts, SLC_EINVAL, "1000 cycles do not fit"}};
    char path[400];
    snprintf(path, sizeof(path), "%s/early-end", root);
    for (size_t i = 0; i < SLC_COUNT(bad); i++) {
        refused((job){.name = "early-end", .sets = bad[i].sets}, bad[i].want,
                bad[i].says);
        CHECK(access(path, F_OK) != 0, "%zu: %s is there", i, path);
    }
    CHECK(mkdir(path, 0777) == 0, "mkdir");
    refused((job){.name = "early-end", .sets = data}, SLC_EDATA, "/nowhere");
    CHECK(rmdir(path) == 0, "something is left in %s", path);
}

/* What a process that was killed while it wrote has left goes when the run goes on. */
static void test_half_written_files_go(void)
{
    static const char *const names[] = {"state.safetensors.tmp-1-0",
                                        "best.safetensors.tmp-99999-1",
                                        "histograms/epoch-0001.png.tmp-7-0"};
    char path[400], text[600];
    CHECK(child((job){.name = "half", .kill_at = 20}, text) == -1, "%s", text);
    snprintf(path, sizeof(path), "%s/half/histograms", root);
    CHECK(mkdir(path, 0777) == 0, "mkdir");
    for (size_t i = 0; i < SLC_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/half/%s", root, names[i]);
        FILE *f = fopen(path, "w");
        CHECK(f && fputs("half", f) >= 0 && fclose(f) == 0, "%s", path);
    }
    must((job){.name = "half", .resume = true});
    for (size_t i = 0; i < SLC_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/half/%s", root, names[i]);
        CHECK(access(path, F_OK) != 0, "%s is there still", path);
    }
}

static void test_directory_in_use(void)
{
    char path[400];
    int lock;
    slc_err err = {0};
    snprintf(path, sizeof(path), "%s/plain/lock", root);
    CHECK(slc_lock_take(&lock, path, &err) == SLC_OK, "%s", err.msg);
    refused((job){.name = "plain", .resume = true}, SLC_EINVAL, "in use");
    slc_lock_drop(&lock);
}

/* Early stopping keeps the epoch it says, by the rule it says. */
static void test_early_stopping(void)
{
    static const char *const sets[] = {"train.epochs=60", "data.limit=64",
                                       "train.early_stop={patience: 3}", NULL};
    must((job){.name = "early", .sets = sets});
    const double epochs = summary_value("early", NULL, "epochs");
    const double kept = summary_value("early", "kept", "epoch");
    CHECK(epochs < 60 && kept == epochs - 3, "%g epochs, kept %g", epochs, kept);
    CHECK(summary_value("early", "val", "top1") ==
              summary_value("early", "kept", "best_value"),
          "what was kept scores as it did then");
}

/* Ended by its time, with the rate near zero, although its warm-up alone was to take longer. */
static void test_a_budget_ends_annealed(void)
{
    static const char *const sets[] = {"train.budget=2s", "train.epochs=100000",
                                       "schedule.warmup_epochs=50000", NULL};
    size_t n;
    must((job){.name = "budget", .sets = sets});
    char *text = (char *)slurp("budget", "summary.json", &n);
    CHECK(strstr(text, "the budget of 2s is used"), "%s", text);
    free(text);
    const double seconds = summary_value("budget", NULL, "seconds");
    CHECK(seconds > 1 && seconds < 4, "%g s", seconds);
    text = (char *)slurp("budget", "steps.csv", &n);
    double highest = 0, last = 0;
    for (char *line = strchr(text, '\n'); line && line[1];
         line = strchr(line + 1, '\n')) {
        const char *lr = strchr(strchr(line + 1, ',') + 1, ',') + 1;
        last = strtod(lr, NULL);
        highest = fmax(highest, last);
    }
    CHECK(highest > 0.01 && last < 0.1 * highest, "from %g to %g", highest, last);
    free(text);
}

static void test_averages_and_snapshots(void)
{
    static const char *const swa[] = {"train.swa={start: 0.5, lr: 0.02, bn_batches: 8}",
                                      NULL};
    static const char *const snap[] = {"schedule={name: cosine_restarts, cycles: 5}",
                                       "train.snapshots=3", NULL};
    size_t n;
    must((job){.name = "swa", .sets = swa});
    CHECK(summary_value("swa", "test", "top1") > 0.85, "%g",
          summary_value("swa", "test", "top1"));
    must((job){.name = "snap", .sets = snap});
    free(slurp("snap", "snapshot-3.safetensors", &n));
    free(slurp("snap", "snapshot-5.safetensors", &n));
    char path[400];
    snprintf(path, sizeof(path), "%s/snap/snapshot-2.safetensors", root);
    CHECK(access(path, F_OK) != 0, "only the last three stay");
}

static void test_looks_inside(void)
{
    static const char *const sets[] = {"train.histograms=2", "train.tensorboard=true",
                                       "train.epochs=4", NULL};
    size_t n;
    char text[600];
    CHECK(child((job){.name = "inside", .sets = sets, .kill_at = 50}, text) == -1, "%s",
          text);
    must((job){.name = "inside", .sets = sets, .resume = true});
    char *lines = (char *)slurp("inside", "histograms.jsonl", &n), *p = lines;
    int count = 0;
    for (; (p = strchr(p, '\n')); p++)
        count++;
    CHECK(count == 2 && strstr(lines, "update_ratio") && strstr(lines, "c1.weight"), "%d",
          count);
    free(lines);
}

int main(void)
{
    char data[300];
    snprintf(root, sizeof(root), "/tmp/sluice-test-fit-%d", (int)getpid());
    snprintf(data, sizeof(data), "%s/data", root);
    slc_err err = {0};
    CHECK(slc_dir_make(root, &err) == SLC_OK, "%s", err.msg);
    tiny_make(data);
    test_learns();
    test_repeats_itself();
    test_survives_kill(NULL, "bare");
    test_survives_kill(rich, "rich");
    test_survives_kill(late, "late");
    test_survives_any_kill_with_any_threads();
    test_frozen_layers_may_run_once();
    test_a_whitening_layer_whitens_and_stays();
    test_accumulation_is_a_bigger_batch();
    test_stops_and_goes_on();
    test_refusals();
    test_a_failed_start_leaves_nothing();
    test_half_written_files_go();
    test_directory_in_use();
    test_early_stopping();
    test_a_budget_ends_annealed();
    test_averages_and_snapshots();
    test_looks_inside();
    snprintf(data, sizeof(data), "rm -rf %s", root);
    return system(data) == 0 ? 0 : 1;
}
