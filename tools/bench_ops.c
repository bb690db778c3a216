/* bench ops: every op alone on one thread, so that lines can be compared with Pillow's and
 * torchvision's (tests/bench). */
#include <string.h>

#include "augment/bench.h"
#include "tools/bench.h"
#include "tools/table.h"

static void add_one(const slc_bench *b, json_t *list, FILE *cells)
{
    if (list)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:f}", "op", b->op, "settings",
                            b->settings ? b->settings : "", "width", (json_int_t)b->w,
                            "height", (json_int_t)b->h, "runs", (json_int_t)b->runs,
                            "images_per_second", b->images_per_second));
    else
        fprintf(cells, "%s\t%zux%zu\t%.0f\t%s\n", b->op, b->w, b->h, b->images_per_second,
                b->settings ? b->settings : "");
}

slc_status cli_bench_ops(cli_context *cli, const bench_settings *s, const char *source,
                         slc_err *err)
{
    json_t *const list = cli->json ? json_array() : NULL;
    const slc_isa isa = slc_isa_detect();
    const double seconds = s->seconds > 0 ? s->seconds : 0.2;
    slc_status st = SLC_OK;

    if (source)
        st = slc_fail(err, SLC_EINVAL,
                      "ops: takes no data source; --only OP measures one op");
    if (s->only &&
        !slc_entry_find((const void *const *)slc_ops, "op", s->only, NULL, err))
        st = err->code;
    cli_table t;
    cli_table_begin(&t);
    fprintf(t.cells, "op\tpx\timages/s\tsettings\n");
    for (size_t i = 0; st == SLC_OK && slc_ops[i]; i++) {
        slc_bench b;
        slc_err skipped = {0};
        if (s->only && strcmp(s->only, slc_ops[i]->entry.name) != 0) continue;
        if (*cli->stop) st = slc_fail(err, SLC_ESTOP, "stopped");
        if (st != SLC_OK) break;
        const slc_status done =
            slc_bench_op(slc_ops[i], s->size, seconds, isa, &b, &skipped);
        if (done == SLC_OK)
            add_one(&b, list, t.cells);
        else
            slc_log_line(cli->log, SLC_WARNING, "%s: %s", slc_ops[i]->entry.name,
                         skipped.msg);
    }
    if (st == SLC_OK && !list) printf("%s, one thread\n", slc_isa_name(isa));
    cli_table_end(&t, st == SLC_OK && !list ? stdout : NULL);
    if (st != SLC_OK || !list) {
        json_decref(list);
        return st;
    }
    return cli_print_json(json_pack("{s:i, s:s, s:s, s:i, s:o, s:I}", "schema", 1,
                                    "bench", "ops", "simd", slc_isa_name(isa), "threads",
                                    1, "ops", list, "peak_rss_bytes",
                                    (json_int_t)cli_peak_rss()),
                          err);
}
