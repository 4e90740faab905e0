/*
 * Recipes: what changes a byte changes the canonical text, and nothing else does.
 */
#include "config/recipe.h"

#include <float.h>
#include <stdbool.h>
#include <string.h>

#include "config/config.h"
#include "tests/config_file.h"
#include "tests/recipes.h"

static void assert_recipe_text(const struct recipe *recipe, const char *expected)
{
    char text[RECIPE_TEXT_BYTES];
    size_t len = recipe_text(recipe, text, sizeof(text));
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(len, strlen(expected));
}

START_TEST(a_recipe_has_one_canonical_text)
{
    assert_recipe_text(&default_recipe, "plan=1\n"
                                        "seed=0\n"
                                        "batch=64\n"
                                        "order=shuffle\n"
                                        "last=drop\n"
                                        "sampler=all\n"
                                        "repeat=1\n"
                                        "subset=1\n"
                                        "on_corrupt=replace\n"
                                        "image_pixels_max=100000000\n"
                                        "image_bytes_max=33554432\n"
                                        "height=224\n"
                                        "width=224\n"
                                        "interpolation=bilinear\n"
                                        "transform=random_resized_crop,flip\n"
                                        "random_resized_crop.scale=0.080000000000000002,1\n"
                                        "random_resized_crop.ratio=0.75,1.3333333333333333\n"
                                        "flip.prob=0.5\n"
                                        "dtype=u8\n"
                                        "layout=nhwc\n"
                                        "labels=index\n"
                                        "mix=none\n");
    struct recipe recipe = default_recipe;
    recipe.seed = UINT64_MAX;
    recipe.order = ORDER_SEQUENTIAL;
    recipe.last = STK_LAST_PARTIAL;
    recipe.sampler = SAMPLER_BALANCED;
    recipe.repeat = 3;
    recipe.subset = 0.1;
    recipe.phase_count = 2;
    recipe.phases[0] = (struct recipe_phase){5, 64, 128, 96};
    recipe.phases[1] = (struct recipe_phase){80, 32, 160, 96};
    recipe.on_corrupt = ON_CORRUPT_FAIL;
    recipe.height = 100;
    recipe.transforms[0] = TRANSFORM_RESIZE;
    recipe.transforms[1] = TRANSFORM_PAD_CROP;
    recipe.transforms[2] = TRANSFORM_RANDOM_ERASING;
    recipe.transform_count = 3;
    recipe.random_erasing.prob = -0.0;
    recipe.interpolation = INTERPOLATION_LANCZOS;
    recipe.dtype = STK_F32;
    recipe.layout = STK_NCHW;
    recipe.mean[1] = -0.0;
    recipe.labels = LABELS_DENSE;
    recipe.mix = mix_preset_keys(MIX_PRESET_FASTAI, NULL);
    recipe.mix.smoothing = 0.1;
    assert_recipe_text(&recipe, "plan=1\n"
                                "seed=18446744073709551615\n"
                                "batch=64\n"
                                "order=sequential\n"
                                "last=partial\n"
                                "sampler=balanced\n"
                                "epoch_samples=0\n"
                                "repeat=3\n"
                                "subset=0.10000000000000001\n"
                                "on_corrupt=fail\n"
                                "image_pixels_max=100000000\n"
                                "image_bytes_max=33554432\n"
                                "height=100\n"
                                "width=224\n"
                                "interpolation=lanczos\n"
                                "transform=resize,pad_crop,random_erasing\n"
                                "resize.side=256\n"
                                "pad_crop.padding=4\n"
                                "pad_crop.fill=0,0,0\n"
                                "random_erasing.prob=0\n"
                                "random_erasing.scale=0.02,0.33000000000000002\n"
                                "random_erasing.ratio=0.29999999999999999,3.2999999999999998\n"
                                "random_erasing.mode=value\n"
                                "random_erasing.value=0,0,0\n"
                                "dtype=f32\n"
                                "layout=nchw\n"
                                "mean=0.48499999999999999,0,0.40600000000000003\n"
                                "std=0.22900000000000001,0.224,0.22500000000000001\n"
                                "labels=dense\n"
                                "smoothing=0.10000000000000001\n"
                                "mix=mixup\n"
                                "mix_alpha=0.40000000000000002\n"
                                "mix_prob=1\n"
                                "mix_per=sample\n"
                                "mix_fold=yes\n"
                                "mix_partner=permutation\n"
                                "mix_from_epoch=0\n"
                                "mix_until_epoch=0\n"

                                "phase=5\n"
                                "batch=64\n"
                                "height=128\n"
                                "width=96\n"
                                "phase=80\n"
                                "batch=32\n"
                                "height=160\n"
                                "width=96\n");
}
END_TEST

START_TEST(the_longest_recipe_fits_its_storage)
{
    struct recipe recipe = default_recipe;
    recipe.seed = UINT64_MAX;
    recipe.batch = recipe.height = recipe.width = UINT32_MAX;
    recipe.image_pixels_max = recipe.image_bytes_max = UINT64_MAX;
    recipe.order = ORDER_SEQUENTIAL;
    recipe.last = STK_LAST_PARTIAL;
    recipe.interpolation = INTERPOLATION_BILINEAR;
    recipe.sampler = SAMPLER_WEIGHTED;
    recipe.epoch_samples = UINT64_MAX;
    recipe.repeat = UINT32_MAX;
    recipe.subset = -DBL_MAX;
    recipe.phase_count = RECIPE_PHASES_MAX;
    memset(recipe.phases, 0xff, sizeof(recipe.phases));
    recipe.dtype = STK_F32;
    recipe.mix = (struct recipe_mix){.method = MIX_BOTH,
                                     .preset = MIX_PRESET_TORCHVISION,
                                     .per = MIX_PER_SAMPLE,
                                     .partner = MIX_PARTNER_PERMUTATION,
                                     .cutmix_box = MIX_BOX_MINMAX,
                                     .smoothing = DBL_MAX,
                                     .from_epoch = UINT32_MAX,
                                     .until_epoch = UINT32_MAX};
    for (unsigned i = 0; i < 3; i++) {
        recipe.mean[i] = recipe.std[i] = -DBL_MAX;
        recipe.pad_crop.fill[i] = recipe.random_erasing.value[i] = UINT32_MAX;
    }
    recipe.labels = LABELS_DENSE;
    for (unsigned i = 0; i < 2; i++) {
        recipe.random_resized_crop.scale[i] = recipe.random_resized_crop.ratio[i] = -DBL_MAX;
        recipe.random_erasing.scale[i] = recipe.random_erasing.ratio[i] = -DBL_MAX;
        recipe.resize.side[i] = UINT32_MAX;
    }
    for (unsigned i = 0; i < TRANSFORM_COUNT; i++) /* more than a file may have */
        recipe.transforms[i] = (enum transform)i;
    recipe.transform_count = TRANSFORM_COUNT;
    recipe.resize.side_count = 2;
    recipe.pad_crop.padding = UINT32_MAX;
    recipe.flip.prob = recipe.random_erasing.prob = -DBL_MAX;
    recipe.mix.alpha = recipe.mix.cutmix_alpha = recipe.mix.smoothing = -DBL_MAX;
    recipe.mix.switch_prob = recipe.mix.prob = -DBL_MAX;
    recipe.mix.box_range[0] = recipe.mix.box_range[1] = -DBL_MAX;
    char text[RECIPE_TEXT_BYTES], cut[100], mix[RECIPE_MIX_TEXT_BYTES];
    size_t len = recipe_text(&recipe, text, sizeof(text));
    ck_assert_uint_lt(len, sizeof(text));
    ck_assert_uint_eq(strlen(text), len);
    ck_assert_uint_eq(recipe_text(&recipe, cut, sizeof(cut)), len);
    ck_assert_uint_eq(strlen(cut), sizeof(cut) - 1);
    ck_assert_int_eq(strncmp(cut, text, sizeof(cut) - 1), 0);
    ck_assert_uint_eq(recipe_text(&recipe, NULL, 0), len);
    recipe_mix_text(&recipe.mix, mix);
    ck_assert_ptr_nonnull(strstr(mix, " until_epoch=4294967295")); /* the last word */
}
END_TEST

/* Whether two files' only streams have the same canonical text. */
static bool same_recipe_text(const char *left, const char *right)
{
    char texts[2][RECIPE_TEXT_BYTES];
    const char *const bodies[2] = {left, right};
    for (unsigned i = 0; i < 2; i++) {
        char text[512];
        snprintf(text, sizeof(text), "stream a { source = @\n%s\n}", bodies[i]);
        struct config *config = open_text(text);
        recipe_text(&config->streams[0].recipe, texts[i], sizeof(texts[i]));
        config_close(&config);
    }
    return strcmp(texts[0], texts[1]) == 0;
}

START_TEST(what_cannot_change_a_byte_does_not_change_the_canonical_text)
{
    ck_assert(same_recipe_text("", "mean = {0, 0, 0}"));
    ck_assert(same_recipe_text("", "std = {1, 1, 1}"));
    ck_assert(same_recipe_text("", "transform = {random_resized_crop, flip}"));
    ck_assert(
        same_recipe_text("transform = center_crop", "transform = center_crop center_crop { }"));
    ck_assert(same_recipe_text("transform = {resize, center_crop}",
                               "transform = {resize, center_crop} resize { side = 256 }"));
    ck_assert(same_recipe_text("transform = {pad_crop, flip}",
                               "transform = {pad_crop, flip} interpolation = box"));
    ck_assert(same_recipe_text("transform = center_crop",
                               "transform = center_crop interpolation = lanczos"));
    ck_assert(same_recipe_text("", "mix { method = none }"));
    ck_assert(same_recipe_text("mix { }", "mix { method = mixup\npreset = fastai\nalpha = 0.4 }"));
    ck_assert(same_recipe_text("mix { }", "mix { preset = paper per = sample fold = yes "
                                          "alpha = 0.4 }")); /* names are no bytes */
    ck_assert(same_recipe_text("mix { preset = timm method = mixup }",
                               "mix { preset = timm method = mixup smoothing = 0 }"));
}
END_TEST

/* 1 / 1.5263e-05 rounds to f16's largest number, 1 / 1.526e-05 to infinity. */
START_TEST(f16_takes_what_it_can_hold_and_the_others_everything)
{
    static const char *const bodies[] = {
        "dtype = f16 mean = {0, 0, 0} std = {1.5263e-05, 1, 1}",
        "dtype = u8 mean = {0, 0, 0} std = {1.526e-05, 1, 1}",
        "dtype = f32 mean = {-1000, 1000, 0} std = {1e-06, 1e-06, 1e-06}",
        "dtype = bf16 mean = {-1000, 1000, 0} std = {1e-06, 1e-06, 1e-06}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "stream a { source = @\n%s\n}", bodies[i]);
        struct config *config = open_text(text);
        config_close(&config);
    }
    struct config *config = NULL;
    write_file("stream a { source = @\ndtype = f16 mean = {0, 0, 0} std = {1.526e-05, 1, 1} }");
    ck_assert_int_eq(config_open(path, &config, error), STK_CONFIG);
}
END_TEST

START_TEST(what_changes_bytes_changes_the_canonical_text)
{
    static const char *const bodies[][2] = {
        {"", "batch = 65"},
        {"", "order = sequential"},
        {"", "seed = 1"},
        {"", "last = wrap"},
        {"", "last = mask"},
        {"", "sampler = weighted"},
        {"sampler = weighted", "sampler = balanced"},
        {"sampler = weighted", "sampler = weighted epoch_samples = 100"},
        {"", "repeat = 2"},
        {"", "subset = 0.5"},
        {"", "phase { from_epoch = 2 size = 225 }"},
        {"phase { from_epoch = 2 size = 225 }", "phase { from_epoch = 3 size = 225 }"},
        {"phase { from_epoch = 2 size = 225 }", "phase { from_epoch = 2 size = {225, 226} }"},
        {"phase { from_epoch = 2 size = 225 }", "phase { from_epoch = 2 size = 225 batch = 9 }"},
        {"", "size = 225"},
        {"size = {1, 2}", "size = {2, 1}"},
        {"", "transform = resize"},
        {"", "transform = random_resized_crop"},
        {"", "random_resized_crop { scale = {0.08, 0.99} }"},
        {"", "random_resized_crop { ratio = {0.75, 1.3333333333333335} }"},
        {"", "flip { prob = 0.50000000000000011 }"},
        {"transform = {resize, center_crop}", "transform = {resize, pad_crop}"},
        {"transform = {resize, center_crop}",
         "transform = {resize, center_crop} resize { side = 257 }"},
        {"transform = {resize, center_crop}",
         "transform = {resize, center_crop} resize { side = {256, 256} }"},
        {"transform = pad_crop", "transform = pad_crop pad_crop { padding = 3 }"},
        {"transform = pad_crop", "transform = pad_crop pad_crop { fill = {0, 1, 0} }"},
        {"transform = resize", "transform = {resize, random_erasing}"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { prob = 0.4 }"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { scale = {0.02, 0.3} }"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { ratio = {0.3, 3} }"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { mode = noise }"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { value = {0, 0, 1} }"},
        {"", "interpolation = bicubic"},
        {"interpolation = box", "interpolation = nearest"},
        {"transform = {resize, pad_crop}", "transform = {resize, pad_crop} interpolation = box"},
        {"", "dtype = f32"},
        {"", "layout = nchw"},
        {"dtype = f32", "dtype = f32\nmean = {0.485, 0.456, 0.407}"},
        {"dtype = f32", "dtype = f32\nstd = {0.229, 0.224, 0.226}"},
        {"dtype = f32", "dtype = f16"},
        {"dtype = f16", "dtype = bf16"},
        {"dtype = f16", "dtype = f16\nmean = {0.485, 0.456, 0.407}"},
        {"dtype = bf16", "dtype = bf16\nstd = {0.229, 0.224, 0.226}"},
        {"", "on_corrupt = fail"},
        {"", "labels = dense"},
        {"labels = dense", "labels = dense mix { method = none smoothing = 0.1 }"},
        {"labels = dense mix { preset = timm }",
         "labels = dense mix { preset = timm smoothing = 0 }"},
        {"", "mix { }"},
        {"mix { alpha = 1 }", "mix { preset = paper }"},
        {"mix { }", "mix { alpha = 0.41 }"},
        {"mix { preset = timm }", "mix { preset = torchvision }"},
        {"mix { preset = timm }", "mix { preset = timm cutmix_alpha = 0.5 }"},
        {"mix { preset = timm }", "mix { preset = timm switch_prob = 0.4 }"},
        {"mix { }", "mix { prob = 0.5 }"},
        {"mix { }", "mix { per = batch }"},
        {"mix { }", "mix { fold = no }"},
        {"mix { preset = fastbook }", "mix { preset = fastbook partner_self = yes }"},
        {"mix { preset = timm }", "mix { preset = timm cutmix_box = round }"},
        {"mix { preset = timm }", "mix { preset = timm cutmix_box = {minmax, 0.2, 0.8} }"},
        {"mix { preset = timm cutmix_box = {minmax, 0.2, 0.8} }",
         "mix { preset = timm cutmix_box = {minmax, 0.2, 0.7} }"},
        {"mix { }", "mix { from_epoch = 1 }"},
        {"mix { }", "mix { until_epoch = 1 }"},
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        ck_assert_msg(!same_recipe_text(bodies[i][0], bodies[i][1]), "%s", bodies[i][1]);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("recipe");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_recipe_has_one_canonical_text);
    tcase_add_test(tests, the_longest_recipe_fits_its_storage);
    tcase_add_test(tests, what_cannot_change_a_byte_does_not_change_the_canonical_text);
    tcase_add_test(tests, f16_takes_what_it_can_hold_and_the_others_everything);
    tcase_add_test(tests, what_changes_bytes_changes_the_canonical_text);
    return suite_run("recipe", tests);
}
