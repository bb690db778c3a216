/* A complete program on the loader: opens a data set, streams two epochs of shuffled, augmented
 * batches, and tells what it saw.
 *
 *     cc loader.c $(pkg-config --cflags --libs sluice) -o loader && ./loader folder:/data/birds */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loader/loader.h"

static const char ops[] = "[{random_resized_crop: {size: 32}}, hflip,"
                          " {normalize: {mean: [0.5], std: [0.25]}}]";

/* The policy is read from YAML; it keeps nothing of the text. */
static slc_status make_policy(slc_policy **policy, slc_err *err)
{
    slc_arena arena = {0};
    slc_node *list;
    slc_status st = slc_node_parse(&list, &arena, ops, strlen(ops), "ops", err);
    if (st == SLC_OK)
        st = slc_policy_create(policy, list, "augment", (slc_images){.channels = 3}, err);
    slc_arena_free(&arena);
    return st;
}

/* A batch stays valid until it is released; then its memory carries a later one. */
static slc_status stream(slc_loader *loader, slc_err *err)
{
    const slc_batch *batch;
    slc_status st;
    while ((st = slc_loader_next(loader, &batch, err)) == SLC_OK && batch) {
        const float *x = batch->data; /* n x height x width x channels */
        printf("epoch %" PRIu64 " batch %" PRIu64
               ": %zu x %zu x %zu x %zu, first label %d, "
               "first value %.3f\n",
               batch->epoch, batch->number, batch->n, batch->height, batch->width,
               batch->channels, batch->label_a[0], (double)x[0]);
        slc_loader_release(loader, batch);
    }
    return st;
}

int main(int argc, char **argv)
{
    slc_err err = {0};
    slc_source *source = NULL;
    slc_policy *policy = NULL;
    slc_loader *loader = NULL;
    char advice[200];
    slc_status st = argc == 2
                        ? slc_source_open_text(&source, argv[1], "train", NULL, &err)
                        : slc_fail(&err, SLC_EINVAL, "usage: loader SOURCE");
    if (st == SLC_OK) st = make_policy(&policy, &err);
    if (st == SLC_OK)
        st = slc_loader_open(&loader,
                             &(slc_loader_settings){.source = source,
                                                    .policy = policy,
                                                    .batch = 16,
                                                    .type = SLC_F32,
                                                    .channels = 3,
                                                    .shuffle = true,
                                                    .seed = 42,
                                                    .epochs = 2},
                             &err);
    if (st == SLC_OK) st = stream(loader, &err);
    if (st == SLC_OK) {
        const slc_loader_counters c = slc_loader_count(loader);
        printf("%" PRIu64 " samples of %s. %s\n", c.samples, slc_source_describe(source),
               slc_loader_advice(loader, advice, sizeof(advice)));
    } else {
        fprintf(stderr, "loader: %s\n", err.msg);
    }
    slc_loader_close(&loader); /* before what it borrows */
    slc_policy_destroy(&policy);
    slc_source_close(&source);
    return st != SLC_OK;
}
