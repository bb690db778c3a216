#include "tools/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tools/picture.h"
#include "tools/plot.h"
#include "train/histogram.h"

enum { MOST_PANELS = 64, MOST_MAPS = 64 };

typedef struct bars {
    double x[SLC_HISTOGRAM_BINS], y[SLC_HISTOGRAM_BINS];
    cli_series series;
    char label[96];
} bars;

static void set_place(bars *b, double lo, double hi)
{
    for (size_t i = 0; i < SLC_HISTOGRAM_BINS; i++)
        b->x[i] = lo + (hi - lo) * ((double)i + 0.5) / SLC_HISTOGRAM_BINS;
    b->series = (cli_series){.x = b->x, .y = b->y, .n = SLC_HISTOGRAM_BINS};
}

static void fill(bars *b, cli_panel *panel, const slc_tensor_info *info, const float *w)
{
    const slc_histogram h = slc_histogram_of(w + info->offset, info->size);
    for (size_t i = 0; i < SLC_HISTOGRAM_BINS; i++)
        b->y[i] = (double)h.count[i];
    set_place(b, h.lo, h.hi);
    snprintf(b->label, sizeof(b->label), "%zu weights, mean %.3g, std %.3g", info->size,
             h.mean, h.std);
    *panel = (cli_panel){
        .title = info->name, .x_label = b->label, .series = &b->series, .count = 1};
}

slc_status cli_weights_write(const char *path, slc_model *model, const char *title,
                             slc_err *err)
{
    bars *all = calloc(MOST_PANELS, sizeof(*all));
    cli_panel panels[MOST_PANELS];
    size_t n = 0;
    slc_status st;

    if (!all) return slc_fail(err, SLC_ENOMEM, "histograms: out of memory");
    for (size_t i = 0; i < slc_model_tensor_count(model) && n < MOST_PANELS; i++) {
        const slc_tensor_info *info = slc_model_tensor(model, i);
        if (info->role == SLC_ROLE_BUFFER || info->rank < 2) continue;
        fill(&all[n], &panels[n], info, slc_model_weights(model));
        n++;
    }
    if (n == 0)
        st = slc_fail(err, SLC_EDATA, "%s: the net has no weights to draw", title);
    else
        st = cli_plot_write(path,
                            &(cli_figure){.title = title,
                                          .panels = panels,
                                          .count = n,
                                          .columns = n < 4 ? n : 4,
                                          .width = 330,
                                          .height = 230},
                            err);
    free(all);
    return st;
}

/* A line of histograms.jsonl as a figure: a row per kernel or matrix, and what of it. */
enum { KINDS = 3, MOST_ROWS = 24 };

typedef struct sight {
    bars bars[MOST_ROWS * KINDS];
    char title[MOST_ROWS * KINDS][160];
    cli_panel panels[MOST_ROWS * KINDS];
    size_t count;
} sight;

static double number_at(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static void add_row(sight *s, const json_t *tensor)
{
    static const char *const kinds[KINDS][2] = {
        {"weight", "%s"},
        {"gradient", "gradient of %s"},
        {"update", "log10 |update / weight| of %s"}};
    for (size_t k = 0; k < KINDS; k++) {
        const json_t *h = json_object_get(tensor, kinds[k][0]);
        bars *b = &s->bars[s->count];
        for (size_t i = 0; i < SLC_HISTOGRAM_BINS; i++)
            b->y[i] = json_number_value(json_array_get(json_object_get(h, "counts"), i));
        set_place(b, number_at(h, "lo"), number_at(h, "hi"));
        snprintf(b->label, sizeof(b->label), "mean %.3g, std %.3g", number_at(h, "mean"),
                 number_at(h, "std"));
        if (k == 2)
            snprintf(b->label, sizeof(b->label),
                     "whole tensor: |update| / |weight| = %.2g",
                     number_at(tensor, "update_ratio"));
        if (!h) snprintf(b->label, sizeof(b->label), "frozen");
        snprintf(s->title[s->count], sizeof(s->title[0]), kinds[k][1],
                 json_string_value(json_object_get(tensor, "name")));
        s->panels[s->count] = (cli_panel){.title = s->title[s->count],
                                          .x_label = b->label,
                                          .series = &b->series,
                                          .count = 1};
        s->count++;
    }
}

slc_status cli_histograms_write(const char *path, const json_t *line, slc_err *err)
{
    const json_t *const list = json_object_get(line, "tensors");
    char title[64];
    sight *s = calloc(1, sizeof(*s));
    if (!s) return slc_fail(err, SLC_ENOMEM, "histograms: out of memory");
    snprintf(title, sizeof(title), "the last step of epoch %.0f",
             number_at(line, "epoch"));
    for (size_t i = 0; i < json_array_size(list) && s->count < MOST_ROWS * KINDS; i++) {
        const json_t *tensor = json_array_get(list, i);
        if (json_array_size(json_object_get(tensor, "shape")) >= 2) add_row(s, tensor);
    }
    const slc_status st =
        s->count ? cli_plot_write(path,
                                  &(cli_figure){.title = title,
                                                .panels = s->panels,
                                                .count = s->count,
                                                .columns = KINDS,
                                                .width = 360,
                                                .height = 210},
                                  err)
                 : slc_fail(err, SLC_EDATA, "%s: there are no weights to draw", path);
    free(s);
    return st;
}

typedef struct book {
    const char *dir;
    double similar;
    json_t *list;
    size_t page;
} book;

static bool alike(const slc_map_fact *fact, double similar)
{
    return !fact->dead && fact->likeness >= similar;
}

/* A map from black (smallest) to white, in a frame whose colour tells what it is. */
static slc_status draw_map(slc_image *out, slc_arena *arena, const slc_layer_maps *maps,
                           size_t i, double similar, slc_err *err)
{
    static const uint8_t frames[3][3] = {{70, 70, 70}, {220, 30, 30}, {240, 150, 20}};
    const slc_map_fact *fact = &maps->fact[i];
    const uint8_t *frame = frames[fact->dead ? 1 : alike(fact, similar) ? 2 : 0];
    const float *map = maps->first + i * maps->height * maps->width;
    float lo = map[0], hi = map[0];
    const slc_status st =
        slc_image_alloc(out, arena, maps->width + 2, maps->height + 2, 3, err);
    if (st != SLC_OK) return st;
    for (size_t k = 0; k < maps->height * maps->width; k++) {
        lo = fminf(lo, map[k]);
        hi = fmaxf(hi, map[k]);
    }
    for (size_t y = 0; y < out->h; y++)
        for (size_t x = 0; x < out->w; x++) {
            uint8_t *px = out->px + y * out->stride + 3 * x;
            const bool edge = x == 0 || y == 0 || x + 1 == out->w || y + 1 == out->h;
            memcpy(px, frame, 3);
            if (edge) continue;
            const float v = map[(y - 1) * maps->width + x - 1];
            memset(px, hi > lo ? (int)lrintf(255 * (v - lo) / (hi - lo)) : 0, 3);
        }
    return SLC_OK;
}

static const char *say(slc_arena *arena, const slc_map_fact *fact, double similar)
{
    if (fact->dead) return "dead";
    if (!alike(fact, similar)) return NULL;
    return slc_arena_printf(arena, "like %zu: %.3f", fact->twin, fact->likeness);
}

static slc_status write_page(const char *path, const slc_layer_maps *maps, double similar,
                             slc_err *err)
{
    cli_tile tiles[MOST_MAPS] = {{{0}, NULL, NULL}};
    slc_arena arena = {0};
    slc_status st = SLC_OK;
    const size_t n = maps->count < MOST_MAPS ? maps->count : MOST_MAPS;
    for (size_t i = 0; st == SLC_OK && i < n; i++) {
        st = draw_map(&tiles[i].image, &arena, maps, i, similar, err);
        tiles[i].title = slc_arena_printf(&arena, "%zu", i);
        tiles[i].caption = say(&arena, &maps->fact[i], similar);
    }
    const char *title = slc_arena_printf(
        &arena, "%s (%s): %zu maps of %zu x %zu%s", maps->name, maps->type, maps->count,
        maps->height, maps->width, n < maps->count ? ", the first of them" : "");
    if (st == SLC_OK)
        st = cli_sheet_write(
            path, tiles, n, &(cli_sheet){.title = title, .columns = 8, .least = 96}, err);
    slc_arena_free(&arena);
    return st;
}

static slc_status add_page(void *user, const slc_layer_maps *maps, slc_err *err)
{
    book *b = user;
    size_t dead = 0, same = 0;
    char path[4096];
    for (size_t i = 0; i < maps->count; i++) {
        dead += maps->fact[i].dead;
        same += alike(&maps->fact[i], b->similar);
    }
    const int n =
        snprintf(path, sizeof(path), "%s/%02zu-%s.png", b->dir, ++b->page, maps->name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return slc_fail(err, SLC_EINVAL, "%s: the name is too long", b->dir);
    const slc_status st = write_page(path, maps, b->similar, err);
    json_array_append_new(
        b->list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "layer", maps->name, "type",
                           maps->type, "maps", (json_int_t)maps->count, "dead",
                           (json_int_t)dead, "alike", (json_int_t)same, "file", path));
    return st;
}

slc_status cli_featmaps_write(const char *dir, const char *model,
                              const slc_surgery_settings *settings, json_t *list,
                              slc_err *err)
{
    book b = {.dir = dir, .similar = settings->similar, .list = list};
    const slc_status st = slc_dir_make(dir, err);
    return st == SLC_OK ? slc_featmaps(model, settings, add_page, &b, err) : st;
}
