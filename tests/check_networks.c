/*
 * Networks: what is one, and which addresses are in it.
 */
#include "config/networks.h"

#include <stdio.h>
#include <string.h>

#include "tests/suite.h"

static struct config_networks networks;

static bool has(const char *text, const char *address)
{
    ck_assert_msg(config_networks_parse(text, &networks) == STK_OK, "%s", text);
    return config_networks_have(&networks, address);
}

START_TEST(an_address_is_in_the_network_of_its_first_bits)
{
    ck_assert(has("10.1.0.0/16", "10.1.0.0") && has("10.1.0.0/16", "10.1.255.255"));
    ck_assert(!has("10.1.0.0/16", "10.0.255.255") && !has("10.1.0.0/16", "10.2.0.0"));
    ck_assert(has("10.128.0.0/9", "10.200.1.1") && !has("10.128.0.0/9", "10.127.1.1"));
    ck_assert(has("fd00::/8", "fdff::1") && !has("fd00::/8", "fc00::1"));
    ck_assert(has("2001:db8::/33", "2001:db8:7fff::1"));
    ck_assert(!has("2001:db8::/33", "2001:db8:8000::1"));
}
END_TEST

START_TEST(a_single_address_is_itself_alone)
{
    ck_assert(has("192.0.2.7", "192.0.2.7") && !has("192.0.2.7", "192.0.2.6"));
    ck_assert(has("192.0.2.7/32", "192.0.2.7") && !has("192.0.2.7/32", "192.0.2.8"));
    ck_assert(has("::1", "::1") && !has("::1", "::2") && !has("::1", "127.0.0.1"));
}
END_TEST

START_TEST(an_address_of_ipv4_is_the_one_that_ipv6_maps)
{
    ck_assert(has("10.0.0.0/8", "::ffff:10.1.2.3") && !has("10.0.0.0/8", "::ffff:11.1.2.3"));
    ck_assert(has("::ffff:10.0.0.0/104", "10.1.2.3"));
    ck_assert(has("0.0.0.0/0", "255.255.255.255") && !has("0.0.0.0/0", "2001:db8::1"));
    ck_assert(!has("0.0.0.0/0", "::1"));
    ck_assert(has("::/0", "::1") && has("::/0", "10.0.0.1"));
}
END_TEST

START_TEST(any_of_several_networks_will_do)
{
    const char *text = "  10.1.0.0/16   fd00::/8 192.0.2.7  ";
    ck_assert(has(text, "10.1.2.3") && has(text, "fd00::1") && has(text, "192.0.2.7"));
    ck_assert_uint_eq(networks.count, 3);
    ck_assert(!has(text, "192.0.2.8"));
}
END_TEST

START_TEST(without_networks_there_is_no_address_in_them)
{
    ck_assert(!has("", "10.0.0.1") && !has("   ", "::1"));
    ck_assert_uint_eq(networks.count, 0);
}
END_TEST

START_TEST(what_is_no_address_is_in_none)
{
    ck_assert(!has("::/0", "") && !has("::/0", "localhost") && !has("::/0", "10.0.0.1/8"));
    ck_assert(!has("::/0", "fe80::1%eth0"));
}
END_TEST

static const char *const wrong[] = {
    "10.0.0.1/8", /* bits behind the prefix */
    "fd00::1/8",
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/+8",
    "10.0.0.0/8 ten",
    "10.0.0.0/0008",
    "10.0.0.0/8/8",
    "10.0.0",
    "10.0.0.0.0",
    "010.0.0.1.",
    "/8",
    "localhost",
    "10.0.0.0/8,::/0",
    "10.0.0.0\t::1",
    "10.0.0.0/999",
    "::ffff:10.0.0.0/8",
    "0000000000000000000000000000000000000000000000000000000000000000::1",
};

START_TEST(a_word_that_is_no_network_is_refused)
{
    ck_assert_msg(config_networks_parse(wrong[_i], &networks) == STK_INVALID, "%s", wrong[_i]);
}
END_TEST

START_TEST(there_are_sixty_four_at_most)
{
    char text[CONFIG_NETWORKS_MAX * 9 + 16] = "";
    for (int i = 0; i < CONFIG_NETWORKS_MAX; i++)
        strcat(text, "10.0.0.1 ");
    ck_assert_int_eq(config_networks_parse(text, &networks), STK_OK);
    ck_assert_uint_eq(networks.count, CONFIG_NETWORKS_MAX);
    strcat(text, "::");
    ck_assert_int_eq(config_networks_parse(text, &networks), STK_LIMIT);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("networks");
    tcase_add_test(tests, an_address_is_in_the_network_of_its_first_bits);
    tcase_add_test(tests, a_single_address_is_itself_alone);
    tcase_add_test(tests, an_address_of_ipv4_is_the_one_that_ipv6_maps);
    tcase_add_test(tests, any_of_several_networks_will_do);
    tcase_add_test(tests, without_networks_there_is_no_address_in_them);
    tcase_add_test(tests, what_is_no_address_is_in_none);
    tcase_add_loop_test(tests, a_word_that_is_no_network_is_refused, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(tests, there_are_sixty_four_at_most);
    return suite_run("networks", tests);
}
