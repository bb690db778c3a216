/* Policies: a recipe's list of ops, compiled once, run on every sample.
 *
 * A policy is immutable after creation: any number of threads may use one const policy, each
 * with its own slc_work. Every random decision is a pure function of (key, the op's slot), so
 * a run can be repeated, explained, and split in any way. */
#ifndef AUGMENT_POLICY_H
#define AUGMENT_POLICY_H

#include "augment/codec.h"
#include "augment/image.h"
#include "base/dtype.h"
#include "base/node.h"

typedef struct slc_policy slc_policy;

/* Which sample, and which look at it. */
typedef struct slc_key {
    uint64_t seed, epoch, index;
    uint32_t view; /* 0; five_crop and ten_crop have more */
} slc_key;

/* What all images have in common before one is read: size in pixels, channels (1 or 3); what is
 * 0 is not known, and nothing is refused for it. */
typedef struct slc_images {
    size_t w, h, channels;
} slc_images;

/* Compiles a list of ops ("- resize: {size: 256}", "- hflip"); an empty or NULL list is the
 * identity. what names the list in messages ("augment", "eval", "--ops"); images: what it will
 * be run on. Errors: SLC_EINVAL with line: unknown op or key, value out of range, impossible
 * order, an op that these images do not suit. */
SLC_API SLC_CHECKED slc_status slc_policy_create(slc_policy **out, const slc_node *list,
                                                 const char *what, slc_images images,
                                                 slc_err *err);
SLC_API void slc_policy_destroy(slc_policy **policy);

SLC_API bool slc_policy_is_random(const slc_policy *policy); /* draws anything at all */
SLC_API bool slc_policy_is_normalized(
    const slc_policy *policy); /* ends in normalize or whitening: float output */
SLC_API uint32_t slc_policy_views(const slc_policy *policy); /* 1, or 5, 10 */

/* The size every output has whatever the input's, or false if the policy does not fix it.
 * in_w, in_h: the input size if all inputs share one, else 0. */
SLC_API bool slc_policy_output_size(const slc_policy *policy, size_t in_w, size_t in_h,
                                    size_t *w, size_t *h);
SLC_API size_t slc_policy_output_channels(const slc_policy *policy, size_t in_channels);

/* The policy as a list node with every parameter (what a checkpoint records). */
SLC_API slc_node *slc_policy_dump(const slc_policy *policy, slc_arena *arena);

/* What the policy needs of an image of w x h px: the region its first crop will take, so that
 * only that is decoded, and the least size it may come in if scaling is allowed (fast: at
 * least twice the target of the final filter). Whole image: region.w = w, region.h = h. */
typedef struct slc_plan {
    slc_rect region;
    size_t least_w, least_h; /* 0 = do not scale */
    size_t full_w, full_h;   /* the image's own size, which draws are made for */
} slc_plan;
SLC_API slc_plan slc_policy_plan(const slc_policy *policy, const slc_key *key, size_t w,
                                 size_t h);

/* What is left to do when pixels go into a batch: normalise, erase in normalised values,
 * whiten. A value; its pointers live as long as the policy and the work arena. */
typedef struct slc_tail slc_tail;

/* Called after every step when tracing: the op's name (those of a combinator behind its own and
 * a slash), what was drawn as text ("angle_deg=12.5 flip=1"), and the picture so far; NULL for
 * steps that are done on the way into the batch and leave the picture as it is. */
typedef struct slc_trace {
    void (*step)(void *user, const char *op, const char *drawn, const slc_image *image);
    void *user;
} slc_trace;

/* Runs the policy on one image: in is the whole image (plan NULL) or what was decoded for the
 * plan. *out and *tail live in work->arena; out may be in itself. Nothing is allocated
 * beyond the arena. Errors: what depends on the image ("crop: 224 x 224 px does not fit into
 * 180 x 200 px"). */
SLC_API SLC_CHECKED slc_status slc_policy_run(const slc_policy *policy,
                                              const slc_key *key, const slc_plan *plan,
                                              const slc_image *in, slc_work *work,
                                              const slc_trace *trace, slc_image *out,
                                              const slc_tail **tail, slc_err *err);

/* Writes an image into its place in a batch, in one pass: type conversion, normalisation,
 * layout. slot holds h * w * channels elements, dense. U8 with a tail that normalises is an
 * SLC_EINVAL. Without normalisation floats are px / 255. */
SLC_API SLC_CHECKED slc_status slc_tail_write(const slc_tail *tail,
                                              const slc_image *image, slc_dtype type,
                                              slc_layout layout, slc_isa isa, void *slot,
                                              slc_err *err);

#endif
