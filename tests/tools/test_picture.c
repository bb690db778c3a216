/* Sheets and plots: what a person relies on when looking at them. */
#include <unistd.h>

#include "augment/codec.h"
#include "base/file.h"
#include "tests/check.h"
#include "tools/picture.h"
#include "tools/plot.h"
#include "tools/text.h"

static slc_image read_back(const char *path, slc_arena *arena)
{
    slc_decoder *decoder = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    slc_image image = {0};
    slc_err err = {0};

    CHECK(slc_file_read(&bytes, &size, path, 1 << 24, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_decoder_create(&decoder, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_decode_image(decoder, bytes, size, &(slc_decode){.channels = 3}, arena,
                           &image, &err) == SLC_OK,
          "%s", err.msg);
    slc_decoder_destroy(&decoder);
    free(bytes);
    return image;
}

static bool is_white(const slc_image *image, size_t x, size_t y)
{
    const uint8_t *const p = image->px + y * image->stride + 3 * x;
    return p[0] == 255 && p[1] == 255 && p[2] == 255;
}

/* First and last column and row that are not white. */
static void ink(const slc_image *image, size_t *left, size_t *right, size_t *top,
                size_t *bottom)
{
    *left = image->w, *top = image->h, *right = *bottom = 0;
    for (size_t y = 0; y < image->h; y++)
        for (size_t x = 0; x < image->w; x++)
            if (!is_white(image, x, y)) {
                if (x < *left) *left = x;
                if (x > *right) *right = x;
                if (y < *top) *top = y;
                if (y > *bottom) *bottom = y;
            }
}

static void test_margins_are_even(const char *path)
{
    uint8_t px[28 * 28] = {0};
    cli_tile tiles[6];
    slc_arena arena = {0};
    slc_err err = {0};
    size_t left, right, top, bottom;

    for (size_t i = 0; i < SLC_COUNT(tiles); i++)
        tiles[i] = (cli_tile){.image = {px, 28, 28, 1, 28}};
    CHECK(cli_sheet_write(path, tiles, SLC_COUNT(tiles), &(cli_sheet){.columns = 3},
                          &err) == SLC_OK,
          "%s", err.msg);
    const slc_image image = read_back(path, &arena);
    ink(&image, &left, &right, &top, &bottom);
    CHECK(left == top && left == image.w - 1 - right && left == image.h - 1 - bottom,
          "margins %zu %zu %zu %zu", left, image.w - 1 - right, top,
          image.h - 1 - bottom);
    slc_arena_free(&arena);
}

static void test_enlarged_pixels_are_whole_blocks(const char *path)
{
    uint8_t px[2 * 2 * 3] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30};
    const cli_tile tile = {.image = {px, 2, 2, 3, 6}};
    slc_arena arena = {0};
    slc_err err = {0};
    size_t left, right, top, bottom;

    CHECK(cli_sheet_write(path, &tile, 1, &(cli_sheet){.least = 100}, &err) == SLC_OK,
          "%s", err.msg);
    const slc_image image = read_back(path, &arena);
    ink(&image, &left, &right, &top, &bottom);
    CHECK(right - left + 1 == 100 && bottom - top + 1 == 100, "%zu x %zu",
          right - left + 1, bottom - top + 1);
    for (size_t y = 0; y < 100; y++)
        for (size_t x = 0; x < 100; x++)
            CHECK(memcmp(image.px + (top + y) * image.stride + 3 * (left + x),
                         px + (y / 50) * 6 + (x / 50) * 3, 3) == 0,
                  "pixel %zu %zu", x, y);
    slc_arena_free(&arena);
}

static void test_captions_take_room_and_ink(const char *path)
{
    uint8_t px[40 * 40];
    slc_arena arena = {0};
    slc_err err = {0};
    size_t left, right, top, bottom;

    memset(px, 128, sizeof(px));
    const cli_tile tile = {.image = {px, 40, 40, 1, 40},
                           .title = "Ankle boot",
                           .caption = "random_crop x=2 y=3\nhflip flip=1"};
    CHECK(cli_sheet_write(path, &tile, 1, &(cli_sheet){.least = 160}, &err) == SLC_OK,
          "%s", err.msg);
    const slc_image image = read_back(path, &arena);
    ink(&image, &left, &right, &top, &bottom);
    if (cli_text_line() > 0) {
        CHECK(bottom > top + 160 + 2 * 15, "the caption's last ink is at %zu", bottom);
        CHECK(right < image.w - 4, "text runs out of the sheet");
    }
    slc_arena_free(&arena);
}

static void test_failure_leaves_the_old_file(const char *path)
{
    uint8_t px[1] = {7};
    const cli_tile tile = {.image = {px, 1, 1, 1, 1}};
    slc_err err = {0};

    CHECK(cli_sheet_write(path, &tile, 0, &(cli_sheet){0}, &err) == SLC_EINVAL,
          "no pictures");
    CHECK(cli_sheet_write("/nonexistent/a.png", &tile, 1, &(cli_sheet){0}, &err) ==
              SLC_EIO,
          "status %d", (int)err.code);
    CHECK(strstr(err.msg, "/nonexistent/a.png"), "%s", err.msg);
}

static void test_plots_are_png_and_svg(const char *path)
{
    const double y[] = {2.3, NAN, 1.1, 0.7}, flat[] = {1, 1, 1, 1};
    const cli_series series[] = {{.name = "train", .y = y, .n = 4},
                                 {.name = "flat", .y = flat, .n = 4}};
    const cli_panel panels[] = {
        {.title = "loss", .series = series, .count = 2, .log_y = true},
        {.title = "flat", .series = series + 1, .count = 1}};
    const cli_figure figure = {.panels = panels, .count = 2};
    slc_err err = {0};
    slc_arena arena = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    char svg[4096];

    if (!cli_plot_available()) {
        CHECK(cli_plot_write(path, &figure, &err) == SLC_EINVAL, "must be refused");
        return;
    }
    CHECK(cli_plot_write(path, &figure, &err) == SLC_OK, "%s", err.msg);
    const slc_image image = read_back(path, &arena);
    CHECK(image.w > 1000 && image.h > 300, "%zu x %zu", image.w, image.h);
    slc_arena_free(&arena);
    snprintf(svg, sizeof(svg), "%s.svg", path);
    CHECK(cli_plot_write(svg, &figure, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_file_read(&bytes, &size, svg, 1 << 24, &err) == SLC_OK, "%s", err.msg);
    CHECK(strstr((const char *)bytes, "<svg"), "not an SVG");
    free(bytes);
    unlink(svg);
}

int main(void)
{
    char path[] = "/tmp/sluice-picture-XXXXXX";
    const int fd = mkstemp(path);
    CHECK(fd >= 0, "mkstemp");
    close(fd);
    test_margins_are_even(path);
    test_enlarged_pixels_are_whole_blocks(path);
    test_captions_take_room_and_ink(path);
    test_failure_leaves_the_old_file(path);
    test_plots_are_png_and_svg(path);
    unlink(path);
    return 0;
}
