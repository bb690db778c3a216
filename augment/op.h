/* Ops: what can be done to one image.
 *
 * Every op works in two steps. draw() turns its settings and a random stream into a few
 * plain numbers; what then happens to the pixels is a pure function of those numbers. The op
 * says WHAT it is, as exactly one shape of computation; the policy engine decides HOW to run
 * it: neighbouring tables become one table, a first crop is handed to the decoder, flips and
 * normalisation happen on the way into the batch.
 *
 * To add an op: write augment/op/NAME.c with a `const slc_op slc_op_NAME`, and add its line
 * to op/op_list.h (sorted) and to augment/meson.build. Recipes, `sluice ops`, the reference,
 * the registry tests and the benchmark follow the list.
 *
 * Conventions of settings (issue 3): names and defaults are torchvision's in snake case; sizes
 * are [height, width] or one number; an op that draws takes a range [lo, hi] or a fixed value.
 * An op that is applied by chance has `p`, and its draw() returns false when it is not. */
#ifndef AUGMENT_OP_H
#define AUGMENT_OP_H

#include "augment/image.h"
#include "augment/policy.h"
#include "base/params.h"
#include "base/rng.h"

enum {
    SLC_MAX_VALUES = 24, /* numbers in one draw */
    SLC_MAX_CALLS = 32,  /* steps one combinator may ask for at a time */
    SLC_MAX_ERASED = 8,  /* boxes erased after normalisation */
};

/* What one image got: together with the op and its settings, all that a replay needs. Anything
 * larger (a noise field, a displacement field, many holes) is drawn as one `seed` value
 * (slc_draw_seed) and grown from it with slc_rng_at(seed, ...) when it is applied. */
typedef struct slc_draw {
    double v[SLC_MAX_VALUES]; /* NAN: not drawn this time, and not shown */
} slc_draw;

/* How an op's numbers are drawn over the epochs; the key `draw` of every random op. */
typedef enum slc_draw_mode {
    SLC_DRAW_IID,
    SLC_DRAW_ALTERNATE, /* chances: drawn once per image, then the other way every epoch */
    SLC_DRAW_STRATIFIED, /* an image meets every value (every tenth of a range) once before
                            any comes again */
    SLC_DRAW_MODES
} slc_draw_mode;
extern SLC_API const char *const slc_draw_mode_names[]; /* NULL at the end */

/* Where a draw is made. Use the slc_draw_* functions below, never the stream alone, so that
 * the draw modes work everywhere. A value; draw() may change it. */
typedef struct slc_at {
    size_t w, h, channels; /* of the image the op will get */
    slc_key key;
    uint32_t slot; /* of the op in the policy */
    slc_draw_mode mode;
    uint32_t count; /* draws made so far */
    slc_rng rng;
} slc_at;

SLC_API slc_at slc_at_make(const slc_key *key, uint32_t slot, slc_draw_mode mode,
                           size_t w, size_t h, size_t channels);

/* Each makes one draw. */
SLC_API bool slc_draw_chance(slc_at *at, double p); /* true with probability p */
SLC_API double slc_draw_uniform(slc_at *at, double lo, double hi); /* [lo, hi] */
SLC_API double slc_draw_range(slc_at *at, const slc_reals *range); /* v[0] if n is 1 */
SLC_API uint64_t slc_draw_below(slc_at *at, uint64_t n);           /* [0, n) */
SLC_API int64_t slc_draw_int(slc_at *at, int64_t lo, int64_t hi); /* lo and hi included */
SLC_API double slc_draw_normal(slc_at *at);                       /* N(0, 1) */
SLC_API double slc_draw_seed(slc_at *at); /* 52 random bits, exact in a double */

/* Resampling filters. The first seven are Pillow's, the last three stb_image_resize's. */
typedef enum slc_filter {
    SLC_NEAREST,       /* as Pillow and cv2: source = floor((out + 0.5) * scale) */
    SLC_NEAREST_EXACT, /* the same rule: torchvision's name for Pillow's behaviour */
    SLC_BOX,
    SLC_BILINEAR,
    SLC_HAMMING,
    SLC_BICUBIC, /* a = -0.5 */
    SLC_LANCZOS, /* three lobes */
    SLC_MITCHELL,
    SLC_CATMULL_ROM,
    SLC_CUBIC_BSPLINE,
    SLC_FILTER_COUNT
} slc_filter;
extern SLC_API const char
    *const slc_filter_names[]; /* NULL at the end: a params choice */

/* Refuses what a filter cannot do: linear light beside stb's filters, box, bilinear and
 * bicubic; no antialias with stb's. */
SLC_API SLC_CHECKED slc_status slc_filter_check(int filter, bool antialias,
                                                bool linear_light, slc_err *err);

/* The filters of warps, as a params choice: nearest, bilinear, bicubic. */
extern SLC_API const char *const slc_warp_filter_names[];
static inline slc_filter slc_warp_filter(int choice)
{
    return choice == 0 ? SLC_NEAREST : choice == 1 ? SLC_BILINEAR : SLC_BICUBIC;
}

/* What lies outside an image. */
typedef enum slc_border {
    SLC_BORDER_CONSTANT,  /* the fill colour */
    SLC_BORDER_EDGE,      /* aaa|abc|ccc */
    SLC_BORDER_REFLECT,   /* cb|abc|ba */
    SLC_BORDER_SYMMETRIC, /* ba|abc|cb */
    SLC_BORDER_COUNT
} slc_border;
extern SLC_API const char
    *const slc_border_names[]; /* NULL at the end: a params choice */

/* The eight symmetries of the square: transpose first, then flips. */
typedef enum slc_symmetry {
    SLC_SYM_NONE = 0,
    SLC_SYM_HFLIP = 1,
    SLC_SYM_VFLIP = 2,
    SLC_SYM_ROT180 = 3,
    SLC_SYM_TRANSPOSE = 4,  /* out(x, y) = in(y, x) */
    SLC_SYM_ROT270 = 5,     /* a quarter turn clockwise: transpose, then hflip */
    SLC_SYM_ROT90 = 6,      /* counter-clockwise: transpose, then vflip */
    SLC_SYM_TRANSVERSE = 7, /* transpose, then both */
} slc_symmetry;

/* Out-channel values from in-channel values, three channels only:
 * out[c] = clamp(floor(m[c][0] r + m[c][1] g + m[c][2] b + m[c][3] + 0.5)) in float32, summed
 * left to right. With coefficients k / 65536 that is Pillow's fixed-point grey, bit for bit. */
typedef struct slc_colour {
    float m[3][4];
} slc_colour;

/* A projective map from output to input positions, as Pillow's Image.transform: pixel (x, y)
 * has its centre at (x + 0.5, y + 0.5); a[2] is {0, 0, 1} for affine maps. */
typedef struct slc_warp {
    double a[3][3];
    size_t w, h;       /* of the output */
    slc_filter filter; /* nearest, bilinear or bicubic; no antialias */
    uint8_t fill[3];
} slc_warp;

/* A part of the image, which may reach outside it. */
typedef struct slc_region {
    ptrdiff_t x, y;
    size_t w, h;
    slc_border border;
    uint8_t fill[3];
} slc_region;

/* A box of the image (in pixels, inside it), resized. */
typedef struct slc_resample {
    double x0, y0, x1, y1; /* whole numbers: as if cropped first, unless see_outside */
    bool see_outside;      /* the filter sees what surrounds the box (Pillow's box=) */
    size_t w, h;           /* the box becomes this */
    slc_filter filter;
    bool no_antialias; /* sample the filter at its own width when shrinking */
    bool linear_light; /* sRGB is decoded before filtering and encoded after */
    /* Letterbox: the result is put at (at_x, at_y) on a canvas; canvas_w = 0: no canvas. */
    size_t canvas_w, canvas_h, at_x, at_y;
    uint8_t fill[3];
} slc_resample;

/* What is done on the way into the batch: out = ((px / 255) - mean[c]) / std[c] as float32,
 * then the whole vector is
 * whitened, then boxes are erased. */
struct slc_tail {
    bool normalized;
    const struct slc_norm *norm; /* its table; never NULL */
    size_t erased;
    struct {
        slc_rect box;
        bool noise;     /* N(0, 1) per value from seed, else value[c] */
        float value[3]; /* in normalised units */
        double seed;
    } erase[SLC_MAX_ERASED];
    size_t dims;         /* of whitening: channels * height * width, 0 = none */
    const float *mean;   /* dims */
    const float *matrix; /* dims x dims, row-major, applied to (x - mean) in NCHW order */
    float *centred;      /* dims; the sample's own scratch */
};

/* One step a combinator asks for. */
typedef struct slc_call {
    uint32_t child; /* index into its children */
    bool drawn;     /* draw is given; else the child draws for itself */
    slc_draw draw;
} slc_call;

/* What an area function may need besides its draw. */
typedef struct slc_context {
    const char *name; /* of the op */
    const void *settings;
    slc_at at; /* as draw() found it; for combinators: to draw for children */
    const struct slc_step *children;
    size_t child_count;
    const slc_trace *trace;
} slc_context;

/* Runs calls on the children, one after the other; *out lives in work->arena and may be a
 * view of in, which is not changed. For area functions that combine several results (augmix). */
SLC_API SLC_CHECKED slc_status slc_calls_run(const slc_context *context,
                                             const slc_call *calls, size_t count,
                                             const slc_image *in, slc_work *work,
                                             slc_image *out, slc_err *err);

typedef struct slc_op {
    slc_entry entry;
    const char *value[SLC_MAX_VALUES]; /* names of what is drawn; NULL ends the list */
    const char *exactness; /* for docs/ops.md: "bit-exact", "at most 1 level" */
    const char *peer;      /* of what: "Pillow 9.4 Image.rotate"; NULL if nobody has it */
    const char *neutral;   /* settings (YAML) that leave every image as it is, or NULL */
    const char
        *example; /* settings (YAML) for tests and benchmark; NULL = defaults, or, if
                              something must be given, none (whiten needs a file) */
    size_t min_channels; /* 3 if grey images are refused; else 0 */

    /* Called once when the recipe is read, after the settings are bound. Refuses settings that
     * contradict each other (the engine puts the line in front), and may fill fields of its
     * own in settings; memory comes from arena, which lives as long as the policy. NULL-able. */
    slc_status (*prepare)(void *settings, slc_arena *arena, slc_err *err);

    /* Fills *out; false if the op does not touch this image. Cannot fail. NULL = nothing drawn. */
    bool (*draw)(const void *settings, slc_at *at, slc_draw *out);
    bool alternates; /* a flip: draws a chance alone, whose two ways are alike */
    bool unordered;  /* draws only seeds or normals, which have no strata */

    /* The output size for an input of *w x *h (0 = not known), or false if it is not the same
     * for every image and draw. NULL = the size is kept. */
    bool (*size)(const void *settings, size_t *w, size_t *h);
    size_t (*channels)(const void *settings, size_t in_channels); /* NULL = kept */
    uint32_t (*views)(const void *settings); /* five_crop, ten_crop; NULL = 1 */

    /* Exactly one of these says what the draw does to the pixels (random_erasing alone has two:
     * area before normalize, tail after it). */

    /* The same for every pixel: a table per channel (grey images use the first). */
    void (*lut)(const void *settings, const slc_draw *draw, uint8_t table[3][256]);
    /* Tables made from the image's histograms, one per channel. */
    void (*tone)(const void *settings, const slc_draw *draw, uint32_t hist[3][256],
                 size_t pixels, size_t channels, uint8_t table[3][256]);
    slc_colour (*colour)(const void *settings, const slc_draw *draw);
    slc_warp (*warp)(const void *settings, const slc_draw *draw, size_t w, size_t h);
    slc_status (*region)(const void *settings, const slc_draw *draw, size_t w, size_t h,
                         slc_region *out, slc_err *err);
    slc_symmetry (*symmetry)(const void *settings, const slc_draw *draw);
    slc_status (*resample)(const void *settings, const slc_draw *draw, size_t w, size_t h,
                           slc_resample *out, slc_err *err);
    /* Anything else that keeps the size. out has pixels; it is in itself (same px) when
     * in_place is true. Scratch comes from work->arena and is given up on return. */
    slc_status (*area)(const slc_context *context, const slc_draw *draw,
                       const slc_image *in, slc_work *work, slc_image *out, slc_err *err);
    bool in_place;
    /* On the way into the batch; w, h: the final size. Fails where that does not fit. */
    slc_status (*tail)(const void *settings, const slc_draw *draw, size_t w, size_t h,
                       size_t channels, slc_tail *tail, slc_work *work, slc_err *err);
    /* Combinators: which children run, in which order; at most SLC_MAX_CALLS. */
    size_t (*expand)(const slc_context *context, const slc_draw *draw, slc_call *calls);

    /* The sub-list of a combinator or of an area that uses slc_calls_run, as a list node: the
     * settings' own (one_of) or one built in arena (policies). Children are ordinary steps. */
    slc_status (*children)(const void *settings, slc_arena *arena, const slc_node **list,
                           slc_err *err);
    bool in_order; /* children run one after the other; else each may be the first */
} slc_op;

/* Whether the key `draw` of this op may name the mode; none does if nothing is drawn. */
SLC_API bool slc_op_draws(const slc_op *op, slc_draw_mode mode);

extern SLC_API const slc_op *const slc_ops[];        /* sorted by name, NULL at the end */
SLC_API const slc_op *slc_op_find(const char *name); /* NULL if there is none */

/* Readers of common settings. */
static inline void slc_size_of(const slc_reals *size, size_t *h, size_t *w)
{
    *h = (size_t)size->v[0];
    *w = (size_t)size->v[size->n > 1 ? 1 : 0];
}

/* A fill colour of one number or three. */
static inline void slc_fill_of(const slc_reals *fill, uint8_t out[3])
{
    for (size_t c = 0; c < 3; c++)
        out[c] = (uint8_t)fill->v[fill->n > c ? c : 0];
}

/* d or [lo, hi]; one number alone means [-d, d] (torchvision's degrees). */
static inline double slc_draw_around(slc_at *at, const slc_reals *range)
{
    if (range->n > 1) return slc_draw_range(at, range);
    return slc_draw_uniform(at, -range->v[0], range->v[0]);
}

#endif
