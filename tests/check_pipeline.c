/*
 * The pipeline: the same bytes with any number of threads, stand-ins for what is broken, an end
 * that waits for nobody.
 */
#include "daemon/pipeline.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/stoker.h"
#include "daemon/base/log.h"
#include "daemon/batch/cache.h"
#include "daemon/stream.h"
#include "tests/jpegs.h"
#include "tests/suite.h"

enum { SAMPLES = 30, BATCH = 8, STEPS = 4, WAIT_S = 60, FILE_BYTES_MAX = 1 << 20 };

static char root[64];

/* A data set, a stream over it, a pipeline, and what came out. */
struct bench {
    struct config_stream config;
    struct stream *stream;
    struct cache *cache;
    struct figures figures;
    struct pipeline *pipeline;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned finished; /* under lock */
};

static void write_file(const char *name, const void *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static void make_data(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(root, sizeof root, "/tmp/check-pipeline-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    for (int i = 0; i < SAMPLES; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s/class%d", root, i % 3);
        mkdir(name, 0755);
        struct jpeg jpeg =
            write_jpeg(&kinds[i % 3], 40 + random_below(80), 40 + random_below(80), NULL, 0);
        snprintf(name, sizeof name, "class%d/%02d.jpg", i % 3, i);
        write_file(name, jpeg.bytes, jpeg.len);
        free(jpeg.bytes);
    }
}

static void remove_data(void)
{
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void finished(void *context, struct batch *batch)
{
    (void)batch;
    struct bench *bench = context;
    pthread_mutex_lock(&bench->lock);
    bench->finished++;
    pthread_cond_signal(&bench->changed);
    pthread_mutex_unlock(&bench->lock);
}

static struct pipeline_options options_for(struct bench *bench, uint32_t workers, uint32_t readers)
{
    return (struct pipeline_options){
        .workers = workers,
        .readers = readers,
        .encoded_bytes_max = FILE_BYTES_MAX,
        .limits = {.pixels_max = 1 << 20, .decoder_bytes_max = 8 << 20, .scan_pixels_max = 1 << 24},
        .figures = &bench->figures,
        .finished = finished,
        .context = bench,
    };
}

static void bench_open(struct bench *bench, uint32_t workers, uint32_t readers)
{
    struct recipe recipe = bench->config.recipe;
    *bench = (struct bench){.config = {.name = (char *)"train",
                                       .source = root,
                                       .root = (char *)"",
                                       .list = (char *)"",
                                       .recipe = recipe}};
    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->changed, NULL);
    char error[CONFIG_ERROR_BYTES];
    ck_assert_msg(stream_open(&bench->config, &(struct stream_listing){.threads = 2},
                              &bench->stream, error) == STK_OK,
                  "%s", error);
    ck_assert_int_eq(
        cache_open(STEPS * bench->stream->phases[0].layout.bytes, &bench->figures, &bench->cache),
        STK_OK);
    struct pipeline_options options = options_for(bench, workers, readers);
    ck_assert_int_eq(pipeline_open(&options, &bench->pipeline), STK_OK);
}

static struct recipe plain_recipe(void)
{
    return (struct recipe){
        .seed = 3,
        .batch = BATCH,
        .repeat = 1,
        .subset = 1,
        .last = STK_LAST_WRAP,
        .height = 32,
        .width = 24,
        .transforms = {TRANSFORM_RANDOM_RESIZED_CROP, TRANSFORM_FLIP, TRANSFORM_RANDOM_ERASING},
        .transform_count = 3,
        .random_resized_crop = {{0.3, 1.0}, {0.75, 4.0 / 3.0}},
        .flip = {.prob = 0.5},
        .random_erasing = {.prob = 0.5,
                           .scale = {0.02, 0.33},
                           .ratio = {0.3, 3.3},
                           .mode = ERASE_NOISE},
        .mix = mix_preset_keys(MIX_PRESET_FASTAI, NULL)};
}

static struct batch *push(struct bench *bench, uint64_t step)
{
    struct batch *batch;
    ck_assert_int_eq(cache_take(bench->cache, &stream_phase(bench->stream, 0)->layout, &batch),
                     STK_OK);
    batch_plan(batch, bench->stream, &stream_phase(bench->stream, 0)->recipe,
               &bench->stream->sampler, (struct stk_address){0, step}, STK_MIXED);
    cache_put(bench->cache, batch);
    pipeline_push(bench->pipeline, batch);
    return batch;
}

static void wait_finished(struct bench *bench, unsigned count)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += WAIT_S;
    pthread_mutex_lock(&bench->lock);
    while (bench->finished < count)
        ck_assert_int_eq(pthread_cond_timedwait(&bench->changed, &bench->lock, &deadline), 0);
    pthread_mutex_unlock(&bench->lock);
}

static void let_go(struct bench *bench, struct batch *batch)
{
    batch_set_state(batch, batch->failure == STK_OK ? BATCH_READY : BATCH_FAILED);
    cache_unref(bench->cache, &batch);
}

static void bench_close(struct bench *bench)
{
    pipeline_close(&bench->pipeline);
    struct batch *batch;
    while ((batch = cache_find_filling(bench->cache)) != NULL)
        let_go(bench, batch);
    cache_close(&bench->cache);
    stream_close(&bench->stream);
}

/* An epoch's batches, one behind the other, as their tensors' bytes. */
static size_t run_epoch(struct bench *bench, uint8_t *bytes)
{
    struct batch *batches[STEPS];
    for (uint64_t step = 0; step < STEPS; step++)
        batches[step] = push(bench, step);
    wait_finished(bench, STEPS);
    size_t len = 0;
    for (int step = 0; step < STEPS; step++) {
        ck_assert_int_eq(batches[step]->failure, STK_OK);
        enum layout_tensor tensors[LAYOUT_TENSORS];
        uint32_t count = layout_list(batches[step]->layout, tensors);
        for (uint32_t i = 0; i < count; i++) {
            struct stk_tensor_info info = batch_tensor_info(batches[step], tensors[i]);
            memcpy(bytes + len, batch_tensor(batches[step], tensors[i]), stk_tensor_bytes(&info));
            len += stk_tensor_bytes(&info);
        }
        let_go(bench, batches[step]);
    }
    return len;
}

/* pictures are those of an epoch. */
static size_t epoch_with(const struct recipe *recipe, uint64_t pictures, uint32_t workers,
                         uint32_t readers, uint8_t *bytes)
{
    struct bench bench = {.config.recipe = *recipe};
    bench_open(&bench, workers, readers);
    size_t len = run_epoch(&bench, bytes);
    ck_assert_uint_eq(figure_get(&bench.figures.images_decoded), pictures);
    ck_assert_uint_eq(figure_get(&bench.figures.batches_made), STEPS);
    ck_assert_uint_eq(pipeline_backlog(bench.pipeline), 0);
    ck_assert_uint_eq(pipeline_progress(bench.pipeline), pictures);
    bench_close(&bench);
    return len;
}

enum { EPOCH_BYTES_MAX = 1 << 20 };

static void check_threads(const struct recipe *recipe, uint64_t pictures)
{
    static uint8_t alone[EPOCH_BYTES_MAX];
    static uint8_t together[EPOCH_BYTES_MAX];
    size_t len = epoch_with(recipe, pictures, 1, 1, alone);
    static const uint32_t counts[][2] = {{2, 1}, {8, 4}, {1, 8}};
    for (int i = 0; i < 3; i++) {
        memset(together, 0, sizeof together);
        ck_assert_uint_eq(epoch_with(recipe, pictures, counts[i][0], counts[i][1], together), len);
        ck_assert_mem_eq(alone, together, len);
    }
}

START_TEST(any_number_of_threads_makes_the_same_bytes)
{
    struct recipe recipe = plain_recipe();
    check_threads(&recipe, STEPS * BATCH);
}
END_TEST

START_TEST(partners_from_the_data_set_are_made_by_any_number_of_threads)
{
    struct recipe recipe = plain_recipe();
    recipe.mix = mix_preset_keys(MIX_PRESET_FASTBOOK, &(enum mix_method){MIX_BOTH});
    check_threads(&recipe, 2 * STEPS * BATCH);
    recipe.mix.prob = 0; /* and not made where nobody needs them */
    check_threads(&recipe, STEPS * BATCH);
}
END_TEST

/* The partner of slot 5 of step 0 is broken; its own sample is not. */
START_TEST(a_broken_partner_is_replaced_under_a_number_of_its_own)
{
    struct bench bench = {.config.recipe = plain_recipe()};
    struct recipe *recipe = &bench.config.recipe;
    recipe->mix = mix_preset_keys(MIX_PRESET_FASTBOOK, NULL);
    bench_open(&bench, 2, 1);
    struct plan_slot plan[BATCH];
    plan_batch(recipe, &bench.stream->sampler, (struct stk_address){0, 0}, plan);
    uint64_t index = plan[5].partner_index;
    uint64_t position = plan[5].position + PLAN_PARTNER_POSITION;
    uint64_t stand_in = plan_replacement(&bench.stream->sampler, 0, position, 0);
    ck_assert_uint_ne(index, stand_in);
    write_file(source_name(bench.stream->source, index), "x", 1);
    struct batch *batch = push(&bench, 0);
    wait_finished(&bench, 1);
    ck_assert_int_eq(batch->failure, STK_OK);
    const struct batch_replaced *row = batch_replaced(batch);
    const struct batch_replaced *end = row + batch->replaced_count;
    while (row < end && row->slot != BATCH + 5)
        row++;
    ck_assert_msg(row < end, "the partner of slot 5 is not among the replaced");
    ck_assert_uint_eq(row->index, index);
    ck_assert_uint_eq(((uint64_t *)batch_tensor(batch, LAYOUT_PARTNER_INDEX))[5], stand_in);
    ck_assert_int_eq(((int32_t *)batch_tensor(batch, LAYOUT_PARTNER_LABEL))[5],
                     source_label(bench.stream->source, stand_in));
    let_go(&bench, batch);
    bench_close(&bench);
}
END_TEST

/* Files as long as one may be: half of the tasks at most have memory for theirs at a time.  Zeros
 * behind a picture's end are no part of it. */
START_TEST(readers_that_wait_for_memory_go_on)
{
    for (int i = 0; i < SAMPLES; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/class%d/%02d.jpg", root, i % 3, i);
        ck_assert_int_eq(truncate(path, FILE_BYTES_MAX), 0);
    }
    struct recipe recipe = plain_recipe();
    check_threads(&recipe, STEPS * BATCH);
}
END_TEST

START_TEST(a_dense_target_is_what_soft_labels_makes)
{
    static const double smoothings[] = {0, 0.1, 1.0 / 3};
    struct bench bench = {.config.recipe = plain_recipe()};
    bench.config.recipe.labels = LABELS_DENSE;
    if (_i % 2 == 1) /* a partner's label is of another sample of the data set */
        bench.config.recipe.mix =
            mix_preset_keys(MIX_PRESET_FASTBOOK, &(enum mix_method){MIX_BOTH});
    bench.config.recipe.mix.smoothing = smoothings[_i / 2];
    bench_open(&bench, 2, 1);
    uint32_t classes = source_classes(bench.stream->source);
    ck_assert_uint_gt(classes, 1);
    struct batch *batch = push(&bench, 1);
    wait_finished(&bench, 1);
    float *expected = calloc(BATCH * classes, sizeof *expected);
    ck_assert_int_eq(stk_soft_labels(batch_tensor(batch, LAYOUT_LABEL),
                                     batch_tensor(batch, LAYOUT_PARTNER_LABEL),
                                     batch_tensor(batch, LAYOUT_LAMBDA), BATCH, classes,
                                     smoothings[_i / 2], expected),
                     STK_OK);
    ck_assert(batch->layout->present[LAYOUT_TARGET]);
    ck_assert_uint_eq(batch_tensor_info(batch, LAYOUT_TARGET).shape[1], classes);
    ck_assert_mem_eq(batch_tensor(batch, LAYOUT_TARGET), expected,
                     BATCH * classes * sizeof *expected);
    free(expected);
    let_go(&bench, batch);
    bench_close(&bench);
}
END_TEST

/* The index of the sample in slot 2 of step 0, made unreadable by fn, and its stand-in. */
static void check_replaced(const void *bytes, size_t len, const char *reason)
{
    struct bench bench = {.config.recipe = plain_recipe()};
    bench_open(&bench, 2, 1);
    struct plan_slot plan[BATCH];
    plan_batch(&bench.config.recipe, &bench.stream->sampler, (struct stk_address){0, 0}, plan);
    uint64_t index = plan[2].index;
    uint64_t stand_in = plan_replacement(&bench.stream->sampler, 0, 2, 0);
    ck_assert_uint_ne(index, stand_in);
    write_file(source_name(bench.stream->source, index), bytes, len);
    struct batch *batch = push(&bench, 0);
    wait_finished(&bench, 1);
    ck_assert_int_eq(batch->failure, STK_OK);
    ck_assert_uint_eq(batch->replaced_count, 1);
    ck_assert_uint_eq(batch_replaced(batch)[0].slot, 2);
    ck_assert_uint_eq(batch_replaced(batch)[0].index, index);
    ck_assert_msg(strncmp(batch_replaced(batch)[0].reason, reason, strlen(reason)) == 0, "%s",
                  batch_replaced(batch)[0].reason);
    ck_assert_uint_eq(((uint64_t *)batch_tensor(batch, LAYOUT_INDEX))[2], stand_in);
    ck_assert_int_eq(((int32_t *)batch_tensor(batch, LAYOUT_LABEL))[2],
                     source_label(bench.stream->source, stand_in));
    ck_assert_uint_eq(figure_get(&bench.figures.images_replaced), 1);
    let_go(&bench, batch);
    bench_close(&bench);
}

START_TEST(a_file_that_shrank_is_replaced)
{
    check_replaced("text", 4, "unreadable: ");
}
END_TEST

START_TEST(a_batch_fails_where_the_stream_says_so)
{
    struct bench bench = {.config.recipe = plain_recipe()};
    bench.config.recipe.on_corrupt = ON_CORRUPT_FAIL;
    bench_open(&bench, 2, 2);
    struct plan_slot plan[BATCH];
    plan_batch(&bench.config.recipe, &bench.stream->sampler, (struct stk_address){0, 0}, plan);
    write_file(source_name(bench.stream->source, plan[5].index), "x", 1);
    struct batch *batch = push(&bench, 0);
    wait_finished(&bench, 1);
    ck_assert_int_eq(batch->failure, STK_CORRUPT);
    ck_assert_ptr_nonnull(strstr(batch->failure_reason, "slot 5"));
    ck_assert_uint_eq(figure_get(&bench.figures.batches_failed), 1);
    let_go(&bench, batch);
    bench_close(&bench);
}
END_TEST

START_TEST(a_source_without_one_good_sample_fails_after_its_stand_ins)
{
    struct bench bench = {.config.recipe = plain_recipe()};
    bench_open(&bench, 2, 2);
    for (uint64_t i = 0; i < SAMPLES; i++)
        write_file(source_name(bench.stream->source, i), "x", 1);
    struct batch *batch = push(&bench, 0);
    wait_finished(&bench, 1);
    ck_assert_int_eq(batch->failure, STK_CORRUPT);
    let_go(&bench, batch);
    bench_close(&bench);
}
END_TEST

START_TEST(closing_does_not_wait_for_what_is_queued)
{
    struct bench bench = {.config.recipe = plain_recipe()};
    bench_open(&bench, 1, 1);
    for (uint64_t step = 0; step < STEPS; step++)
        push(&bench, step);
    bench_close(&bench);
}
END_TEST

START_TEST(encoded_bytes_stay_inside_their_plan)
{
    struct bench bench = {.config.recipe = plain_recipe()};
    struct pipeline_options options = options_for(&bench, 2, 1);
    ck_assert_uint_ge(pipeline_encoded_bytes_max(&options), options.encoded_bytes_max);
    options.workers = 64;
    ck_assert_uint_lt(pipeline_encoded_bytes_max(&options), 256 << 20);
}
END_TEST

START_TEST(a_sample_over_the_limit_is_replaced)
{
    struct bench bench = {.config.recipe = plain_recipe()};
    bench.config.recipe.mix = (struct recipe_mix){.method = MIX_NONE};
    bench_open(&bench, 1, 1);
    pipeline_close(&bench.pipeline);
    struct pipeline_options options = options_for(&bench, 1, 1);
    options.limits.pixels_max = 1; /* every picture is too large */
    ck_assert_int_eq(pipeline_open(&options, &bench.pipeline), STK_OK);
    struct batch *batch = push(&bench, 0);
    wait_finished(&bench, 1);
    ck_assert_int_eq(batch->failure, STK_CORRUPT);
    ck_assert_uint_eq(batch->replaced_count, BATCH);
    ck_assert_msg(strncmp(batch_replaced(batch)[0].reason, "limit: ", 7) == 0, "%s",
                  batch_replaced(batch)[0].reason);
    let_go(&bench, batch);
    bench_close(&bench);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("pipeline");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_data, remove_data);
    tcase_add_loop_test(tests, a_dense_target_is_what_soft_labels_makes, 0, 6);
    tcase_add_test(tests, any_number_of_threads_makes_the_same_bytes);
    tcase_add_test(tests, readers_that_wait_for_memory_go_on);
    tcase_add_test(tests, partners_from_the_data_set_are_made_by_any_number_of_threads);
    tcase_add_test(tests, a_broken_partner_is_replaced_under_a_number_of_its_own);
    tcase_add_test(tests, a_file_that_shrank_is_replaced);
    tcase_add_test(tests, a_batch_fails_where_the_stream_says_so);
    tcase_add_test(tests, a_source_without_one_good_sample_fails_after_its_stand_ins);
    tcase_add_test(tests, closing_does_not_wait_for_what_is_queued);
    tcase_add_test(tests, encoded_bytes_stay_inside_their_plan);
    tcase_add_test(tests, a_sample_over_the_limit_is_replaced);
    return suite_run("pipeline", tests);
}
