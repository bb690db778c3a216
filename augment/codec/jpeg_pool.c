#include "augment/codec/jpeg_pool.h"

#include <string.h>

#include <jerror.h>

#include "augment/codec/decoder.h"
#include "base/num.h"

enum { ROW_ALIGN = 64 }; /* libjpeg-turbo's SIMD writes whole pairs of AVX2 vectors */

/* libjpeg knows only the name of this type; jmemmgr.c has its own behind it. */
struct jvirt_barray_control {
    JBLOCKARRAY rows; /* NULL until realized */
    JDIMENSION row_count, row_blocks, most_access;
    JDIMENSION defined; /* rows before this one hold data */
    boolean pre_zero;
    jvirt_barray_ptr next;
};

static void *take(j_common_ptr cinfo, size_t size)
{
    slc_jpeg_pool *pool = cinfo->client_data;
    void *p = slc_arena_alloc(&pool->arena, size);
    if (!p) ERREXIT1(cinfo, JERR_OUT_OF_MEMORY, 0);
    return p;
}

static void *alloc_small(j_common_ptr cinfo, int id, size_t size)
{
    slc_jpeg_pool *pool = cinfo->client_data;
    return id == JPOOL_IMAGE ? take(cinfo, size)
                             : pool->libjpegs.alloc_small(cinfo, id, size);
}

static void *alloc_large(j_common_ptr cinfo, int id, size_t size)
{
    slc_jpeg_pool *pool = cinfo->client_data;
    return id == JPOOL_IMAGE ? take(cinfo, size)
                             : pool->libjpegs.alloc_large(cinfo, id, size);
}

/* A table of pointers to rows that lie one behind the other. */
static void **alloc_rows(j_common_ptr cinfo, size_t row_size, size_t count)
{
    size_t size = 0;
    row_size = slc_round_up(row_size, ROW_ALIGN);
    if (!slc_mul(row_size, count, &size)) ERREXIT1(cinfo, JERR_OUT_OF_MEMORY, 0);
    void **rows = take(cinfo, count * sizeof(*rows));
    char *bytes = take(cinfo, size);
    for (size_t i = 0; i < count; i++)
        rows[i] = bytes + i * row_size;
    return rows;
}

static JSAMPARRAY alloc_sarray(j_common_ptr cinfo, int id, JDIMENSION samples,
                               JDIMENSION rows)
{
    slc_jpeg_pool *pool = cinfo->client_data;
    if (id != JPOOL_IMAGE) return pool->libjpegs.alloc_sarray(cinfo, id, samples, rows);
    return (JSAMPARRAY)alloc_rows(cinfo, samples * sizeof(JSAMPLE), rows);
}

static JBLOCKARRAY alloc_barray(j_common_ptr cinfo, int id, JDIMENSION blocks,
                                JDIMENSION rows)
{
    slc_jpeg_pool *pool = cinfo->client_data;
    if (id != JPOOL_IMAGE) return pool->libjpegs.alloc_barray(cinfo, id, blocks, rows);
    return (JBLOCKARRAY)alloc_rows(cinfo, blocks * sizeof(JBLOCK), rows);
}

static jvirt_barray_ptr request_virt_barray(j_common_ptr cinfo, int id, boolean pre_zero,
                                            JDIMENSION blocks, JDIMENSION rows,
                                            JDIMENSION most_access)
{
    slc_jpeg_pool *pool = cinfo->client_data;
    if (id != JPOOL_IMAGE) ERREXIT1(cinfo, JERR_BAD_POOL_ID, id);
    jvirt_barray_ptr array = take(cinfo, sizeof(*array));
    *array = (struct jvirt_barray_control){.row_count = rows,
                                           .row_blocks = blocks,
                                           .most_access = most_access,
                                           .pre_zero = pre_zero,
                                           .next = pool->arrays};
    return pool->arrays = array;
}

static void realize_virt_arrays(j_common_ptr cinfo)
{
    slc_jpeg_pool *pool = cinfo->client_data;
    for (jvirt_barray_ptr a = pool->arrays; a; a = a->next)
        if (!a->rows)
            a->rows = (JBLOCKARRAY)alloc_rows(cinfo, a->row_blocks * sizeof(JBLOCK),
                                              a->row_count);
    pool->libjpegs.realize_virt_arrays(cinfo);
}

/* Rows are cleared when they are first met, not all at once: a header that promises a huge
 * picture must not cost the memory of one. */
static JBLOCKARRAY access_virt_barray(j_common_ptr cinfo, jvirt_barray_ptr a,
                                      JDIMENSION start, JDIMENSION count,
                                      boolean writable)
{
    const JDIMENSION end = start + count;
    if (!a->rows || end < start || end > a->row_count || count > a->most_access ||
        (a->defined < start && writable) ||
        (a->defined < end && !writable && !a->pre_zero))
        ERREXIT(cinfo, JERR_BAD_VIRTUAL_ACCESS);
    if (a->defined < end) {
        const JDIMENSION from = a->defined > start ? a->defined : start;
        for (JDIMENSION i = from; a->pre_zero && i < end; i++)
            memset(a->rows[i], 0, a->row_blocks * sizeof(JBLOCK));
        if (writable) a->defined = end;
    }
    return a->rows + start;
}

static void free_pool(j_common_ptr cinfo, int id)
{
    slc_jpeg_pool *pool = cinfo->client_data;
    if (id == JPOOL_IMAGE) {
        pool->arrays = NULL;
        slc_scratch_reset(&pool->arena);
    }
    pool->libjpegs.free_pool(cinfo, id);
}

void slc_jpeg_pool_install(slc_jpeg_pool *pool, j_common_ptr cinfo)
{
    pool->libjpegs = *cinfo->mem;
    cinfo->client_data = pool;
    cinfo->mem->alloc_small = alloc_small;
    cinfo->mem->alloc_large = alloc_large;
    cinfo->mem->alloc_sarray = alloc_sarray;
    cinfo->mem->alloc_barray = alloc_barray;
    cinfo->mem->request_virt_barray = request_virt_barray;
    cinfo->mem->realize_virt_arrays = realize_virt_arrays;
    cinfo->mem->access_virt_barray = access_virt_barray;
    cinfo->mem->free_pool = free_pool;
}

void slc_jpeg_pool_free(slc_jpeg_pool *pool)
{
    slc_arena_free(&pool->arena);
    pool->arrays = NULL;
}
