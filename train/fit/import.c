/* Weights of another program: torchvision's names, and pictures as torchvision prepares them. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/checkpoint.h"
#include "train/fit/trained_impl.h"
#include "train/net.h"

static const char IMAGENET_MEAN[] = "0.485, 0.456, 0.406";
static const char IMAGENET_STD[] = "0.229, 0.224, 0.225";

/* torchvision resizes to 256 px before it cuts 224 out; nets for small pictures see all. */
enum { LARGE = 128, MOST_NAMES = 64 << 20 };

/* The net as it is known by name, whose tensors tell where to look in the file. */
static slc_status probe(slc_net **net, const slc_node *spec, slc_shape *shape,
                        slc_arena *arena, slc_err *err)
{
    const slc_node *name =
        spec->kind == SLC_NODE_SCALAR ? spec : slc_node_get(spec, "name");
    if (!name || name->kind != SLC_NODE_SCALAR)
        return slc_fail(err, SLC_EINVAL, "model: give its name, like resnet18");
    const char *tail = strstr(name->text, "-cifar");
    const size_t n = tail ? (size_t)(tail - name->text) : strlen(name->text);
    const char *base = slc_arena_printf(arena, "%.*s", (int)n, name->text);
    if (!base) return slc_fail(err, SLC_ENOMEM, "model: out of memory");
    const slc_arch *arch =
        slc_entry_find((const void *const *)slc_archs, "model", base, name, err);
    if (!arch) return SLC_EINVAL;
    *shape = arch->shape;
    const slc_node *stem = slc_node_get(spec, "stem");
    if (tail || (stem && stem->text && strcmp(stem->text, "cifar") == 0))
        shape->h = shape->w = 32;
    return slc_net_build(net, spec, *shape, arch->classes, err);
}

/* Channels are what the first layer reads, classes what the last one makes. */
static slc_status measure(slc_trained *t, const slc_net *net, const slc_tensors *file,
                          slc_err *err)
{
    const slc_blob *first = NULL, *last = NULL;
    for (size_t i = 0; i < net->tensors; i++) {
        if (net->tensor[i].rank < 2) continue;
        const slc_blob *blob = slc_tensors_find(file, net->tensor[i].name);
        if (!blob || blob->rank != net->tensor[i].rank)
            return slc_fail(err, SLC_EDATA, "%s: tensor %s of the model is missing%s",
                            t->path, net->tensor[i].name,
                            blob ? " (another has its name)" : "");
        if (!first) first = blob;
        last = blob;
    }
    if (!first) return slc_fail(err, SLC_EDATA, "%s: no weights to measure", t->path);
    t->channels = first->rank == 4 ? first->dim[1] : net->in.c;
    t->class_count = last->dim[0];
    if (t->channels != 1 && t->channels != 3)
        return slc_fail(err, SLC_EDATA,
                        "%s: tensor %s reads %zu channels; pictures have 1 or 3", t->path,
                        first->name, t->channels);
    if (t->class_count < 1 || t->class_count > 1000000)
        return slc_fail(err, SLC_EDATA, "%s: tensor %s makes %zu classes", t->path,
                        last->name, t->class_count);
    return SLC_OK;
}

static slc_status number(slc_trained *t, const char **list, slc_err *err)
{
    t->nameless = true;
    for (size_t i = 0; i < t->class_count; i++)
        if (!(list[i] = slc_arena_printf(&t->arena, "%zu", i)))
            return slc_fail(err, SLC_ENOMEM, "%s: out of memory", t->path);
    return SLC_OK;
}

/* One name a line; empty lines do not count. */
static slc_status read_names(slc_trained *t, const char **list, const char *path,
                             char *text, slc_err *err)
{
    size_t n = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "\r")] = 0;
        if (!*line) continue;
        if (n < t->class_count && !(list[n] = slc_arena_text(&t->arena, line)))
            return slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
        n++;
    }
    if (n == t->class_count) return SLC_OK;
    return slc_fail(err, SLC_EDATA, "%s: names %zu classes, %s has %zu", path, n, t->path,
                    t->class_count);
}

static slc_status name_classes(slc_trained *t, const char *path, slc_err *err)
{
    uint8_t *text = NULL;
    size_t size;
    const char **list = slc_arena_zero(&t->arena, t->class_count + 1, sizeof(*list));
    if (!list) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", t->path);
    t->classes = list;
    if (!path) return number(t, list, err);
    slc_status st = slc_file_read(&text, &size, path, MOST_NAMES, err);
    if (st == SLC_OK) st = read_names(t, list, path, (char *)text, err);
    free(text);
    return st;
}

/* What torchvision's presets do to a picture: short side, middle square, normalisation. */
static const char *write_ops(const slc_import *s, slc_trained *t, slc_shape shape)
{
    const bool grey = t->channels == 1;
    const size_t side = s->crop ? s->crop : shape.h;
    const size_t least = s->resize         ? s->resize
                         : shape.h < LARGE ? side
                                           : (side * 256 + 112) / 224;
    return slc_arena_printf(&t->arena,
                            "[{resize: {size: %zu}}, {center_crop: {size: %zu}}, "
                            "{normalize: {mean: [%s], std: [%s]}}]",
                            least, side,
                            s->mean ? s->mean
                            : grey  ? "0.5"
                                    : IMAGENET_MEAN,
                            s->std ? s->std
                            : grey ? "0.5"
                                   : IMAGENET_STD);
}

/* The recipe this model might have had. */
static slc_status make_recipe(slc_trained *t, const slc_import *s, slc_node *spec,
                              slc_shape shape, slc_err *err)
{
    slc_node *root = slc_node_new(&t->arena, SLC_NODE_MAP), *eval = NULL;
    slc_node *data = slc_node_new(&t->arena, SLC_NODE_MAP);
    const char *ops = s->ops ? s->ops : write_ops(s, t, shape);
    if (!ops) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", t->path);
    slc_status st = slc_node_parse(&eval, &t->arena, ops, strlen(ops), "--ops", err);
    if (st != SLC_OK) return st;
    slc_node_put(data, &t->arena, "channels",
                 slc_node_scalar(&t->arena, t->channels == 1 ? "1" : "3"));
    slc_node_put(root, &t->arena, "model", spec);
    slc_node_put(root, &t->arena, "data", data);
    slc_node_put(root, &t->arena, "eval", eval);
    st = slc_recipe_read(&t->recipe, root, err);
    return st == SLC_OK ? slc_recipe_make_plans(&t->plans, &t->recipe, NULL, err) : st;
}

static slc_status build(slc_trained *t, const slc_tensors *file, const slc_import *s,
                        const slc_trained_settings *settings, slc_err *err)
{
    slc_net *net = NULL;
    slc_node *spec = NULL;
    slc_shape shape;
    slc_trained_settings exact = *settings;
    slc_model **list = slc_arena_zero(&t->arena, 1, sizeof(*list));
    if (!list) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", t->path);
    if (exact.precision == SLC_PRECISION_AUTO) exact.precision = SLC_PRECISION_F32;
    slc_status st =
        slc_node_parse(&spec, &t->arena, s->model, strlen(s->model), "--model", err);
    if (st == SLC_OK) st = probe(&net, spec, &shape, &t->arena, err);
    if (st == SLC_OK) st = measure(t, net, file, err);
    slc_net_free(&net);
    if (st == SLC_OK) st = name_classes(t, s->names, err);
    if (st == SLC_OK) st = make_recipe(t, s, spec, shape, err);
    if (st != SLC_OK) return st;
    t->height = shape.h;
    t->width = shape.w;
    if (!slc_policy_output_size(t->plans.eval, 0, 0, &t->width, &t->height))
        return slc_fail(err, SLC_EINVAL,
                        "--ops: pictures leave in many sizes; add a crop or a resize");
    st = slc_trained_make(list, t, t->recipe.model, &exact, err);
    if (st != SLC_OK) return st;
    t->model = list[0];
    t->members = list;
    t->member_count = 1;
    return slc_model_load(t->model, file, NULL, false, err);
}

slc_status slc_trained_import(slc_trained *out, const slc_import *import,
                              const slc_trained_settings *settings, slc_err *err)
{
    static const slc_trained_settings none = {0};
    slc_tensors *file = NULL;
    slc_trained t = {.temperature = 1};
    t.path = slc_arena_text(&t.arena, import->weights);
    slc_status st = t.path
                        ? slc_tensors_open(&file, t.path, err)
                        : slc_fail(err, SLC_ENOMEM, "%s: out of memory", import->weights);
    if (st == SLC_OK) st = build(&t, file, import, settings ? settings : &none, err);
    slc_tensors_close(&file);
    if (st != SLC_OK) slc_trained_close(&t);
    *out = t;
    return st;
}
