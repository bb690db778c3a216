/* The plan: which nodes run as one, what shares memory, and where everything lies.
 *
 * Time runs over the tasks forward (0 to T - 1) and, training, backward (from T on, as
 * segment.c says). Every value and gradient occupies its bytes only from the
 * time it is made to the time it is last read; big ones are placed first, each at the
 * lowest place free during its life. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/num.h"
#include "train/engine/exec.h"

enum { ALIGN = 64 };

typedef struct planner {
    slc_exec *ex;
    const slc_net *net;
    slc_runplan *plan;
    bool train;
    size_t *readers; /* of each value */
    int *reader;     /* one of them: a node */
    bool *taken;     /* nodes that run inside another's task */
    int *home;       /* node at whose place a node's task runs */
} planner;

static bool is(const slc_net_node *node, const char *layer)
{
    return strcmp(node->layer->entry.name, layer) == 0;
}

/* The only reader of a node's output if it is of this kind, else -1. */
static int only_reader(const planner *p, size_t node, const char *layer)
{
    if (p->readers[node + 1] != 1) return -1;
    const int r = p->reader[node + 1];
    return is(&p->net->node[r], layer) && !p->taken[r] ? r : -1;
}

static void count_readers(planner *p)
{
    for (size_t i = 0; i < p->net->nodes; i++)
        for (size_t k = 0; k < p->net->node[i].inputs; k++) {
            p->readers[p->net->node[i].from[k] + 1]++;
            p->reader[p->net->node[i].from[k] + 1] = (int)i;
        }
    p->readers[p->net->nodes]++; /* the logits are read from outside */
}

/* Batch norm takes in an add of two and then a relu, if it alone feeds them. */
static void fuse_norm(planner *p, size_t i, slc_task *t)
{
    int last = (int)i;
    const int add = only_reader(p, i, "add");
    if (add >= 0 && p->net->node[add].inputs == 2 &&
        p->net->node[add].from[0] != p->net->node[add].from[1]) {
        const slc_net_node *a = &p->net->node[add];
        t->add = (a->from[0] == (int)i ? a->from[1] : a->from[0]) + 1;
        last = add;
        p->taken[add] = true;
    }
    const int relu = only_reader(p, (size_t)last, "relu");
    if (relu >= 0) {
        const slc_act_settings *s = p->net->node[relu].settings;
        t->fused_clamp = true;
        t->lo = 0;
        t->hi = s->a > 0 ? (float)s->a : INFINITY;
        last = relu;
        p->taken[relu] = true;
    }
    t->out = last + 1;
    p->home[i] = last;
    /* whatever the group passes through lies where its result does */
    for (int v = (int)i + 1; v <= last + 1; v++)
        if (v == (int)i + 1 || v == add + 1 || v == relu + 1)
            p->plan->value[v].root = last + 1;
}

/* A flatten costs nothing if its readers do not care about the order, or there is none. */
static bool is_view(const planner *p, size_t i)
{
    const slc_net_node *node = &p->net->node[i];
    if (!is(node, "flatten")) return false;
    if (node->in[0].h * node->in[0].w == 1) return true;
    for (size_t j = i + 1; j < p->net->nodes; j++)
        for (size_t k = 0; k < p->net->node[j].inputs; k++)
            if (p->net->node[j].from[k] == (int)i && !is(&p->net->node[j], "linear"))
                return false;
    return i + 1 < p->net->nodes;
}

static slc_shape home_shape(const planner *p, int value)
{
    return p->plan->value[p->plan->value[value].root].shape;
}

static bool all_frozen(const slc_exec *ex, const slc_net_node *node)
{
    bool any = false;
    for (size_t i = 0; i < node->tensors; i++) {
        const slc_tensor_info *t = &ex->net->tensor[node->tensor + i];
        if (t->role == SLC_ROLE_BUFFER) continue;
        any = true;
        if (!t->frozen) return false;
    }
    return any;
}

/* Tasks at the place where their node, or the last one they took in, stands. */
static void make_tasks(planner *p)
{
    slc_task *fused = calloc(p->net->nodes, sizeof(*fused));
    if (!fused) return;
    for (size_t i = 0; i < p->net->nodes; i++) {
        const slc_net_node *node = &p->net->node[i];
        p->home[i] = (int)i;
        if (p->taken[i]) continue;
        fused[i] = (slc_task){.node = node,
                              .index = i,
                              .op = slc_run_of(node->layer),
                              .add = -1,
                              .reads_norm = -1,
                              .lo = -INFINITY,
                              .hi = INFINITY,
                              .out = (int)i + 1,
                              .inputs = node->inputs};
        for (size_t k = 0; k < node->inputs; k++)
            fused[i].in[k] = node->from[k] + 1;
        if (is(node, "batch_norm")) fuse_norm(p, i, &fused[i]);
        if (is_view(p, i)) {
            p->plan->value[i + 1].root = p->plan->value[node->from[0] + 1].root;
            p->taken[i] = true;
        }
    }
    for (size_t at = 0; at < p->net->nodes; at++)
        for (size_t i = 0; i < p->net->nodes; i++)
            if (!p->taken[i] && p->home[i] == (int)at)
                p->plan->task[p->plan->tasks++] = fused[i];
    free(fused);
}

/* y where x lies, if the op allows and nobody reads x later. */
static void share_memory(planner *p)
{
    slc_value *v = p->plan->value;
    for (size_t i = 0; i < p->plan->tasks; i++) {
        slc_task *t = &p->plan->task[i];
        bool kept = false;
        if (!t->op->in_place || t->in[0] == 0 || p->readers[t->in[0]] != 1) continue;
        if (v[t->in[0]].root == 0) continue;
        for (size_t j = 0; j < i; j++)
            if (v[p->plan->task[j].out].root == v[t->in[0]].root)
                kept |= p->plan->task[j].op->keeps_y || p->plan->task[j].fused_clamp ||
                        v[t->in[0]].root != t->in[0];
        if (p->train && kept) continue;
        v[t->out].root = v[t->in[0]].root;
    }
    for (size_t i = 0; i <= p->net->nodes; i++)
        while (v[v[i].root].root != v[i].root)
            v[i].root = v[v[i].root].root;
}

static void touch(int time, int *first, int *last)
{
    if (*first < 0 || time < *first) *first = time;
    if (time > *last) *last = time;
}

static void use_value(planner *p, int value, int time)
{
    slc_value *v = &p->plan->value[p->plan->value[value].root];
    touch(time, &v->first, &v->last);
}

/* While going back: what is made again by then, or else what forward left. */
static void use_late(planner *p, int value, int time)
{
    slc_value *v = &p->plan->value[p->plan->value[value].root];
    if (v->made_again >= 0 && time >= v->made_again)
        touch(time, &v->again_first, &v->again_last);
    else
        touch(time, &v->first, &v->last);
}

static void use_grad(planner *p, int value, int time)
{
    slc_value *v = &p->plan->value[p->plan->value[value].root];
    touch(time, &v->grad_first, &v->grad_last);
}

/* Who learns, and who therefore needs which gradients. */
static void mark_backward(planner *p)
{
    bool *learns = calloc(p->net->nodes + 1, sizeof(*learns));
    if (!learns) return;
    for (size_t i = 0; i < p->plan->tasks; i++) {
        slc_task *t = &p->plan->task[i];
        t->frozen = all_frozen(p->ex, t->node);
        const bool own = t->node->tensors > 0 && !t->frozen;
        t->backward = own;
        for (size_t k = 0; k < t->inputs; k++) {
            t->wants_dx[k] = learns[p->plan->value[t->in[k]].root];
            t->backward |= t->wants_dx[k];
        }
        t->wants_dadd = t->add >= 0 && learns[p->plan->value[t->add].root];
        t->backward |= t->wants_dadd;
        learns[p->plan->value[t->out].root] |= t->backward;
    }
    free(learns);
}

/* Gradients are written by the last reader and added to by those before it. */
static bool adds(planner *p, bool *written, int value)
{
    const int root = p->plan->value[value].root;
    const bool before = written[root];
    written[root] = true;
    return before;
}

/* What a forward reads and writes. */
static void use_all(planner *p, const slc_task *t, int time,
                    void (*use)(planner *p, int value, int time))
{
    for (size_t k = 0; k < t->inputs; k++)
        use(p, slc_task_reads(p->plan, t, k), time);
    if (t->add >= 0) use(p, t->add, time);
    if (!t->unmade) use(p, t->out, time);
}

static void backward_lives(planner *p)
{
    const int T = (int)p->plan->tasks;
    bool *written = calloc(p->net->nodes + 1, sizeof(*written));
    if (!written) return;
    for (int i = T - 1; i >= 0; i--) {
        slc_task *t = &p->plan->task[i];
        const int time = t->back;
        if (t->again >= 0) use_all(p, t, t->again, use_late);
        if (!t->backward) continue;
        use_grad(p, t->out, time);
        written[p->plan->value[t->out].root] = true;
        for (size_t k = 0; k < t->inputs; k++) {
            if (t->op->keeps_x) use_late(p, slc_task_reads(p->plan, t, k), time);
            if (!t->wants_dx[k]) continue;
            if (p->plan->value[t->in[k]].root != p->plan->value[t->out].root)
                t->adds_dx[k] = adds(p, written, t->in[k]);
            use_grad(p, t->in[k], time);
        }
        if (t->op->keeps_y || (t->add >= 0 && t->fused_clamp)) use_late(p, t->out, time);
        if (!t->wants_dadd) continue;
        t->adds_dadd = adds(p, written, t->add);
        use_grad(p, t->add, time);
    }
    /* the gradient of the logits is written before the first backward */
    use_grad(p, (int)p->net->nodes, T);
    free(written);
}

/* Gradients of a task that go where what it read lay: dx in x's place if its backward reads x
 * last, dadd in dy's. From the last task on, so that a place already shared can go on. */
static void share_grads(planner *p)
{
    slc_value *v = p->plan->value;
    for (size_t i = p->plan->tasks; i-- > 0;) {
        const slc_task *t = &p->plan->task[i];
        if (!t->backward || !t->op->back_in_place) continue;
        const int out = v[v[t->out].root].grad_root, in = v[t->in[0]].root;
        const int add = t->add >= 0 ? v[t->add].root : 0;
        const int read_last = v[in].made_again < 0 ? v[in].last : v[in].again_last;
        if (t->wants_dx[0] && !t->adds_dx[0] && read_last == t->back)
            v[in].grad_here = true;
        if (!t->wants_dadd || t->adds_dadd || v[out].grad_last != t->back) continue;
        v[add].grad_root = out;
        v[out].grad_last = v[add].grad_last;
    }
}

static void find_lives(planner *p)
{
    const int T = (int)p->plan->tasks;
    use_value(p, 0, 0);
    for (int i = 0; i < T; i++)
        use_all(p, &p->plan->task[i], i, use_value);
    use_value(p, (int)p->net->nodes, T);
    if (p->train) {
        backward_lives(p);
        share_grads(p);
    }
    for (size_t i = 0; p->ex->keeps && i <= p->net->nodes; i++)
        if (p->plan->value[i].first >= 0) use_value(p, (int)i, T);
}

/* One thing to place, with one life or two. */
typedef struct piece {
    size_t size, at;
    int first, last, again_first, again_last; /* again_first < 0: one */
    size_t *out;                              /* where its place is written */
} piece;

static int by_size(const void *a, const void *b)
{
    const piece *p = a, *q = b;
    if (p->size != q->size) return p->size < q->size ? 1 : -1;
    return p->first != q->first ? (p->first < q->first ? -1 : 1) : p->last - q->last;
}

static bool meet(int a_first, int a_last, int b_first, int b_last)
{
    return a_first >= 0 && b_first >= 0 && a_first <= b_last && b_first <= a_last;
}

static bool overlap(const piece *a, const piece *b)
{
    return meet(a->first, a->last, b->first, b->last) ||
           meet(a->first, a->last, b->again_first, b->again_last) ||
           meet(a->again_first, a->again_last, b->first, b->last) ||
           meet(a->again_first, a->again_last, b->again_first, b->again_last);
}

/* Places piece i among those before it. */
static void place_one(piece *all, size_t i)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t j = 0; j < i; j++)
            if (overlap(&all[i], &all[j]) && all[i].at < all[j].at + all[j].size &&
                all[j].at < all[i].at + all[i].size) {
                all[i].at = all[j].at + all[j].size;
                moved = true;
            }
    }
    *all[i].out = all[i].at;
}

static piece value_piece(slc_value *v, size_t size)
{
    piece it = {size, 0, v->first, v->last, v->again_first, v->again_last, &v->at};
    if (v->grad_here) *(it.again_first < 0 ? &it.last : &it.again_last) = v->grad_last;
    return it;
}

static slc_status place(planner *p, slc_err *err)
{
    const size_t room = 2 * (p->net->nodes + 1) + p->plan->tasks;
    const size_t element = slc_dtype_size(p->ex->type);
    const int T = (int)p->plan->tasks;
    piece *all = calloc(room, sizeof(*all));
    size_t count = 0;
    if (!all) return slc_fail(err, SLC_ENOMEM, "model: memory ran out");
    for (size_t i = 0; i <= p->net->nodes; i++) {
        slc_value *v = &p->plan->value[i];
        const size_t size =
            slc_round_up(p->ex->batch * slc_shape_size(v->shape) * element, ALIGN) +
            ALIGN;
        if (v->root != (int)i) continue;
        if (v->first >= 0) all[count++] = value_piece(v, size);
        if (v->grad_first >= 0 && v->grad_root == (int)i && !v->grad_here)
            all[count++] =
                (piece){size, 0, v->grad_first, v->grad_last, -1, -1, &v->grad_at};
    }
    for (int i = 0; i < T; i++) {
        slc_task *t = &p->plan->task[i];
        const size_t size = t->op->saved ? t->op->saved(t->node, p->ex->batch) : 0;
        const bool keeps = p->train && t->backward;
        const bool twice = p->train && t->again >= 0 && t->lazy < 0;
        if (size)
            all[count++] = (piece){.size = slc_round_up(size, ALIGN),
                                   .first = i,
                                   .last = keeps && !twice ? t->back : i,
                                   .again_first = twice ? t->again : -1,
                                   .again_last = keeps ? t->back : t->again,
                                   .out = &t->saved_at};
    }
    qsort(all, count, sizeof(*all), by_size);
    p->plan->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        place_one(all, i);
        p->plan->bytes = slc_max(p->plan->bytes, all[i].at + all[i].size);
    }
    free(all);
    return SLC_OK;
}

static slc_status plan_one(slc_exec *ex, slc_runplan *plan, bool train, slc_err *err)
{
    const size_t nodes = ex->net->nodes;
    planner p = {.ex = ex, .net = ex->net, .plan = plan, .train = train};
    p.readers = calloc(nodes + 1, sizeof(*p.readers));
    p.reader = calloc(nodes + 1, sizeof(*p.reader));
    p.taken = calloc(nodes, sizeof(*p.taken));
    p.home = calloc(nodes, sizeof(*p.home));
    plan->value = calloc(nodes + 1, sizeof(*plan->value));
    plan->task = calloc(nodes, sizeof(*plan->task));
    slc_status status = SLC_OK;
    if (!p.readers || !p.reader || !p.taken || !p.home || !plan->value || !plan->task) {
        status = slc_fail(err, SLC_ENOMEM, "model: memory ran out");
        goto done;
    }
    for (size_t i = 0; i <= nodes; i++)
        plan->value[i] = (slc_value){.shape = i ? ex->net->node[i - 1].out : ex->net->in,
                                     .root = (int)i,
                                     .first = -1,
                                     .last = -1,
                                     .made_again = -1,
                                     .again_first = -1,
                                     .again_last = -1,
                                     .grad_first = -1,
                                     .grad_last = -1,
                                     .grad_root = (int)i};
    count_readers(&p);
    make_tasks(&p);
    share_memory(&p);
    for (size_t i = 0; i < plan->tasks; i++)
        plan->task[i].in_shape = home_shape(&p, plan->task[i].in[0]);
    if (train) mark_backward(&p);
    if (train) slc_runplan_unmake(ex, plan, p.readers);
    if (train &&
        !slc_runplan_time(plan, nodes, ex->checkpoints, !ex->checkpoints && !ex->keeps)) {
        status = slc_fail(err, SLC_ENOMEM, "model: memory ran out");
        goto done;
    }
    find_lives(&p);
    status = place(&p, err);
done:
    free(p.readers);
    free(p.reader);
    free(p.taken);
    free(p.home);
    return status;
}

slc_status slc_runplan_make(slc_exec *ex, slc_err *err)
{
    slc_runplan_free(ex);
    slc_status status = plan_one(ex, &ex->plan[0], false, err);
    if (status == SLC_OK && !ex->inference)
        status = plan_one(ex, &ex->plan[1], true, err);
    if (status != SLC_OK) return status;
    const size_t bytes = slc_round_up(
        slc_max(slc_max(ex->plan[0].bytes, ex->plan[1].bytes), ALIGN), ALIGN);
    if (bytes <= ex->block_size) return SLC_OK;
    free(ex->block);
    ex->block = slc_block_alloc(bytes);
    ex->block_size = ex->block ? bytes : 0;
    return ex->block
               ? SLC_OK
               : slc_fail(err, SLC_ENOMEM, "model: no memory for %zu MB of activations",
                          bytes >> 20);
}

void slc_runplan_free(slc_exec *ex)
{
    for (size_t i = 0; i < 2; i++) {
        slc_runplan *p = &ex->plan[i];
        for (size_t t = 0; t < p->tasks; t++) {
            for (size_t k = 0; k < p->task[t].made_count; k++)
                p->task[t].made[k].engine->free(&p->task[t].made[k].product);
            free(p->task[t].made);
        }
        free(p->task);
        free(p->value);
        *p = (slc_runplan){0};
    }
}
