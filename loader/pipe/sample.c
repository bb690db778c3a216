/* The way of one sample. */
#include "loader/sample.h"

#include "base/rng.h"

slc_status slc_hand_init(slc_hand *hand, slc_err *err)
{
    *hand = (slc_hand){.work.isa = slc_isa_detect()};
    const slc_status st = slc_decoder_create(&hand->decoder, err);
    hand->work.decoder = hand->decoder;
    return st;
}

void slc_hand_free(slc_hand *hand)
{
    slc_decoder_destroy(&hand->decoder);
    slc_arena_free(&hand->work.arena);
}

/* The clock, or 0 for the many small samples that are not timed. */
static uint64_t now(const slc_hand *hand)
{
    return hand->untimed ? 0 : slc_clock_ns();
}

slc_status slc_sample_fetch(const slc_maker *maker, uint64_t index, slc_hand *hand,
                            slc_stored *out, slc_err *err)
{
    out->label = slc_source_label(maker->source, index);
    if (maker->store && slc_hoard_get(maker->store, index, out)) return SLC_OK;
    const slc_status st =
        slc_source_read(maker->source, index, &hand->work.arena, out, err);
    if (st != SLC_OK) return st;
    hand->times.bytes += out->bytes ? out->size : 0;
    if (maker->store && maker->cache == SLC_CACHE_ENCODED && out->bytes)
        slc_hoard_put(maker->store, index, out);
    return SLC_OK;
}

/* Grey to RGB, or RGB to grey as Pillow's "L" (ITU-R 601-2 in 16-bit fixed point). */
static slc_status convert(slc_image *image, size_t channels, slc_arena *arena,
                          slc_err *err)
{
    const slc_image in = *image;
    if (channels == 0 || in.channels == channels) return SLC_OK;
    const slc_status st = slc_image_alloc(image, arena, in.w, in.h, channels, err);
    if (st != SLC_OK) return st;
    for (size_t y = 0; y < in.h; y++) {
        const uint8_t *from = in.px + y * in.stride;
        uint8_t *to = image->px + y * image->stride;
        for (size_t x = 0; x < in.w; x++) {
            if (channels == 3)
                to[3 * x] = to[3 * x + 1] = to[3 * x + 2] = from[x];
            else
                to[x] = (uint8_t)((from[3 * x] * 19595u + from[3 * x + 1] * 38470u +
                                   from[3 * x + 2] * 7471u + 0x8000u) >>
                                  16);
        }
    }
    return SLC_OK;
}

/* Decodes what the plan asks for; *planned tells whether that is less than everything. */
static slc_status decode(const slc_maker *maker, const slc_key *key,
                         const slc_stored *stored, slc_hand *hand, slc_plan *plan,
                         slc_image *out, slc_err *err)
{
    slc_decode how = maker->decode;
    slc_image_info info;
    how.channels = (unsigned)maker->channels;
    how.region = (slc_rect){0};
    how.least_w = how.least_h = 0;
    slc_status st =
        slc_decode_info(hand->decoder, stored->bytes, stored->size, &how, &info, err);
    if (st != SLC_OK) return st;
    *plan = slc_policy_plan(maker->policy, key, info.w, info.h);
    hand->times.pixels += (uint64_t)info.w * info.h;
    const bool scaled = maker->fast && plan->least_w && plan->least_h;
    const bool keep = maker->store && maker->cache == SLC_CACHE_DECODED && !scaled;
    if (!keep) {
        if (plan->region.w != info.w || plan->region.h != info.h)
            how.region = plan->region;
        if (scaled) {
            how.least_w = plan->least_w;
            how.least_h = plan->least_h;
        }
    }
    st = slc_decode_image(hand->decoder, stored->bytes, stored->size, &how,
                          &hand->work.arena, out, err);
    if (st == SLC_OK && keep) {
        slc_hoard_put(maker->store, key->index, &(slc_stored){.pixels = *out});
        *plan = (slc_plan){
            .region = {0, 0, out->w, out->h}, .full_w = out->w, .full_h = out->h};
    }
    return st;
}

/* Repeats of a sample in one epoch draw as if the run had another seed, so that they differ;
 * the first look draws as if it were the only one. */
static slc_key policy_key(const slc_maker *maker, const slc_key *key)
{
    slc_key to = *key;
    const uint32_t views = slc_policy_views(maker->policy);
    const uint32_t repeat = views > 1 ? key->view / views : key->view;
    to.view = views > 1 ? key->view % views : 0;
    if (repeat) {
        slc_rng rng = slc_rng_at(key->seed, 0, repeat, SLC_SLOT_SAMPLER + 1);
        to.seed = slc_rng_u64(&rng);
    }
    return to;
}

slc_status slc_sample_finish(const slc_maker *maker, const slc_key *key,
                             const slc_stored *stored, slc_hand *hand,
                             const slc_trace *trace, slc_image *out,
                             const slc_tail **tail, slc_err *err)
{
    char text[4352];
    slc_image image;
    slc_plan plan = {0};
    slc_status st;
    const slc_key draws = policy_key(maker, key);
    const uint64_t before = now(hand);
    const bool decoded = stored->bytes != NULL;
    if (decoded) {
        st = decode(maker, &draws, stored, hand, &plan, &image, err);
    } else {
        image = stored->pixels;
        st = convert(&image, maker->channels, &hand->work.arena, err);
    }
    const uint64_t between = now(hand);
    if (st == SLC_OK)
        st = slc_policy_run(maker->policy, &draws, decoded ? &plan : NULL, &image,
                            &hand->work, trace, out, tail, err);
    hand->times.decode_ns += between - before;
    hand->times.augment_ns += now(hand) - between;
    if (st == SLC_OK) return SLC_OK;
    return slc_err_prefix(err, "%s",
                          slc_source_key(maker->source, key->index, text, sizeof(text)));
}

slc_status slc_sample_make(const slc_maker *maker, const slc_key *key, slc_hand *hand,
                           const slc_trace *trace, slc_image *out, const slc_tail **tail,
                           slc_err *err)
{
    slc_stored stored = {0};
    const uint64_t before = now(hand);
    const slc_status st = slc_sample_fetch(maker, key->index, hand, &stored, err);
    hand->times.read_ns += now(hand) - before;
    if (st != SLC_OK) return st; /* has the key in front already */
    return slc_sample_finish(maker, key, &stored, hand, trace, out, tail, err);
}
