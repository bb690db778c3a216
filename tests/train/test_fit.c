/* What a run learns, keeps and writes. */
#include "tests/train/runs.h"
#include "train/ensemble.h"

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

static void same_learning(const char *big, const char *pieces)
{
    CHECK(summary_value(big, NULL, "steps") == summary_value(pieces, NULL, "steps"),
          "as many steps");
    const double a = summary_value(big, "test", "loss"),
                 b = summary_value(pieces, "test", "loss");
    CHECK(fabs(a - b) <= 1e-5 * a, "loss %.9g in one batch, %.9g in pieces", a, b);
}

/* Two batches of 20 whose gradients make one step are one batch of 40, and of 15 batches of 16 in
 * fours the last three are one of 48. */
static void test_accumulation_is_a_bigger_batch(void)
{
#define SMOOTH                                                                           \
    "model={layers: [{conv2d: {out: 8, kernel: 3}}, relu, flatten, {linear: {out: 4}}]}"
    static const char *const big[] = {SMOOTH, "train.batch=40", NULL};
    static const char *const twice[] = {SMOOTH, "train.batch=20", "train.accumulate=2",
                                        NULL};
    static const char *const tail[] = {SMOOTH, "train.batch=64", "loader.tail=keep",
                                       NULL};
    static const char *const fours[] = {SMOOTH, "train.batch=16", "train.accumulate=4",
                                        NULL};
    must((job){.name = "big", .sets = big});
    must((job){.name = "twice", .sets = twice});
    same_learning("big", "twice");
    must((job){.name = "tail", .sets = tail});
    must((job){.name = "fours", .sets = fours});
    same_learning("tail", "fours");
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

/* Is a tensor the same in the models of two runs? */
static bool same_tensor(const char *a, const char *b, const char *tensor)
{
    const char *const names[] = {a, b};
    slc_tensors *file[2];
    const slc_blob *blob[2];
    for (size_t i = 0; i < 2; i++) {
        char path[400];
        slc_err err = {0};
        snprintf(path, sizeof(path), "%s/%s/model.safetensors", root, names[i]);
        CHECK(slc_tensors_open(&file[i], path, &err) == SLC_OK, "%s", err.msg);
        blob[i] = slc_tensors_seek(file[i], tensor);
        CHECK(blob[i] && blob[i]->size == blob[0]->size, "%s: %s", path, tensor);
    }
    const bool same = memcmp(blob[0]->data, blob[1]->data, blob[0]->size) == 0;
    slc_tensors_close(&file[0]);
    slc_tensors_close(&file[1]);
    return same;
}

/* Frozen tensors, batch norm's statistics among them, stay as they began, and learn from the
 * epoch that is named. */
static void test_thaws_when_it_should(void)
{
#define ICE "train.freeze=[c1.*, b1.*]", "train.keep=last", "schedule={name: constant}"
    static const char *const cold[] = {ICE, "train.unfreeze_at=3", "train.epochs=3",
                                       NULL};
    static const char *const slow[] = {ICE, "optim.lr=0.001", "train.epochs=2", NULL};
    static const char *const warm[] = {ICE, "train.unfreeze_at=3", "train.epochs=4",
                                       NULL};
    static const char *const tensors[] = {"c1.weight", "b1.weight", "b1.running_mean"};
    must((job){.name = "cold", .sets = cold});
    must((job){.name = "slow", .sets = slow});
    must((job){.name = "warm", .sets = warm});
    for (size_t i = 0; i < SLC_COUNT(tensors); i++) {
        CHECK(same_tensor("cold", "slow", tensors[i]), "%s moved in the ice", tensors[i]);
        CHECK(!same_tensor("cold", "warm", tensors[i]), "%s never thawed", tensors[i]);
    }
    CHECK(!same_tensor("cold", "slow", "fc.weight"), "the head did not learn");
}

static bool ended_by(const char *name, const char *reason)
{
    size_t n;
    char *text = (char *)slurp(name, "summary.json", &n);
    const bool says = strstr(text, reason) != NULL;
    free(text);
    return says;
}

/* Key of every line of metrics.jsonl; how many lines there are. */
static size_t column(const char *name, const char *key, double out[64])
{
    size_t n, count = 0;
    char *text = (char *)slurp(name, "metrics.jsonl", &n);
    for (char *p = text; *p && count < 64; p = strchr(p, '\n') + 1) {
        json_t *line = json_loads(p, JSON_DISABLE_EOF_CHECK, NULL);
        out[count++] = json_number_value(json_object_get(line, key));
        json_decref(line);
    }
    free(text);
    return count;
}

/* What is kept is what was asked for: the best epoch, or the last one although another was better. */
static void test_keeps_what_it_should(void)
{
    static const char *const stay[] = {"train.epochs=60", "data.limit=64",
                                       "train.early_stop={patience: 3, restore: false}",
                                       NULL};
    static const char *const last[] = {"train.epochs=12", "data.limit=64",
                                       "train.keep=last", NULL};
    static const char *const ema[] = {"train.ema={decay: 0.8}", "train.keep=last", NULL};
    must((job){.name = "stay", .sets = stay});
    const double epochs = summary_value("stay", NULL, "epochs");
    CHECK(summary_value("stay", "kept", "best_epoch") == epochs - 3 &&
              summary_value("stay", "kept", "epoch") == epochs,
          "not restored: %g epochs, kept %g", epochs,
          summary_value("stay", "kept", "epoch"));
    static const char *const early[] = {"train.epochs=60", "data.limit=64",
                                        "train.early_stop={patience: 3}",
                                        "train.swa={start: 0.9}", NULL};
    must((job){.name = "before-swa", .sets = early}); /* nothing was averaged yet */
    CHECK(summary_value("before-swa", "kept", "epoch") ==
              summary_value("before-swa", NULL, "epochs") - 3,
          "kept %g", summary_value("before-swa", "kept", "epoch"));
    must((job){.name = "last", .sets = last});
    CHECK(summary_value("last", "kept", "best_epoch") < 12 &&
              summary_value("last", "kept", "epoch") == 12,
          "best %g, kept %g", summary_value("last", "kept", "best_epoch"),
          summary_value("last", "kept", "epoch"));
    must((job){.name = "ema", .sets = ema}); /* what is scored is what is kept */
    double loss[64];
    const size_t n = column("ema", "val_loss", loss);
    CHECK(n == 5 && fabs(summary_value("ema", "val", "loss") - loss[4]) < 1e-9,
          "the average scored %g, what is kept %g", loss[4],
          summary_value("ema", "val", "loss"));
    CHECK(summary_value("ema", "last", "loss") != summary_value("ema", "test", "loss"),
          "the average is the last weights");
}

static void test_ends_at_its_target_or_when_it_diverges(void)
{
    static const char *const top1[] = {"train.epochs=40",
                                       "train.target={metric: top1, value: 0.9}",
                                       "optim.lr=0.002", NULL};
    static const char *const loss[] = {"train.epochs=40",
                                       "train.target={metric: loss, value: 0.3}",
                                       "optim.lr=0.002", NULL};
    static const char *const wild[] = {"train.epochs=40", "train.diverge=1.5",
                                       "schedule={name: linear, from: 0, to: 1}",
                                       "optim.lr=20", NULL};
    must((job){.name = "top1", .sets = top1});
    CHECK(ended_by("top1", "the target is reached") &&
              summary_value("top1", NULL, "epochs") > 1 &&
              summary_value("top1", "val", "top1") >= 0.9,
          "top1 %g after %g epochs", summary_value("top1", "val", "top1"),
          summary_value("top1", NULL, "epochs"));
    must((job){.name = "loss", .sets = loss});
    CHECK(ended_by("loss", "the target is reached") &&
              summary_value("loss", NULL, "epochs") > 1,
          "after %g epochs", summary_value("loss", NULL, "epochs"));
    must((job){.name = "wild", .sets = wild});
    CHECK(ended_by("wild", "diverged: the training loss is over 1.5 times the first"),
          "after %g epochs", summary_value("wild", NULL, "epochs"));
    double loss_of[64];
    const size_t n = column("wild", "train_loss", loss_of);
    for (size_t i = 1; i < n; i++)
        CHECK((loss_of[i] > 1.5 * loss_of[0]) == (i == n - 1), "%g in epoch %zu of %zu",
              loss_of[i], i + 1, n);
}

/* The statistics of the averaged net are measured, not those of the last one. */
static void test_swa_measures_norms(void)
{
    char path[400];
    slc_err err = {0};
    slc_tensors *model, *state;
    snprintf(path, sizeof(path), "%s/swa/model.safetensors", root);
    CHECK(slc_tensors_open(&model, path, &err) == SLC_OK, "%s", err.msg);
    snprintf(path, sizeof(path), "%s/swa/state.safetensors", root);
    CHECK(slc_tensors_open(&state, path, &err) == SLC_OK, "%s", err.msg);
    const slc_blob *mean = slc_tensors_seek(model, "b1.running_mean");
    const slc_blob *average = slc_tensors_find(state, "swa_buffers");
    const slc_blob *weight = slc_tensors_seek(model, "c1.weight");
    const slc_blob *blocks[] = {slc_tensors_find(state, "weights"),
                                slc_tensors_find(state, "swa")};
    CHECK(mean && average && weight && blocks[0] && blocks[1], "a tensor is missing");
    CHECK(memcmp(mean->data, average->data, mean->size) != 0,
          "the statistics are the last epoch's");
    CHECK(memcmp(weight->data, blocks[1]->data, weight->size) == 0 &&
              memcmp(weight->data, blocks[0]->data, weight->size) != 0,
          "the weights are not the average");
    slc_tensors_close(&model);
    slc_tensors_close(&state);
}

/* The run's model answers as the ensemble of its snapshots does, also after it was killed. The last
 * test: no child can use threads of OpenMP once this process has. */
static void test_snapshots_together_are_the_model(void)
{
    static const char *const sets[] = {"schedule={name: cosine_restarts, cycles: 5}",
                                       "train.snapshots=3", "train.keep=ensemble", NULL};
    char name[3][400], text[600], from[450];
    const char *const paths[] = {name[0], name[1], name[2]}, *const on[] = {from, NULL};
    slc_err err = {0};
    json_t *o;
    must((job){.name = "joint", .sets = sets});
    snprintf(from, sizeof(from), "model.from=%s/joint/model.safetensors", root);
    CHECK(child((job){.name = "joint-on", .sets = on}, text) == SLC_EINVAL &&
              strstr(text, "one of its snapshots"),
          "%s", text);
    CHECK(child((job){.name = "joint-killed", .sets = sets, .kill_at = 60}, text) == -1,
          "%s", text);
    must((job){.name = "joint-killed", .sets = sets, .resume = true});
    same_file("joint", "joint-killed", "model.safetensors");
    for (int i = 0; i < 3; i++)
        snprintf(name[i], sizeof(name[i]), "%s/joint/snapshot-%d.safetensors", root,
                 3 + i);
    CHECK(slc_ensemble_run(
              &(slc_ensemble_settings){.paths = paths, .count = 3, .threads = 2}, &o,
              &err) == SLC_OK,
          "%s", err.msg);
    CHECK(json_number_value(json_object_get(o, "top1")) ==
              summary_value("joint", "test", "top1"),
          "test top1 %g", summary_value("joint", "test", "top1"));
    const double loss = json_number_value(json_object_get(o, "loss")),
                 own = summary_value("joint", "test", "loss");
    CHECK(fabs(loss - own) <= 0.05 * own, "%g, not %g: bf16 is not so coarse", own, loss);
    json_decref(o);
}

static void tests(void)
{
    test_learns();
    test_repeats_itself();
    test_a_whitening_layer_whitens_and_stays();
    test_accumulation_is_a_bigger_batch();
    test_early_stopping();
    test_a_budget_ends_annealed();
    test_thaws_when_it_should();
    test_keeps_what_it_should();
    test_ends_at_its_target_or_when_it_diverges();
    test_averages_and_snapshots();
    test_swa_measures_norms();
    test_looks_inside();
    test_snapshots_together_are_the_model();
}

int main(void)
{
    return runs_main(tests);
}
