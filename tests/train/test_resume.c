/* Runs that are killed, stopped, refused, or cannot begin: nothing is lost and nothing is left. */
#include "tests/train/runs.h"

static const char *const rich[] = {"optim={name: adamw, lr: 0.003, lookahead: 3, "
                                   "groups: [{match: 'fc.*', lr: 2}], layer_decay: 0.9}",
                                   "mix=[{mixup: {alpha: 0.4}}]",
                                   "train.ema={decay: 0.9}",
                                   "train.accumulate=3",
                                   "train.clip_norm=0.5",
                                   "train.early_stop={patience: 2, metric: loss}",
                                   NULL};

static const char *const late[] = {"train.swa={start: 0.4, lr: 0.02, bn_batches: 8}",
                                   "train.clip_value=0.2", NULL};

static const char *const cycles[] = {"schedule={name: cosine_restarts, cycles: 5}",
                                     "train.snapshots=3", NULL};

/* Everything before the dropout is frozen up to epoch 3, and nothing random comes before it. */
#define FROZEN                                                                           \
    "augment=[normalize: {mean: 0.4, std: 0.3}]", "train.freeze=[c1.*, b1.*]",           \
        "train.unfreeze_at=3"
static const char *const frozen_kept[] = {FROZEN, NULL};
static const char *const frozen_run[] = {FROZEN, "train.freeze_cache_mb=0", NULL};

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
    static const char *const many[] = {"seed=4",
                                       "data.val_fraction=0.3",
                                       "optim.lr=0.1",
                                       "optim.momentum=0.8",
                                       "optim.nesterov=false",
                                       "schedule.warmup_epochs=2",
                                       "train.epochs=7",
                                       "train.batch=8",
                                       "train.keep=last",
                                       NULL};
    refused((job){.name = "again", .resume = true, .sets = many}, SLC_EINVAL,
            "and more (");
    static const char *const cold[] = {"train.freeze=[c1.*]", NULL};
    static const char *const optim[] = {"optim", "train.epochs", NULL};
    refused((job){.name = "again", .resume = true, .sets = cold, .allow = optim},
            SLC_EINVAL, "has changed: train.freeze");
    must((job){.name = "again", .resume = true, .sets = lr, .allow = optim});
    must((job){.name = "again", .resume = true, .sets = lr, .allow = allow});
    char start[400];
    snprintf(start, sizeof(start), "model.from=%s/plain/model.safetensors", root);
    const char *const head[] = {start, "model.head=fd.*", NULL};
    refused((job){.name = "r0", .sets = head}, SLC_EINVAL,
            "head \"fd.*\" matches no tensor");
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
    static const char *const never[] = {"train.swa={start: 0.9, every: 3}", NULL};
    const struct {
        const char *const *sets;
        slc_status want;
        const char *says;
    } bad[] = {{data, SLC_EDATA, "/nowhere"},
               {from, SLC_EDATA, "/nowhere.safetensors"},
               {wide, SLC_EDATA, "one per class"},
               {zero, SLC_EINVAL, "zero steps"},
               {restarts, SLC_EINVAL, "1000 cycles do not fit"},
               {never, SLC_EINVAL, "swa averages none of 5 epochs"}};
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

static void tests(void)
{
    must((job){.name = "plain"});
    must((job){.name = "again"});
    test_survives_kill(NULL, "bare");
    test_survives_kill(rich, "rich");
    test_survives_kill(late, "late");
    test_survives_kill(cycles, "cycles");
    same_file("cycles", "cycles-killed-2", "snapshot-4.safetensors");
    test_survives_any_kill_with_any_threads();
    test_frozen_layers_may_run_once();
    test_stops_and_goes_on();
    test_refusals();
    test_a_failed_start_leaves_nothing();
    test_half_written_files_go();
    test_directory_in_use();
}

int main(void)
{
    return runs_main(tests);
}
