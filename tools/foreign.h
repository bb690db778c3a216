/* Models for eval and predict: a file of this program, or a net by name with weights that
 * another program saved (torchvision's names), and how it is run. */
#ifndef TOOLS_FOREIGN_H
#define TOOLS_FOREIGN_H

#include "tools/cmd.h"
#include "train/fit.h"

typedef struct cli_foreign {
    const char *model, *weights, *names, *ops, *mean, *std;
    uint64_t resize, crop, batch;
    const char *engine;
    int precision, tta; /* slc_precision, slc_looks */
} cli_foreign;

#define CLI_FOREIGN_FIELD(settings, name) CLI_FIELD(settings, foreign.name)

/* Rows of the option table of a command whose settings have a cli_foreign called foreign. */
#define CLI_FOREIGN_OPTIONS(settings)                                                    \
    {0, "tta", CLI_FOREIGN_FIELD(settings, tta), .choices = cli_looks,                   \
     .help = "test-time augmentation: average the answers to several views"},            \
        {0, "precision", CLI_FOREIGN_FIELD(settings, precision),                         \
         .choices = cli_precisions, .help = "arithmetic"},                               \
        {0, "engine", CLI_FOREIGN_FIELD(settings, engine), .value = "NAME",              \
         .help = "onednn or blas"},                                                      \
        {0, "model", CLI_FOREIGN_FIELD(settings, model), .value = "NAME",                \
         .help = "a net of 'sluice models', with --weights, instead of MODEL"},          \
        {0,                                                                              \
         "weights",                                                                      \
         CLI_FOREIGN_FIELD(settings, weights),                                           \
         .path = CLI_READS,                                                              \
         .value = "FILE",                                                                \
         .help = "safetensors with the names of torchvision's state_dict()"},            \
        {0,                                                                              \
         "classes",                                                                      \
         CLI_FOREIGN_FIELD(settings, names),                                             \
         .path = CLI_READS,                                                              \
         .value = "FILE",                                                                \
         .help = "class names, one a line (default: numbers)"},                          \
        {0,                                                                              \
         "resize",                                                                       \
         CLI_FOREIGN_FIELD(settings, resize),                                            \
         .hi = 65535,                                                                    \
         .value = "PX",                                                                  \
         .help = "short side before the crop (default: 8/7 of the crop, 256 for 224)"},  \
        {0,                                                                              \
         "crop",                                                                         \
         CLI_FOREIGN_FIELD(settings, crop),                                              \
         .hi = 65535,                                                                    \
         .value = "PX",                                                                  \
         .help = "middle square (default: what the net was made for, 224)"},             \
        {0, "mean", CLI_FOREIGN_FIELD(settings, mean), .value = "R,G,B",                 \
         .help = "of normalisation (default: ImageNet's)"},                              \
        {0, "std", CLI_FOREIGN_FIELD(settings, std), .value = "R,G,B",                   \
         .help = "of normalisation (default: ImageNet's)"},                              \
    {                                                                                    \
        0, "ops", CLI_FOREIGN_FIELD(settings, ops),                                      \
            .value = "YAML", .help = "list of ops instead of resize, crop, mean and std" \
    }

/* The choices of --tta and --precision: slc_looks, slc_precision. */
extern const char *const cli_looks[], *const cli_precisions[];

#define CLI_FOREIGN_DETAILS                                                              \
    "--model and --weights take the place of MODEL. Pictures are then prepared as "      \
    "torchvision does by\n"                                                              \
    "default: short side to 256 px (bilinear, antialias), middle 224 x 224 px, "         \
    "ImageNet's mean and\n"                                                              \
    "deviation; nets made for small pictures resize and crop to their own side. "        \
    "Arithmetic is f32\n"                                                                \
    "unless --precision says otherwise."

/* Opens what the options name, or else args[0], and looks as --tta says; *first is the argument
 * after that. Errors: SLC_EINVAL (one of model and weights alone, neither and no argument), and
 * those of slc_trained_open, slc_trained_import and slc_trained_look. */
SLC_CHECKED slc_status cli_model_open(slc_trained *out, const cli_context *cli,
                                      const cli_foreign *foreign, char **args, int count,
                                      int *first, slc_err *err);

#endif
