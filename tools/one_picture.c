#include "tools/one_picture.h"

#include <string.h>

#include "augment/codec.h"
#include "base/file.h"

static slc_status make_policy(const cli_one_picture *job, slc_arena *arena,
                              slc_policy **out, slc_err *err)
{
    slc_node *list = NULL;
    slc_status st =
        slc_node_parse(&list, arena, job->ops, strlen(job->ops), "--ops", err);
    if (st == SLC_OK) st = slc_policy_create(out, list, "--ops", (slc_images){0}, err);
    if (st != SLC_OK) return st;
    if (slc_policy_is_normalized(*out))
        return slc_fail(err, SLC_EINVAL,
                        "--ops: a normalised picture has no file format; leave "
                        "normalize to the recipe");
    if (slc_policy_views(*out) > 1 && job->key.view >= slc_policy_views(*out))
        return slc_fail(err, SLC_EINVAL, "--ops: there are %u views, from 0",
                        slc_policy_views(*out));
    return SLC_OK;
}

static const slc_codec *find_writer(const char *path, slc_err *err)
{
    const slc_codec *const codec = slc_codec_by_extension(path);
    if (codec && codec->encode) return codec;
    slc_fail(err, SLC_EINVAL,
             "%s: no picture format of that extension can be written; .png, .jpg "
             "and .webp can",
             path);
    return NULL;
}

static slc_status transform(const cli_one_picture *job, const slc_policy *policy,
                            const slc_map *map, slc_work *work, slc_image *out,
                            slc_err *err)
{
    const slc_tail *tail = NULL;
    slc_decoder *decoder = NULL;
    slc_image image;

    slc_status st = slc_decoder_create(&decoder, err);
    if (st != SLC_OK) return st;
    st = slc_decode_image(decoder, map->bytes, map->size, &job->decode, &work->arena,
                          &image, err);
    if (st == SLC_OK)
        st = slc_policy_run(policy, &job->key, NULL, &image, work, NULL, out, &tail, err);
    if (st != SLC_OK) slc_err_prefix(err, "%s", job->in);
    slc_decoder_destroy(&decoder);
    return st;
}

slc_status cli_one_picture_run(const cli_one_picture *job, size_t *w, size_t *h,
                               slc_err *err)
{
    slc_work work = {.isa = slc_isa_detect()};
    slc_arena arena = {0};
    slc_policy *policy = NULL;
    slc_map map = {0};
    slc_image image;
    slc_str bytes = {0};
    const slc_codec *const codec = find_writer(job->out, err);

    if (!codec) return err->code;
    slc_status st = slc_encoding_check(codec, &job->encoding, err);
    if (st == SLC_OK) st = make_policy(job, &arena, &policy, err);
    if (st == SLC_OK) st = slc_map_open(&map, job->in, err);
    if (st == SLC_OK) st = transform(job, policy, &map, &work, &image, err);
    if (st == SLC_OK) st = slc_encode(codec, &job->encoding, &image, &bytes, err);
    if (st == SLC_OK) {
        *w = image.w, *h = image.h;
        st = slc_file_replace(job->out, bytes.text, bytes.size, err);
    }
    slc_str_free(&bytes);
    slc_map_close(&map);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
    slc_arena_free(&work.arena);
    return st;
}
