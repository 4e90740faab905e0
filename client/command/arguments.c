/*
 * Arguments: command lines of sub-commands, and what they share; see command.h.
 */
#include "client/command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/url.h"
#include "proto/utf8.h"

enum {
    WORD_BYTES_MAX = 32,
    FLAGS_MAX = 32,
    SENTENCE_BYTES = PATH_MAX + STK_ERROR_BYTES, /* a longer one is cut */
};

static void say(const char *format, va_list arguments, const char *hint)
{
    char sentence[SENTENCE_BYTES];
    vsnprintf(sentence, sizeof sentence, format, arguments);
    fputs("stoker: ", stderr);
    text_print(stderr, stk_text_of(sentence));
    fprintf(stderr, "%s\n", hint);
}

int command_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments, "");
    va_end(arguments);
    return COMMAND_FAILED;
}

int command_misuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments, " (stoker --help lists what there is)");
    va_end(arguments);
    return COMMAND_MISUSED;
}

/* How many letters have to be put in, taken out or changed to make one word of the other. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_BYTES_MAX + 1];
    size_t b_len = strlen(b);
    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = changed < row[j] ? changed : row[j];
        }
    }
    return row[b_len];
}

const char *nearest_word(const char *wrong, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    unsigned least = 3; /* more letters than two are no slip */
    for (size_t i = 0; i < count && strlen(wrong) <= WORD_BYTES_MAX; i++) {
        unsigned letters = distance(wrong, words[i]);
        if (letters < least) {
            least = letters;
            nearest = words[i];
        }
    }
    return nearest;
}

/* Of every sub-command that connects; libstoker takes them from the environment. */
static const struct key_flag {
    struct flag flag;
    const char *variable;
} key_flags[] = {
    {{"server-key", FLAG_TEXT, NULL, "FILE", 0, 0, "the public key of a daemon with keys"},
     "STOKER_SERVER_KEY"},
    {{"key", FLAG_TEXT, NULL, "FILE", 0, 0, "the secret key that says who you are"}, "STOKER_KEY"},
};

enum { KEY_FLAGS = sizeof key_flags / sizeof *key_flags };

void text_print(FILE *out, struct stk_text text)
{
    for (size_t i = 0; i < text.len;) {
        size_t shown = stk_utf8_shown_len(text.data + i, text.len - i);
        fwrite(shown > 0 ? text.data + i : "?", 1, shown > 0 ? shown : 1, out);
        i += shown > 0 ? shown : 1;
    }
}

static void print_flag(const struct flag *flag)
{
    char word[2 * WORD_BYTES_MAX];
    snprintf(word, sizeof word, "--%s%s%s", flag->name, flag->argument == NULL ? "" : " ",
             flag->argument == NULL ? "" : flag->argument);
    printf("  %-20s  %s\n", word, flag->help);
}

static int print_help(const struct arguments *arguments)
{
    printf("usage: stoker %s %s [OPTION ...]\n\n%s\n\n", arguments->command, arguments->operand,
           arguments->purpose);
    for (size_t i = 0; i < arguments->flag_count; i++)
        print_flag(&arguments->flags[i]);
    for (size_t i = 0; i < KEY_FLAGS && !arguments->offline; i++)
        print_flag(&key_flags[i].flag);
    return COMMAND_DONE;
}

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    /* strtoull takes a sign and blanks; we do not. */
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static int set_number(const struct flag *flag, const char *text)
{
    uint64_t number;
    if (!parse_number(text, &number) || number < flag->min || number > flag->max)
        return command_misuse("--%s is '%s', not a number from %" PRIu64 " to %" PRIu64, flag->name,
                              text, flag->min, flag->max);
    if (flag->kind == FLAG_U32)
        *(uint32_t *)flag->value = (uint32_t)number;
    else
        *(uint64_t *)flag->value = number;
    return COMMAND_DONE;
}

static const struct flag *find_flag(const struct arguments *arguments, const char *name, size_t len)
{
    for (size_t i = 0; i < arguments->flag_count; i++) {
        const struct flag *flag = &arguments->flags[i];
        if (strlen(flag->name) == len && memcmp(flag->name, name, len) == 0)
            return flag;
    }
    for (size_t i = 0; i < KEY_FLAGS && !arguments->offline; i++) {
        const struct flag *flag = &key_flags[i].flag;
        if (strlen(flag->name) == len && memcmp(flag->name, name, len) == 0)
            return flag;
    }
    return NULL;
}

static int set_text(const struct flag *flag, const char *text)
{
    for (size_t i = 0; i < KEY_FLAGS; i++) {
        if (flag == &key_flags[i].flag)
            return setenv(key_flags[i].variable, text, 1) == 0
                       ? COMMAND_DONE
                       : command_fail("no memory for --%s", flag->name);
    }
    *(const char **)flag->value = text;
    return COMMAND_DONE;
}

static int unknown_flag(const struct arguments *arguments, const char *word)
{
    const char *names[FLAGS_MAX];
    size_t count = 0;
    for (; count < arguments->flag_count && count < FLAGS_MAX; count++)
        names[count] = arguments->flags[count].name;
    const char *nearest = nearest_word(word + strspn(word, "-"), names, count);
    if (nearest == NULL)
        return command_misuse("'stoker %s' has no option '%s'", arguments->command, word);
    return command_misuse("'stoker %s' has no option '%s', did you mean '--%s'?",
                          arguments->command, word, nearest);
}

/* Read "--name", "--name VALUE" or "--name=VALUE"; *words is left at the last word used. */
static int read_flag(const struct arguments *arguments, char ***words)
{
    const char *word = **words;
    size_t len = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
    const struct flag *flag = len == 0 ? NULL : find_flag(arguments, word + 2, len);
    if (flag == NULL)
        return unknown_flag(arguments, word);
    const char *value = word[2 + len] == '=' ? word + 2 + len + 1 : NULL;
    if (flag->kind == FLAG_SWITCH) {
        *(bool *)flag->value = true;
        return value == NULL ? COMMAND_DONE : command_misuse("--%s takes no value", flag->name);
    }
    if (value == NULL && (*words)[1] != NULL)
        value = *++*words;
    if (value == NULL)
        return command_misuse("--%s needs a value, %s", flag->name, flag->argument);
    if (flag->kind != FLAG_TEXT)
        return set_number(flag, value);
    return set_text(flag, value);
}

bool arguments_read(const struct arguments *arguments, char **words, const char **operand,
                    int *code)
{
    *operand = NULL;
    *code = COMMAND_DONE;
    for (; *words != NULL; words++) {
        if (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0) {
            *code = print_help(arguments);
            return false;
        }
        if ((*words)[0] == '-')
            *code = read_flag(arguments, &words);
        else if (*operand != NULL)
            *code = command_misuse("'stoker %s' takes one %s, and '%s' is a second one",
                                   arguments->command, arguments->operand, *words);
        else
            *operand = *words;
        if (*code != COMMAND_DONE)
            return false;
    }
    if (*operand == NULL)
        *code = command_misuse("'stoker %s' needs a %s", arguments->command, arguments->operand);
    return *code == COMMAND_DONE;
}

static bool is_socket(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

int check_url(const char *url)
{
    static const char ipc[] = "ipc://";
    struct stk_url parsed;
    char error[STK_ERROR_BYTES];
    if (stk_url_parse(url, &parsed, error) != STK_OK)
        return command_misuse("%s", error);
    char path[STK_ENDPOINT_BYTES + STK_NAME_BYTES_MAX + 2];
    snprintf(path, sizeof path, "%s/%s", parsed.endpoints[parsed.count - 1], parsed.stream);
    /* Its name would be taken for the stream's, and a daemon be waited for in its folder. */
    if (strncmp(path, ipc, sizeof ipc - 1) == 0 && is_socket(path + sizeof ipc - 1))
        return command_misuse("the url '%s' names a socket and no stream: write %s/STREAM", url,
                              url);
    return COMMAND_DONE;
}

/* Behind a host comes a stream; a path ends in one only where a socket stands one above it. */
static void cut_stream(char *endpoint)
{
    static const char tcp[] = "tcp://", ipc[] = "ipc://";
    if (strncmp(endpoint, tcp, sizeof tcp - 1) == 0) {
        endpoint[sizeof tcp - 1 + strcspn(endpoint + sizeof tcp - 1, "/")] = '\0';
        return;
    }
    char *slash = strrchr(endpoint, '/');
    if (slash == NULL || strncmp(endpoint, ipc, sizeof ipc - 1) != 0 ||
        is_socket(endpoint + sizeof ipc - 1))
        return;
    *slash = '\0';
    if (!is_socket(endpoint + sizeof ipc - 1))
        *slash = '/';
}

int endpoint_of_url(const char *url, char *endpoint, size_t bytes)
{
    char checked[STK_ENDPOINT_BYTES], error[STK_ERROR_BYTES];
    snprintf(endpoint, bytes, "%s", url);
    cut_stream(endpoint);
    if (stk_url_endpoint(endpoint, strlen(endpoint), checked, error) != STK_OK)
        return command_misuse("%s", error);
    return COMMAND_DONE;
}

const char *stream_of_url(const char *url, const char *endpoint)
{
    const char *behind = url + strlen(endpoint);
    return *behind == '/' ? behind + 1 : behind;
}
