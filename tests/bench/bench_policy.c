/* Images per second of a list of ops on one thread. usage: bench_policy OPS W H [ISA [MS]]
 * A list that ends in normalize is timed with its write into a float32 NCHW tensor. Seconds are
 * the thread's own (user and system), so that other work on the machine hardly counts. ISA is 0 for
 * C, 1 for AVX2, 2 for AVX-512; what the machine cannot run prints 0. */
#include <time.h>

#include "augment/bench.h"
#include "tests/augment/easy.h"

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    if (argc > 4 && atoi(argv[4]) > (int)slc_isa_detect()) {
        printf("0\n");
        return 0;
    }
    slc_arena arena = {0};
    slc_work work = {.isa = argc > 4 ? (slc_isa)atoi(argv[4]) : slc_isa_detect()};
    const double most = 1e-3 * (argc > 5 ? atof(argv[5]) : 300);
    const size_t w = (size_t)atol(argv[2]), h = (size_t)atol(argv[3]);
    slc_policy *policy = easy_policy(argv[1], &arena, 3);
    slc_image in, out;
    float *slot = malloc(w * h * 3 * sizeof(float));
    double best = 0;

    CHECK(!slc_decoder_create(&work.decoder, NULL), "decoder");
    CHECK(!slc_bench_picture(&in, &arena, w, h, 3, NULL), "picture");
    for (int round = 0; round < 7; round++) {
        const double start = seconds();
        uint64_t n = 0;
        double now;
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
            now = seconds();
        } while (now - start < most / 7);
        const double rate = (double)n / (now - start);
        if (rate > best) best = rate;
    }
    printf("%.0f\n", best);
    free(slot);
    slc_policy_destroy(&policy);
    slc_decoder_destroy(&work.decoder);
    slc_arena_free(&work.arena);
    slc_arena_free(&arena);
    return 0;
}
