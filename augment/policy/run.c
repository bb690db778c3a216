/* Running a policy: one image through the steps. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "augment/kernel/point.h"
#include "augment/policy/steps.h"
#include "base/num.h"

void slc_draw_text(const slc_op *op, const slc_draw *draw, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < SLC_MAX_VALUES && op->value[i] && used < size; i++) {
        if (isnan(draw->v[i])) continue;
        const double v = draw->v[i] + 0.0; /* -0 is 0 */
        const int n = snprintf(text + used, size - used,
                               v == rint(v) && fabs(v) < 1e16 ? "%s%s=%.0f" : "%s%s=%.6g",
                               used ? " " : "", op->value[i], v);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Shows the picture so far. Tables wait for no one while traced, so it is complete. */
static slc_status show(slc_runner *r, const slc_step *step, const char *text)
{
    char name[96];
    const slc_status status = slc_runner_flush(r);
    if (status) return status;
    snprintf(name, sizeof(name), "%s%s%s", r->prefix ? r->prefix : "",
             r->prefix ? "/" : "", step->op->entry.name);
    r->trace->step(r->trace->user, name, text, step->after_normalize ? NULL : &r->now);
    return SLC_OK;
}

static slc_status trace(slc_runner *r, const slc_step *step, const slc_draw *draw)
{
    char text[512] = "not applied";
    if (!r->trace) return SLC_OK;
    if (draw) slc_draw_text(step->op, draw, text, sizeof(text));
    return show(r, step, text);
}

/* Neighbouring tables become one: exact, since each is a function of bytes. */
static void compose(slc_runner *r, const uint8_t table[3][256])
{
    if (!r->pending) {
        memcpy(r->table, table, sizeof(r->table));
        r->pending = true;
        return;
    }
    for (size_t c = 0; c < r->now.channels; c++)
        for (size_t i = 0; i < 256; i++)
            r->table[c][i] = table[c][r->table[c][i]];
}

slc_status slc_runner_flush(slc_runner *r)
{
    if (!r->pending) return SLC_OK;
    r->pending = false;
    return slc_apply_table(r, (const uint8_t(*)[256])r->table);
}

static slc_status run_tone(slc_runner *r, const slc_step *step, const slc_draw *draw)
{
    uint32_t hist[3][256];
    uint8_t table[3][256];
    const slc_status status = slc_runner_flush(r);
    if (status) return status;
    slc_hist(hist, &r->now);
    step->op->tone(step->settings, draw, hist, r->now.w * r->now.h, r->now.channels,
                   table);
    compose(r, (const uint8_t(*)[256])table);
    return SLC_OK;
}

static slc_status copy_now(slc_runner *r)
{
    slc_image copy;
    const slc_status status = slc_image_alloc(&copy, &r->work->arena, r->now.w, r->now.h,
                                              r->now.channels, r->err);
    if (status) return status;
    for (size_t y = 0; y < copy.h; y++)
        memcpy(copy.px + y * copy.stride, r->now.px + y * r->now.stride,
               copy.w * copy.channels);
    r->now = copy;
    r->own = true;
    return SLC_OK;
}

static slc_status run_area(slc_runner *r, const slc_context *context,
                           const slc_step *step, const slc_draw *draw)
{
    slc_status status = slc_runner_flush(r);
    if (status) return status;
    slc_image out;
    if (step->op->in_place) {
        if (!r->own && (status = copy_now(r))) return status;
        out = r->now;
    } else {
        const size_t channels = step->op->channels
                                    ? step->op->channels(step->settings, r->now.channels)
                                    : r->now.channels;
        status =
            slc_image_alloc(&out, &r->work->arena, r->now.w, r->now.h, channels, r->err);
        if (status) return status;
    }
    const slc_arena_mark mark = slc_arena_get_mark(&r->work->arena);
    status = step->op->area(context, draw, &r->now, r->work, &out, r->err);
    slc_arena_rewind(&r->work->arena, mark);
    r->now = out;
    r->own = true;
    return status;
}

static slc_status run_calls(slc_runner *r, const slc_step *children,
                            const slc_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t repeat = 0;
        for (size_t j = 0; j < i; j++)
            repeat += calls[j].child == calls[i].child;
        const slc_status status = slc_step_run(
            r, children + calls[i].child, calls[i].drawn ? &calls[i].draw : NULL, repeat);
        if (status) return status;
    }
    return SLC_OK;
}

slc_status slc_calls_run(const slc_context *context, const slc_call *calls, size_t count,
                         const slc_image *in, slc_work *work, slc_image *out,
                         slc_err *err)
{
    slc_runner r = {.key = context->at.key,
                    .work = work,
                    .err = err,
                    .now = *in,
                    .trace = context->trace,
                    .prefix = context->name};
    slc_status status = run_calls(&r, context->children, calls, count);
    if (!status) status = slc_runner_flush(&r);
    *out = r.now;
    return status;
}

static slc_status run_group(slc_runner *r, const slc_context *context,
                            const slc_step *step, const slc_draw *draw)
{
    slc_call calls[SLC_MAX_CALLS];
    const size_t count = step->op->expand(context, draw, calls);
    const char *outer = r->prefix;
    r->prefix = step->op->entry.name;
    const slc_status status = run_calls(r, step->children, calls, count);
    r->prefix = outer;
    if (status || count > 0 || !r->trace) return status; /* children show themselves */
    return show(r, step, "identity");
}

static slc_status run_shape(slc_runner *r, const slc_context *context,
                            const slc_step *step, const slc_draw *draw)
{
    const slc_op *op = step->op;
    const void *set = step->settings;
    const size_t w = r->planned ? r->full_w : r->now.w,
                 h = r->planned ? r->full_h : r->now.h;
    slc_status status;

    if (op->lut) {
        uint8_t table[3][256];
        op->lut(set, draw, table);
        compose(r, (const uint8_t(*)[256])table);
        return SLC_OK;
    }
    if (op->tone) return run_tone(r, step, draw);
    if (op->symmetry) return slc_apply_symmetry(r, op->symmetry(set, draw));
    if (op->expand) return run_group(r, context, step, draw);
    if (op->area) return run_area(r, context, step, draw);
    if ((status = slc_runner_flush(r))) return status;
    if (op->colour) {
        const slc_colour colour = op->colour(set, draw);
        status = slc_apply_colour(r, &colour);
    } else if (op->warp) {
        const slc_warp warp = op->warp(set, draw, w, h);
        status = slc_apply_warp(r, &warp);
    } else if (op->region) {
        slc_region region = {0};
        if ((status = op->region(set, draw, w, h, &region, r->err))) return status;
        status = slc_apply_region(r, &region);
    } else {
        slc_resample resample = {0};
        if ((status = op->resample(set, draw, w, h, &resample, r->err))) return status;
        status = slc_apply_resample(r, &resample);
    }
    return status ? slc_err_prefix(r->err, "%s", op->entry.name) : SLC_OK;
}

slc_status slc_step_run(slc_runner *r, const slc_step *step, const slc_draw *given,
                        uint32_t repeat)
{
    const slc_op *op = step->op;
    slc_draw draw = given ? *given : (slc_draw){0};
    const uint32_t again = repeat < SLC_MAX_REPEATS ? repeat : SLC_MAX_REPEATS;
    slc_context context = {
        .name = op->entry.name,
        .settings = step->settings,
        .at = slc_at_make(&r->key, step->slot + again * SLC_MAX_SLOTS, step->mode,
                          r->planned ? r->full_w : r->now.w,
                          r->planned ? r->full_h : r->now.h, r->now.channels),
        .children = step->children,
        .child_count = step->child_count,
        .trace = r->trace};
    slc_at at = context.at;

    if (r->now.channels < op->min_channels)
        return slc_fail(r->err, SLC_EINVAL, "%s: needs three channels, the image has %zu",
                        op->entry.name, r->now.channels);
    if (!given && op->draw && !op->draw(step->settings, &at, &draw))
        return trace(r, step, NULL);
    const slc_status status = step->after_normalize ? slc_tail_step(r, step, &draw)
                                                    : run_shape(r, &context, step, &draw);
    if (status || op->expand) return status;
    return trace(r, step, &draw);
}

static slc_status start_tail(slc_runner *r)
{
    r->tail = slc_arena_zero(&r->work->arena, 1, sizeof(*r->tail));
    if (!r->tail) return slc_fail(r->err, SLC_ENOMEM, "policy: no memory");
    r->tail->norm = &r->policy->plain;
    return SLC_OK;
}

slc_status slc_policy_run(const slc_policy *policy, const slc_key *key,
                          const slc_plan *plan, const slc_image *in, slc_work *work,
                          const slc_trace *steps, slc_image *out, const slc_tail **tail,
                          slc_err *err)
{
    slc_runner r = {.policy = policy,
                    .key = *key,
                    .work = work,
                    .trace = steps,
                    .err = err,
                    .now = *in};
    if (plan && (plan->full_w != in->w || plan->full_h != in->h)) {
        r.planned = true;
        r.window = plan->region;
        r.full_w = plan->full_w;
        r.full_h = plan->full_h;
    }
    slc_status status = start_tail(&r);
    for (size_t i = 0; !status && i < policy->count; i++)
        status = slc_step_run(&r, policy->steps + i, NULL, 0);
    if (!status) status = slc_runner_flush(&r);
    *out = r.now;
    if (tail) *tail = r.tail;
    return status;
}
