#include "base/attr.h"
#include "tests/check.h"
#include "tests/train/golden_optim.h"
#include "train/optim.h"

static const slc_optim *find(const char *name)
{
    slc_err err = {0};
    const slc_optim *o =
        slc_entry_find((const void *const *)slc_optims, "optimizer", name, NULL, &err);
    CHECK(o, "%s", err.msg);
    return o;
}

static void *read(const slc_optim *o, const char *yaml, slc_arena *arena)
{
    slc_err err = {0};
    slc_node *node;
    void *settings = slc_arena_zero(arena, 1, o->entry.settings_size);
    CHECK(slc_node_parse(&node, arena, yaml, strlen(yaml), "test", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_params_bind(o->entry.params, settings, node, true, o->entry.name, arena,
                          &err) == SLC_OK,
          "%s", err.msg);
    return settings;
}

/* As in tests/golden/optim.py. */
static float grad(int t, int i)
{
    return (float)((t * 37 + i * 101 + t * i * 3) % 257 - 120) / 128.0f;
}

static float start(int i)
{
    return ((float)(i * 5 % 13) - 5.5f) / 4.0f;
}

static void test_agrees_with_pytorch(void)
{
    double worst = 0;
    for (size_t k = 0; k < SLC_COUNT(golden); k++) {
        slc_arena arena = {0};
        const slc_optim *o = find(golden[k].name);
        const void *settings = read(o, golden[k].settings, &arena);
        const slc_optim_common *common = settings;
        float w[N], g[N], slots[SLC_MAX_SLOTS][N] = {{0}}, scratch[64];
        float *const slot[SLC_MAX_SLOTS] = {slots[0], slots[1], slots[2], slots[3]};
        for (int i = 0; i < N; i++)
            w[i] = start(i);
        CHECK(!golden[k].rows || o->scratch(golden[k].rows, N) <= SLC_COUNT(scratch),
              "%s", golden[k].name);
        int mark = 0;
        for (int t = 1; t <= STEPS; t++) {
            const slc_step at = {.step = (uint64_t)t,
                                 .lr = common->lr,
                                 .decay = common->weight_decay,
                                 .momentum = -1,
                                 .rows = golden[k].rows,
                                 .scratch = scratch};
            for (int i = 0; i < N; i++)
                g[i] = grad(t, i);
            o->run(settings, &at, N, w, g, slot);
            if (t != golden_at[mark]) continue;
            double off = 0, size = 0;
            for (int i = 0; i < N; i++) {
                off += pow((double)w[i] - golden[k].w[mark][i], 2);
                size += pow(golden[k].w[mark][i], 2);
            }
            worst = fmax(worst, sqrt(off / size));
            /* Muon's iteration multiplies what is rounded by 3.4 a time. */
            CHECK(sqrt(off / size) <= (golden[k].rows ? 2e-5 : 1e-6),
                  "%s %s after %d steps: %g relative", golden[k].name, golden[k].settings,
                  t, sqrt(off / size));
            mark++;
        }
        slc_arena_free(&arena);
    }
    printf("largest relative difference after 200 steps: %.2g\n", worst);
}

/* A matrix of rank 1 stays one, of length near 1, however often what rounding leaves of the
 * other directions grows. */
static void test_muon_bears_missing_directions(void)
{
    enum { ROWS = 10, COLUMNS = 64 };
    slc_arena arena = {0};
    const slc_optim *o = find("muon");
    const void *settings =
        read(o, "{lr: 1, momentum: 0, steps: 6, adjust: none}", &arena);
    const size_t count = o->scratch(ROWS, ROWS * COLUMNS);
    float w[ROWS * COLUMNS] = {0}, g[ROWS * COLUMNS], b[ROWS * COLUMNS] = {0};
    float *const slot[SLC_MAX_SLOTS] = {b};
    const slc_step at = {.step = 1,
                         .lr = 1,
                         .momentum = -1,
                         .rows = ROWS,
                         .scratch = slc_arena_zero(&arena, count, sizeof(float))};
    double length = 0, along = 0, size = 0;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        g[i] = sinf((float)(i / COLUMNS)) * cosf((float)(i % COLUMNS));
    o->run(settings, &at, ROWS * COLUMNS, w, g, slot);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        length += pow((double)w[i], 2);
        size += pow((double)g[i], 2);
        along -= (double)(w[i] * g[i]);
    }
    length = sqrt(length), along /= sqrt(size);
    CHECK(along > 0.6 && along < 1.3 && length < 1.001 * along, "%g of %g", along,
          length);
    slc_arena_free(&arena);
}

/* Threads may cut the arrays where they like: vector body or scalar tail, same bits. */
static void test_ranges_are_independent(void)
{
    enum { M = 61, CUT = 7 };
    for (size_t k = 0; slc_optims[k]; k++) {
        const slc_optim *o = slc_optims[k];
        slc_arena arena = {0};
        if (o->by_tensor) continue;
        const void *settings = read(o, "{}", &arena);
        float g[M], w1[M], w2[M], s1[SLC_MAX_SLOTS][M] = {{0}},
                                  s2[SLC_MAX_SLOTS][M] = {{0}};
        float *a[SLC_MAX_SLOTS], *b[SLC_MAX_SLOTS], *c[SLC_MAX_SLOTS];
        for (int i = 0; i < M; i++) {
            g[i] = sinf((float)i);
            w1[i] = w2[i] = cosf((float)i);
        }
        for (int i = 0; i < SLC_MAX_SLOTS; i++) {
            a[i] = s1[i];
            b[i] = s2[i];
            c[i] = s2[i] + CUT;
        }
        for (uint64_t t = 1; t <= 3; t++) {
            const slc_step at = {.step = t, .lr = 0.1, .decay = 0.01, .momentum = -1};
            o->run(settings, &at, M, w1, g, a);
            o->run(settings, &at, CUT, w2, g, b);
            o->run(settings, &at, M - CUT, w2 + CUT, g + CUT, c);
        }
        CHECK(memcmp(w1, w2, sizeof(w1)) == 0, "%s: the cut shows", o->entry.name);
        slc_arena_free(&arena);
    }
}

static void test_list_is_sorted_and_complete(void)
{
    for (size_t k = 0; slc_optims[k]; k++) {
        const slc_entry *e = &slc_optims[k]->entry;
        CHECK(k == 0 || strcmp(slc_optims[k - 1]->entry.name, e->name) < 0, "%s",
              e->name);
        CHECK(e->summary && e->source && e->params, "%s", e->name);
        CHECK(strcmp(e->params[0].name, "lr") == 0 &&
                  strcmp(e->params[1].name, "weight_decay") == 0,
              "%s: lr and weight_decay come first", e->name);
        CHECK(slc_optims[k]->slots <= SLC_MAX_SLOTS, "%s", e->name);
    }
}

int main(void)
{
    test_agrees_with_pytorch();
    test_muon_bears_missing_directions();
    test_ranges_are_independent();
    test_list_is_sorted_and_complete();
    return 0;
}
