/*
 * Run a program under the rules of a unit's sandbox that seccomp can imitate:
 *
 *     confine RULES PROGRAM ARGUMENT...
 *
 * RULES is a file of lines, which tests/integration/sandbox.py makes of the unit:
 *
 *     allow CALL           a system call that may be made
 *     answer CALL ERRNO    one that is not made, and answered so; 0 says that it was
 *     family NUMBER        of addresses that sockets may have; others are answered as by systemd
 *     no_new_code          no memory may be both written to and run
 *
 * Whatever else the program calls ends it with SIGSYS, where systemd would answer EPERM: so no test
 * can pass because a program swallowed that.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINE_BYTES = 128, FAMILIES = 64 };

/* A filter each: in one, a rule without conditions would hide those of the same call that have
 * some.  The kernel obeys the strictest. */
struct rules {
    scmp_filter_ctx calls;
    scmp_filter_ctx sockets;
    scmp_filter_ctx memory;
    bool families[FAMILIES];
    bool families_bounded;
};

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "confine: %s %s\n", what, which);
    exit(2);
}

/* A call that another architecture has is none here. */
static void add(struct rules *rules, const char *call, uint32_t action)
{
    int number = seccomp_syscall_resolve_name(call);
    if (number != __NR_SCMP_ERROR && seccomp_rule_add(rules->calls, action, number, 0) != 0 &&
        number >= 0)
        fail("cannot add", call);
}

static void must(int result)
{
    if (result != 0)
        fail("cannot add a rule:", strerror(-result));
}

/* Both bits together in mmap; in mprotect the second alone, since the memory could be written. */
static void forbid_new_code(struct rules *rules)
{
    const struct scmp_arg_cmp both =
        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC);
    const struct scmp_arg_cmp exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC);
    must(seccomp_rule_add(rules->memory, SCMP_ACT_KILL_PROCESS, SCMP_SYS(mmap), 1, both));
    must(seccomp_rule_add(rules->memory, SCMP_ACT_KILL_PROCESS, SCMP_SYS(mprotect), 1, exec));
    must(seccomp_rule_add(rules->memory, SCMP_ACT_KILL_PROCESS, SCMP_SYS(pkey_mprotect), 1, exec));
}

static void bound_families(struct rules *rules)
{
    for (unsigned family = 0; family < FAMILIES; family++) {
        if (rules->families[family])
            continue;
        must(seccomp_rule_add(rules->sockets, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, family)));
    }
}

static void read_rule(struct rules *rules, const char *line)
{
    char call[LINE_BYTES];
    unsigned number;
    if (sscanf(line, "allow %127s", call) == 1)
        add(rules, call, SCMP_ACT_ALLOW);
    else if (sscanf(line, "answer %127s %u", call, &number) == 2)
        add(rules, call, SCMP_ACT_ERRNO(number));
    else if (sscanf(line, "family %u", &number) == 1 && number < FAMILIES)
        rules->families[number] = rules->families_bounded = true;
    else if (strcmp(line, "no_new_code\n") == 0)
        forbid_new_code(rules);
    else
        fail("cannot read", line);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        fail("usage: confine RULES PROGRAM ARGUMENT...", "");
    struct rules rules = {.calls = seccomp_init(SCMP_ACT_KILL_PROCESS),
                          .sockets = seccomp_init(SCMP_ACT_ALLOW),
                          .memory = seccomp_init(SCMP_ACT_ALLOW)};
    FILE *file = fopen(argv[1], "r");
    if (rules.calls == NULL || rules.sockets == NULL || rules.memory == NULL || file == NULL)
        fail("cannot open", argv[1]);
    for (char line[LINE_BYTES]; fgets(line, sizeof line, file) != NULL;)
        read_rule(&rules, line);
    fclose(file);
    if (rules.families_bounded)
        bound_families(&rules);
    must(seccomp_load(rules.sockets));
    must(seccomp_load(rules.memory));
    must(seccomp_load(rules.calls));
    execv(argv[2], argv + 2);
    fail("cannot run", argv[2]);
    return 2;
}
