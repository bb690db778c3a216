/* The plan: which part of a file the policy will look at, and how small it may be decoded. */
#include <math.h>

#include "augment/policy/steps.h"

static slc_plan whole(size_t w, size_t h)
{
    return (slc_plan){.region = {0, 0, w, h}, .full_w = w, .full_h = h};
}

/* What a region shows of the image, if that is all that decides its pixels. */
static slc_plan plan_region(const slc_region *g, size_t w, size_t h)
{
    slc_plan plan = whole(w, h);
    const ptrdiff_t x0 = g->x < 0 ? 0 : g->x, y0 = g->y < 0 ? 0 : g->y;
    ptrdiff_t x1 = g->x + (ptrdiff_t)g->w, y1 = g->y + (ptrdiff_t)g->h;
    x1 = x1 > (ptrdiff_t)w ? (ptrdiff_t)w : x1;
    y1 = y1 > (ptrdiff_t)h ? (ptrdiff_t)h : y1;
    const bool inside = x1 - x0 == (ptrdiff_t)g->w && y1 - y0 == (ptrdiff_t)g->h;
    if (x1 <= x0 || y1 <= y0) return plan;
    if (inside || g->border == SLC_BORDER_CONSTANT)
        plan.region =
            (slc_rect){(size_t)x0, (size_t)y0, (size_t)(x1 - x0), (size_t)(y1 - y0)};
    return plan;
}

static slc_plan plan_resample(const slc_resample *s, size_t w, size_t h)
{
    slc_plan plan = whole(w, h);
    const bool sharp =
        s->filter == SLC_NEAREST || s->filter == SLC_NEAREST_EXACT || s->no_antialias;
    const double x0 = floor(s->x0), y0 = floor(s->y0);
    const bool exact =
        x0 == s->x0 && y0 == s->y0 && floor(s->x1) == s->x1 && floor(s->y1) == s->y1;
    if (exact && !s->see_outside)
        plan.region = (slc_rect){(size_t)x0, (size_t)y0, (size_t)(s->x1 - x0),
                                 (size_t)(s->y1 - y0)};
    /* The final filter should still shrink by two, so that its shape decides, not the DCT's. */
    if (exact && !s->see_outside && !sharp) {
        plan.least_w = 2 * s->w;
        plan.least_h = 2 * s->h;
    }
    return plan;
}

/* Ops on single pixels commute with a crop; after anything else the whole image is needed. */
slc_plan slc_policy_plan(const slc_policy *policy, const slc_key *key, size_t w, size_t h)
{
    for (size_t i = 0; i < policy->count; i++) {
        const slc_step *step = policy->steps + i;
        const slc_op *op = step->op;
        slc_draw draw = {0};
        slc_at at = slc_at_make(key, step->slot, step->mode, w, h, 3);

        if (step->after_normalize) break;
        if (op->draw && !op->draw(step->settings, &at, &draw)) continue;
        if (op->lut || op->colour) continue;
        if (op->region) {
            slc_region region = {0};
            if (op->region(step->settings, &draw, w, h, &region, NULL)) break;
            return plan_region(&region, w, h);
        }
        if (op->resample) {
            slc_resample resample = {0};
            if (op->resample(step->settings, &draw, w, h, &resample, NULL)) break;
            return plan_resample(&resample, w, h);
        }
        break;
    }
    return whole(w, h);
}
