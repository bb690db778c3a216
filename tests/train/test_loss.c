#include "base/attr.h"
#include "tests/check.h"
#include "train/loss.h"

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

/* Central differences: steps of 2^-6 are exact in float, the error is of order h^2. */
static void check_gradient(const slc_loss *l, const char *yaml, const slc_targets *t,
                           const float *w)
{
    slc_arena arena = {0};
    const void *settings = read(l, yaml, &arena);
    float z[N * C], dz[N * C], each[N];
    double value, up, down;
    fill(z);
    l->run(settings, z, t, N, C, w, &value, dz, each);
    CHECK(isfinite(value), "%s %s: %g", l->entry.name, yaml, value);
    for (int i = 0; i < N * C; i++) {
        const float h = 0x1p-6f, keep = z[i];
        z[i] = keep + h;
        l->run(settings, z, t, N, C, w, &up, NULL, NULL);
        z[i] = keep - h;
        l->run(settings, z, t, N, C, w, &down, NULL, NULL);
        z[i] = keep;
        const double want = (up - down) / (2 * (double)h);
        CHECK(fabs(want - (double)dz[i]) <= 2e-4 * fmax(1, fabs(want)),
              "%s %s logit %d: %g, differences say %g", l->entry.name, yaml, i,
              (double)dz[i], want);
    }
    slc_arena_free(&arena);
}

static void test_gradients_belong_to_values(void)
{
    static const slc_targets hard = {label_a, NULL, NULL},
                             soft = {label_a, label_b, lambda};
    for (size_t k = 0; slc_losses[k]; k++) {
        const bool focal = strcmp(slc_losses[k]->entry.name, "focal") == 0;
        check_gradient(slc_losses[k], "{}", &hard, NULL);
        check_gradient(slc_losses[k], "{smoothing: 0.1}", &soft, NULL);
        check_gradient(slc_losses[k], "{smoothing: 0.1}", &soft, weight);
        if (focal) check_gradient(slc_losses[k], "{gamma: 0.5}", &soft, weight);
    }
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
