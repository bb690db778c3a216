#include "tools/tiles.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/params.h"
#include "base/str.h"

cli_tiles *cli_tiles_create(void)
{
    return calloc(1, sizeof(cli_tiles));
}

void cli_tiles_destroy(cli_tiles **tiles)
{
    if (!*tiles) return;
    slc_arena_free(&(*tiles)->arena);
    free(*tiles);
    *tiles = NULL;
}

/* Adds text with at most three decimals to every number and without seeds, which say nothing;
 * captions are narrow. */
static void add_short(slc_str *out, const char *text)
{
    size_t decimals = 0;
    bool after_point = false;

    for (; *text; text++) {
        if (strncmp(text, "seed=", 5) == 0) {
            text += strcspn(text, " ");
            if (!*text) break;
            continue;
        }
        const bool digit = *text >= '0' && *text <= '9';
        if (*text == '.') {
            after_point = true;
            decimals = 0;
        } else if (!digit) {
            after_point = false;
        } else if (after_point && ++decimals > 3) {
            continue;
        }
        slc_str_add_n(out, text, 1);
    }
}

/* One line per step, with what it drew; steps that chance left out are not told. */
static void note_step(void *user, const char *op, const char *drawn,
                      const slc_image *image)
{
    slc_str *const text = user;
    (void)image;
    if (drawn && strcmp(drawn, "not applied") == 0) return;
    if (strcmp(op, "normalize") == 0) return; /* every picture has it, none shows it */
    slc_str_printf(text, "%s%s", text->size ? "\n" : "", op);
    if (!drawn || !*drawn) return;
    slc_str_add(text, " ");
    add_short(text, drawn);
}

/* "birds/robin", or the file's name where there are no classes. */
static const char *title_of(const slc_source *source, uint64_t index, slc_arena *arena)
{
    char room[512];
    const int32_t label = slc_source_label(source, index);
    if (label >= 0 && (size_t)label < slc_source_classes(source))
        return slc_source_class(source, (size_t)label);
    const char *const key = slc_source_key(source, index, room, sizeof(room));
    const char *const slash = strrchr(key, '/');
    return slc_arena_text(arena, slash ? slash + 1 : key);
}

static slc_status check_room(const cli_tiles *tiles, slc_err *err)
{
    if (tiles->count < CLI_MOST_TILES) return SLC_OK;
    return slc_fail(err, SLC_EINVAL, "a sheet shows at most %d pictures",
                    (int)CLI_MOST_TILES);
}

/* px = (value * std + mean) * 255, per channel. */
typedef struct restore {
    double mean[3], std[3];
    bool
        stretch; /* not a plain normalisation (whitening): map the picture's own range to 0..255 */
} restore;

static void read_numbers(const slc_node *list, double out[3])
{
    if (!list) return;
    const slc_node *item = list->kind == SLC_NODE_LIST ? list->first : list;
    for (size_t c = 0; c < 3; c++) {
        if (item && item->text) slc_parse_real(item->text, &out[c]);
        if (item && list->kind == SLC_NODE_LIST && item->next)
            item = item->next; /* a shorter list repeats its last number */
    }
}

/* Finds the normalisation in the policy's own words. */
static restore find_restore(const slc_policy *policy, slc_arena *arena)
{
    restore r = {.mean = {0, 0, 0}, .std = {1, 1, 1}};
    const slc_node *const list = policy ? slc_policy_dump(policy, arena) : NULL;

    for (const slc_node *op = list ? list->first : NULL; op; op = op->next) {
        const slc_node *const one = op->kind == SLC_NODE_MAP ? op->first : NULL;
        if (!one || !one->key) continue;
        if (strcmp(one->key, "normalize") == 0) {
            read_numbers(slc_node_get(one, "mean"), r.mean);
            read_numbers(slc_node_get(one, "std"), r.std);
        }
        if (strstr(one->key, "whiten")) r.stretch = true;
    }
    return r;
}

static float value_at(const slc_batch *b, size_t i)
{
    switch (b->type) {
    case SLC_F32: return ((const float *)b->data)[i];
    case SLC_BF16: return slc_f32_from_bf16(((const uint16_t *)b->data)[i]);
    case SLC_U8: return (float)((const uint8_t *)b->data)[i] / 255.0f;
    case SLC_F16: /* never asked for here */
    case SLC_DTYPE_COUNT: break;
    }
    return 0;
}

static size_t position(const slc_batch *b, size_t i, size_t y, size_t x, size_t c)
{
    return b->layout == SLC_NHWC ? ((i * b->height + y) * b->width + x) * b->channels + c
                                 : ((i * b->channels + c) * b->height + y) * b->width + x;
}

static void fill_image(const slc_batch *b, size_t i, const restore *r, slc_image *out)
{
    double lo = INFINITY, hi = -INFINITY;
    const size_t n = b->height * b->width * b->channels;

    for (size_t k = 0; r->stretch && k < n; k++) {
        const double v = value_at(b, i * n + k);
        lo = fmin(lo, v), hi = fmax(hi, v);
    }
    for (size_t y = 0; y < b->height; y++)
        for (size_t x = 0; x < b->width; x++)
            for (size_t c = 0; c < b->channels; c++) {
                const double v = value_at(b, position(b, i, y, x, c));
                const double px = r->stretch ? (v - lo) / fmax(hi - lo, 1e-9) * 255
                                             : (v * r->std[c] + r->mean[c]) * 255;
                out->px[y * out->stride + x * b->channels + c] =
                    (uint8_t)fmin(255, fmax(0, px + 0.5));
            }
}

slc_status cli_batch_image(slc_image *out, slc_arena *arena, const slc_batch *b, size_t i,
                           const slc_policy *policy, slc_err *err)
{
    const restore r = find_restore(policy, arena);
    const slc_status st =
        slc_image_alloc(out, arena, b->width, b->height, b->channels, err);
    if (st == SLC_OK) fill_image(b, i, &r, out);
    return st;
}

slc_status cli_batch_of_one(slc_batch *out, slc_arena *arena, const slc_image *image,
                            const slc_tail *tail, slc_dtype type, slc_layout layout,
                            slc_err *err)
{
    void *const data = slc_arena_zero(arena, image->w * image->h * image->channels,
                                      slc_dtype_size(type));
    if (!data) return slc_fail(err, SLC_ENOMEM, "sample: out of memory");
    *out = (slc_batch){.data = data,
                       .type = type,
                       .layout = layout,
                       .n = 1,
                       .channels = image->channels,
                       .height = image->h,
                       .width = image->w};
    return slc_tail_write(tail, image, type, layout, slc_isa_detect(), data, err);
}

slc_status cli_tiles_add_sample(cli_tiles *tiles, const slc_loader *loader,
                                const slc_source *source, const slc_policy *policy,
                                const slc_key *key, const char *note, slc_err *err)
{
    slc_work work = {.isa = slc_isa_detect()};
    slc_str text = {0};
    const slc_tail *tail;
    slc_image image;
    slc_batch one;
    cli_tile *const tile = &tiles->tile[tiles->count];

    slc_status st = check_room(tiles, err);
    if (st != SLC_OK) return st;
    if (note) slc_str_add(&text, note);
    st = slc_loader_sample(loader, key, &work,
                           &(slc_trace){.step = note_step, .user = &text}, &image, &tail,
                           err);
    if (st == SLC_OK)
        st = cli_batch_of_one(&one, &work.arena, &image, tail, SLC_F32, SLC_NHWC, err);
    if (st == SLC_OK)
        st = cli_batch_image(&tile->image, &tiles->arena, &one, 0, policy, err);
    if (st == SLC_OK) {
        tile->title = title_of(source, key->index, &tiles->arena);
        tile->caption = text.size ? slc_arena_text(&tiles->arena, text.text) : NULL;
        tiles->count++;
    }
    slc_str_free(&text);
    slc_arena_free(&work.arena);
    return st;
}

static const char *mixed_title(const slc_source *source, const slc_batch *b, size_t i,
                               slc_arena *arena)
{
    if (b->label_a[i] < 0 || !b->lambda || b->lambda[i] == 1.0f || b->label_b[i] < 0)
        return title_of(source, b->index[i], arena);
    return slc_arena_printf(arena, "%.2f %s + %.2f %s", (double)b->lambda[i],
                            slc_source_class(source, (size_t)b->label_a[i]),
                            1.0 - (double)b->lambda[i],
                            slc_source_class(source, (size_t)b->label_b[i]));
}

/* Who image i is (as replay's --index), with whom it is mixed, and what the ops drew for it; the
 * sample is made once more for that. */
static const char *draws_of(const slc_loader *loader, const slc_batch *b, size_t i,
                            uint64_t seed, slc_work *work, slc_arena *arena)
{
    const slc_key key = {.seed = seed,
                         .epoch = b->epoch,
                         .index = b->index[i],
                         .view = b->view ? b->view[i] : 0};
    slc_str text = {0};
    const slc_tail *tail;
    slc_image image;
    const char *out = NULL;

    slc_str_printf(&text, "index %" PRIu64, b->index[i]);
    if (b->partner && b->partner[i] != i)
        slc_str_printf(&text, ", partner %" PRIu64, b->index[b->partner[i]]);
    if (slc_loader_sample(loader, &key, work,
                          &(slc_trace){.step = note_step, .user = &text}, &image, &tail,
                          NULL) == SLC_OK &&
        text.size)
        out = slc_arena_text(arena, text.text);
    slc_str_free(&text);
    slc_arena_reset(&work->arena);
    return out;
}

slc_status cli_tiles_add_batch(cli_tiles *tiles, const slc_loader *loader,
                               const slc_source *source, const slc_policy *policy,
                               uint64_t seed, const slc_batch *b, size_t most,
                               slc_err *err)
{
    slc_work work = {.isa = slc_isa_detect()};
    slc_status st = SLC_OK;

    for (size_t i = 0; st == SLC_OK && i < b->n && i < most; i++) {
        cli_tile *const tile = &tiles->tile[tiles->count];
        if (b->real && !b->real[i]) continue;
        st = check_room(tiles, err);
        if (st == SLC_OK)
            st = cli_batch_image(&tile->image, &tiles->arena, b, i, policy, err);
        if (st != SLC_OK) break;
        tile->title = mixed_title(source, b, i, &tiles->arena);
        tile->caption = draws_of(loader, b, i, seed, &work, &tiles->arena);
        tiles->count++;
    }
    slc_arena_free(&work.arena);
    return st;
}

slc_status cli_tiles_write_choice(const char *path, const char *title,
                                  const slc_loader_settings *settings,
                                  const cli_choice *choice, size_t count, slc_err *err)
{
    slc_loader *loader = NULL;
    if (count == 0) return SLC_OK;
    cli_tiles *tiles = cli_tiles_create();
    slc_status st = tiles ? slc_loader_open(&loader, settings, err)
                          : slc_fail(err, SLC_ENOMEM, "sheet: out of memory");
    for (size_t i = 0; st == SLC_OK && i < count; i++)
        st = cli_tiles_add_sample(tiles, loader, settings->source, settings->policy,
                                  &(slc_key){.index = choice[i].index}, choice[i].note,
                                  err);
    if (st == SLC_OK)
        st = cli_sheet_write(path, tiles->tile, tiles->count,
                             &(cli_sheet){.title = title}, err);
    slc_loader_close(&loader);
    cli_tiles_destroy(&tiles);
    return st;
}
