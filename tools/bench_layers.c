/* bench train --layers: what each layer costs in the fastest step, and where the rest goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench.h"
#include "tools/table.h"

/* All rows of one type of layer, or one phase outside the net. */
typedef struct share_of_step {
    const char *name;
    double ms;
} share_of_step;

enum { SHARES = 64, OUTSIDE = 3 };

static double total_ms(const slc_profile_row *r)
{
    return r->ms[SLC_PART_FORWARD] + r->ms[SLC_PART_DATA] + r->ms[SLC_PART_WEIGHTS];
}

static double total_gflop(const slc_profile_row *r)
{
    return r->gflop[SLC_PART_FORWARD] + r->gflop[SLC_PART_DATA] +
           r->gflop[SLC_PART_WEIGHTS];
}

/* GFLOP/s; 0 where nothing is multiplied. */
static double speed(double gflop, double ms)
{
    return ms > 0 ? gflop / ms * 1e3 : 0;
}

/* Layers that multiply together, and the whole. */
static slc_profile_row sum_of(const bench_layers *l, bool products)
{
    slc_profile_row sum = {.name = products ? "all products" : "all layers", .type = ""};
    for (size_t i = 0; i < l->count; i++)
        for (size_t k = 0; k < SLC_PARTS; k++) {
            if (products && total_gflop(&l->row[i]) == 0) continue;
            sum.ms[k] += l->row[i].ms[k];
            sum.gflop[k] += l->row[i].gflop[k];
        }
    return sum;
}

static int slowest_first(const void *a, const void *b)
{
    const double p = ((const share_of_step *)a)->ms, q = ((const share_of_step *)b)->ms;
    return (p < q) - (p > q);
}

/* Times by type of layer, and of what lies outside the net, slowest first. */
static size_t shares_of(const bench_layers *l, share_of_step all[SHARES])
{
    const double inside = l->ms_forward + l->ms_backward;
    double seen = 0;
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++) {
        size_t k = 0;
        while (k < n && strcmp(all[k].name, l->row[i].type) != 0)
            k++;
        if (k == SHARES - OUTSIDE) continue; /* there are fewer types of layers */
        if (k == n) all[n++] = (share_of_step){l->row[i].type, 0};
        all[k].ms += total_ms(&l->row[i]);
        seen += total_ms(&l->row[i]);
    }
    all[n++] = (share_of_step){"loss", l->ms_loss};
    all[n++] = (share_of_step){"optimizer", l->ms_optimizer};
    all[n++] = (share_of_step){"between", inside > seen ? inside - seen : 0};
    qsort(all, n, sizeof(*all), slowest_first);
    return n;
}

static void print_row(FILE *cells, const slc_profile_row *r, double limit)
{
    char name[96], out[48] = "";
    snprintf(name, sizeof(name), "%s%s%s", r->name, r->add ? " + add" : "",
             r->relu ? " + relu" : "");
    if (r->channels)
        snprintf(out, sizeof(out), "%zu x %zu x %zu", r->channels, r->height, r->width);
    fprintf(cells, "%s\t%s\t%.2f", name, out, total_gflop(r));
    for (size_t k = 0; k < SLC_PARTS; k++) {
        char ms[24] = "", fast[24] = "";
        if (r->ms[k] > 0) snprintf(ms, sizeof(ms), "%.2f", r->ms[k]);
        if (r->gflop[k] > 0)
            snprintf(fast, sizeof(fast), "%.0f", speed(r->gflop[k], r->ms[k]));
        fprintf(cells, "\t%s\t%s", ms, fast);
    }
    fputc('\t', cells);
    if (total_gflop(r) > 0)
        fprintf(cells, "%.0f %%", 100 * speed(total_gflop(r), total_ms(r)) / limit);
    fputc('\n', cells);
}

void cli_bench_layers_print(const bench_layers *l)
{
    share_of_step all[SHARES];
    double step = 0;
    const size_t shares = shares_of(l, all);
    const slc_profile_row products = sum_of(l, true), layers = sum_of(l, false);
    cli_table t;
    cli_table_begin(&t);
    fprintf(t.cells, "layer\toutput\tGFLOP\tforward ms\tGF/s\tdata ms\tGF/s\tweights ms\t"
                     "GF/s\tshare\n");
    for (size_t i = 0; i < l->count; i++)
        print_row(t.cells, &l->row[i], l->limit);
    print_row(t.cells, &products, l->limit);
    print_row(t.cells, &layers, l->limit);
    printf("\nthe fastest step, layer by layer:\n");
    cli_table_end(&t, stdout);
    printf("shares are of %.0f GFLOP/s: SGEMM on all threads, in this run\n\n", l->limit);
    for (size_t i = 0; i < shares; i++)
        step += all[i].ms;
    printf("where a step goes: ");
    for (size_t i = 0; i < shares; i++)
        printf("%s%s %.1f %%", i ? ", " : "", all[i].name, 100 * all[i].ms / step);
    printf("\n");
}

static json_t *row_json(const slc_profile_row *r, double limit)
{
    return json_pack(
        "{s:s, s:s, s:b, s:b, s:[I, I, I], s:{s:f, s:f, s:f}, s:{s:f, s:f, s:f}, s:f, "
        "s:f}",
        "layer", r->name, "type", r->type, "add", r->add, "relu", r->relu, "output",
        (json_int_t)r->channels, (json_int_t)r->height, (json_int_t)r->width, "ms",
        "forward", r->ms[SLC_PART_FORWARD], "data", r->ms[SLC_PART_DATA], "weights",
        r->ms[SLC_PART_WEIGHTS], "gflop", "forward", r->gflop[SLC_PART_FORWARD], "data",
        r->gflop[SLC_PART_DATA], "weights", r->gflop[SLC_PART_WEIGHTS], "gflops",
        speed(total_gflop(r), total_ms(r)), "share",
        speed(total_gflop(r), total_ms(r)) / limit);
}

json_t *cli_bench_layers_json(const bench_layers *l)
{
    share_of_step all[SHARES];
    const size_t shares = shares_of(l, all);
    json_t *const rows = json_array(), *const rest = json_object();
    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(rows, row_json(&l->row[i], l->limit));
    for (size_t i = 0; i < shares; i++)
        json_object_set_new(rest, all[i].name, json_real(all[i].ms));
    return json_pack("{s:f, s:o, s:o}", "limit_gflops", l->limit, "rows", rows,
                     "ms_by_type", rest);
}
