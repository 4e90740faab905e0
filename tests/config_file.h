/*
 * A folder of a test's own with a configuration in it, stokerd.conf, and a source "data".
 */
#ifndef STK_TESTS_CONFIG_FILE_H
#define STK_TESTS_CONFIG_FILE_H

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "tests/suite.h"

enum { PATH_BYTES = 256, FILE_BYTES = 1 << 17 };

static char root[PATH_BYTES / 2];
static char path[PATH_BYTES];
static char source[PATH_BYTES];
static char error[CONFIG_ERROR_BYTES];

static inline void make_root(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(root, sizeof(root), "%s/check_config.XXXXXX", parent != NULL ? parent : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/stokerd.conf", root);
    snprintf(source, sizeof(source), "%s/data", root);
    ck_assert_int_eq(mkdir(source, 0700), 0);
}

static inline void remove_root(void)
{
    unlink(path);
    rmdir(source);
    rmdir(root);
}

static inline void write_bytes(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

/* Write the file; '@' stands for the source's path. */
static inline void write_file(const char *text)
{
    static char bytes[FILE_BYTES];
    size_t len = 0;
    for (; *text != '\0'; text++) {
        ck_assert_uint_lt(len, sizeof(bytes) - PATH_BYTES);
        if (*text == '@')
            len += (size_t)sprintf(bytes + len, "%s", source);
        else
            bytes[len++] = *text;
    }
    write_bytes(bytes, len);
}

static inline struct config *open_text(const char *text)
{
    struct config *config = NULL;
    write_file(text);
    enum stk_status status = config_open(path, &config, error);
    ck_assert_msg(status == STK_OK, "%s", error);
    ck_assert_str_eq(error, "");
    ck_assert_ptr_nonnull(config);
    return config;
}

/* Every key at another value than its default, in an order that is not the table's. */
static const char every_key[] =
    "# comment, # with { a \" brace\n"
    "stream valid { /* a comment\n"
    "    of two lines */ source = \"@\" labels = dense\n"
    "    mix {\n"
    "        until_epoch = 4294967295\n"
    "        from_epoch = 10\n"
    "        smoothing = 0.2\n"
    "        cutmix_box = {minmax, 0.25, 0.75}\n"
    "        partner_self = yes\n"
    "        partner = dataset\n"
    "        fold = no\n"
    "        per = batch\n"
    "        prob = 0.75\n"
    "        switch_prob = 0.25\n"
    "        alpha = 0.01\n"
    "        preset = fastai\n"
    "        method = both\n"
    "    }\n"
    "}\n"
    "log_level = debug // comment\n"
    "connections_max = 60000 connections_per_second = 60000\n"
    "image_bytes_max = 64K\n"
    "image_pixels_max = 4294836225\n"
    "requests_max = 1 clients_max = 4096 client_timeout = 24h memory_max = 3T\n"
    "readers = 256\n"
    "workers = 1024\n"
    "client_addresses = \"10.0.0.0/8 fd00::/8\" client_keys = @ server_key = \"\"\n"
    "listen = {tcp://[::1]:1, # the first\n"
    "          \"tcp://*:65535 insecure=yes\", 'ipc:///tmp/a b'}\n"
    "stream Train-1.a_b {\n"
    "    on_corrupt = fail\n"
    "    labels = dense\n"
    "    list = /etc/passwd index = /etc/passwd\n"
    "    std = {1e-6, 1000, 1}\n"
    "    mean = {-1000, 0, 1000}\n"
    "    layout = nchw\n"
    "    dtype = f32\n"
    "    interpolation = nearest\n"
    "    random_erasing {\n"
    "        value = {1, 2, 255}\n"
    "        mode = value\n"
    "        ratio = {0.5, 2}\n"
    "        scale = {0.1, 0.2}\n"
    "        prob = 0.25\n"
    "    }\n"
    "    flip { prob = 1 }\n"
    "    pad_crop { fill = {3, 4, 5} padding = 0 }\n"
    "    resize { side = {8192, 300} }\n"
    "    transform = {resize, pad_crop, flip, random_erasing}\n"
    "    size = {8192, 1}\n"
    "    phase { from_epoch = 7 size = {4, 5} batch = 6 }\n"
    "    phase { size = 9 from_epoch = 4294967295 }\n"
    "    last = wrap\n"
    "    subset = 1e-9\n"
    "    repeat = 64\n"
    "    epoch_samples = 1099511627776\n"
    "    sampler = weighted\n"
    "    seed = 18446744073709551615\n"
    "    order = shuffle\n"
    "    batch = 8192\n"
    "    source = folder:@\n"
    "}\n"
    "stream crops {\n"
    "    source = @\n"
    "    transform = random_resized_crop\n"
    "    random_resized_crop {\n"
    "        ratio = {0.001, 1000}\n"
    "        scale = {0.000001, 0.5}\n"
    "    }\n"
    "}\n"
    "stream middle {\n"
    "    source = @\n"
    "    center_crop { }\n"
    "    transform = center_crop\n"
    "}\n";

#endif
