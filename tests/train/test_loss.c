#include "base/attr.h"
#include "tests/check.h"
#include "train/gradcheck.h"

enum { N = 6, C = 5 };

static const slc_loss *find(const char *name)
{
    slc_err err = {0};
    const slc_loss *l =
        slc_entry_find((const void *const *)slc_losses, "loss", name, NULL, &err);
    CHECK(l, "%s", err.msg);
    return l;
}

static void *read(const slc_loss *l, const char *yaml, slc_arena *arena)
{
    slc_err err = {0};
    slc_node *node;
    void *settings = slc_arena_zero(arena, 1, l->entry.settings_size + 1);
    CHECK(slc_node_parse(&node, arena, yaml, strlen(yaml), "test", &err) == SLC_OK &&
              slc_params_bind(l->entry.params, settings, node, true, l->entry.name, arena,
                              &err) == SLC_OK,
          "%s", err.msg);
    return settings;
}

static const int32_t label_a[N] = {0, 3, 4, 1, 2, 2}, label_b[N] = {1, 3, 0, 2, 2, 0};
static const float lambda[N] = {0.7f, 1, 0.25f, 0.5f, 0.9f, 1},
                   weight[C] = {1, 0.5f, 2, 1.5f, 3};

static void fill(float *z)
{
    for (int i = 0; i < N * C; i++)
        z[i] = (float)((i * 37 + 11) % 23 - 11) / 6.0f;
}

static void test_gradients_belong_to_values(void)
{
    slc_err err = {0};
    double error;
    for (const slc_gradcheck_loss_case *c = slc_gradcheck_loss_cases; c->loss; c++)
        CHECK(slc_gradcheck_loss(&error, c, &err) == SLC_OK && error < 1e-6,
              "%s %s: %g %s", c->loss, c->settings, error, err.msg);
}

static double value_of(const char *name, const char *yaml, const slc_targets *t,
                       const float *w)
{
    slc_arena arena = {0};
    const slc_loss *l = find(name);
    const void *settings = read(l, yaml, &arena);
    float z[N * C];
    double value;
    fill(z);
    l->run(settings, z, t, N, C, w, &value, NULL, NULL);
    slc_arena_free(&arena);
    return value;
}

/* tests/golden/loss.py, torch 1.13 in float64 on the same logits. */
static void test_agrees_with_pytorch(void)
{
    static const slc_targets hard = {label_a, NULL, NULL},
                             soft = {label_a, label_b, lambda};
    const struct {
        const char *name, *yaml;
        const slc_targets *t;
        const float *w;
        double want;
    } cases[] = {
#include "tests/train/golden_loss.h"
    };
    for (size_t i = 0; i < SLC_COUNT(cases); i++) {
        const double v = value_of(cases[i].name, cases[i].yaml, cases[i].t, cases[i].w);
        CHECK(fabs(v - cases[i].want) <= 1e-7 * fabs(cases[i].want),
              "%s %s case %d: %.10g, not %.10g", cases[i].name, cases[i].yaml, (int)i, v,
              cases[i].want);
    }
}

static void test_images_without_label_do_not_count(void)
{
    static const int32_t some[N] = {0, 3, -1, 1, -1, 2}, all[4] = {0, 3, 1, 2};
    const slc_loss *l = find("cross_entropy");
    slc_arena arena = {0};
    const void *settings = read(l, "{}", &arena);
    float z[N * C], dz[N * C], each[N], packed[4 * C];
    double with, without;
    fill(z);
    for (int i = 0, k = 0; i < N; i++)
        if (some[i] >= 0) memcpy(packed + C * k++, z + C * i, C * sizeof(float));
    l->run(settings, z, &(slc_targets){some, NULL, NULL}, N, C, NULL, &with, dz, each);
    l->run(settings, packed, &(slc_targets){all, NULL, NULL}, 4, C, NULL, &without, NULL,
           NULL);
    CHECK(with == without, "%g, not %g", with, without);
    for (int c = 0; c < C; c++)
        CHECK(dz[2 * C + c] == 0, "gradient %g", (double)dz[2 * C + c]);
    slc_arena_free(&arena);
}

/* Loss of a net that knows nothing is ln C, and huge logits stay finite. */
static void test_extremes(void)
{
    const slc_loss *l = find("cross_entropy");
    slc_arena arena = {0};
    const void *settings = read(l, "{}", &arena);
    const int32_t label[2] = {1, 2};
    float z[2 * C] = {0}, dz[2 * C];
    double value;
    l->run(settings, z, &(slc_targets){label, NULL, NULL}, 2, C, NULL, &value, dz, NULL);
    CHECK(fabs(value - log(C)) < 1e-12, "%g", value);
    for (int i = 0; i < 2 * C; i++)
        z[i] = i % 2 ? 3e38f : -3e38f;
    l->run(settings, z, &(slc_targets){label, NULL, NULL}, 2, C, NULL, &value, dz, NULL);
    CHECK(isfinite(value), "%g", value);
    slc_arena_free(&arena);
}

int main(void)
{
    test_gradients_belong_to_values();
    test_agrees_with_pytorch();
    test_images_without_label_do_not_count();
    test_extremes();
    return 0;
}
