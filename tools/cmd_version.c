/* version: what this program is made of: libraries, engines, instruction set. */
#include <stdio.h> /* jpeglib.h needs it first */

#include <jpeglib.h>
#include <png.h>
#include <string.h>
#include <yaml.h>
#include <zlib.h>

#include "base/isa.h"
#include "base/pool.h"
#include "config.h"
#include "tools/cmd.h"
#if SLC_HAVE_ONEDNN
#include <oneapi/dnnl/dnnl.h>
#endif
#if SLC_HAVE_WEBP
#include <webp/decode.h>
#endif
#if SLC_HAVE_CAIRO
#include <cairo.h>
#endif
#if SLC_HAVE_SQLITE
#include <sqlite3.h>
#endif

/* openblas_config.h lies in different folders on different systems. */
char *openblas_get_config(void);

typedef struct library {
    const char *name;
    char version[48];
} library;

enum { MAX_LIBRARIES = 16 };

#define JPEG_TEXT_OF(x) #x
#define JPEG_TEXT(x) JPEG_TEXT_OF(x)

static void add(library *list, size_t *n, const char *name, const char *version)
{
    list[*n].name = name;
    snprintf(list[*n].version, sizeof(list[*n].version), "%s", version);
    ++*n;
}

/* "OpenBLAS 0.3.21 NO_LAPACKE ..." -> "0.3.21" */
static void add_openblas(library *list, size_t *n)
{
    const char *const text = openblas_get_config();
    const char *const number = text + strcspn(text, "0123456789");
    add(list, n, "openblas", number);
    list[*n - 1].version[strcspn(list[*n - 1].version, " ")] = 0;
}

static size_t list_libraries(library *list)
{
    size_t n = 0;
    add(list, &n, "libjpeg-turbo", JPEG_TEXT(LIBJPEG_TURBO_VERSION));
    add(list, &n, "libpng", png_get_libpng_ver(NULL));
    add(list, &n, "zlib", zlibVersion());
    add(list, &n, "libyaml", yaml_get_version_string());
    add(list, &n, "jansson", jansson_version_str());
    add_openblas(list, &n);
#if SLC_HAVE_ONEDNN
    char text[48];
    const dnnl_version_t *const v = dnnl_version();
    snprintf(text, sizeof(text), "%d.%d.%d", v->major, v->minor, v->patch);
    add(list, &n, "onednn", text);
#endif
#if SLC_HAVE_WEBP
    const int w = WebPGetDecoderVersion();
    char webp[48];
    snprintf(webp, sizeof(webp), "%d.%d.%d", w >> 16, w >> 8 & 255, w & 255);
    add(list, &n, "libwebp", webp);
#endif
#if SLC_HAVE_CAIRO
    add(list, &n, "cairo", cairo_version_string());
#endif
#if SLC_HAVE_SQLITE
    add(list, &n, "sqlite", sqlite3_libversion());
#endif
    return n;
}

static slc_status print_json(const library *list, size_t n, slc_err *err)
{
    json_t *const libraries = json_object(), *const engines = json_array();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(libraries, list[i].name, json_string(list[i].version));
    if (SLC_HAVE_ONEDNN) json_array_append_new(engines, json_string("onednn"));
    json_array_append_new(engines, json_string("blas"));
    return cli_print_json(
        json_pack("{s:i, s:s, s:s, s:b, s:I, s:o, s:o}", "schema", 1, "version",
                  SLC_VERSION, "simd", slc_isa_name(slc_isa_detect()), "amx",
                  slc_isa_tiles(), "cores", (json_int_t)slc_pool_cores(), "engines",
                  engines, "libraries", libraries),
        err);
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    library list[MAX_LIBRARIES];
    const size_t n = list_libraries(list);
    (void)settings, (void)count, (void)args;

    if (cli->json) return print_json(list, n, err);
    printf("sluice %s\nsimd     %s%s\ncores    %zu\nengines  %sblas\n", SLC_VERSION,
           slc_isa_name(slc_isa_detect()), slc_isa_tiles() ? ", amx" : "",
           slc_pool_cores(), SLC_HAVE_ONEDNN ? "onednn, " : "");
    for (size_t i = 0; i < n; i++)
        printf("%-9s%s %s\n", i ? "" : "with", list[i].name, list[i].version);
    return SLC_OK;
}

const cli_cmd cli_cmd_version = {
    .name = "version",
    .group = CLI_OTHER,
    .summary = "versions of sluice and its libraries, SIMD level, engines",
    .args = "",
    .examples = "  sluice version\n  sluice --version --json",
    .run = run,
};
