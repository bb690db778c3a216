/* Pictures that take far longer to decode than others. */
#include <stdlib.h>

#include "loader/doctor/doctor_impl.h"

enum { TIMES = 10, LEAST_MICROS = 20000 };

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

slc_status slc_find_slow(slc_patient *p, slc_err *err)
{
    uint64_t n = 0;
    slc_status st = SLC_OK;
    uint32_t *micros = malloc((p->out->samples + 1) * sizeof(*micros));
    if (!micros) return slc_fail(err, SLC_ENOMEM, "doctor: out of memory");
    for (uint64_t i = 0; i < p->out->samples; i++)
        if (p->charts[i].w > 0) micros[n++] = p->charts[i].micros;
    qsort(micros, n, sizeof(*micros), by_value);
    const uint32_t median = n ? micros[n / 2] : 0;
    free(micros);
    p->out->decode_ms = median / 1e3;
    for (uint64_t i = 0; i < p->out->samples && st == SLC_OK; i++) {
        const uint32_t t = p->charts[i].micros;
        if (t > LEAST_MICROS && t / TIMES > median)
            st = slc_finding_add(p, SLC_FINDING_SLOW, i, UINT64_MAX, err,
                                 "%.0f ms, the median is %.1f ms", t / 1e3, median / 1e3);
    }
    return st;
}
