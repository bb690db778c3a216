/* JPEG files: baseline or progressive, with libjpeg's quality scale. */
#include "augment/codec/jpeg_write.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

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
    {0}};

typedef struct writer {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr to;
    jmp_buf jump;
    slc_status status;
    slc_err *err;
    slc_str *out;
    uint8_t buffer[BUFFER];
} writer;

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
    slc_str_add_n(w->out, w->buffer, BUFFER);
    begin(c);
    return TRUE;
}

static void finish(j_compress_ptr c)
{
    writer *w = writer_of((j_common_ptr)c);
    slc_str_add_n(w->out, w->buffer, BUFFER - w->to.free_in_buffer);
}

static void write_image(writer *w, const slc_jpeg_settings *set, const slc_image *image)
{
    struct jpeg_compress_struct *c = &w->c;
    jpeg_create_compress(c);
    c->dest = &w->to;
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
    if (set->progressive) jpeg_simple_progression(c);

    jpeg_start_compress(c, TRUE);
    for (size_t y = 0; y < image->h; y++) {
        JSAMPROW row = image->px + y * image->stride;
        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
}

static slc_status guarded(writer *w, const slc_jpeg_settings *set, const slc_image *image)
{
    if (setjmp(w->jump) == 0) write_image(w, set, image);
    return w->status;
}

slc_status slc_jpeg_encode(const void *settings, const slc_image *image, slc_str *out,
                           slc_err *err)
{
    writer w = {.err = err, .out = out};
    w.c.err = jpeg_std_error(&w.errors);
    w.errors.error_exit = on_error;
    w.errors.emit_message = on_message;
    w.to.init_destination = begin;
    w.to.empty_output_buffer = flush;
    w.to.term_destination = finish;
    const slc_status st = guarded(&w, settings, image);
    jpeg_destroy_compress(&w.c);
    if (st == SLC_OK && out->failed)
        return slc_fail(err, SLC_ENOMEM, "jpeg: out of memory");
    return st;
}
