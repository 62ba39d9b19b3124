/* SPDX-License-Identifier: MIT
 *
 * layout_test.c - sizes, offsets and constants are those that programs out there were compiled with
 */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <nflow/layer_type.h>
#include <nflow/nflow.h>

typedef struct layout_pin {
    const char *owner, *what;
    long long pinned, present;
} layout_pin;

#define STRUCT(type, bytes) { #type, "size", bytes, (long long)sizeof(type) },
#define FIELD(type, field, bytes) { #type, #field, bytes, (long long)offsetof(type, field) },
#define VALUE(name, value) { #name, "value", value, name },
static const layout_pin layout_pins[] = {
#include "layout_pins.h"
};
#define N_PINS ((int)(sizeof layout_pins / sizeof layout_pins[0]))

/* Names every pin that moved; how many. */
static int layout_moved(const layout_pin *pins, int n)
{
    int moved = 0;

    for (int i = 0; i < n; i++)
        if (pins[i].pinned != pins[i].present) {
            printf("%s: %s was %lld, is %lld\n", pins[i].owner, pins[i].what, pins[i].pinned, pins[i].present);
            moved++;
        }
    return moved;
}

START_TEST(layout__stays_as_pinned)
{
    const int moved = layout_moved(layout_pins, N_PINS);

    ck_assert_msg(moved == 0, "%d of %d pins moved: an incompatible change, or lines missing in layout_pins.h", moved, N_PINS);
}
END_TEST

START_TEST(layout__control_sees_a_moved_field)
{
    layout_pin pins[] = { layout_pins[0], layout_pins[1], layout_pins[2] };

    pins[1].present += 4;
    ck_assert_int_eq(layout_moved(pins, 3), 1);
}
END_TEST

START_TEST(layout__types_have_fixed_widths)
{
    ck_assert_uint_eq(sizeof(nf_status), 4);
    ck_assert_uint_eq(sizeof(float), 4);
    ck_assert_uint_eq(sizeof(double), 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layout");
    TCase *cases = tcase_create("layout");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (sizeof(void *) != 8) {
        puts("skipped: layouts are pinned for 64-bit pointers, this machine has others");
        return 77;
    }
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, layout__stays_as_pinned);
    tcase_add_test(cases, layout__control_sees_a_moved_field);
    tcase_add_test(cases, layout__types_have_fixed_widths);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
