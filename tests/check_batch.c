/*
 * Batches and their cache: layout, states, references, eviction.
 */
#include "daemon/batch/cache.h"

#include <signal.h>
#include <string.h>

#include "tests/samplers.h"
#include "tests/suite.h"

static struct recipe recipe_of(uint32_t batch)
{
    return (struct recipe){.batch = batch,
                           .repeat = 1,
                           .subset = 1,
                           .last = STK_LAST_WRAP,
                           .height = 8,
                           .width = 6,
                           .dtype = STK_U8,
                           .mix = {.method = MIX_MIXUP, .alpha = 1, .prob = 1}};
}

struct bench {
    struct recipe recipe;
    struct layout layout;
    struct sampler sampler;
    struct figures figures;
    struct cache *cache;
    const struct stream *stream; /* only its identity matters here */
};

/* Static, so that the leak checker finds what a test leaves behind for the process's end. */
static struct bench bench;
static struct batch *taken;

static void bench_init(unsigned slabs)
{
    static int identities[8];
    static int next;
    bench.recipe = recipe_of(4);
    layout_init(&bench.layout, &bench.recipe, 0);
    bench.sampler = sampler_of(&bench.recipe, 100);
    bench.stream = (const struct stream *)(const void *)&identities[next++];
    ck_assert_int_eq(cache_open(slabs * bench.layout.bytes, &bench.figures, &bench.cache), STK_OK);
}

static struct batch *begin(uint64_t step)
{
    struct batch *batch;
    ck_assert_int_eq(cache_take(bench.cache, &bench.layout, &batch), STK_OK);
    batch_plan(batch, bench.stream, &bench.recipe, &bench.sampler, (struct stk_address){0, step},
               STK_MIXED);
    cache_put(bench.cache, batch);
    batch_set_state(batch, BATCH_FILLING);
    return batch;
}

static struct batch *finish(uint64_t step)
{
    struct batch *batch = begin(step);
    batch_seal(batch);
    batch_set_state(batch, BATCH_READY);
    return batch;
}

static struct batch *find(uint64_t step)
{
    return cache_find(bench.cache, bench.stream, (struct stk_address){0, step}, STK_MIXED);
}

START_TEST(tensors_are_aligned_and_apart)
{
    static const enum stk_dtype dtypes[] = {STK_U8, STK_F32, STK_F16, STK_BF16};
    struct recipe recipe = recipe_of(7);
    recipe.dtype = dtypes[_i];
    recipe.layout = STK_NCHW;
    struct layout layout;
    layout_init(&layout, &recipe, 0);
    ck_assert_uint_eq(layout.slot_bytes, 8 * 6 * 3 * stk_dtype_bytes(dtypes[_i]));
    ck_assert_uint_eq(layout.info[LAYOUT_IMAGES].shape[1], 3);
    ck_assert_uint_eq(layout.info[LAYOUT_IMAGES].shape[3], 6);
    size_t end = 0;
    for (int i = 0; i < LAYOUT_TENSORS; i++) {
        if (!layout.present[i])
            continue;
        ck_assert_uint_eq(layout.offset[i] % LAYOUT_ALIGN, 0);
        ck_assert_uint_ge(layout.offset[i], end);
        if (layout.present[i])
            end = layout.offset[i] + stk_tensor_bytes(&layout.info[i]);
    }
    ck_assert_uint_ge(layout.plan_offset, end);
    ck_assert_uint_ge(layout.bytes, layout.replaced_offset + 7 * sizeof(struct batch_replaced));
}
END_TEST

START_TEST(a_target_is_there_where_there_are_columns_for_it)
{
    struct recipe recipe = recipe_of(7);
    struct layout without, with;
    layout_init(&without, &recipe, 0);
    layout_init(&with, &recipe, 1000);
    for (int i = 0; i < LAYOUT_TENSORS; i++)
        ck_assert_int_eq(with.present[i], without.present[i] || i == LAYOUT_TARGET);
    ck_assert(!without.present[LAYOUT_TARGET]);
    ck_assert(with.present[LAYOUT_TARGET]);
    ck_assert_uint_eq(with.info[LAYOUT_TARGET].shape[0], 7);
    ck_assert_uint_eq(with.info[LAYOUT_TARGET].shape[1], 1000);
    ck_assert_uint_ge(with.bytes, without.bytes + sizeof(float) * 7 * 1000);
}
END_TEST

START_TEST(a_tensor_without_a_use_has_no_bytes)
{
    struct recipe recipe = recipe_of(7);
    struct layout without, with;
    layout_init(&without, &recipe, 0);
    ck_assert(!without.present[LAYOUT_ERASE] && without.present[LAYOUT_FLIP]);
    recipe.transforms[recipe.transform_count++] = TRANSFORM_RANDOM_ERASING;
    layout_init(&with, &recipe, 0);
    ck_assert(with.present[LAYOUT_ERASE] && !with.present[LAYOUT_PARTNER_ERASE]);
    ck_assert_uint_eq(with.bytes, without.bytes + 2 * LAYOUT_ALIGN); /* 7 rows of 16 bytes */
}
END_TEST

START_TEST(a_partial_batch_has_smaller_shapes)
{
    bench_init(1);
    bench.recipe.last = STK_LAST_PARTIAL;
    ck_assert_int_eq(cache_take(bench.cache, &bench.layout, &taken), STK_OK);
    struct sampler sampler = sampler_of(&bench.recipe, 6);
    batch_plan(taken, bench.stream, &bench.recipe, &sampler, (struct stk_address){0, 1}, STK_MIXED);
    ck_assert_uint_eq(batch_tensor_info(taken, LAYOUT_IMAGES).shape[0], 2);
    ck_assert_uint_eq(batch_tensor_info(taken, LAYOUT_CROP).shape[1], 4);
}
END_TEST

START_TEST(sealing_writes_partners_and_sorts_the_replaced)
{
    bench_init(1);
    struct batch *batch = begin(0);
    int32_t *label = batch_tensor(batch, LAYOUT_LABEL);
    for (int i = 0; i < 4; i++)
        label[i] = 10 + i;
    batch_slots(batch)[2].index = 77;
    batch_replaced(batch)[0] = (struct batch_replaced){.slot = 3, .index = 5};
    batch_replaced(batch)[1] = (struct batch_replaced){.slot = 1, .index = 6};
    batch->replaced_count = 2;
    batch_seal(batch);
    const struct plan_slot *plan = batch_plan_slots(batch);
    const int32_t *partner_label = batch_tensor(batch, LAYOUT_PARTNER_LABEL);
    const uint64_t *partner_index = batch_tensor(batch, LAYOUT_PARTNER_INDEX);
    const float *lambda = batch_tensor(batch, LAYOUT_LAMBDA);
    for (int i = 0; i < 4; i++) {
        uint32_t partner = plan[i].partner;
        ck_assert_int_eq(partner_label[i], 10 + (int)partner);
        ck_assert_uint_eq(partner_index[i], partner == 2 ? 77 : plan[partner].index);
        ck_assert_float_eq(lambda[i], (float)plan[i].weight / PLAN_LAMBDA_ONE);
    }
    ck_assert_uint_eq(batch_replaced(batch)[0].slot, 1);
    ck_assert_uint_eq(batch_replaced(batch)[1].slot, 3);
}
END_TEST

START_TEST(a_masked_batch_is_full_and_says_which_slots_count)
{
    bench_init(1);
    bench.recipe.last = STK_LAST_MASK;
    layout_init(&bench.layout, &bench.recipe, 0);
    enum layout_tensor list[LAYOUT_TENSORS];
    ck_assert_uint_eq(layout_list(&bench.layout, list), LAYOUT_FLIP + 2);
    ck_assert_int_eq(list[LAYOUT_FLIP + 1], LAYOUT_VALID);
    cache_close(&bench.cache);
    ck_assert_int_eq(cache_open(bench.layout.bytes, &bench.figures, &bench.cache), STK_OK);
    ck_assert_int_eq(cache_take(bench.cache, &bench.layout, &taken), STK_OK);
    struct sampler sampler = sampler_of(&bench.recipe, 6);
    batch_plan(taken, bench.stream, &bench.recipe, &sampler, (struct stk_address){0, 1}, STK_MIXED);
    batch_seal(taken);
    ck_assert_uint_eq(batch_tensor_info(taken, LAYOUT_VALID).shape[0], 4);
    static const uint8_t expected[] = {1, 1, 0, 0};
    ck_assert_mem_eq(batch_tensor(taken, LAYOUT_VALID), expected, 4);
}
END_TEST

START_TEST(only_a_masked_batch_has_valid)
{
    bench_init(1);
    ck_assert(!bench.layout.present[LAYOUT_VALID]);
    enum layout_tensor list[LAYOUT_TENSORS];
    ck_assert_uint_eq(layout_list(&bench.layout, list), LAYOUT_FLIP + 1);
}
END_TEST

START_TEST(tensors_are_there_where_the_recipe_asks_for_them)
{
    struct recipe recipe = recipe_of(4);
    struct layout layout;
    enum layout_tensor list[LAYOUT_TENSORS];
    layout_init(&layout, &recipe, 0);
    ck_assert_uint_eq(layout_list(&layout, list), LAYOUT_FLIP + 1);
    ck_assert_uint_eq(layout.pictures, 4);
    size_t bytes = layout.bytes;
    recipe.mix.method = MIX_CUTMIX;
    layout_init(&layout, &recipe, 0);
    ck_assert_uint_eq(layout_list(&layout, list), LAYOUT_FLIP + 2);
    ck_assert_int_eq(list[LAYOUT_FLIP + 1], LAYOUT_CUT);
    recipe.mix.method = MIX_BOTH;
    recipe.mix.partner = MIX_PARTNER_DATASET;
    layout_init(&layout, &recipe, 0);
    ck_assert_uint_eq(layout_list(&layout, list), LAYOUT_FLIP + 4);
    ck_assert_int_eq(list[LAYOUT_FLIP + 3], LAYOUT_PARTNER_FLIP);
    ck_assert_uint_eq(layout.pictures, 8);
    ck_assert_uint_ge(layout.bytes, bytes + 4 * layout.slot_bytes);
    ck_assert_uint_eq(layout.partner_offset % LAYOUT_ALIGN, 0);
    recipe.transforms[recipe.transform_count++] = TRANSFORM_RANDOM_ERASING;
    layout_init(&layout, &recipe, 0);
    ck_assert_uint_eq(layout_list(&layout, list), LAYOUT_FLIP + 6);
    ck_assert_int_eq(list[LAYOUT_FLIP + 5], LAYOUT_PARTNER_ERASE);
    recipe.transform_count--;
    recipe.mix.method = MIX_NONE; /* whatever the other keys say */
    layout_init(&layout, &recipe, 0);
    ck_assert_uint_eq(layout_list(&layout, list), LAYOUT_FLIP + 1);
}
END_TEST

/* Kept slots need no partner: half of them, and numbers that are wanted come in order. */
START_TEST(only_partners_that_are_wanted_are_taken)
{
    bench_init(1);
    bench.recipe = recipe_of(64);
    bench.recipe.mix.partner = MIX_PARTNER_DATASET;
    bench.recipe.mix.per = MIX_PER_SAMPLE;
    bench.recipe.mix.prob = 0.5;
    layout_init(&bench.layout, &bench.recipe, 0);
    struct batch *batch;
    ck_assert_int_eq(batch_open(&bench.layout, &batch), STK_OK);
    struct sampler sampler = sampler_of(&bench.recipe, 1000);
    batch_plan(batch, bench.stream, &bench.recipe, &sampler, (struct stk_address){0, 0}, STK_MIXED);
    ck_assert_uint_gt(batch->pictures, 64 + 16);
    ck_assert_uint_lt(batch->pictures, 64 + 48);
    uint32_t before = 0;
    for (uint32_t i = 0; i < batch->pictures; i++) {
        uint32_t picture = batch_take_picture(batch);
        ck_assert(i < 64 ? picture == i : picture > before && picture < 128);
        ck_assert(i < 64 || batch_plan_slots(batch)[picture - 64].mixing != PLAN_KEEP);
        before = picture;
    }
    batch_set_state(batch, BATCH_FILLING);
    batch_set_state(batch, BATCH_FAILED);
    batch_set_state(batch, BATCH_FREE);
    batch_close(&batch);
}
END_TEST

START_TEST(a_state_cannot_be_skipped)
{
    bench_init(1);
    ck_assert_int_eq(cache_take(bench.cache, &bench.layout, &taken), STK_OK);
    batch_set_state(taken, BATCH_READY);
}
END_TEST

START_TEST(a_batch_is_found_by_its_address_alone)
{
    bench_init(4);
    struct batch *batch = begin(7);
    ck_assert_ptr_eq(find(7), batch);
    ck_assert_ptr_null(find(8));
    const struct stk_address address = {0, 7};
    ck_assert_ptr_null(cache_find(bench.cache, bench.stream, address, STK_UNMIXED_OWN));
    ck_assert_ptr_null(
        cache_find(bench.cache, bench.stream, (struct stk_address){1, 7}, STK_MIXED));
    ck_assert_ptr_null(cache_find(bench.cache, NULL, (struct stk_address){0, 7}, STK_MIXED));
}
END_TEST

START_TEST(a_finished_batch_stays_until_its_memory_is_needed)
{
    bench_init(2);
    struct batch *first = finish(0);
    struct batch *second = finish(1);
    cache_unref(bench.cache, &first);
    cache_unref(bench.cache, &second);
    ck_assert_ptr_null(first);
    ck_assert_uint_eq(figure_get(&bench.figures.batches_cached), 2);
    /* Wanted again: step 0 is now the one that was let go last. */
    first = find(0);
    cache_ref(bench.cache, first);
    cache_unref(bench.cache, &first);
    begin(2);
    ck_assert_ptr_nonnull(find(0));
    ck_assert_ptr_null(find(1));
}
END_TEST

START_TEST(memory_in_use_is_not_taken)
{
    bench_init(2);
    struct batch *held = finish(0);
    begin(1);
    struct batch *batch;
    ck_assert_int_eq(cache_take(bench.cache, &bench.layout, &batch), STK_OVERLOADED);
    ck_assert_ptr_null(batch);
    cache_unref(bench.cache, &held);
    ck_assert_int_eq(cache_take(bench.cache, &bench.layout, &batch), STK_OK);
    ck_assert_uint_eq(figure_get(&bench.figures.slab_bytes_in_use), bench.layout.bytes);
}
END_TEST

START_TEST(a_failed_batch_is_forgotten)
{
    bench_init(1);
    struct batch *batch = begin(3);
    batch_set_state(batch, BATCH_FAILED);
    cache_unref(bench.cache, &batch);
    ck_assert_ptr_null(find(3));
    begin(3);
}
END_TEST

START_TEST(a_smaller_budget_evicts_what_is_idle_now_and_the_rest_when_it_is_let_go)
{
    bench_init(3);
    struct batch *idle = finish(0);
    cache_unref(bench.cache, &idle);
    struct batch *held = finish(1);
    struct batch *other = finish(2);
    cache_set_bytes_max(bench.cache, bench.layout.bytes);
    ck_assert_ptr_null(find(0));
    ck_assert_ptr_nonnull(find(1));
    ck_assert_uint_eq(cache_bytes_free(bench.cache), 0);
    struct batch *batch;
    ck_assert_int_eq(cache_take(bench.cache, &bench.layout, &batch), STK_OVERLOADED);
    cache_unref(bench.cache, &held);
    ck_assert_ptr_null(find(1));
    cache_unref(bench.cache, &other);
    ck_assert_ptr_nonnull(find(2));
    ck_assert_uint_eq(figure_get(&bench.figures.slab_bytes_in_use), bench.layout.bytes);
    cache_close(&bench.cache);
}
END_TEST

START_TEST(a_stream_is_forgotten_but_for_what_is_referred_to)
{
    bench_init(4);
    struct batch *idle = finish(0);
    cache_unref(bench.cache, &idle);
    struct batch *held = finish(1);
    struct batch *failed = begin(2);
    batch_set_state(failed, BATCH_FAILED);
    cache_unref(bench.cache, &failed);
    cache_forget_stream(bench.cache, bench.stream);
    ck_assert_ptr_null(find(0));
    ck_assert_ptr_eq(find(1), held);
    ck_assert_uint_eq(figure_get(&bench.figures.batches_cached), 0);
    cache_unref(bench.cache, &held);
    cache_forget_stream(bench.cache, bench.stream);
    ck_assert_ptr_null(find(1));
    ck_assert_uint_eq(figure_get(&bench.figures.slab_bytes_in_use), 0);
    cache_close(&bench.cache);
}
END_TEST

START_TEST(slabs_of_another_stream_make_room)
{
    bench_init(4);
    for (uint64_t step = 0; step < 4; step++) {
        struct batch *batch = finish(step);
        cache_unref(bench.cache, &batch);
    }
    struct recipe large = recipe_of(8);
    struct layout layout;
    layout_init(&layout, &large, 0);
    ck_assert_int_eq(cache_take(bench.cache, &layout, &taken), STK_OK);
    ck_assert_ptr_null(find(0));
    ck_assert_ptr_nonnull(find(3));
}
END_TEST

START_TEST(everything_is_given_back)
{
    bench_init(3);
    struct batch *batch = finish(0);
    cache_unref(bench.cache, &batch);
    batch = begin(1);
    ck_assert_ptr_eq(cache_find_filling(bench.cache), batch);
    batch_set_state(batch, BATCH_FAILED);
    cache_unref(bench.cache, &batch);
    ck_assert_ptr_null(cache_find_filling(bench.cache));
    cache_close(&bench.cache);
    ck_assert_ptr_null(bench.cache);
    ck_assert_uint_eq(figure_get(&bench.figures.slab_bytes_in_use), 0);
    ck_assert_uint_eq(figure_get(&bench.figures.batches_cached), 0);
    cache_close(&bench.cache);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("batch");
    tcase_add_loop_test(tests, tensors_are_aligned_and_apart, 0, 4);
    tcase_add_test(tests, a_target_is_there_where_there_are_columns_for_it);
    tcase_add_test(tests, a_tensor_without_a_use_has_no_bytes);
    tcase_add_test(tests, a_partial_batch_has_smaller_shapes);
    tcase_add_test(tests, sealing_writes_partners_and_sorts_the_replaced);
    tcase_add_test(tests, a_masked_batch_is_full_and_says_which_slots_count);
    tcase_add_test(tests, only_a_masked_batch_has_valid);
    tcase_add_test(tests, tensors_are_there_where_the_recipe_asks_for_them);
    tcase_add_test(tests, only_partners_that_are_wanted_are_taken);
    tcase_add_test_raise_signal(tests, a_state_cannot_be_skipped, SIGABRT);
    tcase_add_test(tests, a_batch_is_found_by_its_address_alone);
    tcase_add_test(tests, a_finished_batch_stays_until_its_memory_is_needed);
    tcase_add_test(tests, memory_in_use_is_not_taken);
    tcase_add_test(tests, a_failed_batch_is_forgotten);
    tcase_add_test(tests, a_smaller_budget_evicts_what_is_idle_now_and_the_rest_when_it_is_let_go);
    tcase_add_test(tests, a_stream_is_forgotten_but_for_what_is_referred_to);
    tcase_add_test(tests, slabs_of_another_stream_make_room);
    tcase_add_test(tests, everything_is_given_back);
    return suite_run("batch", tests);
}
