/* JPEG through libjpeg-turbo: whole pictures, exact regions of them, and pictures scaled in
 * the DCT domain. Slow integer DCT and smooth upsampling, as Pillow, so that pixels are the
 * same. Huffman codes are decoded by jpeg_huff.c. libjpeg reports errors by a jump; it is taken here
 * and in jpeg_write.c only. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "augment/codec/decoder.h"
#include "augment/codec/frame.h"
#include "augment/codec/jpeg_huff.h"
#include "augment/codec/jpeg_pool.h"
#include "augment/codec/jpeg_walk.h"
#include "augment/codec/jpeg_write.h"
#include "base/num.h"

enum {
    PADDING = 16, /* bytes some cameras leave before the end marker */
    CONTEXT = 4, /* pixels around a region that smooth upsampling looks at (it needs 2) */
    NARROWEST = 64 /* a narrower cut could change how libjpeg upsamples */
};

typedef struct job {
    const uint8_t *bytes;
    size_t size;
    const slc_decode *how;
    slc_arena *arena;
    slc_image *out;
    bool plain; /* by libjpeg alone */
} job;

struct slc_jpeg_reader {
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    slc_jpeg_pool pool;
    slc_jpeg_huff *huff;
    bool by_huff; /* this picture */
    jmp_buf jump;
    slc_status status;
    slc_err *err;
    job job;
    slc_image_info info; /* of the job */
};

/* Ends the job; the message is already in j->err. */
static void stop(slc_jpeg_reader *j, slc_status status)
{
    j->status = status;
    longjmp(j->jump, 1);
}

static slc_jpeg_reader *reader_of(j_common_ptr c)
{
    return (slc_jpeg_reader *)((char *)c->err - offsetof(slc_jpeg_reader, errors));
}

static void on_error(j_common_ptr c)
{
    slc_jpeg_reader *j = reader_of(c);
    char text[JMSG_LENGTH_MAX];
    c->err->format_message(c, text);
    const slc_status code =
        c->err->msg_code == JERR_OUT_OF_MEMORY ? SLC_ENOMEM : SLC_EFORMAT;
    text[strcspn(text, "\n")] = '\0';
    stop(j, slc_fail(j->err, code, "jpeg: %s", text));
}

/* Warnings that leave every pixel as the encoder meant it. */
static bool is_harmless(j_common_ptr c)
{
    const int *const parm = c->err->msg_parm.i;
    switch (c->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR: return true;
    case JWRN_EXTRANEOUS_DATA: /* parm: bytes skipped, marker behind them */
        return ((j_decompress_ptr)c)->input_scan_number == 0 ||
               (parm[1] == JPEG_EOI && parm[0] <= PADDING);
    default: return false;
    }
}

static void on_message(j_common_ptr c, int level)
{
    const slc_jpeg_reader *j = reader_of(c);
    if (level < 0 && !j->job.how->accept_truncated && !is_harmless(c)) on_error(c);
}

static void on_output(j_common_ptr c)
{
    (void)c;
}

/* The guard against pictures of very many scans, each of which touches every block. */
static void on_progress(j_common_ptr c)
{
    slc_jpeg_reader *j = reader_of(c);
    const uint64_t most = slc_limits_or_default(&j->job.how->limits).scans;
    if ((uint64_t)j->c.input_scan_number > most)
        stop(j, slc_fail(j->err, SLC_ELIMIT, "jpeg: over the limit of %llu scans",
                         (unsigned long long)most));
}

static void read_header(slc_jpeg_reader *j)
{
    jpeg_mem_src(&j->c, j->job.bytes, j->job.size);
    jpeg_read_header(&j->c, TRUE);
    const struct jpeg_decompress_struct *c = &j->c;
    const J_COLOR_SPACE space = c->jpeg_color_space;
    j->info = (slc_image_info){
        .format = "jpeg",
        .w = c->image_width,
        .h = c->image_height,
        .file_channels = (unsigned)c->num_components,
        .bits = (unsigned)c->data_precision,
        .orientation = slc_jpeg_orientation(j->job.bytes, j->job.size),
        .cmyk = space == JCS_CMYK || space == JCS_YCCK,
        .progressive = c->progressive_mode,
    };
    const slc_status st =
        slc_check_size("jpeg", j->info.w, j->info.h, &j->job.how->limits, j->err);
    if (st != SLC_OK) stop(j, st);
    if (space == JCS_UNKNOWN)
        stop(j, slc_fail(j->err, SLC_EFORMAT, "jpeg: %d channels mean no known colours",
                         c->num_components));
}

static void check_scans(slc_jpeg_reader *j)
{
    const uint64_t most = slc_limits_or_default(&j->job.how->limits).scans;
    if (jpeg_has_multiple_scans(&j->c) &&
        slc_jpeg_scans(j->job.bytes, j->job.size, most) > most)
        stop(j, slc_fail(j->err, SLC_ELIMIT, "jpeg: over the limit of %llu scans",
                         (unsigned long long)most));
}

/* Huffman codes have a bit at least, and every block has one for its mean: a file with fewer
 * bits than blocks is refused before libjpeg takes memory for the blocks. */
static void check_bits(slc_jpeg_reader *j)
{
    uint64_t blocks = 0;
    for (int i = 0; i < j->c.num_components; i++)
        blocks += (uint64_t)j->c.comp_info[i].width_in_blocks *
                  j->c.comp_info[i].height_in_blocks;
    if (blocks / 8 > j->job.size && !j->c.arith_code && !j->job.how->accept_truncated)
        stop(j, slc_fail(j->err, SLC_EFORMAT, "jpeg: %zu bytes cannot hold %zu x %zu px",
                         j->job.size, j->info.w, j->info.h));
}

/* Where [at, at + n) of a side of full pixels lies when it is eighths / 8 as long: rounded
 * to nearest, never empty, and the far end stays the far end. */
static void scale_span(size_t *at, size_t *n, size_t full, unsigned eighths)
{
    const size_t side = (full * eighths + 7) / 8;
    const size_t end = *at + *n == full ? side : ((*at + *n) * eighths + 4) / 8;
    *at = slc_min((*at * eighths + 4) / 8, side - 1);
    *n = end > *at ? end - *at : 1;
}

static slc_rect scale_rect(const slc_frame *f, unsigned eighths)
{
    slc_rect r = f->region;
    scale_span(&r.x, &r.w, f->w, eighths);
    scale_span(&r.y, &r.h, f->h, eighths);
    return r;
}

/* The smallest of 8/8, 4/8, 2/8, 1/8 that leaves the region as large as it must be; libjpeg
 * has fast inverse transforms for these only. */
static unsigned choose_eighths(const slc_frame *f)
{
    unsigned eighths = 8;
    if (f->least_w == 0 || f->least_h == 0) return 8;
    while (eighths > 1) {
        const slc_rect r = scale_rect(f, eighths / 2);
        if (r.w < f->least_w || r.h < f->least_h) break;
        eighths /= 2;
    }
    return eighths;
}

/* What libjpeg gives: it makes RGB of grey and of YCbCr, and CMYK of YCCK. */
static size_t choose_colours(slc_jpeg_reader *j, const slc_frame *f)
{
    struct jpeg_decompress_struct *c = &j->c;
    if (j->info.cmyk)
        c->out_color_space = JCS_CMYK;
    else if (f->channels == 1 && c->jpeg_color_space == JCS_GRAYSCALE)
        c->out_color_space = JCS_GRAYSCALE;
    else
        c->out_color_space = JCS_RGB;
    return j->info.cmyk ? 4 : c->out_color_space == JCS_GRAYSCALE ? 1 : 3;
}

/* Whether libjpeg will smooth over the blocks of a progressive picture whose finer scans are
 * missing. It then looks at blocks far around, which a cut would hide from it. */
static bool is_smoothed(const struct jpeg_decompress_struct *c)
{
    enum { SMOOTHED = 10 }; /* coefficients, in zigzag order */
    for (int i = 0; c->coef_bits && i < c->num_components; i++)
        for (int k = 1; k < SMOOTHED; k++)
            if (c->coef_bits[i][k] != 0) return true;
    return false;
}

/* libjpeg-turbo 2.1 mistakes the width of a channel that it scaled less than the others and
 * still has to stretch (4:1:0 at 1/2): such rows cannot be cut. */
static bool can_cut(const struct jpeg_decompress_struct *c)
{
    if (is_smoothed(c)) return false;
    for (int i = 0; i < c->num_components; i++)
        if (c->comp_info[i].DCT_scaled_size != c->min_DCT_scaled_size &&
            c->comp_info[i].downsampled_width != c->output_width)
            return false;
    return true;
}

/* Passes over the first n rows. */
static void skip_rows(slc_jpeg_reader *j, size_t n)
{
    struct jpeg_decompress_struct *c = &j->c;
    if (n > 0 && !is_smoothed(c)) {
        jpeg_skip_scanlines(c, (JDIMENSION)n);
    } else if (n > 0) {
        JSAMPARRAY row =
            c->mem->alloc_sarray((j_common_ptr)c, JPOOL_IMAGE,
                                 c->output_width * (JDIMENSION)c->output_components, 1);
        while (c->output_scanline < n)
            jpeg_read_scanlines(c, row, 1);
    }
}

/* Tells libjpeg to make only the columns of r, and returns where r then begins in a row. */
static size_t cut_columns(slc_jpeg_reader *j, slc_rect r)
{
    const size_t full = j->c.output_width;
    size_t begin = r.x - slc_min(r.x, CONTEXT);
    size_t end = slc_min(r.x + r.w + CONTEXT, full);
    if (end - begin < NARROWEST) {
        end = slc_min(begin + NARROWEST, full);
        begin = end - slc_min(end, NARROWEST);
    }
    JDIMENSION x = (JDIMENSION)begin, w = (JDIMENSION)(end - begin);
    if (w >= full || !can_cut(&j->c)) return r.x;
    jpeg_crop_scanline(&j->c, &x, &w);
    if (j->by_huff) slc_jpeg_huff_columns(j->huff, &j->c, x, w);
    return r.x - x;
}

static void give_up_huff(j_decompress_ptr c)
{
    slc_jpeg_reader *j = reader_of((j_common_ptr)c);
    stop(j, SLC_EFORMAT);
}

/* Undoes ink: libjpeg gives Adobe's inverted CMYK (255 = no ink). Pillow's formula. */
static void cmyk_to_rgb(uint8_t *dst, const uint8_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++, src += 4, dst += 3)
        for (size_t k = 0; k < 3; k++) {
            const unsigned t = (255u - src[k]) * src[3] + 128;
            const int v = src[3] - (int)((t + (t >> 8)) >> 8);
            dst[k] = (uint8_t)(v < 0 ? 0 : v);
        }
}

/* Rows of r.h pixels, straight into the image, which is as wide as libjpeg's cut. */
static void read_rows(slc_jpeg_reader *j, const slc_image *image)
{
    enum { ROWS = 16 };
    JSAMPROW rows[ROWS];
    for (size_t y = 0; y < image->h;) {
        const size_t n = slc_min(ROWS, image->h - y);
        for (size_t i = 0; i < n; i++)
            rows[i] = image->px + (y + i) * image->stride;
        y += jpeg_read_scanlines(&j->c, rows, (JDIMENSION)n);
    }
}

/* The same by way of a row of the file's colours. */
static void read_converted(slc_jpeg_reader *j, const slc_image *image, size_t left)
{
    static const uint8_t no_background[3];
    const size_t colours = (size_t)j->c.output_components;
    JSAMPARRAY row = j->c.mem->alloc_sarray((j_common_ptr)&j->c, JPOOL_IMAGE,
                                            j->c.output_width * (JDIMENSION)colours, 2);
    for (size_t y = 0; y < image->h; y++) {
        uint8_t *dst = image->px + y * image->stride;
        const uint8_t *src = row[0] + left * colours;
        jpeg_read_scanlines(&j->c, row, 1);
        if (colours == 4) {
            cmyk_to_rgb(row[1], src, image->w);
            src = row[1];
        }
        slc_row_convert(dst, image->channels, src, 3, image->w, no_background);
    }
}

/* An image whose rows are not aligned to a vector: libjpeg-turbo would write aligned ones past
 * the cache, where the next op has to fetch them from memory (decoding alone is 5 % slower). */
static void alloc_rows(slc_jpeg_reader *j, size_t w, size_t h, size_t channels,
                       slc_image *out)
{
    enum { SHIFT = 16, PIXELS = 16 }; /* bytes; pixels that hold them */
    const bool shift = w <= SLC_MAX_SIDE - PIXELS;
    const slc_status st =
        slc_image_alloc(out, j->job.arena, w + (shift ? PIXELS : 0), h, channels, j->err);
    if (st != SLC_OK) stop(j, st);
    out->px += shift ? SHIFT : 0;
    out->w = w;
}

/* Decodes the rectangle r of the (scaled) picture into an image of its own. */
static void read_rect(slc_jpeg_reader *j, slc_rect r, size_t channels, bool direct,
                      slc_image *out)
{
    jpeg_start_decompress(&j->c);
    j->by_huff = !j->job.plain && slc_jpeg_huff_install(&j->huff, &j->c, give_up_huff);
    const size_t left = cut_columns(j, r);
    const size_t w = direct ? j->c.output_width : r.w;
    alloc_rows(j, w, r.h, channels, out);

    skip_rows(j, r.y);
    if (direct) {
        read_rows(j, out);
        *out = slc_image_part(out, (slc_rect){.x = left, .w = r.w, .h = r.h});
    } else {
        read_converted(j, out, left);
    }
    /* A whole picture is only whole if nothing is wrong up to its end marker. */
    if (j->c.output_scanline == j->c.output_height) jpeg_finish_decompress(&j->c);
}

static void decode_body(slc_jpeg_reader *j)
{
    slc_frame f;
    slc_image stored;
    read_header(j);
    check_scans(j);
    check_bits(j);
    slc_status st = slc_frame_make(&f, j->info.w, j->info.h, j->info.file_channels,
                                   j->info.orientation, j->job.how, j->err);
    if (st != SLC_OK) stop(j, st);

    const unsigned eighths = choose_eighths(&f);
    const bool direct = choose_colours(j, &f) == f.channels;
    j->c.scale_num = eighths;
    j->c.scale_denom = 8;
    j->c.dct_method = JDCT_ISLOW;
    j->c.do_fancy_upsampling = TRUE;
    read_rect(j, scale_rect(&f, eighths), f.channels, direct, &stored);
    st = slc_image_orient(j->job.out, &stored, f.orientation, j->job.arena, j->err);
    if (st != SLC_OK) stop(j, st);
}

static void create_body(slc_jpeg_reader *j)
{
    jpeg_create_decompress(&j->c);
    slc_jpeg_pool_install(&j->pool, (j_common_ptr)&j->c);
    j->c.progress = &j->progress;
}

/* Runs a body, whose way out on failure is stop(). */
static slc_status guarded(slc_jpeg_reader *j, void (*body)(slc_jpeg_reader *),
                          slc_err *err)
{
    j->status = SLC_OK;
    j->err = err;
    if (setjmp(j->jump) == 0) body(j);
    return j->status;
}

static slc_status reader_create(slc_jpeg_reader **out, slc_err *err)
{
    slc_jpeg_reader *j = calloc(1, sizeof(*j));
    if (!j) return slc_fail(err, SLC_ENOMEM, "jpeg: out of memory");
    j->c.err = jpeg_std_error(&j->errors);
    j->errors.error_exit = on_error;
    j->errors.emit_message = on_message;
    j->errors.output_message = on_output;
    j->progress.progress_monitor = on_progress;
    const slc_status st = guarded(j, create_body, err);
    if (st != SLC_OK) slc_jpeg_reader_destroy(&j);
    *out = j;
    return st;
}

void slc_jpeg_reader_destroy(slc_jpeg_reader **reader)
{
    if (!*reader) return;
    jpeg_destroy_decompress(&(*reader)->c);
    slc_jpeg_pool_free(&(*reader)->pool);
    slc_jpeg_huff_destroy(&(*reader)->huff);
    free(*reader);
    *reader = NULL;
}

/* One job from the beginning to a reader that is ready for the next. */
static slc_status run(slc_decoder *decoder, const job *task,
                      void (*body)(slc_jpeg_reader *), slc_err *err)
{
    if (!decoder->jpeg) {
        const slc_status st = reader_create(&decoder->jpeg, err);
        if (st != SLC_OK) return st;
    }
    slc_jpeg_reader *j = decoder->jpeg;
    j->job = *task;
    j->by_huff = false;
    const slc_status st = guarded(j, body, err);
    jpeg_abort_decompress(&j->c);
    return st;
}

static bool is_jpeg(const uint8_t *bytes, size_t size)
{
    return size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0;
}

static slc_status info(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                       const slc_decode *how, slc_image_info *out, slc_err *err)
{
    const job task = {.bytes = bytes, .size = size, .how = how};
    const slc_status st = run(decoder, &task, read_header, err);
    if (st == SLC_OK) *out = decoder->jpeg->info;
    return st;
}

static slc_status decode(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                         const slc_decode *how, slc_arena *arena, slc_image *out,
                         slc_err *err)
{
    job task = {.bytes = bytes, .size = size, .how = how, .arena = arena, .out = out};
    const slc_arena_mark mark = slc_arena_get_mark(arena);
    const slc_status st = run(decoder, &task, decode_body, err);
    if (st == SLC_OK || !decoder->jpeg || !decoder->jpeg->by_huff) return st;
    slc_arena_rewind(arena, mark); /* what is wrong, if anything, libjpeg says best */
    task.plain = true;
    return run(decoder, &task, decode_body, err);
}

const slc_codec slc_codec_jpeg = {
    .entry = {.name = "jpeg",
              .summary = "photos, lossy",
              .source = "ITU-T T.81; libjpeg-turbo",
              .params = slc_jpeg_params,
              .settings_size = sizeof(slc_jpeg_settings)},
    .extensions = "jpg jpeg jpe jfif",
    .is = is_jpeg,
    .info = info,
    .decode = decode,
    .encode = slc_jpeg_encode,
};
