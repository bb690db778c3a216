/* The inside of a policy: a tree of steps, compiled once, and the runner that carries one
 * image through them. */
#ifndef AUGMENT_POLICY_STEPS_H
#define AUGMENT_POLICY_STEPS_H

#include "augment/kernel/pack.h"
#include "augment/op.h"

enum {
    SLC_MAX_DEPTH = 8, /* combinators inside combinators */
    SLC_MAX_SLOTS =
        0x1000, /* steps of one policy; the 16th repeat of one is slot 0xffff */
    SLC_MAX_REPEATS = 15,
};

typedef struct slc_step {
    const slc_op *op;
    void *settings;
    slc_draw_mode mode;
    uint32_t slot;
    struct slc_step *children;
    size_t child_count;
    bool after_normalize; /* runs as tail */
} slc_step;

struct slc_policy {
    slc_arena arena;
    slc_step *steps;
    size_t count;
    uint32_t slots; /* given out so far */
    uint32_t views;
    bool random, normalized;
    slc_norm plain; /* px / 255 */
};

/* One image on its way. */
typedef struct slc_runner {
    const slc_policy *policy;
    slc_key key;
    slc_work *work;
    const slc_trace *trace;
    slc_err *err;
    const char *prefix; /* combinator's name in traces, or NULL */

    slc_image now;
    bool own; /* the pixels of now are ours to change */
    bool pending;
    uint8_t table[3][256]; /* composed of the neighbours met so far, while pending */
    slc_tail *tail;

    /* Until the first crop of a planned image: now shows window of an image of full_w x full_h
     * px, perhaps smaller. */
    bool planned;
    slc_rect window;
    size_t full_w, full_h;
    uint8_t *repeats; /* of each slot in this run, or NULL */
} slc_runner;

slc_status slc_step_run(slc_runner *runner, const slc_step *step, const slc_draw *given,
                        uint32_t repeat);
slc_status slc_runner_flush(slc_runner *runner); /* applies the pending table */

/* Shapes, each turning runner->now into the next image. */
slc_status slc_apply_region(slc_runner *runner, const slc_region *region);
slc_status slc_apply_resample(slc_runner *runner, const slc_resample *resample);
slc_status slc_apply_symmetry(slc_runner *runner, slc_symmetry symmetry);
slc_status slc_apply_warp(slc_runner *runner, const slc_warp *warp);
slc_status slc_apply_colour(slc_runner *runner, const slc_colour *colour);
slc_status slc_apply_table(slc_runner *runner, const uint8_t table[3][256]);

/* Tail values of a step after normalize. */
slc_status slc_tail_step(slc_runner *runner, const slc_step *step, const slc_draw *draw);

/* "name=1.5 other=2" into text. */
void slc_draw_text(const slc_op *op, const slc_draw *draw, char *text, size_t size);

#endif
