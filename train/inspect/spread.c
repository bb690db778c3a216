#include "train/spread.h"

#include "train/inspect/reference.h"

static double variance(const double *v, size_t n)
{
    double mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        mean += v[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += (v[i] - mean) * (v[i] - mean) / (double)n;
    return sum;
}

static void fill(double *v, size_t n, slc_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        v[i] = slc_rng_normal(rng);
}

slc_status slc_spread_measure(slc_spread *out, const slc_net *net, const float *weights,
                              const float *buffers, size_t images, uint64_t seed,
                              slc_err *err)
{
    slc_reference r;
    slc_rng rng = slc_rng_at(seed, 4, 0, SLC_SLOT_INIT);
    const size_t last = net->nodes - 1;
    slc_status st = slc_reference_open(&r, net, images, err);
    if (st != SLC_OK) goto done;
    r.seed = seed;
    for (size_t i = 0; i < net->weights; i++)
        r.weights[i] = (double)weights[i];
    for (size_t i = 0; i < net->buffers; i++)
        r.buffers[i] = (double)buffers[i];
    fill(r.x, images * slc_shape_size(net->in), &rng);
    fill(r.dy[last], images * slc_shape_size(net->node[last].out), &rng);
    slc_reference_forward(&r);
    st = slc_reference_backward(&r, err);
    for (size_t i = 0; st == SLC_OK && i < net->nodes; i++) {
        const size_t n = images * slc_shape_size(net->node[i].out);
        out[i] = (slc_spread){variance(r.y[i], n), variance(r.dy[i], n)};
    }
done:
    slc_reference_close(&r);
    return st;
}
