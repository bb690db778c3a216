/* JPEG files: baseline or progressive, with libjpeg's quality scale. */
#include "augment/codec/jpeg_write.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "augment/codec/decoder.h"
#include "augment/codec/jpeg_pool.h"

enum { BUFFER = 8192 };

static const char *const SUBSAMPLINGS[] = {"420", "422", "444", NULL};
static const struct {
    int h, v;
} LUMA_FACTORS[] = {{2, 2}, {2, 1}, {1, 1}};

const slc_param slc_jpeg_params[] = {
    {"quality", SLC_FIELD(slc_jpeg_settings, quality), .lo = 1, .hi = 100,
     .initial = "90", .help = "libjpeg's scale"},
    {"subsampling", SLC_FIELD(slc_jpeg_settings, subsampling), .choices = SUBSAMPLINGS,
     .initial = "\"420\"", .help = "resolution of the colour channels"},
    {"progressive", SLC_FIELD(slc_jpeg_settings, progressive), .initial = "false",
     .help = "coarse to fine, smaller, slower to decode"},
    {"optimize", SLC_FIELD(slc_jpeg_settings, optimize), .initial = "false",
     .help = "second pass for the best Huffman tables"},
    {"restart", SLC_FIELD(slc_jpeg_settings, restart), .lo = 0, .hi = 65535,
     .initial = "4", .unit = "MCUs",
     .help = "how often a reader may begin anew, which reading a part is faster by; "
             "0 = never"},
    {0}};

/* What one image is written with, and where to. */
typedef struct job {
    const slc_jpeg_settings *set;
    const slc_image *image;
    slc_str *out;
} job;

struct slc_jpeg_writer {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr to;
    slc_jpeg_pool pool;
    slc_str trip; /* of slc_jpeg_trip: keeps its room */
    jmp_buf jump;
    slc_status status;
    slc_err *err;
    job job;
    uint8_t buffer[BUFFER];
};
typedef struct slc_jpeg_writer writer;

static writer *writer_of(j_common_ptr c)
{
    return (writer *)((char *)c->err - offsetof(writer, errors));
}

static void on_error(j_common_ptr c)
{
    writer *w = writer_of(c);
    char text[JMSG_LENGTH_MAX];
    c->err->format_message(c, text);
    w->status =
        slc_fail(w->err, c->err->msg_code == JERR_OUT_OF_MEMORY ? SLC_ENOMEM : SLC_EINVAL,
                 "jpeg: %s", text);
    longjmp(w->jump, 1);
}

static void on_message(j_common_ptr c, int level)
{
    (void)c;
    (void)level;
}

static void begin(j_compress_ptr c)
{
    writer *w = writer_of((j_common_ptr)c);
    w->to.next_output_byte = w->buffer;
    w->to.free_in_buffer = BUFFER;
}

static boolean flush(j_compress_ptr c)
{
    writer *w = writer_of((j_common_ptr)c);
    slc_str_add_n(w->job.out, w->buffer, BUFFER);
    begin(c);
    return TRUE;
}

static void finish(j_compress_ptr c)
{
    writer *w = writer_of((j_common_ptr)c);
    slc_str_add_n(w->job.out, w->buffer, BUFFER - w->to.free_in_buffer);
}

static void create_body(writer *w)
{
    jpeg_create_compress(&w->c);
    slc_jpeg_pool_install(&w->pool, (j_common_ptr)&w->c);
    w->c.dest = &w->to;
}

static void write_body(writer *w)
{
    struct jpeg_compress_struct *c = &w->c;
    const slc_image *image = w->job.image;
    const slc_jpeg_settings *set = w->job.set;
    c->image_width = (JDIMENSION)image->w;
    c->image_height = (JDIMENSION)image->h;
    c->input_components = (int)image->channels;
    c->in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, (int)set->quality, TRUE);
    if (image->channels == 3) {
        c->comp_info[0].h_samp_factor = LUMA_FACTORS[set->subsampling].h;
        c->comp_info[0].v_samp_factor = LUMA_FACTORS[set->subsampling].v;
    }
    c->optimize_coding = set->optimize;
    const int across = 8 * c->comp_info[0].h_samp_factor; /* pixels of an MCU */
    if (image->w > (size_t)across * (size_t)set->restart)
        c->restart_interval = (unsigned)set->restart;
    if (set->progressive) jpeg_simple_progression(c);

    jpeg_start_compress(c, TRUE);
    for (size_t y = 0; y < image->h; y++) {
        JSAMPROW row = image->px + y * image->stride;
        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
}

static slc_status guarded(writer *w, void (*body)(writer *), slc_err *err)
{
    w->status = SLC_OK;
    w->err = err;
    if (setjmp(w->jump) == 0) body(w);
    return w->status;
}

static slc_status writer_create(writer **out, slc_err *err)
{
    writer *w = calloc(1, sizeof(*w));
    if (!w) return slc_fail(err, SLC_ENOMEM, "jpeg: out of memory");
    w->c.err = jpeg_std_error(&w->errors);
    w->errors.error_exit = on_error;
    w->errors.emit_message = on_message;
    w->to.init_destination = begin;
    w->to.empty_output_buffer = flush;
    w->to.term_destination = finish;
    const slc_status st = guarded(w, create_body, err);
    if (st != SLC_OK) slc_jpeg_writer_destroy(&w);
    *out = w;
    return st;
}

void slc_jpeg_writer_destroy(writer **of)
{
    if (!*of) return;
    jpeg_destroy_compress(&(*of)->c);
    slc_jpeg_pool_free(&(*of)->pool);
    slc_str_free(&(*of)->trip);
    free(*of);
    *of = NULL;
}

static slc_status write_job(writer *w, const job *task, slc_err *err)
{
    w->job = *task;
    const slc_status st = guarded(w, write_body, err);
    jpeg_abort_compress(&w->c);
    if (st == SLC_OK && task->out->failed)
        return slc_fail(err, SLC_ENOMEM, "jpeg: out of memory");
    return st;
}

slc_status slc_jpeg_encode(const void *settings, const slc_image *image, slc_str *out,
                           slc_err *err)
{
    writer *w = NULL;
    slc_status st = writer_create(&w, err);
    if (st == SLC_OK)
        st = write_job(w, &(job){.set = settings, .image = image, .out = out}, err);
    slc_jpeg_writer_destroy(&w);
    return st;
}

slc_status slc_jpeg_trip(slc_decoder *decoder, int quality, const slc_image *image,
                         slc_arena *arena, slc_image *out, slc_err *err)
{
    const slc_jpeg_settings set = {.quality = quality};
    slc_status st = decoder->writer ? SLC_OK : writer_create(&decoder->writer, err);
    if (st != SLC_OK) return st;
    slc_str *const bytes = &decoder->writer->trip;
    bytes->size = 0;
    st = write_job(decoder->writer, &(job){.set = &set, .image = image, .out = bytes},
                   err);
    if (st != SLC_OK) return st;
    return slc_decode_image(decoder, (const uint8_t *)bytes->text, bytes->size,
                            &(slc_decode){.channels = (unsigned)image->channels}, arena,
                            out, err);
}
