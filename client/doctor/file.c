/*
 * A configuration file: what stokerd checks before it serves, and what it cannot know is unwise.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/command/command.h"
#include "client/command/json.h"
#include "client/doctor/doctor.h"
#include "client/doctor/verify.h"
#include "client/stoker.h"
#include "client/url.h"
#include "daemon/base/cores.h"
#include "daemon/descriptors.h"
#include "daemon/memory.h"
#include "daemon/pipeline_options.h"
#include "daemon/source/fault.h"

enum {
    ENDPOINT_ANSWER_MS = 1000,
    WINDOW_USUAL = 8, /* requests that a trainer keeps in flight unless it says otherwise */
};

static void check_cores(struct doctor *doctor, const struct config *config, uint32_t cores)
{
    uint32_t workers = config->workers > 0 ? config->workers : cores;
    doctor_tell(doctor, "%u cores, %u workers, %u readers", cores, workers, config->readers);
    doctor_set(doctor, "cores", cores);
    doctor_set(doctor, "workers", workers);
    doctor_set(doctor, "readers", config->readers);
    if (config->workers > cores)
        doctor_found(doctor,
                     "workers is %u, and this process may run on %u cores: more workers than cores "
                     "take memory and turns from each other; set workers = 0",
                     config->workers, cores);
}

static void check_memory(struct doctor *doctor, const struct config *config,
                         const struct pipeline_options *options, struct stream *const *streams,
                         size_t count)
{
    char error[CONFIG_ERROR_BYTES];
    struct memory_plan plan;
    if (memory_plan(config, options, streams, count, &plan, error) != STK_OK) {
        doctor_found(doctor, "%s", error);
        return;
    }
    size_t machine = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    size_t batches = plan.slab_bytes / plan.slab_bytes_largest;
    doctor_tell(doctor, "memory plan %zu MiB, of it %zu batches; this machine has %zu MiB",
                plan.bytes_max >> 20, batches, machine >> 20);
    doctor_set(doctor, "plan_bytes", plan.bytes_max);
    doctor_set(doctor, "plan_batches", batches);
    doctor_set(doctor, "machine_bytes", machine);
    if (plan.bytes_max > machine)
        doctor_found(doctor,
                     "the memory plan is %zu MiB, and this machine has %zu MiB: lower memory_max",
                     plan.bytes_max >> 20, machine >> 20);
    if (batches < 2 * WINDOW_USUAL)
        doctor_found(doctor,
                     "memory is for %zu batches, and one trainer asks for %d ahead: raise "
                     "memory_max, or lower batch or size",
                     batches, WINDOW_USUAL);
}

static void check_descriptors(struct doctor *doctor, const struct config *config)
{
    char error[CONFIG_ERROR_BYTES];
    uint32_t connections;
    descriptors_raise();
    if (descriptors_plan(config, &connections, error) != STK_OK) {
        doctor_found(doctor, "%s", error);
        return;
    }
    doctor_tell(doctor, "descriptors for %u connections", connections);
    doctor_set(doctor, "connections", connections);
}

static const char ipc[] = "ipc://";

static bool is_ipc(const char *endpoint)
{
    return strncmp(endpoint, ipc, strlen(ipc)) == 0;
}

/* The folder of a local socket is there, and the system's own is made by the service. */
static void check_socket_folder(struct doctor *doctor, const char *endpoint)
{
    static const char service[] = "/run/stoker";
    if (!is_ipc(endpoint))
        return;
    char folder[STK_ENDPOINT_BYTES];
    snprintf(folder, sizeof folder, "%s", endpoint + strlen(ipc));
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return;
    *slash = '\0';
    if (access(folder, F_OK) != 0 && strncmp(folder, service, strlen(service)) != 0)
        doctor_found(doctor, "the folder \"%s\" of endpoint \"%s\" is not there: make it", folder,
                     endpoint);
}

/* Neither every interface nor a socket that is not there can be asked. */
static bool is_answered(const char *endpoint)
{
    const struct stk_request request = {.kind = STK_KIND_STREAMS};
    char error[STK_ERROR_BYTES];
    struct stk_answer *answer;
    if (is_ipc(endpoint) ? access(endpoint + strlen(ipc), F_OK) != 0
                         : strchr(endpoint, '*') != NULL)
        return false;
    if (stk_ask(endpoint, &request, ENDPOINT_ANSWER_MS, &answer, error) != STK_OK)
        return false;
    stk_answer_close(&answer);
    return true;
}

static void check_endpoints(struct doctor *doctor, const struct config *config)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < config->listen_count; i++) {
        const char *endpoint = config->listen[i];
        bool answered = is_answered(endpoint);
        doctor_tell(doctor, "%s: %s daemon answers", endpoint, answered ? "a" : "no");
        if (!answered)
            check_socket_folder(doctor, endpoint);
        json_t *row = json_object();
        json_set_text(row, "endpoint", stk_text_of(endpoint));
        json_object_set_new(row, "answers", json_boolean(answered));
        json_array_append_new(rows, row);
    }
    if (doctor->object != NULL)
        json_object_set(doctor->object, "endpoints", rows);
    json_decref(rows);
}

/* Whether two streams read the same samples: then one look will do. */
static bool is_same_data(const struct config_stream *one, const struct config_stream *other)
{
    return strcmp(one->source, other->source) == 0 && strcmp(one->root, other->root) == 0 &&
           strcmp(one->list, other->list) == 0;
}

/* The index that is named, on the command line or in the configuration; NULL: none is. */
static const char *index_of(const struct doctor *doctor, const struct config_stream *stream)
{
    bool named = strcmp(stream->index, "auto") != 0 && strcmp(stream->index, "off") != 0;
    return doctor->index != NULL || !named ? doctor->index : stream->index;
}

static void check_stream_data(struct doctor *doctor, const struct config *config, size_t index,
                              const struct stream *stream, const struct pipeline_options *options,
                              json_t *row)
{
    const struct config_stream *streams = config->streams;
    doctor_tell(doctor, "stream %s: %llu samples of %u classes", stream->name,
                (unsigned long long)stream->samples, source_classes(stream->source));
    for (size_t i = 0; i < index; i++) {
        if (!is_same_data(&streams[i], &streams[index]))
            continue;
        doctor_tell(doctor, "its data is that of stream %s", streams[i].name);
        return;
    }
    if (doctor->verify) {
        char what[FAULT_TEXT_BYTES];
        snprintf(what, sizeof what, "stream \"%s\"", stream->name);
        verify_source(doctor, what, stream->source, index_of(doctor, &streams[index]), row);
    } else if (!doctor->quick) {
        doctor_check_data(doctor, stream, index_of(doctor, &streams[index]), options, row);
    }
}

static json_t *row_of(const struct doctor *doctor, json_t *rows, const struct stream *stream)
{
    if (doctor->object == NULL)
        return NULL;
    json_t *row = json_object();
    json_set_text(row, "stream", stk_text_of(stream->name));
    json_set_number(row, "samples", stream->samples);
    json_set_number(row, "classes", source_classes(stream->source));
    json_array_append_new(rows, row);
    return row;
}

/* List every stream that can be listed, and look at it. */
static size_t check_streams(struct doctor *doctor, const struct config *config,
                            const struct pipeline_options *options, struct stream **streams)
{
    const struct stream_listing listing = {.threads = source_threads(options->workers),
                                           .text_bytes_max =
                                               memory_text_bytes_max(config, options->workers)};
    json_t *rows = json_array();
    size_t count = 0;
    for (size_t i = 0; i < config->stream_count; i++) {
        char error[CONFIG_ERROR_BYTES];
        struct stream *stream;
        if (stream_open(&config->streams[i], &listing, &stream, error) != STK_OK) {
            doctor_found(doctor, "stream \"%s\": %s", config->streams[i].name, error);
            continue;
        }
        check_stream_data(doctor, config, i, stream, options, row_of(doctor, rows, stream));
        streams[count++] = stream;
    }
    if (doctor->object != NULL)
        json_object_set(doctor->object, "streams", rows);
    json_decref(rows);
    return count;
}

int doctor_check_file(struct doctor *doctor, const char *path)
{
    struct config *config;
    char error[CONFIG_ERROR_BYTES];
    if (access(path, R_OK) != 0)
        return command_misuse("cannot read '%s': %s", path, strerror(errno));
    if (config_open(path, &config, error) != STK_OK) {
        doctor_found(doctor, "%s", error);
        return COMMAND_DONE;
    }
    uint32_t cores = cores_count("");
    struct pipeline_options options = pipeline_options_for(config, cores);
    struct stream *streams[CONFIG_STREAMS_MAX];
    check_cores(doctor, config, cores);
    check_descriptors(doctor, config);
    check_endpoints(doctor, config);
    size_t count = check_streams(doctor, config, &options, streams);
    if (count > 0)
        check_memory(doctor, config, &options, streams, count);
    for (size_t i = 0; i < count; i++)
        stream_close(&streams[i]);
    config_close(&config);
    return COMMAND_DONE;
}
