#include "base/attr.h"
#include "tests/check.h"
#include "train/net.h"
#include "train/recipe.h"

static slc_status read(slc_recipe *r, const char *yaml, slc_err *err)
{
    slc_arena arena = {0};
    slc_node *root;
    CHECK(slc_node_parse(&root, &arena, yaml, strlen(yaml), "recipe.yaml", err) == SLC_OK,
          "%s", err->msg);
    const slc_status st = slc_recipe_read(r, root, err);
    slc_arena_free(&arena); /* nothing may be borrowed from it */
    return st;
}

static void refused(const char *yaml, const char *says)
{
    slc_recipe r;
    slc_err err = {0};
    const slc_status st = read(&r, yaml, &err);
    CHECK(st == SLC_EINVAL && strstr(err.msg, says), "%s\n%d \"%s\"", yaml, st, err.msg);
}

/* "optim: adam", then one of its keys. */
static void test_sets_keys_of_a_short_section(void)
{
    slc_arena arena = {0};
    slc_recipe r;
    slc_err err = {0};
    slc_node *root;
    CHECK(slc_node_parse(&root, &arena, "optim: adam\ntrain: {epochs: 2}\n",
                         strlen("optim: adam\ntrain: {epochs: 2}\n"), "recipe.yaml",
                         &err) == SLC_OK,
          "%s", err.msg);
    CHECK(slc_recipe_set(root, &arena, "optim.lr=0.25", &err) == SLC_OK &&
              slc_recipe_set(root, &arena, "schedule=step", &err) == SLC_OK &&
              slc_recipe_set(root, &arena, "schedule.size=3", &err) == SLC_OK,
          "%s", err.msg);
    CHECK(slc_recipe_read(&r, root, &err) == SLC_OK, "%s", err.msg);
    CHECK(strcmp(r.optim->entry.name, "adam") == 0 &&
              ((const slc_optim_common *)r.optim_settings)->lr == 0.25 &&
              strcmp(r.schedule->entry.name, "step") == 0,
          "%s, %s", r.optim->entry.name, r.schedule->entry.name);
    slc_recipe_free(&r);
    slc_arena_free(&arena);
}

static void test_refuses_with_line_and_hint(void)
{
    refused("seed: 1\noptm: {}\n", "recipe.yaml:2: recipe: unknown key \"optm\"; did you "
                                   "mean \"optim\"?");
    refused("optim: {name: agd}\n", "did you mean \"sgd\"?");
    refused("optim: {name: sgd,\n  momentun: 0.9}\n", "recipe.yaml:2");
    refused("optim: {name: sgd, lookahed: 5}\n", "did you mean \"lookahead\"?");
    refused("schedule: {name: cosine, warmup_epoch: 1}\n",
            "did you mean \"warmup_epochs\"?");
    refused("train: {epochs: 2.5}\n", "whole number");
    refused("train: {batch: 0}\n", "not within");
    refused("train: {epochs: 0}\n", "0 epochs");
    refused("data: {val_fraction: 2}\n", "not within");
    refused("loss: {name: cross_entropy, class_weights: [1, -1]}\n", "class weight 1");
}

static void test_refuses_contradictions(void)
{
    refused("data: {train: a}\ntrain: {early_stop: {patience: 3}}\n", "validation set");
    refused("data: {train: a}\nschedule: plateau\n", "validation set");
    refused("data: {train: a, val: b, val_fraction: 0.1}\n", "one of val");
    refused("data: {path: a, train: b}\n", "not both");
    refused("data: {train: a, test: b, test_fraction: 0.1}\n", "one of test");
    refused("data: {train: a, val_fraction: 0.5, test_fraction: 0.5}\n", "leave nothing");
    refused("data: {train: a, folds: 5, fold: 5}\n", "fold 5 of 5");
    refused("train: {clip_norm: 1, clip_adaptive: 0.01}\n", "not both");
    refused("train: {ema: {}, swa: {}}\n", "not both");
    refused("train: {ema: {decay: 1, warmup: false}}\n", "first weights");
    refused("optim: {name: adam, lookahead: 5, lookahead_alpha: 0}\n", "first weights");
    refused("data: {train: a, val: b}\ntrain: {swa: {}, keep: best}\n",
            "swa keeps its average");
    refused("model: {name: mlp, head: 'fc.*'}\n", "head without from");
    refused("train: {keep: ensemble}\n", "needs snapshots");
    refused("schedule: {name: cosine_restarts, cycles: 2}\n"
            "train: {keep: ensemble, snapshots: 2, budget: 1h}\n",
            "no sure ends");
    refused("train: {snapshots: 3}\n", "cosine_restarts");
    refused("schedule: {name: cosine_restarts, cycles: 2}\ntrain: {snapshots: 3}\n",
            "3 snapshots of a schedule of 2 cycles");
    refused("schedule: {name: cosine_restarts, cycles: 5}\n"
            "train: {snapshots: 3, swa: {}}\n",
            "snapshots or swa");
    refused("train: {unfreeze_at: 3}\n", "without freeze");
    refused("train: {budget: soon}\n", "30m");
    refused("data: {train: a, val: b}\ntrain: {early_stop: {rule: gl}}\n",
            "metric: loss");
}

static const char *const full =
    "seed: 7\n"
    "data: {train: 'idx:/data', val_fraction: 0.1}\n"
    "augment: [{normalize: {mean: 0.5, std: 0.5}}]\n"
    "model: {name: cnn28, from: base.safetensors}\n"
    "loss: {name: cross_entropy, smoothing: 0.1, class_weights: [1, 2]}\n"
    "optim: {name: adamw, lr: 0.002, groups: [{match: 'fc.*', lr: 10}], lookahead: 5}\n"
    "schedule: {name: cosine, warmup_epochs: 1}\n"
    "train: {epochs: 3, batch: 64, early_stop: {patience: 5}, ema: true}\n";

static void test_reads_everything(void)
{
    slc_recipe r;
    slc_err err = {0};
    CHECK(read(&r, full, &err) == SLC_OK, "%s", err.msg);
    const slc_optim_common *common = r.optim_settings;
    CHECK(r.seed == 7 && common->lr == 0.002 && common->weight_decay == 0.01, "optim");
    CHECK(r.optim_more.lookahead == 5 && r.warmup.epochs == 1, "section keys");
    CHECK(r.class_weight_count == 2 && r.class_weights[1] == 2, "weights");
    CHECK(r.train.early_stop.on && r.train.early_stop.patience == 5 && r.train.ema.on &&
              !r.train.swa.on && r.train.ema.decay == 0.999,
          "switches");
    CHECK(strcmp(r.model_from, "base.safetensors") == 0 && !slc_node_get(r.model, "from"),
          "from is not the net's");
    slc_recipe_free(&r);
}

/* What really ran, written down, reads back as the same thing. */
static void test_dump_is_a_fixed_point(void)
{
    slc_recipe a, b;
    slc_err err = {0};
    slc_arena arena = {0};
    slc_str first = {0}, second = {0};
    CHECK(read(&a, full, &err) == SLC_OK, "%s", err.msg);
    slc_node_write(slc_recipe_dump(&a, &arena), &first);
    CHECK(read(&b, first.text, &err) == SLC_OK, "%s\n%s", err.msg, first.text);
    slc_node_write(slc_recipe_dump(&b, &arena), &second);
    CHECK(strcmp(first.text, second.text) == 0, "%s\n---\n%s", first.text, second.text);
    CHECK(strstr(first.text, "beta2: 0.999"), "defaults are filled in:\n%s", first.text);
    slc_str_free(&first);
    slc_str_free(&second);
    slc_recipe_free(&a);
    slc_recipe_free(&b);
    slc_arena_free(&arena);
}

static void test_defaults_stand_alone(void)
{
    slc_recipe r;
    slc_err err = {0};
    CHECK(read(&r, "model: cnn28\noptim: adam\n", &err) == SLC_OK, "%s", err.msg);
    CHECK(strcmp(r.optim->entry.name, "adam") == 0, "a bare name will do");
    CHECK(strcmp(r.schedule->entry.name, "cosine") == 0 && r.train.batch == 128 &&
              r.seed == 1,
          "defaults");
    slc_recipe_free(&r);
}

/* "from" and "head" are the recipe's own keys below model: no net may have a parameter that is
 * called so, for it could not be set. */
static void test_no_net_has_the_recipes_keys(void)
{
    for (size_t i = 0; slc_archs[i]; i++)
        for (const slc_param *p = slc_archs[i]->entry.params; p && p->name; p++)
            CHECK(strcmp(p->name, "from") != 0 && strcmp(p->name, "head") != 0 &&
                      strcmp(p->name, "layers") != 0 && strcmp(p->name, "name") != 0,
                  "%s has a parameter \"%s\"", slc_archs[i]->entry.name, p->name);
}

int main(void)
{
    test_no_net_has_the_recipes_keys();
    test_sets_keys_of_a_short_section();
    test_refuses_with_line_and_hint();
    test_refuses_contradictions();
    test_reads_everything();
    test_dump_is_a_fixed_point();
    test_defaults_stand_alone();
    return 0;
}
