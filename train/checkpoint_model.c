/* Between a model's blocks and the tensors of a file. */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/checkpoint.h"

static float half_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = (h >> 10) & 31u, mantissa = h & 1023u, bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000u | mantissa << 13;
    } else if (exponent == 0) { /* zero or denormal: exact in float */
        const float value = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &value, sizeof(bits));
        bits |= sign;
    } else {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    }
    float out;
    memcpy(&out, &bits, sizeof(out));
    return out;
}

static bool is_float(const char *dtype)
{
    return strcmp(dtype, "F32") == 0 || strcmp(dtype, "F64") == 0 ||
           strcmp(dtype, "F16") == 0 || strcmp(dtype, "BF16") == 0;
}

/* The data of a file need not be aligned: everything goes through memcpy. */
static void to_floats(const slc_blob *blob, float *out, size_t n)
{
    const uint8_t *from = blob->data;
    if (strcmp(blob->dtype, "F32") == 0) {
        memcpy(out, from, n * sizeof(float));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(blob->dtype, "F64") == 0) {
            double d;
            memcpy(&d, from + 8 * i, sizeof(d));
            out[i] = (float)d;
        } else {
            uint16_t h;
            memcpy(&h, from + 2 * i, sizeof(h));
            out[i] = blob->dtype[0] == 'B' ? slc_f32_from_bf16(h) : half_to_float(h);
        }
    }
}

/* In pieces, so that nothing need be written before all is known to be good. */
static bool is_finite(const slc_blob *blob, size_t n)
{
    enum { PIECE = 1024 };
    float piece[PIECE];
    slc_blob rest = *blob;
    const size_t each = n ? blob->size / n : 0;
    for (size_t i = 0; i < n; i += PIECE) {
        const size_t count = n - i < PIECE ? n - i : PIECE;
        rest.data = (const uint8_t *)blob->data + i * each;
        to_floats(&rest, piece, count);
        for (size_t k = 0; k < count; k++)
            if (!isfinite(piece[k])) return false;
    }
    return true;
}

static bool skipped(const char *skip, const char *name)
{
    return skip && fnmatch(skip, name, 0) == 0;
}

static void shape_text(size_t rank, const size_t *dim, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < rank && used + 24 < size; i++)
        used += (size_t)snprintf(out + used, size - used, i ? " x %zu" : "%zu", dim[i]);
    if (rank == 0) snprintf(out, size, "one number");
}

/* The tensor called prefix + name. */
static const slc_blob *find(const slc_tensors *file, const char *prefix, const char *name)
{
    const size_t n = strlen(prefix);
    if (n == 0) return slc_tensors_seek(file, name);
    for (size_t i = 0; i < slc_tensors_count(file); i++) {
        const slc_blob *blob = slc_tensors_at(file, i);
        if (strncmp(blob->name, prefix, n) == 0 && strcmp(blob->name + n, name) == 0)
            return blob;
    }
    return NULL;
}

/* timm's vggs have convolutions over the whole picture where torchvision's have linear layers:
 * the same numbers in the same order. */
static bool same_shape(const slc_blob *blob, const slc_tensor_info *info)
{
    const bool whole = blob->rank == 4 && info->rank == 2 && info->size > 0 &&
                       blob->dim[0] == info->dim[0];
    if (whole) return blob->dim[1] * blob->dim[2] * blob->dim[3] == info->dim[1];
    bool same = blob->rank == info->rank;
    for (size_t i = 0; same && i < info->rank; i++)
        same = blob->dim[i] == info->dim[i];
    return same;
}

static slc_status fits(const slc_tensors *file, const char *prefix,
                       const slc_tensor_info *info, slc_err *err)
{
    const char *path = slc_tensors_path(file);
    const slc_blob *blob = find(file, prefix, info->name);
    if (!blob)
        return slc_fail(err, SLC_EDATA, "%s: tensor %s of the model is missing", path,
                        info->name);
    if (!is_float(blob->dtype))
        return slc_fail(err, SLC_EDATA, "%s: tensor %s is of type %s, not floating point",
                        path, info->name, blob->dtype);
    if (same_shape(blob, info))
        return is_finite(blob, info->size)
                   ? SLC_OK
                   : slc_fail(err, SLC_EDATA,
                              "%s: tensor %s has a number that is not finite", path,
                              info->name);
    char has[96], wants[96];
    shape_text(blob->rank, blob->dim, has, sizeof(has));
    shape_text(info->rank, info->dim, wants, sizeof(wants));
    return slc_fail(err, SLC_EDATA, "%s: tensor %s is %s, the model's is %s", path,
                    info->name, has, wants);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool model_has(const slc_model *model, const char *name)
{
    for (size_t i = 0; i < slc_model_tensor_count(model); i++)
        if (strcmp(slc_model_tensor(model, i)->name, name) == 0) return true;
    return false;
}

static slc_status check_extras(const slc_model *model, const slc_tensors *file,
                               const char *skip, slc_err *err)
{
    for (size_t i = 0; i < slc_tensors_count(file); i++) {
        const char *name = slc_tensors_at(file, i)->name;
        if (ends_with(name, "num_batches_tracked") || skipped(skip, name)) continue;
        if (!model_has(model, name))
            return slc_fail(err, SLC_EDATA, "%s: the model has no tensor %s",
                            slc_tensors_path(file), name);
    }
    return SLC_OK;
}

static slc_status load(slc_model *model, const slc_tensors *file, const char *prefix,
                       const char *skip, slc_err *err)
{
    const size_t count = slc_model_tensor_count(model);
    slc_status st = SLC_OK;
    for (size_t i = 0; st == SLC_OK && i < count; i++)
        if (!skipped(skip, slc_model_tensor(model, i)->name))
            st = fits(file, prefix, slc_model_tensor(model, i), err);
    if (st != SLC_OK) return st; /* nothing was written yet */
    for (size_t i = 0; i < count; i++) {
        const slc_tensor_info *info = slc_model_tensor(model, i);
        if (skipped(skip, info->name)) continue;
        float *block = info->role == SLC_ROLE_BUFFER ? slc_model_buffers(model)
                                                     : slc_model_weights(model);
        to_floats(find(file, prefix, info->name), block + info->offset, info->size);
    }
    slc_model_touch(model);
    return SLC_OK;
}

slc_status slc_model_load(slc_model *model, const slc_tensors *file, const char *skip,
                          bool extras, slc_err *err)
{
    const slc_status st = extras ? SLC_OK : check_extras(model, file, skip, err);
    return st == SLC_OK ? load(model, file, "", skip, err) : st;
}

slc_status slc_model_load_member(slc_model *model, const slc_tensors *file,
                                 const char *prefix, slc_err *err)
{
    return load(model, file, prefix, NULL, err);
}

slc_status slc_model_save_blocks(const slc_model *model, const float *weights,
                                 const float *buffers, const char *path,
                                 const char *const *meta, slc_err *err)
{
    const size_t count = slc_model_tensor_count(model);
    slc_blob *blobs = calloc(count + 1, sizeof(*blobs));
    if (!blobs) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < count; i++) {
        const slc_tensor_info *info = slc_model_tensor(model, i);
        const float *block = info->role == SLC_ROLE_BUFFER ? buffers : weights;
        blobs[i] = (slc_blob){.name = info->name,
                              .dtype = "F32",
                              .rank = info->rank,
                              .data = block + info->offset,
                              .size = info->size * sizeof(float)};
        memcpy(blobs[i].dim, info->dim, info->rank * sizeof(info->dim[0]));
    }
    const slc_status st = slc_tensors_write(path, blobs, count, meta, err);
    free(blobs);
    return st;
}

slc_status slc_model_save(slc_model *model, const char *path, const char *const *meta,
                          slc_err *err)
{
    return slc_model_save_blocks(model, slc_model_weights(model),
                                 slc_model_buffers(model), path, meta, err);
}
