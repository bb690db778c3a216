/* inspect: the layers of a net with shapes, weights and FLOPs; its weights and maps as pictures. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cmd.h"
#include "tools/look.h"
#include "tools/open.h"
#include "tools/table.h"
#include "train/net.h"
#include "train/spread.h"

typedef struct inspect_settings {
    const char *histograms, *featmaps, *output, *split;
    uint64_t images, classes, height, width, channels;
    double similar;
    bool variance;
} inspect_settings;

#define FIELD(name) CLI_FIELD(inspect_settings, name)

static const cli_opt options[] = {
    {0, "histograms", FIELD(histograms), .path = CLI_WRITES_PLOT, .value = "FILE",
     .help = "draw the weights of every layer as histograms (png or svg)"},
    {0, "featmaps", FIELD(featmaps), .path = CLI_READS, .value = "SOURCE",
     .help = "draw what every layer makes of a picture; dead and look-alike maps are "
             "found over all of SOURCE"},
    {'o', "output", FIELD(output), .path = CLI_WRITES_DIR, .value = "DIR",
     .help = "directory for the sheets of feature maps"},
    {'s', "split", FIELD(split), .value = "NAME",
     .help = "of SOURCE: train, val or test"},
    {'n', "images", FIELD(images), .lo = 1, .hi = 1e6, .value = "N",
     .help = "most pictures of SOURCE"},
    {0, "similar", FIELD(similar), .lo = 0.5, .hi = 1, .value = "R",
     .help = "correlation from which on two maps are look-alikes"},
    {0, "variance", FIELD(variance),
     .help = "how wide noise is after every layer, and its gradient coming back"},
    {0, "channels", FIELD(channels), .hi = 1024, .value = "N",
     .help = "of the input of a net given by name (default: what it was made for)"},
    {0, "height", FIELD(height), .hi = 65535, .value = "PX", .help = "the same"},
    {0, "width", FIELD(width), .hi = 65535, .value = "PX", .help = "the same"},
    {0, "classes", FIELD(classes), .hi = 1e6, .value = "N", .help = "the same"},
    {0},
};

/* What is looked at, wherever it came from. */
typedef struct subject {
    slc_arena arena;
    cli_stream stream;   /* of a recipe */
    slc_trained trained; /* of a file or run */
    const slc_node *spec;
    slc_shape in;
    size_t classes;
    slc_net *net;
    slc_spread *spread; /* by layer; NULL = not asked for */
} subject;

static void close_subject(subject *s)
{
    free(s->spread);
    slc_net_free(&s->net);
    slc_trained_close(&s->trained);
    cli_stream_close(&s->stream);
    slc_arena_free(&s->arena);
}

static const slc_arch *arch_called(const char *name)
{
    for (size_t i = 0; slc_archs[i]; i++)
        if (strcmp(slc_archs[i]->entry.name, name) == 0) return slc_archs[i];
    return NULL;
}

static slc_status take_arch(subject *s, const slc_arch *arch, slc_err *err)
{
    slc_node *spec = NULL;
    const char *text = slc_arena_printf(&s->arena, "{name: %s}", arch->entry.name);
    if (!text) return slc_fail(err, SLC_ENOMEM, "out of memory");
    const slc_status st =
        slc_node_parse(&spec, &s->arena, text, strlen(text), arch->entry.name, err);
    s->spec = spec;
    s->in = arch->shape;
    s->classes = arch->classes;
    return st;
}

static slc_status take_recipe(subject *s, const cli_context *cli, const char *path,
                              slc_err *err)
{
    slc_loader *loader = NULL;
    const cli_texts none = {0};
    slc_status st = cli_stream_open(&s->stream, cli, path, &none, "train", err);
    s->stream.settings.quarantine = NULL;
    s->stream.settings.ahead = 2;
    if (st == SLC_OK) st = slc_loader_open(&loader, &s->stream.settings, err);
    if (st != SLC_OK) return st;
    slc_loader_shape(loader, &s->in.c, &s->in.h, &s->in.w);
    slc_loader_close(&loader);
    s->spec = s->stream.recipe.model;
    s->classes = slc_source_classes(s->stream.source);
    return SLC_OK;
}

static slc_status take_trained(subject *s, const cli_context *cli, const char *path,
                               slc_err *err)
{
    const slc_status st = slc_trained_open(
        &s->trained, path,
        &(slc_trained_settings){.threads = cli->threads, .precision = SLC_PRECISION_F32},
        err);
    if (st != SLC_OK) return st;
    s->spec = s->trained.recipe.model;
    s->in = (slc_shape){s->trained.channels, s->trained.height, s->trained.width};
    s->classes = s->trained.class_count;
    return SLC_OK;
}

static slc_status open_subject(subject *s, const cli_context *cli,
                               const inspect_settings *set, const char *name,
                               slc_err *err)
{
    const size_t n = strlen(name);
    const bool yaml = n > 5 && (strcmp(name + n - 5, ".yaml") == 0 ||
                                strcmp(name + n - 4, ".yml") == 0);
    const slc_arch *arch = arch_called(name);
    if (!arch && !strpbrk(name, "./") && access(name, F_OK) != 0) /* a name, misspelt */
        return slc_entry_find((const void *const *)slc_archs, "model", name, NULL, err)
                   ? SLC_OK
                   : SLC_EINVAL;
    slc_status st = arch   ? take_arch(s, arch, err)
                    : yaml ? take_recipe(s, cli, name, err)
                           : take_trained(s, cli, name, err);
    if (arch) {
        if (set->channels) s->in.c = set->channels;
        if (set->height) s->in.h = set->height;
        if (set->width) s->in.w = set->width;
        if (set->classes) s->classes = set->classes;
    } else if (st == SLC_OK &&
               (set->channels || set->height || set->width || set->classes)) {
        st = slc_fail(err, SLC_EINVAL,
                      "%s brings its own shape; --channels, --height, --width and "
                      "--classes go with a net given by name",
                      name);
    }
    return st == SLC_OK ? slc_net_build(&s->net, s->spec, s->in, s->classes, err) : st;
}

static double flops_of(const slc_net *net)
{
    double sum = 0;
    for (size_t i = 0; i < net->nodes; i++)
        sum += net->node[i].flops;
    return sum;
}

static size_t weights_of(const slc_net *net, size_t i)
{
    size_t sum = 0;
    for (size_t t = 0; t < net->node[i].tensors; t++) {
        const slc_tensor_info *info = &net->tensor[net->node[i].tensor + t];
        if (info->role != SLC_ROLE_BUFFER) sum += info->size;
    }
    return sum;
}

static void print_table(const subject *s)
{
    const slc_net *net = s->net;
    cli_table t;
    cli_table_begin(&t);
    fprintf(t.cells, "layer\ttype\toutput\tweights\tMFLOP%s\n",
            s->spread ? "\tvar out\tvar grad" : "");
    for (size_t i = 0; i < net->nodes; i++) {
        const slc_net_node *n = &net->node[i];
        fprintf(t.cells, "%s\t%s\t%zux%zux%zu\t%zu\t%.2f", n->name, n->layer->entry.name,
                n->out.c, n->out.h, n->out.w, weights_of(net, i), n->flops / 1e6);
        if (s->spread)
            fprintf(t.cells, "\t%.3g\t%.3g", s->spread[i].forward, s->spread[i].backward);
        fputc('\n', t.cells);
    }
    cli_table_end(&t, stdout);
    printf("input %zu x %zu x %zu, %zu classes: %zu layers, %zu weights, %zu running "
           "statistics, %.1f MFLOP an image\n",
           s->in.c, s->in.h, s->in.w, s->classes, net->nodes, net->weights, net->buffers,
           flops_of(net) / 1e6);
}

static json_t *tensors_json(const slc_net *net, const slc_net_node *n)
{
    json_t *list = json_array();
    for (size_t t = 0; t < n->tensors; t++) {
        const slc_tensor_info *info = &net->tensor[n->tensor + t];
        json_t *dims = json_array();
        for (size_t d = 0; d < info->rank; d++)
            json_array_append_new(dims, json_integer((json_int_t)info->dim[d]));
        json_array_append_new(list, json_pack("{s:s, s:o, s:b}", "name", info->name,
                                              "shape", dims, "trainable",
                                              info->role != SLC_ROLE_BUFFER));
    }
    return list;
}

static json_t *table_json(const subject *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->net->nodes; i++) {
        const slc_net_node *n = &s->net->node[i];
        json_t *row = json_pack(
            "{s:s, s:s, s:[I, I, I], s:I, s:f, s:o}", "name", n->name, "type",
            n->layer->entry.name, "output", (json_int_t)n->out.c, (json_int_t)n->out.h,
            (json_int_t)n->out.w, "weights", (json_int_t)weights_of(s->net, i), "flops",
            n->flops, "tensors", tensors_json(s->net, n));
        if (s->spread) {
            json_object_set_new(row, "variance", json_real(s->spread[i].forward));
            json_object_set_new(row, "gradient_variance",
                                json_real(s->spread[i].backward));
        }
        json_array_append_new(list, row);
    }
    return json_pack("{s:i, s:[I, I, I], s:I, s:I, s:I, s:f, s:o}", "schema", 1, "input",
                     (json_int_t)s->in.c, (json_int_t)s->in.h, (json_int_t)s->in.w,
                     "classes", (json_int_t)s->classes, "weights",
                     (json_int_t)s->net->weights, "buffers", (json_int_t)s->net->buffers,
                     "flops", flops_of(s->net), "layers", list);
}

/* The weights of a file as they are, of a name or recipe as training starts from. *fresh, if
 * made, is the caller's. */
static slc_status model_of(slc_model **out, slc_model **fresh, subject *s,
                           const cli_context *cli, slc_err *err)
{
    slc_status st = SLC_OK;
    if (!s->trained.model)
        st = slc_model_create(fresh,
                              &(slc_model_settings){.spec = s->spec,
                                                    .channels = s->in.c,
                                                    .height = s->in.h,
                                                    .width = s->in.w,
                                                    .classes = s->classes,
                                                    .threads = cli->threads,
                                                    .precision = SLC_PRECISION_F32,
                                                    .inference = true},
                              err);
    *out = *fresh ? *fresh : s->trained.model;
    return st;
}

/* As many images as some seconds allow; nets that would take a minute are refused. */
static slc_status measure_spread(subject *s, slc_model *model, slc_err *err)
{
    enum { MOST = 64, LEAST = 4 };
    const double budget = 3e8, each = flops_of(s->net), fit = budget / (each + 1);
    const size_t images = fit > MOST ? MOST : fit < LEAST ? LEAST : (size_t)fit;
    if (each > 3 * budget)
        return slc_fail(err, SLC_EINVAL,
                        "--variance computes in double, which takes too long for %.0f "
                        "MFLOP an image: choose a smaller --height and --width",
                        each / 1e6);
    s->spread = calloc(s->net->nodes, sizeof(*s->spread));
    if (!s->spread) return slc_fail(err, SLC_ENOMEM, "out of memory");
    return slc_spread_measure(s->spread, s->net, slc_model_weights(model),
                              slc_model_buffers(model), images, 1, err);
}

static slc_status look_at_weights(subject *s, const cli_context *cli,
                                  const inspect_settings *set, const char *name,
                                  slc_err *err)
{
    slc_model *fresh = NULL, *model;
    slc_status st = model_of(&model, &fresh, s, cli, err);
    if (st == SLC_OK && set->variance) st = measure_spread(s, model, err);
    if (st == SLC_OK && set->histograms)
        st = cli_weights_write(set->histograms, model, name, err);
    slc_model_destroy(&fresh);
    return st;
}

static slc_status draw_maps(const cli_context *cli, const inspect_settings *s,
                            const char *model, json_t *list, slc_err *err)
{
    slc_source *source = NULL;
    slc_status st = slc_source_open_text(&source, s->featmaps, s->split, cli->log, err);
    if (st == SLC_OK)
        st = cli_featmaps_write(s->output, model,
                                &(slc_surgery_settings){.source = source,
                                                        .images = s->images,
                                                        .similar = s->similar,
                                                        .threads = cli->threads,
                                                        .log = cli->log},
                                list, err);
    slc_source_close(&source);
    return st;
}

static void print_maps(const json_t *list)
{
    size_t i;
    json_t *page;
    json_array_foreach(list, i, page)
        printf("%s: %lld maps, %lld dead, %lld look-alike\n",
               json_string_value(json_object_get(page, "file")),
               (long long)json_integer_value(json_object_get(page, "maps")),
               (long long)json_integer_value(json_object_get(page, "dead")),
               (long long)json_integer_value(json_object_get(page, "alike")));
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const inspect_settings *const s = settings;
    subject it = {0};
    json_t *maps = json_array();
    const char *const dot = s->output ? strrchr(s->output, '.') : NULL;
    (void)count;

    slc_status st = SLC_OK;
    if (s->featmaps && !s->output)
        st = slc_fail(err, SLC_EINVAL, "--featmaps needs -o DIR for its sheets");
    else if (s->featmaps && dot && (strcmp(dot, ".png") == 0 || strcmp(dot, ".svg") == 0))
        st = slc_fail(err, SLC_EINVAL,
                      "%s: --featmaps draws a sheet for each layer and needs a folder",
                      s->output);
    if (st == SLC_OK) st = open_subject(&it, cli, s, args[0], err);
    if (st == SLC_OK && s->featmaps && !it.trained.model)
        st = slc_fail(err, SLC_EINVAL,
                      "--featmaps needs a trained model: a run or its model.safetensors");
    if (st == SLC_OK && (s->histograms || s->variance))
        st = look_at_weights(&it, cli, s, args[0], err);
    if (st == SLC_OK && s->featmaps) st = draw_maps(cli, s, args[0], maps, err);
    if (st == SLC_OK && cli->json) {
        json_t *object = table_json(&it);
        if (s->featmaps) json_object_set(object, "featmaps", maps);
        st = cli_print_json(object, err);
    } else if (st == SLC_OK) {
        print_table(&it);
        print_maps(maps);
    }
    json_decref(maps);
    close_subject(&it);
    return st;
}

const cli_cmd cli_cmd_inspect = {
    .name = "inspect",
    .group = CLI_INSIGHT,
    .summary =
        "a net's layers with shapes, weights and FLOPs; its weights and maps drawn",
    .args = "MODEL",
    .least = 1,
    .most = 1,
    .details =
        "MODEL is a net of 'sluice models', a recipe, a run, or a model file. FLOPs are "
        "two for a multiply\n"
        "and add, forward, one image. Sheets of feature maps show the first picture; "
        "dead maps have a\n"
        "red frame, maps that say the same as an earlier one an orange one.",
    .examples = "  sluice inspect resnet18\n  sluice inspect resnet20 --variance\n"
                "  sluice inspect runs/demo --histograms weights.png\n"
                "  sluice inspect runs/demo --featmaps shoe.png -o maps",
    .options = options,
    .initial = &(const inspect_settings){.similar = 0.98, .images = 64},
    .settings_size = sizeof(inspect_settings),
    .run = run,
};
