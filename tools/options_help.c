/* SPDX-License-Identifier: MIT
 *
 * options_help.c - what --help prints, made from the tables of fields
 */
#include "options_help.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LEFT = 32, WIDTH = 96 };

const char *options_names(const char *list, char *text, size_t size)
{
    size_t used = 0;

    *text = '\0';
    for (const char *at = list; at && *at;) {
        const size_t n = strcspn(at, ",");
        if (used + n + 3 > size) break;
        used += (size_t)snprintf(text + used, size - used, "%s%.*s", used ? ", " : "", (int)n, at);
        at += n + (at[n] == ',');
    }
    return text;
}

/* Prints text from column LEFT on, at most WIDTH columns a line. */
static void print_wrapped(const char *text)
{
    int column = LEFT;

    while (*text) {
        const int n = (int)strcspn(text, " ");
        if (column > LEFT && column + 1 + n > WIDTH) {
            printf("\n%*s", LEFT, "");
            column = LEFT;
        } else if (column > LEFT) {
            putchar(' ');
            column++;
        }
        printf("%.*s", n, text);
        column += n;
        text += n + (text[n] == ' ');
    }
    putchar('\n');
}

static const char *metavariable(const nf_field *f)
{
    static const struct { const char *name, *text; } named[] = {
        { "output", "FILE" }, { "checkpoint", "FILE" }, { "resume", "FILE" }, { "data", "DATA" }, { "labels", "FILE" }, { "val", "PART" }, { "separator", "C" },
    };
    static const struct { int32_t kind; const char *text; } rows[] = {
        { NF_FIELD_I32, "N" },       { NF_FIELD_I64, "N" },         { NF_FIELD_U64, "N" },         { NF_FIELD_F64, "X" },
        { NF_FIELD_STRING, "TEXT" }, { NF_FIELD_I64_ARRAY, "N,N" }, { NF_FIELD_F64_ARRAY, "X,X" }, { NF_FIELD_CHOICE, "NAME" },
    };

    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (f->kind == NF_FIELD_STRING && strcmp(f->name, named[i].name) == 0) return named[i].text;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == f->kind) return rows[i].text;
    return "";
}

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t size, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

/* The index-th name of a list, from 1. */
static void add_choice(char *text, size_t size, const char *choices, int index)
{
    for (; index > 1 && *choices; index--) {
        choices += strcspn(choices, ",");
        choices += *choices == ',';
    }
    add(text, size, " (default %.*s)", (int)strcspn(choices, ","), choices);
}

static void add_default(const option_target *t, char *text, size_t size)
{
    const nf_field *f = &t->field;
    const double value = f->fallback;

    if (options_listed(t->group->decided, f->name))
        add(text, size, " (default: the preset's)");
    else if (value < 0.0 ? 0 : !(value > 0.0))
        return;
    else if (f->kind == NF_FIELD_CHOICE)
        add_choice(text, size, f->choices, (int)value);
    else if (f->kind == NF_FIELD_I32 || f->kind == NF_FIELD_I64)
        add(text, size, " (default %" PRId64 ")", (int64_t)value);
    else if (f->kind == NF_FIELD_F64)
        add(text, size, " (default %g)", value);
}

static void print_option(const option_target *t)
{
    char left[2 * OPTION_NAME_SIZE], right[640] = "", names[320];
    const char *value = metavariable(&t->field);
    int n;

    if (t->letter)
        n = snprintf(left, sizeof left, "  -%c, --%s%s%s", t->letter, t->name, *value ? " " : "", value);
    else
        n = snprintf(left, sizeof left, "      --%s%s%s", t->name, *value ? " " : "", value);
    add(right, sizeof right, "%s", t->field.help ? t->field.help : "");
    if (t->field.kind == NF_FIELD_CHOICE) add(right, sizeof right, ": %s", options_names(t->field.choices, names, sizeof names));
    add_default(t, right, sizeof right);
    if (n < LEFT - 1)
        printf("%-*s", LEFT, left);
    else
        printf("%s\n%*s", left, LEFT, "");
    print_wrapped(right);
}

void options_print_help(const command *self, const option_target *targets, int n_targets)
{
    const char *title = NULL;

    printf("usage: nflow %s %s\n\n%s\n", self->name, self->arguments, self->help);
    for (int i = 0; i < n_targets; i++) {
        const option_target *t = &targets[i];
        if (t->repeated) continue;
        if (!title || strcmp(t->group->title, title) != 0) printf("\n%s:\n", t->group->title);
        title = t->group->title;
        print_option(t);
    }
    printf("\n%-*sthis text\n", LEFT, "  -h, --help");
    if (self->notes) {
        putchar('\n');
        self->notes();
    }
    printf("\nexit codes: 0 success, 1 failed, 2 usage, 3 a check found a defect, 4 some rows not finite,\n"
           "130 interrupted; see nflow(1)\n");
}
