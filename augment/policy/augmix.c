/* AugMix: the picture mixed with the mean of several chains of moves. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "augment/kernel/filter.h"
#include "augment/policy/space.h"

enum { MAX_WIDTH = 10, MAX_DEPTH = 10, BINS = 10 };

typedef struct settings {
    int64_t severity, mixture_width, chain_depth;
    double alpha;
    bool all_ops;
    slc_space space;
} settings;

static const slc_param params[] = {
    {"severity", SLC_FIELD(settings, severity), .lo = 1, .hi = BINS, .initial = "3",
     .help = "bins of ten to choose strengths from"},
    {"mixture_width", SLC_FIELD(settings, mixture_width), .lo = 1, .hi = MAX_WIDTH,
     .initial = "3", .help = "chains"},
    {"chain_depth", SLC_FIELD(settings, chain_depth), .lo = -1, .hi = MAX_DEPTH,
     .initial = "-1", .help = "moves in a chain; -1: one to three"},
    {"alpha", SLC_FIELD(settings, alpha), .lo = 1e-3, .hi = 1e3, .initial = "1.0",
     .help = "of the Dirichlet distributions of the weights"},
    {"all_ops", SLC_FIELD(settings, all_ops), .initial = "true",
     .help = "with brightness, colour, contrast and sharpness"},
    SLC_SPACE_PARAMS(settings, "bilinear"),
    {0}};

/* Values: a seed that chains grow from, the picture's own weight, the chains' weights. */
enum { SEED, OWN, CHAIN };

static void dirichlet(slc_rng *rng, double alpha, double *out, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += out[i] = slc_rng_gamma(rng, alpha);
    for (int i = 0; i < n; i++)
        out[i] = sum > 0 ? out[i] / sum : 1.0 / n;
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    double own[2], chain[MAX_WIDTH] = {0};
    out->v[SEED] = slc_draw_seed(at);
    slc_rng rng = slc_rng_at((uint64_t)out->v[SEED], 0, MAX_WIDTH, 0);
    dirichlet(&rng, s->alpha, own, 2);
    dirichlet(&rng, s->alpha, chain, (int)s->mixture_width);
    out->v[OWN] = own[0];
    for (int64_t i = 0; i < MAX_WIDTH; i++)
        out->v[CHAIN + i] = i < s->mixture_width ? chain[i] * own[1] : (double)NAN;
    return true;
}

static size_t draw_chain(const settings *s, const slc_image *in, slc_rng *rng,
                         slc_call *calls)
{
    static const slc_move move[13] = {
        SLC_MOVE_SHEAR_X,     SLC_MOVE_SHEAR_Y,      SLC_MOVE_TRANSLATE_X,
        SLC_MOVE_TRANSLATE_Y, SLC_MOVE_ROTATE,       SLC_MOVE_POSTERIZE,
        SLC_MOVE_SOLARIZE,    SLC_MOVE_AUTOCONTRAST, SLC_MOVE_EQUALIZE,
        SLC_MOVE_BRIGHTNESS,  SLC_MOVE_COLOR,        SLC_MOVE_CONTRAST,
        SLC_MOVE_SHARPNESS};
    const slc_reach reach = {.shear = 0.3,
                             .rotate = 30,
                             .enhance = 0.9,
                             .translate_w = (double)in->w / 3.0,
                             .translate_h = (double)in->h / 3.0,
                             .posterize_from = 4,
                             .posterize_span = 4};
    const uint64_t moves = s->all_ops ? 13 : 9;
    const int64_t depth =
        s->chain_depth > 0 ? s->chain_depth : 1 + (int64_t)slc_rng_below(rng, 3);
    size_t count = 0;
    for (int64_t i = 0; i < depth; i++) {
        const slc_move m = move[slc_rng_below(rng, moves)];
        const int bin = (int)slc_rng_below(rng, (uint64_t)s->severity);
        const bool minus = slc_rng_u32(rng) & 1;
        const double magnitude = slc_move_magnitude(m, &reach, bin, BINS);
        count += slc_move_call(m, minus && slc_move_is_signed(m) ? -magnitude : magnitude,
                               calls + count);
    }
    return count;
}

static void add(float *sum, const slc_image *image, double weight, slc_isa isa)
{
    const size_t n = image->w * image->channels;
    for (size_t y = 0; y < image->h; y++)
        slc_filters_of[isa]->add(sum + y * n, image->px + y * image->stride,
                                 (float)weight, n);
}

static slc_status area(const slc_context *context, const slc_draw *drawn,
                       const slc_image *in, slc_work *work, slc_image *out, slc_err *err)
{
    const settings *s = context->settings;
    const size_t n = in->w * in->channels;
    float *sum = slc_arena_zero(&work->arena, n * in->h, sizeof(*sum));
    if (!sum) return slc_fail(err, SLC_ENOMEM, "augmix: no memory");
    add(sum, in, drawn->v[OWN], work->isa);
    for (int64_t i = 0; i < s->mixture_width; i++) {
        slc_rng rng = slc_rng_at((uint64_t)drawn->v[SEED], 0, (uint64_t)i, 0);
        const slc_arena_mark mark = slc_arena_get_mark(&work->arena);
        slc_call calls[MAX_DEPTH];
        slc_image end;
        slc_context chain = *context;
        char name[32];
        snprintf(name, sizeof(name), "%s/chain%d", context->name, (int)i);
        chain.name = name;
        const size_t count = draw_chain(s, in, &rng, calls);
        const slc_status status =
            slc_calls_run(&chain, calls, count, in, work, &end, err);
        if (status) return status;
        add(sum, &end, drawn->v[CHAIN + i], work->isa);
        slc_arena_rewind(&work->arena, mark);
    }
    for (size_t y = 0; y < in->h; y++) /* cut off, as torch's conversion to bytes */
        slc_filters_of[work->isa]->cut(out->px + y * out->stride, sum + y * n, n);
    return SLC_OK;
}

static slc_status children(const void *set, slc_arena *arena, const slc_node **list,
                           slc_err *err)
{
    return slc_space_children(&((const settings *)set)->space, arena, list, err);
}

const slc_op slc_op_augmix = {
    .entry = {"augmix", "a mix with several chains of moves",
              "Hendrycks et al., ICLR 2020, arXiv:1912.02781, as torchvision AugMix",
              params, sizeof(settings)},
    .value = {"seed", "own", "chain0", "chain1", "chain2", "chain3", "chain4", "chain5",
              "chain6", "chain7", "chain8", "chain9"},
    .exactness = "as torchvision's with Pillow's moves (its own runs them on tensors)",
    .draw = draw,
    .unordered = true,
    .area = area,
    .children = children,
};
