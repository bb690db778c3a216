/* Promises every op makes. A new op is tested as soon as it is listed. */
#include "tests/augment/easy.h"

static void list_text(char *out, size_t size, const slc_op *op, const char *settings)
{
    snprintf(out, size, "[{%s: %s}]", op->entry.name, settings ? settings : "{}");
}

static unsigned shapes(const slc_op *op)
{
    return !!op->lut + !!op->tone + !!op->colour + !!op->warp + !!op->region +
           !!op->symmetry + !!op->resample + !!op->area + !!op->tail + !!op->expand;
}

static void test_descriptor(const slc_op *op, const slc_op *next)
{
    const slc_entry *e = &op->entry;
    CHECK(!next || strcmp(e->name, next->entry.name) < 0, "%s is out of order", e->name);
    CHECK(slc_op_find(e->name) == op, "%s: another has its name", e->name);
    CHECK(e->summary && e->source && op->exactness, "%s: undocumented", e->name);
    CHECK(shapes(op) == 1 || (shapes(op) == 2 && op->area && op->tail),
          "%s: exactly one shape", e->name);
    CHECK(!(op->region || op->resample) || op->size, "%s: size is missing", e->name);
    for (const slc_param *p = e->params; p && p->name; p++) {
        CHECK(p->help, "%s %s: no help", e->name, p->name);
        CHECK(p->initial || op->example || strcmp(p->name, "file") == 0,
              "%s %s: needs an example", e->name, p->name);
    }
}

typedef struct size {
    size_t w, h;
} size;

/* Runs ops on one image; *ok tells whether the image suited it. */
static slc_image run(const slc_policy *policy, slc_work *work, const slc_image *in,
                     uint64_t index, bool *ok)
{
    slc_image out = {0};
    const slc_tail *tail = NULL;
    slc_err err = {0};
    const slc_key key = {.seed = 3, .epoch = 1, .index = index};
    const slc_status status =
        slc_policy_run(policy, &key, NULL, in, work, NULL, &out, &tail, &err);
    CHECK(status == err.code && (!status || err.msg[0]), "error without a message");
    *ok = !status;
    if (!status) CHECK(out.w && out.h && out.px && tail, "empty result");
    return out;
}

/* Settings that change nothing, on colour, grey, thin and tiny images. */
static void test_neutral(const slc_op *op)
{
    static const size all[] = {{1, 1}, {1, 9}, {9, 1}, {2, 2}, {31, 17}, {64, 64}};
    char text[512];
    slc_arena arena = {0};
    slc_work work = {.isa = slc_isa_detect()};
    bool ok;

    if (!op->neutral) return;
    list_text(text, sizeof(text), op, op->neutral);
    slc_policy *policy = easy_policy(text, &arena, 0);
    for (size_t i = 0; i < SLC_COUNT(all); i++)
        for (size_t channels = op->min_channels == 3 ? 3 : 1; channels <= 3;
             channels += 2) {
            const slc_image in = easy_noise(&work.arena, all[i].w, all[i].h, channels, i);
            for (uint64_t index = 0; index < 5; index++) {
                const slc_image out = run(policy, &work, &in, index, &ok);
                CHECK(ok && easy_same(&in, &out), "%s is not neutral on %zu x %zu x %zu",
                      text, all[i].w, all[i].h, channels);
            }
            slc_arena_reset(&work.arena);
        }
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
}

static bool in_small(size s)
{
    return s.w * s.h < 10000;
}

/* Every size either works or is refused with a sentence; twice gives the same; the input
 * stays as it was; all instruction sets agree; what is promised about the size holds. */
static void test_sizes(const slc_op *op)
{
    static const size all[] = {{1, 1},   {1, 40},    {40, 1},    {2, 3},
                               {33, 47}, {65500, 2}, {3, 65500}, {224, 224}};
    char text[512];
    slc_arena arena = {0};
    slc_work one = {.isa = SLC_ISA_C}, two = {.isa = slc_isa_detect()};
    bool ok1, ok2;

    list_text(text, sizeof(text), op, op->example);
    slc_policy *policy = easy_policy(text, &arena, 0);
    for (size_t i = 0; i < SLC_COUNT(all); i++)
        for (size_t channels = op->min_channels == 3 ? 3 : 1; channels <= 3;
             channels += 2)
            for (uint64_t index = 0; index < (in_small(all[i]) ? 4 : 1); index++) {
                const slc_image in =
                    easy_noise(&two.arena, all[i].w, all[i].h, channels, index);
                const slc_image a = run(policy, &one, &in, index, &ok1);
                const slc_image b = run(policy, &two, &in, index, &ok2);
                const slc_image again =
                    easy_noise(&one.arena, all[i].w, all[i].h, channels, index);
                CHECK(easy_same(&in, &again), "%s: changed its input", text);
                CHECK(ok1 == ok2 && (!ok1 || easy_same(&a, &b)),
                      "%s: not the same twice on %zu x %zu x %zu", text, all[i].w,
                      all[i].h, channels);
                size_t w, h;
                if (ok1 && slc_policy_output_size(policy, all[i].w, all[i].h, &w, &h))
                    CHECK(a.w == w && a.h == h, "%s: %zu x %zu, promised %zu x %zu", text,
                          a.w, a.h, w, h);
                if (ok1)
                    CHECK(a.channels == slc_policy_output_channels(policy, channels),
                          "%s: channels", text);
                slc_arena_reset(&one.arena);
                slc_arena_reset(&two.arena);
            }
    slc_policy_destroy(&policy);
    slc_arena_free(&one.arena);
    slc_arena_free(&two.arena);
    slc_arena_free(&arena);
}

/* What a checkpoint records reads back as the same policy. */
static void test_round_trip(const slc_op *op)
{
    char text[512];
    slc_arena arena = {0};
    slc_err err = {0};
    slc_policy *again = NULL;

    list_text(text, sizeof(text), op, op->example);
    slc_policy *policy = easy_policy(text, &arena, 0);
    slc_node *dump = slc_policy_dump(policy, &arena);
    CHECK(dump, "%s: dump", text);
    CHECK(!slc_policy_create(&again, dump, "dump", (slc_images){0}, &err), "%s: %s", text,
          err.msg);
    const char *path =
        slc_node_diff(dump, slc_policy_dump(again, &arena), &arena, NULL, NULL);
    CHECK(!path, "%s: differs at %s", text, path);
    slc_policy_destroy(&policy);
    slc_policy_destroy(&again);
    slc_arena_free(&arena);
}

/* whiten: tested where its file is made. */
static bool needs_file(const slc_op *op)
{
    for (const slc_param *p = op->entry.params; p && p->name; p++)
        if (!p->initial && strcmp(p->name, "file") == 0) return true;
    return false;
}

int main(void)
{
    for (const slc_op *const *op = slc_ops; *op; op++) {
        test_descriptor(op[0], op[1]);
        test_neutral(op[0]);
        if (needs_file(op[0])) continue;
        test_sizes(op[0]);
        test_round_trip(op[0]);
    }
    return 0;
}
