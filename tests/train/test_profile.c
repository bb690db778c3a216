/* The profile of a step: off it shows nothing, on its rows are the plan's, its products are
 * counted as by hand, and its times are inside the step's. */
#include "train/profile.h"

#include "base/arena.h"
#include "base/log.h"
#include "tests/check.h"

enum { N = 4 };

static slc_model *create(slc_arena *arena)
{
    static const char text[] =
        "layers:\n"
        "- conv2d: {name: a, out: 8, padding: 1}\n" /* first: no data gradient */
        "- batch_norm\n- relu\n"
        "- conv2d: {name: b, out: 16, padding: 1, stride: 2}\n"
        "- flatten\n- linear: {name: c, out: 10}\n";
    slc_node *spec;
    slc_err err = {0};
    slc_model *m;
    CHECK(slc_node_parse(&spec, arena, text, sizeof(text) - 1, "net", &err) == SLC_OK,
          "%s", err.msg);
    const slc_model_settings set = {.spec = spec,
                                    .channels = 3,
                                    .height = 8,
                                    .width = 8,
                                    .classes = 10,
                                    .batch = N,
                                    .threads = 1,
                                    .precision = SLC_PRECISION_F32};
    CHECK(slc_model_create(&m, &set, &err) == SLC_OK, "%s", err.msg);
    return m;
}

static double step(slc_model *m)
{
    static float pixels[N * 3 * 64], d[N * 10];
    const slc_view view = {pixels, SLC_F32, SLC_NCHW, N};
    const slc_pass pass = {.mode = SLC_MODE_TRAIN};
    const float *logits;
    slc_err err = {0};
    const uint64_t begin = slc_clock_ns();
    CHECK(slc_model_forward(m, &view, &pass, &logits, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_model_backward(m, d, &pass, &err) == SLC_OK, "%s", err.msg);
    return (double)(slc_clock_ns() - begin) / 1e6;
}

static void check_row(const slc_model *m, size_t i, const char *type, bool data,
                      double flop)
{
    const slc_profile_row r = slc_model_profile_row(m, i);
    CHECK(strcmp(r.type, type) == 0, "row %zu: %s, not %s", i, r.type, type);
    CHECK(r.ms[SLC_PART_FORWARD] > 0, "row %zu", i);
    CHECK((r.ms[SLC_PART_DATA] > 0) == data, "row %zu", i);
    CHECK((r.ms[SLC_PART_WEIGHTS] > 0) == (flop > 0), "row %zu", i);
    CHECK(r.relu == (i == 1) && !r.add, "row %zu", i);
    for (size_t k = 0; k < SLC_PARTS; k++) {
        const double want = k == SLC_PART_DATA && !data ? 0 : flop / 1e9;
        CHECK(fabs(r.gflop[k] - want) < 1e-12, "row %zu: %g, not %g", i, r.gflop[k],
              want);
    }
}

int main(void)
{
    slc_arena arena = {0};
    slc_err err = {0};
    slc_model *m = create(&arena);
    double sum = 0;
    step(m);
    CHECK(slc_model_profile_rows(m) == 0, "measured unasked");
    CHECK(slc_model_profile(m, true, &err) == SLC_OK, "%s", err.msg);
    step(m);
    const double wall = step(m); /* the last one counts alone */
    CHECK(slc_model_profile_rows(m) == 4, "%zu rows", slc_model_profile_rows(m));
    check_row(m, 0, "conv2d", false, 2.0 * N * 64 * 8 * 27);
    check_row(m, 1, "batch_norm", true, 0);
    check_row(m, 2, "conv2d", true, 2.0 * N * 16 * 16 * 72);
    check_row(m, 3, "linear", true, 2.0 * N * 10 * 256);
    for (size_t i = 0; i < slc_model_profile_rows(m); i++) {
        const slc_profile_row r = slc_model_profile_row(m, i);
        sum += r.ms[0] + r.ms[1] + r.ms[2];
    }
    CHECK(sum > 0 && sum <= wall, "rows %g ms, step %g ms", sum, wall);
    CHECK(slc_model_profile(m, false, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_model_profile_rows(m) == 0, "still measured");
    CHECK(slc_product_limit(1) > 0.1, "no limit");
    slc_model_destroy(&m);
    slc_arena_free(&arena);
    return 0;
}
