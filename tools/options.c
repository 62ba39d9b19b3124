/* SPDX-License-Identifier: MIT
 *
 * options.c - getopt_long over tables of fields
 */
#include "options_help.h"
#include "suggest.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TARGETS = 320, MAX_GROUPS = 20, MAX_LISTS = 64, LONG_BASE = 1000 };

struct options {
    const command *self;
    int n_targets, n_lists;
    option_target targets[MAX_TARGETS];
    option_group groups[MAX_GROUPS];
    void *lists[MAX_LISTS]; /* memory of array options */
    char letters[2 * 8 + 2];
    struct option longs[MAX_TARGETS + 2];
};

static const struct { char letter; const char *name; } short_names[] = {
    { 'o', "output" }, { 'n', "rows" }, { 'q', "quiet" }, { 's', "seed" }, { 't', "threads" },
};
static const struct { const char *field, *option; } aliases[] = {
    { "cond_columns", "cond" },
    { "drop_columns", "drop" },
    { "embed_hidden", "embed" },
};

int options_listed(const char *list, const char *name)
{
    const size_t length = strlen(name);

    for (const char *at = list; at && *at;) {
        const size_t n = strcspn(at, ",");
        if (n == length && memcmp(at, name, n) == 0) return 1;
        at += n + (at[n] == ',');
    }
    return 0;
}

static void option_name(const char *field, char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].field, field) == 0) field = aliases[i].option;
    snprintf(name, OPTION_NAME_SIZE, "%s", field);
    for (char *c = name; *c; c++)
        if (*c == '_') *c = '-';
}

/* The first target of that name, or NULL. */
static option_target *find(options *o, const char *name)
{
    for (int i = 0; i < o->n_targets; i++)
        if (strcmp(o->targets[i].name, name) == 0) return &o->targets[i];
    return NULL;
}

static char letter_of(const char *name)
{
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
        if (strcmp(short_names[i].name, name) == 0) return short_names[i].letter;
    return 0;
}

static void add_field(options *o, const option_group *group, const nf_field *field)
{
    option_target *t = &o->targets[o->n_targets];

    if (field->kind == NF_FIELD_POINTER || o->n_targets == MAX_TARGETS) return;
    if ((group->only && !options_listed(group->only, field->name)) || options_listed(group->skip, field->name)) return;
    t->field = *field;
    t->base = group->target;
    t->group = group;
    option_name(field->name, t->name);
    t->letter = letter_of(t->name);
    t->repeated = find(o, t->name) != NULL;
    o->n_targets++;
}

static int add_group(options *o, const option_group *group)
{
    nf_field field;
    nf_status status = NF_OK;

    for (int32_t i = 0; !group->config && i < group->n_fields; i++)
        add_field(o, group, &group->fields[i]);
    for (int32_t i = 0; group->config && (status = nf_config_field(group->config, i, &field)) == NF_OK; i++)
        add_field(o, group, &field);
    if (status == NF_OK || status == NF_ERR_ARG) return CODE_OK;
    fprintf(stderr, "nflow: %s\n", nf_last_error());
    return CODE_FAILED;
}

static int refuse(const options *o, const option_target *t, const char *value, const char *expected)
{
    fprintf(stderr, "nflow %s: --%s: '%s' is not %s\n", o->self->name, t->name, value, expected);
    return CODE_USAGE;
}

/* "1 to 100" for messages; whole numbers in full. */
static const char *range_text(const nf_field *f, char *text, size_t size)
{
    const int whole = f->kind != NF_FIELD_F64 && f->kind != NF_FIELD_F64_ARRAY;

    snprintf(text, size, whole ? "%.0f to %.0f" : "%g to %g", f->min, f->max);
    return text;
}

/* Zero in a config of the library stands for the default: a zero that was typed and means something else is refused. */
static int out_of_range(const options *o, const option_target *t, const char *value, double number)
{
    const nf_field *f = &t->field;
    const int zero = !(number < 0.0) && !(number > 0.0);
    char range[80];

    if (!isfinite(number)) return refuse(o, t, value, "a finite number");
    if (f->min < f->max && isfinite(f->max) && !(number >= f->min && number <= f->max)) {
        fprintf(stderr, "nflow %s: --%s: %s is out of range, allowed are %s\n", o->self->name, t->name, value,
                range_text(f, range, sizeof range));
        return CODE_USAGE;
    }
    if (!t->group->config || !zero || (!(f->fallback > 0.0) && !(f->fallback < 0.0))) return CODE_OK;
    fprintf(stderr, "nflow %s: --%s: 0 is not allowed; the default is %g (%s)\n", o->self->name, t->name, f->fallback, f->help);
    return CODE_USAGE;
}

/* "20000" or "2e4". */
static int parse_integer(const char *text, char **end, int64_t *out)
{
    static const double exact = 9007199254740992.0; /* 2^53 */
    double number;

    errno = 0;
    *out = strtoll(text, end, 10);
    if (*end == text || errno) return 0;
    if (**end != 'e' && **end != 'E') return 1;
    number = strtod(text, end);
    if (!(fabs(number) <= exact) || fabs(number - trunc(number)) > 0.0) return 0;
    *out = (int64_t)number;
    return 1;
}

static int set_number(options *o, option_target *t, const char *value, char *place)
{
    char *end;
    int64_t integer;
    double number;

    if (t->field.kind == NF_FIELD_F64) {
        number = strtod(value, &end);
        if (end == value || *end) return refuse(o, t, value, "a number");
        *(double *)(void *)place = number;
        return out_of_range(o, t, value, number);
    }
    if (t->field.kind == NF_FIELD_U64) {
        errno = 0;
        const uint64_t natural = strtoull(value, &end, 10);
        if (end == value || *end || errno || strchr(value, '-'))
            return refuse(o, t, value, "a whole number from 0 to 2^64 - 1");
        *(uint64_t *)(void *)place = natural;
        return CODE_OK;
    }
    if (!parse_integer(value, &end, &integer) || *end) return refuse(o, t, value, "a whole number");
    if (t->field.kind == NF_FIELD_I32) {
        if (integer < INT32_MIN || integer > INT32_MAX) return refuse(o, t, value, "a 32-bit number");
        *(int32_t *)(void *)place = (int32_t)integer;
    } else {
        *(int64_t *)(void *)place = integer;
    }
    return out_of_range(o, t, value, (double)integer);
}

static int set_choice(options *o, option_target *t, const char *value, char *place)
{
    int32_t index = 1;
    const size_t length = strlen(value);
    char names[320], hint[96];
    suggestion near;

    for (const char *at = t->field.choices; at && *at; index++) {
        const size_t n = strcspn(at, ",");
        if (n == length && memcmp(at, value, n) == 0) {
            *(int32_t *)(void *)place = index;
            return CODE_OK;
        }
        at += n + (at[n] == ',');
    }
    near = suggest_begin(value);
    suggest_offer_list(&near, t->field.choices);
    fprintf(stderr, "nflow %s: --%s: '%s' is not one of %s%s\n", o->self->name, t->name, value,
            options_names(t->field.choices, names, sizeof names), suggest_text(&near, "", hint, sizeof hint));
    return CODE_USAGE;
}

/* Counts and, with `list` not NULL, stores the elements of "256x4" or "0.5,1,2"; -1: malformed. */
static int64_t read_list(const char *text, int32_t kind, void *list)
{
    int64_t count = 0;

    for (;;) {
        char *end;
        int64_t integer = 0, times = 1;
        double number = 0.0;
        if (kind == NF_FIELD_F64_ARRAY) {
            number = strtod(text, &end);
            if (end == text) return -1;
        } else if (!parse_integer(text, &end, &integer)) {
            return -1;
        }
        if (kind == NF_FIELD_I64_ARRAY && *end == 'x') {
            const char *factor = end + 1;
            if (!parse_integer(factor, &end, &times) || times < 1 || times > 1000) return -1;
        }
        for (int64_t i = 0; i < times; i++, count++) {
            if (list && kind == NF_FIELD_F64_ARRAY) ((double *)list)[count] = number;
            if (list && kind == NF_FIELD_I64_ARRAY) ((int64_t *)list)[count] = integer;
        }
        if (*end == '\0') return count;
        if (*end != ',') return -1;
        text = end + 1;
    }
}

/* What a list must be, in words. */
static const char *list_text(const option_target *t)
{
    static const struct { const char *name, *text; } rows[] = {
        { "hidden", "a list of widths such as 256x4 or 128,64" },
        { "columns", "a list of column numbers, counted from 0, such as 0,2,3" },
        { "cond", "a list of column numbers, counted from 0, such as 0,2,3" },
        { "drop", "a list of column numbers, counted from 0, such as 0,2,3" },
        { "pair", "two column numbers, counted from 0, such as 0,2" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, t->name) == 0 && t->field.kind == NF_FIELD_I64_ARRAY) return rows[i].text;
    return t->field.kind == NF_FIELD_F64_ARRAY ? "a list of numbers such as 0.5,1" : "a list of whole numbers such as 0,2";
}

static int check_list(const options *o, const option_target *t, const char *value, int64_t count, const void *list)
{
    const nf_field *f = &t->field;
    char range[80];

    for (int64_t i = 0; isfinite(f->min) && i < count; i++) {
        const double number = f->kind == NF_FIELD_F64_ARRAY ? ((const double *)list)[i] : (double)((const int64_t *)list)[i];
        if (number >= f->min && number <= f->max) continue;
        fprintf(stderr, "nflow %s: --%s: '%s' holds %g, allowed are %s\n", o->self->name, t->name, value, number,
                range_text(f, range, sizeof range));
        return CODE_USAGE;
    }
    return CODE_OK;
}

static int set_list(options *o, option_target *t, const char *value, char *place)
{
    const int64_t count = read_list(value, t->field.kind, NULL);
    void *list;

    if (count < 0) return refuse(o, t, value, list_text(t));
    if (o->n_lists == MAX_LISTS || !(list = malloc((size_t)count * sizeof(double)))) {
        fprintf(stderr, "nflow %s: --%s: out of memory\n", o->self->name, t->name);
        return CODE_FAILED;
    }
    o->lists[o->n_lists++] = list;
    read_list(value, t->field.kind, list);
    memcpy(place, &list, sizeof list);
    *(int64_t *)(void *)((char *)t->base + t->field.count_offset) = count;
    return check_list(o, t, value, count, list);
}

static int set_target(options *o, option_target *t, const char *value)
{
    char *place = (char *)t->base + t->field.offset;

    t->given = 1;
    switch (t->field.kind) {
    case NF_FIELD_FLAG:
        *(int32_t *)(void *)place = value ? strcmp(value, "0") != 0 : 1;
        return CODE_OK;
    case NF_FIELD_STRING:
        memcpy(place, &value, sizeof value);
        return CODE_OK;
    case NF_FIELD_CHOICE:
        return set_choice(o, t, value, place);
    case NF_FIELD_I64_ARRAY:
    case NF_FIELD_F64_ARRAY:
        return set_list(o, t, value, place);
    default:
        return set_number(o, t, value, place);
    }
}

static int set_all(options *o, const char *name, const char *value)
{
    for (int i = 0; i < o->n_targets; i++) {
        if (strcmp(o->targets[i].name, name) != 0) continue;
        const int code = set_target(o, &o->targets[i], value);
        if (code) return code;
    }
    return CODE_OK;
}

int options_default(options *o, const char *name, const char *value)
{
    char typed[OPTION_NAME_SIZE];

    option_name(name, typed);
    const option_target *t = find(o, typed);
    return t && !t->given ? set_all(o, typed, value) : CODE_OK;
}

int options_given(const options *o, const char *name)
{
    char typed[OPTION_NAME_SIZE];

    option_name(name, typed);
    for (int i = 0; i < o->n_targets; i++)
        if (strcmp(o->targets[i].name, typed) == 0) return o->targets[i].given;
    return 0;
}

/* The getopt tables: one long option a distinct name. */
static void build_tables(options *o)
{
    int n = 0;
    char *letters = o->letters;

    *letters++ = ':';
    *letters++ = 'h';
    for (int i = 0; i < o->n_targets; i++) {
        option_target *t = &o->targets[i];
        const int flag = t->field.kind == NF_FIELD_FLAG;
        if (t->repeated) continue;
        o->longs[n++] = (struct option){ t->name, flag ? no_argument : required_argument, NULL, LONG_BASE + i };
        if (!t->letter) continue;
        *letters++ = t->letter;
        if (!flag) *letters++ = ':';
    }
    *letters = '\0';
    o->longs[n++] = (struct option){ "help", no_argument, NULL, 'h' };
    o->longs[n] = (struct option){ NULL, 0, NULL, 0 };
}

/* What getopt could not take: '?' unknown or ambiguous, or a value for a flag; ':' without a value. */
static int complain(const options *o, int code, char **argv)
{
    const char *typed = argv[optind - 1];
    char name[OPTION_NAME_SIZE], hint[96];
    suggestion near;

    if (code == ':') {
        fprintf(stderr, "nflow %s: '%s' needs a value; see nflow %s --help\n", o->self->name, typed, o->self->name);
        return CODE_USAGE;
    }
    if (optopt >= LONG_BASE) {
        fprintf(stderr, "nflow %s: --%s takes no value\n", o->self->name, o->targets[optopt - LONG_BASE].name);
        return CODE_USAGE;
    }
    if (optopt) {
        fprintf(stderr, "nflow %s: '-%c' is not an option of this command; see nflow %s --help\n", o->self->name, optopt, o->self->name);
        return CODE_USAGE;
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(typed + strspn(typed, "-"), "="), typed + strspn(typed, "-"));
    near = suggest_begin(name);
    for (int i = 0; i < o->n_targets; i++)
        suggest_offer(&near, o->targets[i].name, strlen(o->targets[i].name));
    suggest_text(&near, "--", hint, sizeof hint);
    fprintf(stderr, "nflow %s: '--%s' is not an option of this command%s%s\n", o->self->name, name, *hint ? hint : "; see nflow ",
            *hint ? "" : o->self->name);
    return CODE_USAGE;
}

static int read_arguments(options *o, int argc, char **argv)
{
    int c, code = CODE_OK;

    optind = 0; /* glibc: start afresh */
    opterr = 0;
    while (!code && (c = getopt_long(argc, argv, o->letters, o->longs, NULL)) != -1) {
        if (c == 'h') {
            options_print_help(o->self, o->targets, o->n_targets);
            return -1;
        }
        if (c == '?' || c == ':') return complain(o, c, argv);
        if (c >= LONG_BASE) code = set_all(o, o->targets[c - LONG_BASE].name, optarg);
        for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
            if (c == short_names[i].letter) code = set_all(o, short_names[i].name, optarg);
    }
    return code;
}

int options_parse(options **out, const command *self, const option_group *groups, int n_groups, int argc, char **argv,
                  int *first)
{
    options *o = *out = calloc(1, sizeof *o);
    int code;

    *first = argc;
    if (!o) {
        fprintf(stderr, "nflow: out of memory\n");
        return CODE_FAILED;
    }
    o->self = self;
    for (int i = 0; i < n_groups && i < MAX_GROUPS; i++) {
        o->groups[i] = groups[i];
        if ((code = add_group(o, &o->groups[i]))) return code;
    }
    build_tables(o);
    code = read_arguments(o, argc, argv);
    *first = optind;
    return code;
}

void options_free(options *o)
{
    for (int i = 0; o && i < o->n_lists; i++)
        free(o->lists[i]);
    free(o);
}
