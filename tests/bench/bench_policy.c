/* Images per second of a list of ops on one thread. usage: bench_policy OPS W H [ISA [MS]]
 * A list that ends in normalize is timed with its write into a float32 NCHW tensor. */
#include "augment/bench.h"
#include "base/log.h"
#include "tests/augment/easy.h"

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    slc_arena arena = {0};
    slc_work work = {.isa = argc > 4 ? (slc_isa)atoi(argv[4]) : slc_isa_detect()};
    const double ns = 1e6 * (argc > 5 ? atof(argv[5]) : 300);
    const size_t w = (size_t)atol(argv[2]), h = (size_t)atol(argv[3]);
    slc_policy *policy = easy_policy(argv[1], &arena, 3);
    slc_image in, out;
    float *slot = malloc(w * h * 3 * sizeof(float));
    double best = 0;

    CHECK(!slc_bench_picture(&in, &arena, w, h, 3, NULL), "picture");
    for (int round = 0; round < 7; round++) {
        const uint64_t start = slc_clock_ns();
        uint64_t n = 0, now;
        do {
            const slc_key key = {.seed = 1, .index = n++};
            const slc_tail *tail = NULL;
            slc_err err = {0};
            slc_arena_reset(&work.arena);
            CHECK(
                !slc_policy_run(policy, &key, NULL, &in, &work, NULL, &out, &tail, &err),
                "%s", err.msg);
            if (slc_policy_is_normalized(policy))
                CHECK(
                    !slc_tail_write(tail, &out, SLC_F32, SLC_NCHW, work.isa, slot, &err),
                    "%s", err.msg);
            now = slc_clock_ns();
        } while ((double)(now - start) < ns / 7);
        const double rate = (double)n / (double)(now - start) * 1e9;
        if (rate > best) best = rate;
    }
    printf("%.0f\n", best);
    free(slot);
    slc_policy_destroy(&policy);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
    return 0;
}
