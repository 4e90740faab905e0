/*
 * stoker doctor: what is to be checked, and how it is told.
 */
#include "client/doctor/doctor.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "client/command/command.h"
#include "client/command/json.h"
#include "client/doctor/verify.h"
#include "config/source_kind.h"
#include "daemon/base/cores.h"
#include "daemon/base/log.h"

enum { SENTENCE_BYTES = 1024 }; /* a longer one is cut */

void doctor_found(struct doctor *doctor, const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    doctor->found++;
    if (doctor->object != NULL) {
        json_t *holder = json_object();
        json_set_text(holder, "finding", stk_text_of(sentence));
        json_array_append(doctor->findings, json_object_get(holder, "finding"));
        json_decref(holder);
        return;
    }
    fputs("! ", stdout);
    text_print(stdout, stk_text_of(sentence));
    putchar('\n');
}

void doctor_tell(const struct doctor *doctor, const char *format, ...)
{
    if (doctor->object != NULL)
        return;
    char sentence[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    fputs("  ", stdout);
    text_print(stdout, stk_text_of(sentence));
    putchar('\n');
}

void doctor_set(const struct doctor *doctor, const char *key, uint64_t number)
{
    if (doctor->object != NULL)
        json_set_number(doctor->object, key, number);
}

/* What was found, and the exit code for it. */
static int conclude(struct doctor *doctor)
{
    int code = doctor->found > 0 ? COMMAND_FAILED : COMMAND_DONE;
    if (doctor->object != NULL) {
        int printed = json_print(doctor->object);
        return printed == COMMAND_DONE ? code : printed;
    }
    if (doctor->found == 0)
        printf("nothing found\n");
    else
        printf("%u finding%s\n", doctor->found, doctor->found == 1 ? "" : "s");
    return code;
}

/* A folder, or "KIND:PATH"; a configuration is a file without a kind. */
static bool is_source(const char *text)
{
    struct config_source source;
    struct stat file;
    return config_source_parse(text, &source) == STK_OK &&
           (source.path != text || (stat(text, &file) == 0 && S_ISDIR(file.st_mode)));
}

int doctor_verify_source(struct doctor *doctor, const char *url)
{
    char error[SOURCE_ERROR_BYTES];
    struct source *source;
    const struct source_place place = {.url = url, .root = "", .list = ""};
    if (source_open(&place, source_threads(cores_count("")), &source, error) != STK_OK) {
        doctor_found(doctor, "%s", error);
        return COMMAND_DONE;
    }
    verify_source(doctor, url, source, doctor->index, doctor->object);
    source_close(&source);
    return COMMAND_DONE;
}

int doctor_command(char **words)
{
    bool json = false;
    struct doctor doctor = {.timeout_s = TIMEOUT_SECONDS_DEFAULT};
    const struct flag flags[] = {
        {"json", FLAG_SWITCH, &json, NULL, 0, 0, "print one JSON object"},
        {"quick", FLAG_SWITCH, &doctor.quick, NULL, 0, 0, "list the data, and decode none of it"},
        {"verify", FLAG_SWITCH, &doctor.verify, NULL, 0, 0,
         "hold every file's checksum against the index instead"},
        {"index", FLAG_TEXT, &doctor.index, "FILE", 0, 0,
         "the index, if the daemon would not find it"},
        TIMEOUT_FLAG(&doctor.timeout_s),
    };
    const struct arguments arguments = {
        .command = "doctor",
        .purpose = "Check a running daemon, or a configuration file and every picture that it "
                   "names, and say\nwhat to change.  With --verify FILE may be a data set too.",
        .operand = "URL|FILE",
        .flags = flags,
        .flag_count = sizeof flags / sizeof *flags,
    };
    const char *target;
    int code;
    if (!arguments_read(&arguments, words, &target, &code))
        return code;
    /* The daemon's code logs; what matters of it is told here. */
    log_set_level(LOG_LEVEL_ERROR);
    if (json) {
        doctor.object = json_object();
        doctor.findings = json_array();
        json_object_set_new(doctor.object, "findings", doctor.findings);
    }
    if (strstr(target, "://") != NULL)
        code = doctor.verify ? command_misuse("files are verified where they are, not at a daemon")
                             : doctor_check_daemon(&doctor, target);
    else if (doctor.verify && is_source(target))
        code = doctor_verify_source(&doctor, target);
    else
        code = doctor_check_file(&doctor, target);
    if (code == COMMAND_DONE)
        return conclude(&doctor);
    json_decref(doctor.object);
    /* 1 is for findings. */
    return COMMAND_MISUSED;
}
