/*
 * The keys of the configuration: the table, and how a key is found in it.
 */
#include "config/schema.h"

#include <stdint.h>
#include <string.h>

#include "config/config.h"

#define GIB ((uint64_t)1 << 30)
#define HOUR_MS ((uint64_t)60 * 60 * 1000)

static const char *const log_level_list[] = {
    [CONFIG_LOG_ERROR] = "error", [CONFIG_LOG_WARN] = "warn",   [CONFIG_LOG_NOTICE] = "notice",
    [CONFIG_LOG_INFO] = "info",   [CONFIG_LOG_DEBUG] = "debug",
};
static const struct recipe_words log_level_words = {log_level_list, 5};

#define KEY(name_, section_, kind_, type_, field_)                                                 \
    .name = #name_, .section = (section_), .kind = (kind_), .offset = offsetof(type_, field_)
#define GLOBAL(name, kind, field) KEY(name, CONFIG_GLOBAL, kind, struct config, field)
#define STREAM(name, kind, field) KEY(name, CONFIG_STREAM, kind, struct config_stream, recipe.field)
#define MIX(name, kind, field) KEY(name, CONFIG_MIX, kind, struct config_stream, recipe.field)
#define PHASE(name, kind, field) KEY(name, CONFIG_PHASE, kind, struct recipe_phase, field)
#define SETTING(name, section, kind, field)                                                        \
    KEY(name, CONFIG_TRANSFORMS + TRANSFORM_##section, kind, struct config_stream, recipe.field)
#define ONE .count_min = 1, .count_max = 1
#define EXACTLY(count) .count_min = (count), .count_max = (count)
#define WHOLE(least, most) .min = (least), .max = (most)
#define REAL(least, most) .real_min = (least), .real_max = (most)

/* In the order in which they are printed. */
const struct config_key config_keys[] = {
    {GLOBAL(listen, CONFIG_ENDPOINT, listen), .count_min = 1, .count_max = CONFIG_LISTEN_MAX,
     .count_offset = offsetof(struct config, listen_count),
     .defaults = {"ipc:///run/stoker/stoker.sock", "tcp://127.0.0.1:7654"}},
    {GLOBAL(server_key, CONFIG_PATH, server_key), ONE, .defaults = {""}},
    {GLOBAL(client_keys, CONFIG_PATH, client_keys), ONE, .defaults = {""}},
    {GLOBAL(client_addresses, CONFIG_PATH, client_addresses), ONE, .defaults = {""}},
    {GLOBAL(workers, CONFIG_U32, workers), ONE, WHOLE(0, CONFIG_WORKERS_MAX), .until_end = true,
     .defaults = {"0"}},
    {GLOBAL(readers, CONFIG_U32, readers), ONE, WHOLE(1, CONFIG_READERS_MAX), .until_end = true,
     .defaults = {"8"}},
    {GLOBAL(memory_max, CONFIG_BYTES, memory_bytes_max), ONE, WHOLE(0, GIB * 1024 * 16),
     .defaults = {"0"}},
    {GLOBAL(clients_max, CONFIG_U32, clients_max), ONE, WHOLE(1, CONFIG_CLIENTS_MAX),
     .defaults = {"1024"}},
    {GLOBAL(requests_max, CONFIG_U32, requests_max), ONE,
     WHOLE(1, CONFIG_CLIENTS_MAX *STK_WINDOW_MAX), .defaults = {"8192"}},
    {GLOBAL(client_timeout, CONFIG_MS, client_timeout_ms), ONE, WHOLE(0, 24 * HOUR_MS),
     .defaults = {"1m"}},
    {GLOBAL(image_pixels_max, CONFIG_U64, image_pixels_max), ONE,
     WHOLE(1, 4294836225), /* 65,535 squared: no JPEG has more */
     .until_end = true, .defaults = {"100000000"}},
    {GLOBAL(image_bytes_max, CONFIG_BYTES, image_bytes_max), ONE, WHOLE(1024, GIB),
     .until_end = true, .defaults = {"32M"}},
    {GLOBAL(connections_max, CONFIG_U32, connections_max), ONE, WHOLE(0, CONFIG_CONNECTIONS_MAX),
     .until_end = true, .defaults = {"0"}},
    {GLOBAL(connections_per_second, CONFIG_U32, connections_per_second), ONE,
     WHOLE(0, CONFIG_CONNECTIONS_MAX), .defaults = {"50"}},
    {GLOBAL(log_level, CONFIG_WORD, log_level), ONE, .words = &log_level_words,
     .defaults = {"info"}},
    {GLOBAL(http, CONFIG_PATH, http), ONE, .defaults = {""}},
    {GLOBAL(http_token, CONFIG_PATH, http_token), ONE, .defaults = {""}},
    {.name = "stream", .section = CONFIG_GLOBAL, .kind = CONFIG_SUBSECTION},

    {KEY(source, CONFIG_STREAM, CONFIG_SOURCE, struct config_stream, source), ONE},
    {KEY(root, CONFIG_STREAM, CONFIG_PATH, struct config_stream, root), ONE, .defaults = {""}},
    {KEY(list, CONFIG_STREAM, CONFIG_PATH, struct config_stream, list), ONE, .defaults = {""}},
    {KEY(index, CONFIG_STREAM, CONFIG_PATH, struct config_stream, index), ONE,
     .defaults = {"auto"}},
    {STREAM(labels, CONFIG_WORD, labels), ONE, .words = &recipe_labels_words,
     .defaults = {"index"}},
    {STREAM(batch, CONFIG_U32, batch), ONE, WHOLE(1, STK_BATCH_MAX), .defaults = {"64"}},
    {STREAM(order, CONFIG_WORD, order), ONE, .words = &recipe_order_words, .defaults = {"shuffle"}},
    {STREAM(seed, CONFIG_U64, seed), ONE, WHOLE(0, UINT64_MAX), .defaults = {"0"}},
    {STREAM(last, CONFIG_WORD, last), ONE, .words = &recipe_last_words, .defaults = {"drop"}},
    {STREAM(sampler, CONFIG_WORD, sampler), ONE, .words = &recipe_sampler_words,
     .defaults = {"all"}},
    {STREAM(epoch_samples, CONFIG_U64, epoch_samples), ONE, WHOLE(0, (uint64_t)1 << 40),
     .defaults = {"0"}},
    {STREAM(repeat, CONFIG_U32, repeat), ONE, WHOLE(1, 64), .defaults = {"1"}},
    {STREAM(subset, CONFIG_REAL, subset), ONE, REAL(1e-9, 1), .defaults = {"1"}},
    {STREAM(size, CONFIG_U32, height), /* and width behind it */
     .count_min = 1, .count_max = 2, WHOLE(1, STK_SIDE_MAX), .defaults = {"224"}},
    {STREAM(transform, CONFIG_WORD, transforms), .count_min = 1, .count_max = TRANSFORM_COUNT,
     .count_offset = offsetof(struct config_stream, recipe.transform_count),
     .words = &recipe_transform_words, .defaults = {"random_resized_crop", "flip"}},
    {STREAM(interpolation, CONFIG_WORD, interpolation), ONE, .words = &recipe_interpolation_words,
     .defaults = {"bilinear"}},
    {STREAM(dtype, CONFIG_WORD, dtype), ONE, .words = &recipe_dtype_words, .defaults = {"u8"}},
    {STREAM(layout, CONFIG_WORD, layout), ONE, .words = &recipe_layout_words, .defaults = {"nhwc"}},
    {STREAM(mean, CONFIG_REAL, mean), EXACTLY(3), REAL(-1e3, 1e3),
     .defaults = {"0.485", "0.456", "0.406"}},
    {STREAM(std, CONFIG_REAL, std), EXACTLY(3), REAL(1e-6, 1e3),
     .defaults = {"0.229", "0.224", "0.225"}},
    {STREAM(on_corrupt, CONFIG_WORD, on_corrupt), ONE, .words = &recipe_on_corrupt_words,
     .defaults = {"replace"}},
    {KEY(corrupt_max, CONFIG_STREAM, CONFIG_REAL, struct config_stream, corrupt_max), ONE,
     REAL(0, 1), .defaults = {"0.5"}},
    {.name = "mix", .section = CONFIG_STREAM, .kind = CONFIG_SUBSECTION},
#define TRANSFORM_SECTION(NAME, name_, kind_)                                                      \
    {.name = #name_, .section = CONFIG_STREAM, .kind = CONFIG_SUBSECTION},
    TRANSFORMS(TRANSFORM_SECTION)

    /* What is not written out stands as the preset has it. */
    {MIX(preset, CONFIG_WORD, mix.preset), ONE, .words = &recipe_mix_preset_words,
     .defaults = {"fastai"}},
    {MIX(method, CONFIG_WORD, mix.method), ONE, .words = &recipe_mix_words},
    {MIX(alpha, CONFIG_REAL, mix.alpha), ONE, REAL(0.01, 100)},
    {MIX(cutmix_alpha, CONFIG_REAL, mix.cutmix_alpha), ONE, REAL(0.01, 100)},
    {MIX(switch_prob, CONFIG_REAL, mix.switch_prob), ONE, REAL(0, 1)},
    {MIX(prob, CONFIG_REAL, mix.prob), ONE, REAL(0, 1)},
    {MIX(per, CONFIG_WORD, mix.per), ONE, .words = &recipe_mix_per_words},
    {MIX(fold, CONFIG_WORD, mix.fold), ONE, .words = &recipe_mix_answer_words},
    {MIX(partner, CONFIG_WORD, mix.partner), ONE, .words = &recipe_mix_partner_words},
    {MIX(partner_self, CONFIG_WORD, mix.partner_self), ONE, .words = &recipe_mix_answer_words},
    {MIX(cutmix_box, CONFIG_MIX_BOX, mix.cutmix_box), /* and box_range behind it */
     .count_min = 1, .count_max = 3, REAL(0, 1), .words = &recipe_mix_box_words},
    {MIX(smoothing, CONFIG_REAL, mix.smoothing), ONE, REAL(0, 1)},
    {MIX(from_epoch, CONFIG_U32, mix.from_epoch), ONE, WHOLE(0, UINT32_MAX)},
    {MIX(until_epoch, CONFIG_U32, mix.until_epoch), ONE, WHOLE(0, UINT32_MAX)},

    {.name = "phase", .section = CONFIG_STREAM, .kind = CONFIG_SUBSECTION},
    /* What a phase leaves out is as before it. */
    {PHASE(from_epoch, CONFIG_U32, from_epoch), ONE, WHOLE(1, UINT32_MAX)},
    {PHASE(batch, CONFIG_U32, batch), ONE, WHOLE(1, STK_BATCH_MAX)},
    {PHASE(size, CONFIG_U32, height), .count_min = 1, .count_max = 2, WHOLE(1, STK_SIDE_MAX)},

    {SETTING(scale, RANDOM_RESIZED_CROP, CONFIG_REAL, random_resized_crop.scale), EXACTLY(2),
     REAL(1e-6, 1), .defaults = {"0.08", "1"}},
    {SETTING(ratio, RANDOM_RESIZED_CROP, CONFIG_REAL, random_resized_crop.ratio), EXACTLY(2),
     REAL(1e-3, 1e3), .defaults = {"0.75", "1.3333333333333333"}},
    {SETTING(side, RESIZE, CONFIG_U32, resize.side), .count_min = 1, .count_max = 2,
     .count_offset = offsetof(struct config_stream, recipe.resize.side_count),
     WHOLE(1, STK_SIDE_MAX), .defaults = {"256"}},
    {SETTING(padding, PAD_CROP, CONFIG_U32, pad_crop.padding), ONE, WHOLE(0, STK_SIDE_MAX - 1),
     .defaults = {"4"}},
    {SETTING(fill, PAD_CROP, CONFIG_U32, pad_crop.fill), EXACTLY(3), WHOLE(0, 255),
     .defaults = {"0"}},
    {SETTING(prob, FLIP, CONFIG_REAL, flip.prob), ONE, REAL(0, 1), .defaults = {"0.5"}},
    {SETTING(prob, RANDOM_ERASING, CONFIG_REAL, random_erasing.prob), ONE, REAL(0, 1),
     .defaults = {"0.5"}},
    {SETTING(scale, RANDOM_ERASING, CONFIG_REAL, random_erasing.scale), EXACTLY(2), REAL(1e-6, 1),
     .defaults = {"0.02", "0.33"}},
    {SETTING(ratio, RANDOM_ERASING, CONFIG_REAL, random_erasing.ratio), EXACTLY(2), REAL(1e-3, 1e3),
     .defaults = {"0.3", "3.3"}},
    {SETTING(mode, RANDOM_ERASING, CONFIG_WORD, random_erasing.mode), ONE,
     .words = &recipe_erase_mode_words, .defaults = {"value"}},
    {SETTING(value, RANDOM_ERASING, CONFIG_U32, random_erasing.value), EXACTLY(3), WHOLE(0, 255),
     .defaults = {"0"}},
};

const unsigned config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);

_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX, "enlarge it");
_Static_assert(offsetof(struct recipe, width) == offsetof(struct recipe, height) + 4, "size");
_Static_assert(offsetof(struct recipe_phase, width) == offsetof(struct recipe_phase, height) + 4,
               "size");

const char *config_section_name(enum config_section section)
{
    static const char *const names[CONFIG_TRANSFORMS] = {"", "stream", "mix", "phase"};
    return section < CONFIG_TRANSFORMS ? names[section]
                                       : recipe_transform_words.list[section - CONFIG_TRANSFORMS];
}

const struct config_key *config_key_find(enum config_section section, const char *name)
{
    for (unsigned i = 0; i < config_key_count; i++) {
        if (config_keys[i].section == section && strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    }
    return NULL;
}

static size_t edit_distance(const char *left, const char *right);

/* One edit in a short name and one more for every four letters: more would be guessing. */
const struct config_key *config_key_nearest(enum config_section section, const char *name)
{
    const struct config_key *nearest = NULL;
    size_t distance_min = strlen(name) / 4 + 2;
    for (unsigned i = 0; i < config_key_count; i++) {
        if (config_keys[i].section != section)
            continue;
        size_t distance = edit_distance(name, config_keys[i].name);
        if (distance < distance_min) {
            distance_min = distance;
            nearest = &config_keys[i];
        }
    }
    return nearest;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Edits that turn one name into the other: insert, remove, change, or swap two neighbours ("optimal
 * string alignment").  Three rows of the table are kept; row[j] is the distance of the first i
 * bytes of left from the first j of right.
 */
static size_t edit_distance(const char *left, const char *right)
{
    enum { LEN_MAX = 31 };
    size_t left_len = strlen(left), right_len = strlen(right);
    if (left_len > LEN_MAX || right_len > LEN_MAX)
        return SIZE_MAX;
    size_t rows[3][LEN_MAX + 1];
    for (size_t j = 0; j <= right_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= left_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *swapped = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= right_len; j++) {
            size_t change = above[j - 1] + (left[i - 1] != right[j - 1]);
            row[j] = least(change, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                row[j] = least(row[j], swapped[j - 2] + 1);
        }
    }
    return rows[left_len % 3][right_len];
}
