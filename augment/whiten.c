#include "augment/whiten.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/eigen.h"
#include "base/file.h"
#include "base/json.h"
#include "base/num.h"

enum { BLOCK = 64, MAX_HEADER = 4096 };

struct slc_whiten {
    size_t w, h, channels, dims;
    uint64_t count;
    size_t filled;      /* rows of block that wait */
    double *block;      /* BLOCK x dims */
    double *sum;        /* dims */
    double *covariance; /* dims x dims: upper triangle of the sum of x x' */
};

slc_status slc_whiten_create(slc_whiten **out, size_t w, size_t h, size_t channels,
                             slc_err *err)
{
    size_t dims;
    *out = NULL;
    if (!slc_mul3(w, h, channels, &dims) || dims == 0 || dims > SLC_WHITEN_MAX_DIMS)
        return slc_fail(err, SLC_ELIMIT,
                        "whiten: %zu x %zu px and %zu channels are not 1 to %d values", w,
                        h, channels, SLC_WHITEN_MAX_DIMS);
    slc_whiten *z = calloc(1, sizeof(*z));
    if (z) {
        *z = (slc_whiten){.w = w, .h = h, .channels = channels, .dims = dims};
        z->block = malloc(BLOCK * dims * sizeof(double));
        z->sum = calloc(dims, sizeof(double));
        z->covariance = calloc(dims * dims, sizeof(double));
    }
    if (!z || !z->block || !z->sum || !z->covariance) {
        slc_whiten_destroy(&z);
        return slc_fail(err, SLC_ENOMEM, "whiten: no memory for %zu values", dims);
    }
    *out = z;
    return SLC_OK;
}

void slc_whiten_destroy(slc_whiten **whiten)
{
    slc_whiten *z = *whiten;
    if (!z) return;
    free(z->block);
    free(z->sum);
    free(z->covariance);
    free(z);
    *whiten = NULL;
}

/* Adds the waiting rows to the covariance, all at once. */
static void flush(slc_whiten *z)
{
    const int n = (int)z->dims;
    if (!z->filled) return;
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, (int)z->filled, 1, z->block, n,
                1, z->covariance, n);
    z->filled = 0;
}

slc_status slc_whiten_add(slc_whiten *z, const slc_image *image, slc_err *err)
{
    if (image->w != z->w || image->h != z->h || image->channels != z->channels)
        return slc_fail(err, SLC_EINVAL,
                        "whiten: %zu x %zu px and %zu channels among %zu x %zu and %zu",
                        image->w, image->h, image->channels, z->w, z->h, z->channels);
    double *row = z->block + z->filled * z->dims;
    size_t i = 0;
    for (size_t c = 0; c < z->channels; c++)
        for (size_t y = 0; y < z->h; y++)
            for (size_t x = 0; x < z->w; x++, i++) {
                row[i] = image->px[y * image->stride + x * z->channels + c] / 255.0;
                z->sum[i] += row[i];
            }
    z->count++;
    if (++z->filled == BLOCK) flush(z);
    return SLC_OK;
}

/* matrix = V diag(1 / sqrt(lambda + eps)) V', from the sums; lambda overwrites values. */
static bool invert(const slc_whiten *z, double eps, double *v, double *values,
                   float *matrix)
{
    const int n = (int)z->dims;
    const double count = (double)z->count;

    for (size_t i = 0; i < z->dims; i++)
        for (size_t k = i; k < z->dims; k++)
            v[i * z->dims + k] =
                (z->covariance[i * z->dims + k] - z->sum[i] * z->sum[k] / count) /
                (count - 1);
    if (!slc_eigen(z->dims, v, values)) return false;
    for (size_t k = 0; k < z->dims; k++) {
        const double root = 1 / sqrt(sqrt((values[k] > 0 ? values[k] : 0) + eps));
        for (size_t i = 0; i < z->dims; i++)
            v[k * z->dims + i] *= root;
    }
    /* The square root of each factor stands in both copies of V: matrix = V' V. */
    double *product = malloc(z->dims * z->dims * sizeof(*product));
    if (!product) return false;
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, n, 1, v, n, 0, product, n);
    for (size_t i = 0; i < z->dims; i++)
        for (size_t k = i; k < z->dims; k++)
            matrix[i * z->dims + k] = matrix[k * z->dims + i] =
                (float)product[i * z->dims + k];
    free(product);
    return true;
}

static slc_status write_file(const slc_whiten *z, const float *mean, const float *matrix,
                             const char *path, slc_err *err)
{
    const size_t mean_size = z->dims * sizeof(float), size = mean_size * z->dims;
    char header[MAX_HEADER];
    slc_writer *w = NULL;
    int n = snprintf(header, sizeof(header),
                     "{\"mean\":{\"dtype\":\"F32\",\"shape\":[%zu,%zu,%zu],"
                     "\"data_offsets\":[0,%zu]},\"matrix\":{\"dtype\":\"F32\","
                     "\"shape\":[%zu,%zu],\"data_offsets\":[%zu,%zu]}}",
                     z->channels, z->h, z->w, mean_size, z->dims, z->dims, mean_size,
                     mean_size + size);
    while (n % 8)
        header[n++] = ' ';
    const uint64_t length = (uint64_t)n;
    slc_status status = slc_writer_open(&w, path, err);
    if (!status) status = slc_writer_add(w, &length, sizeof(length), err);
    if (!status) status = slc_writer_add(w, header, (size_t)n, err);
    if (!status) status = slc_writer_add(w, mean, mean_size, err);
    if (!status) status = slc_writer_add(w, matrix, size, err);
    if (!status) return slc_writer_commit(&w, err);
    slc_writer_abandon(&w);
    return status;
}

slc_status slc_whiten_save(slc_whiten *z, double eps, const char *path, slc_err *err)
{
    const size_t n = z->dims;
    slc_status status = SLC_ENOMEM;
    if (z->count < 2)
        return slc_fail(err, SLC_EDATA, "whiten: %llu images are too few",
                        (unsigned long long)z->count);
    if (!(eps > 0))
        return slc_fail(err, SLC_EINVAL, "whiten: eps %g is not above 0", eps);
    flush(z);
    double *v = malloc(n * n * sizeof(*v)), *values = malloc(n * sizeof(*values));
    float *mean = malloc(n * sizeof(*mean)), *matrix = malloc(n * n * sizeof(*matrix));
    if (!v || !values || !mean || !matrix) {
        slc_fail(err, SLC_ENOMEM, "whiten: no memory for %zu values", n);
    } else if (!invert(z, eps, v, values, matrix)) {
        slc_fail(err, SLC_ENOMEM, "whiten: the eigenvalues could not be computed");
    } else {
        for (size_t i = 0; i < n; i++)
            mean[i] = (float)(z->sum[i] / (double)z->count);
        status = write_file(z, mean, matrix, path, err);
    }
    free(v);
    free(values);
    free(mean);
    free(matrix);
    return status;
}

/* One tensor's shape and place; false if anything does not fit. */
static bool find(const json_t *header, const char *name, size_t dims, size_t shape[3],
                 size_t data_size, size_t *offset)
{
    const json_t *t = json_object_get(header, name);
    const json_t *s = json_object_get(t, "shape"),
                 *o = json_object_get(t, "data_offsets");
    const char *type = json_string_value(json_object_get(t, "dtype"));
    size_t size = sizeof(float);

    if (!type || strcmp(type, "F32") != 0 || json_array_size(s) != dims) return false;
    for (size_t i = 0; i < dims; i++) {
        const json_int_t v = json_integer_value(json_array_get(s, i));
        if (v < 1 || v > SLC_WHITEN_MAX_DIMS) return false;
        shape[i] = (size_t)v;
        if (!slc_mul(size, shape[i], &size)) return false;
    }
    const json_int_t begin = json_integer_value(json_array_get(o, 0)),
                     end = json_integer_value(json_array_get(o, 1));
    *offset = (size_t)begin;
    return begin >= 0 && end >= begin && (size_t)end <= data_size &&
           (size_t)(end - begin) == size;
}

static slc_status read_tensors(slc_whitening *out, const slc_map *map,
                               const json_t *header, size_t begin, const char *path,
                               slc_arena *arena, slc_err *err)
{
    size_t chw[3], square[3], mean_at, matrix_at, dims;
    const size_t size = map->size - begin;
    if (!find(header, "mean", 3, chw, size, &mean_at) ||
        !find(header, "matrix", 2, square, size, &matrix_at) ||
        !slc_mul3(chw[0], chw[1], chw[2], &dims) || square[0] != dims ||
        square[1] != dims)
        return slc_fail(err, SLC_EFORMAT,
                        "%s: not a whitening: mean and matrix do not fit", path);
    float *mean = slc_arena_alloc(arena, dims * sizeof(float)),
          *matrix = slc_arena_alloc(arena, dims * dims * sizeof(float));
    if (!mean || !matrix) return slc_fail(err, SLC_ENOMEM, "%s: no memory", path);
    memcpy(mean, map->bytes + begin + mean_at, dims * sizeof(float));
    memcpy(matrix, map->bytes + begin + matrix_at, dims * dims * sizeof(float));
    *out = (slc_whitening){chw[2], chw[1], chw[0], mean, matrix};
    return SLC_OK;
}

slc_status slc_whitening_read(slc_whitening *out, const char *path, slc_arena *arena,
                              slc_err *err)
{
    slc_map map;
    json_t *header = NULL;
    uint64_t length = 0;
    slc_status status = slc_map_open(&map, path, err);
    if (status) return status;
    if (map.size >= sizeof(length)) memcpy(&length, map.bytes, sizeof(length));
    if (length == 0 || length > MAX_HEADER || length > map.size - sizeof(length))
        status =
            slc_fail(err, SLC_EFORMAT, "%s: not a whitening (safetensors) file", path);
    else
        status = slc_json_parse(&header, map.bytes + sizeof(length), (size_t)length, path,
                                err);
    if (!status)
        status = read_tensors(out, &map, header, sizeof(length) + (size_t)length, path,
                              arena, err);
    json_decref(header);
    slc_map_close(&map);
    return status;
}
