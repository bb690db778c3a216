/* Running a net: the plan (what is fused, where numbers live and for how long) and the
 * calls. Private to train/engine and train/model.c's room. */
#ifndef TRAIN_ENGINE_EXEC_H
#define TRAIN_ENGINE_EXEC_H

#include "base/log.h"
#include "train/engine/engine.h"
#include "train/engine/kernel.h"
#include "train/net.h"
#include "train/profile.h"

typedef struct slc_exec slc_exec;
typedef struct slc_call slc_call;

/* How a kind of layer runs. */
typedef struct slc_run {
    const char *layer;
    bool product;          /* a convolution or linear layer: the engine's work */
    bool keeps_x, keeps_y; /* what backward reads */
    bool in_place;         /* y may lie where x does, if nobody else needs x */
    bool back_in_place;    /* dx may lie where x does, and dadd where dy */
    bool again_is_cheap;   /* forward once more, from x and saved, is one pass over y */
    bool draws;            /* at random while training */
    size_t (*saved)(const slc_net_node *node, size_t n); /* bytes for backward */
    size_t (*scratch)(const slc_net_node *node, size_t n, size_t threads); /* bytes */
    void (*forward)(const slc_call *c);
    void (*backward)(const slc_call *c);
} slc_run;

/* The op of a layer; never NULL for a listed layer. */
const slc_run *slc_run_of(const slc_layer *layer);

/* Where a number's home is: value 0 is the net's input, value i + 1 what node i makes. */
typedef struct slc_value {
    slc_shape shape;
    int root;        /* the value whose memory this is: itself unless shared */
    int first, last; /* tasks' times at which it must be there; first < 0: never */
    int made_again;  /* from then on its second life; -1: it has none */
    int again_first, again_last, grad_first, grad_last;
    int grad_root;      /* the value whose gradient's memory its own is */
    bool grad_here;     /* its gradient lies where it does itself, once nobody reads it */
    size_t at, grad_at; /* bytes from the start of the block */
} slc_value;

typedef struct slc_made {
    size_t n;
    bool train;
    const slc_engine *engine; /* the model's, or one for this kind of product */
    void *product;
} slc_made;

/* One step of execution: a node, with a following add and clamp where they are fused. */
typedef struct slc_task {
    const slc_run *op;
    const slc_net_node *node;
    size_t index; /* of the node */
    size_t inputs;
    int in[SLC_MAX_INPUTS], out; /* values */
    int add;                     /* value added before the clamp, or -1 */
    bool fused_clamp;
    float lo, hi;
    bool unmade;     /* batch norm whose output its reader makes as it reads */
    int reads_norm;  /* the task of which it does so, or -1 */
    int again, back; /* times; its forward is time i. again -1: it runs forward once */
    int again_from;  /* first of the tasks that run again before its backward, or -1 */
    int lazy;        /* runs again, alone, right before this task's backward; or -1 */
    int renewed[SLC_MAX_INPUTS + 1]; /* the tasks that do so before this one's */
    size_t renewing;
    bool frozen, backward; /* backward: something before or in it learns */
    bool wants_dx[SLC_MAX_INPUTS], wants_dadd;
    bool adds_dx[SLC_MAX_INPUTS], adds_dadd; /* to what a later task wrote */
    slc_shape in_shape; /* of its first input in memory (flatten leaves it) */
    size_t saved_at;
    size_t made_count;
    slc_made *made; /* products by batch size */
} slc_task;

/* One of the two plans: training or evaluating. */
typedef struct slc_runplan {
    slc_value *value;
    size_t tasks;
    slc_task *task;
    size_t bytes; /* of the block */
} slc_runplan;

struct slc_exec {
    const slc_net *net;
    const slc_engine *engine;
    void *engine_state;
    slc_dtype type, multiplies; /* of numbers in memory; of the engine's products */
    const slc_kernels *k;
    size_t batch, threads;
    bool inference, checkpoints; /* checkpoints: activations are computed twice */
    bool keeps; /* outputs stay until forward has ended, to be looked at */
    uint64_t seed;
    float *weights, *grads, *buffers; /* the model's blocks */
    uint64_t version;                 /* of the weights */
    slc_runplan plan[2];              /* 0: evaluating, 1: training */
    double *sums; /* of the last product that gave some: see engine.h */
    int sums_of;  /* its value, or -1 */
    void *block, *scratch;
    size_t block_size, scratch_size;
    float *logits;
    slc_view view; /* of the last forward */
    slc_runplan *last;
    size_t skipped; /* nodes that the last forward did not run */
    bool went_back;
    bool failed; /* the library below did */
    uint64_t
        *spent; /* ns of the last training step by task and part; NULL: nobody asks */
};

/* What an op's forward or backward is given. */
struct slc_call {
    slc_exec *ex;
    const slc_task *task;
    const slc_net_node *node;
    const slc_kernels *k;
    size_t n;
    int threads;
    slc_mode mode;
    slc_rng rng;
    const void *x[SLC_MAX_INPUTS], *add;
    void *y;
    const void *dy;
    void *dx[SLC_MAX_INPUTS], *dadd; /* NULL: not wanted */
    bool add_dx[SLC_MAX_INPUTS], add_dadd;
    float *t[SLC_MAX_TENSORS], *dt[SLC_MAX_TENSORS]; /* dt NULL: frozen or a buffer */
    bool add_dt;
    void *saved, *scratch;
    bool again; /* the second forward of a step: running statistics have moved already */
};

/* Items lo to hi of count, in multiples of unit: lane i's part. */
static inline void slc_lane(size_t count, size_t unit, size_t i, size_t *lo, size_t *hi)
{
    const size_t units = (count + unit - 1) / unit;
    *lo = units * i / SLC_LANES * unit;
    *hi = units * (i + 1) / SLC_LANES * unit;
    if (*lo > count) *lo = count;
    if (*hi > count) *hi = count;
}

/* Bias gradients: sums of dy's columns by lane, then over lanes. */
void slc_bias_back(const slc_call *c);

/* What a task that runs reads as its input k: in[k], or what that would be made of. */
static inline int slc_task_reads(const slc_runplan *plan, const slc_task *t, size_t k)
{
    return t->reads_norm < 0 ? t->in[k] : plan->task[t->reads_norm].in[0];
}

/* unmade.c: batch norms whose outputs are never made. readers: of each value. */
void slc_runplan_unmake(const slc_exec *ex, slc_runplan *plan, const size_t *readers);

/* op_norm.c: what the task's last forward made of its input. */
slc_affine slc_norm_made(const slc_exec *ex, const slc_task *t);

slc_geom slc_exec_geom(const slc_task *t, size_t n, bool train); /* of a product */
bool slc_exec_is_product(const slc_task *t);

slc_status slc_runplan_make(slc_exec *ex, slc_err *err); /* both plans and their memory */
void slc_runplan_free(slc_exec *ex);

/* Sets when each task runs again and backward, and from when on values have their second
 * life. checkpoints: whole segments run again; lazy: cheap tasks do. False if memory ran out. */
bool slc_runplan_time(slc_runplan *plan, size_t nodes, bool checkpoints, bool lazy);

/* Where a part of a task begins and ends, for whoever asks where time goes. */
static inline uint64_t slc_part_begin(const slc_exec *ex)
{
    return ex->spent ? slc_clock_ns() : 0;
}

static inline void slc_part_end(slc_exec *ex, const slc_task *t, slc_part part,
                                uint64_t begin)
{
    if (ex->spent && ex->last == &ex->plan[1])
        ex->spent[(size_t)(t - ex->last->task) * SLC_PARTS + part] +=
            slc_clock_ns() - begin;
}

/* The bytes of element i of a value or gradient. */
static inline void *slc_shift(const slc_exec *ex, const void *p, size_t i)
{
    return p ? (char *)p + i * slc_dtype_size(ex->type) : NULL;
}

/* exec_product.c */
void slc_exec_product_forward(slc_exec *ex, const slc_call *c, const slc_made *made);
void slc_exec_product_backward(slc_exec *ex, const slc_call *c, const slc_made *made);

slc_status slc_exec_open(slc_exec *ex, slc_err *err);
void slc_exec_close(slc_exec *ex);
slc_status slc_exec_check_batch(const slc_exec *ex, size_t n, slc_err *err);
slc_status slc_exec_forward(slc_exec *ex, const slc_view *x, const slc_pass *pass,
                            slc_err *err);

/* The same in parts: what a forward needs, tasks from to to - 1, and the logits. */
slc_status slc_exec_begin(slc_exec *ex, const slc_view *x, const slc_pass *pass,
                          slc_err *err);
void slc_exec_tasks(slc_exec *ex, const slc_pass *pass, size_t from, size_t to);
slc_status slc_exec_end(slc_exec *ex, slc_err *err);
void *slc_exec_value(const slc_exec *ex, const slc_runplan *plan, int value);

/* prefix.c: see slc_model_prefix_bytes. */
size_t slc_exec_prefix_bytes(const slc_exec *ex);
slc_status slc_exec_prefix(slc_exec *ex, const slc_view *x, const slc_pass *pass,
                           void *out, slc_err *err);
slc_status slc_exec_suffix(slc_exec *ex, const void *features, size_t n,
                           const slc_pass *pass, slc_err *err);

/* profile.c: see train/profile.h. */
slc_status slc_exec_profile(slc_exec *ex, bool on, slc_err *err);
slc_profile_row slc_exec_profile_row(const slc_exec *ex, size_t i);

slc_status slc_exec_backward(slc_exec *ex, const float *dlogits, const slc_pass *pass,
                             slc_err *err);

/* The output of node layer as NCHW f32; for nodes that run inside another's task, the
 * group's. Errors: SLC_EINVAL if room is too small or its memory was used again. */
slc_status slc_exec_activation(slc_exec *ex, size_t layer, float *out, size_t room,
                               slc_err *err);
bool slc_exec_is_finite(slc_exec *ex, size_t layer); /* true too if it cannot be told */

#endif
