/*
 * What every check_<module>.c shares: one suite, run in forked cases, its figures on one line.
 */
#ifndef STK_TESTS_SUITE_H
#define STK_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Check writes to its parent for every assertion that holds: a test of a million numbers spends
 * most of its time there.  Those that fail tell where they stand all the same. */
#define _mark_point(file, line) ((void)0)

/** Run a suite made of one case; returns the process's exit status. */
static inline int suite_run(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
