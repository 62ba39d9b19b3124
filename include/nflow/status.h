/* SPDX-License-Identifier: MIT
 *
 * status.h - what a call answers
 *
 * Every fallible function returns an nf_status: 0 is success, negative is failure, positive is "completed, with remarks". Test
 * for failure with `status < 0`. A failed call changes nothing, leaks nothing and leaves out-handles NULL, unless its
 * documentation names another state. Each header says once, at its top, which errors and rules hold for all its functions; a
 * function's own comment lists what is special to it. docs/errors.md has the usual cause and the cure of every status.
 *
 * Rows: an evaluation whose arguments are right completes even if some rows hold NaN or Inf. Those rows get NaN, all other rows
 * are exact, and the call returns NF_ROWS_NONFINITE with the count and the first index in nf_last_error(). So do rows whose
 * result is not finite; a log density of -inf (outside the support of a uniform base) is kept as it is and counted. In a context
 * made with `strict` = 1 such a call fails instead: NF_ERR_NONFINITE, every output NaN.
 *
 * Failures found while computing (NF_ERR_DOMAIN, NF_ERR_SINGULAR, NF_ERR_NOT_INVERTIBLE, NF_ERR_ODE_*, NF_ERR_CANCELLED,
 * NF_ERR_CALLBACK, NF_ERR_MEMORY for the call's own work space) leave the output arrays filled with NaN; those found in the
 * arguments leave them untouched.
 *
 * Functions here: any thread, no allocation. Since 0.1
 */
#ifndef NFLOW_STATUS_H
#define NFLOW_STATUS_H

#include <nflow/export.h>

NF_BEGIN_DECLS

/** 0, an NF_ERR_... (negative) or a remark (positive). A status from a newer library may be one that this list lacks. Since 0.1
 * */
typedef int32_t nf_status;

/* Number, name, English. The numbers are permanent: none is ever reused or moved. */
#define NF_STATUS_LIST(X)                                                                          \
    X(0, NF_OK, "success")                                                                         \
    X(1, NF_ROWS_NONFINITE, "completed; some rows hold NaN or Inf and got NaN")                    \
    X(2, NF_STOPPED, "completed early because it was asked to stop; the best result is kept")      \
    X(-1, NF_ERR_NULL, "a required pointer is NULL")                                               \
    X(-2, NF_ERR_ARG, "an argument has a value that is not allowed")                               \
    X(-3, NF_ERR_SHAPE, "a size does not fit")                                                     \
    X(-4, NF_ERR_OVERFLOW, "a size is too large to compute")                                       \
    X(-5, NF_ERR_ALIAS, "arrays overlap that must not")                                            \
    X(-6, NF_ERR_MEMORY, "out of memory")                                                          \
    X(-7, NF_ERR_HANDLE, "a handle is of the wrong kind or was released")                          \
    X(-8, NF_ERR_CONFIG_SMALL, "a config struct was not initialised")                              \
    X(-9, NF_ERR_CONFIG_OLD, "a config struct is older than this library understands")             \
    X(-10, NF_ERR_CONFIG_NEW, "a config struct sets fields that this library does not know")       \
    X(-11, NF_ERR_DTYPE, "the flow has the other precision")                                       \
    X(-12, NF_ERR_BUSY, "another exclusive call is using the object")                              \
    X(-13, NF_ERR_STATE, "the object is not in a state for this call")                             \
    X(-14, NF_ERR_CANCELLED, "the call was cancelled")                                             \
    X(-15, NF_ERR_CALLBACK, "a callback or a user's layer failed")                                 \
    X(-16, NF_ERR_LIMIT, "a limit of the context would be exceeded")                               \
    X(-17, NF_ERR_IO, "the operating system refused to read or write")                             \
    X(-18, NF_ERR_FORMAT, "the file is not what it should be")                                     \
    X(-19, NF_ERR_VERSION, "the file needs a newer library or a type that is not registered")      \
    X(-20, NF_ERR_CORRUPT, "the file is damaged")                                                  \
    X(-21, NF_ERR_PARSE, "text could not be read as a number or a table")                          \
    X(-22, NF_ERR_UNKNOWN, "no such name")                                                         \
    X(-23, NF_ERR_DOMAIN, "a value lies outside the domain of a layer")                            \
    X(-24, NF_ERR_NONFINITE, "NaN or Inf where finite values are required")                        \
    X(-25, NF_ERR_SINGULAR, "a matrix cannot be inverted")                                         \
    X(-26, NF_ERR_NOT_INVERTIBLE, "the layer has no inverse")                                      \
    X(-27, NF_ERR_DEGENERATE, "a column does not vary")                                            \
    X(-28, NF_ERR_DIVERGED, "training diverged; the flow holds the best parameters seen")          \
    X(-29, NF_ERR_UNSUPPORTED, "not available in this build or for this object")                   \
    X(-30, NF_ERR_ODE_MAXSTEPS, "the solver needs more steps than allowed")                        \
    X(-31, NF_ERR_ODE_STEP, "the solver's step became too small")                                  \
    X(-32, NF_ERR_ODE_TOL, "the tolerance cannot be met in this precision")                        \
    X(-33, NF_ERR_ODE_RHS, "the dynamics returned a value that is not finite")

enum {
#define NF_STATUS_ENUM(number, name, text) name = (number),
    NF_STATUS_LIST(NF_STATUS_ENUM)
#undef NF_STATUS_ENUM
};

/**
 * The name ("NF_ERR_SHAPE") and the English of a status; "unknown status" for a number that is not in the list. Static memory,
 * never NULL.
 */
NF_API const char *nf_status_name(nf_status status);
NF_API const char *nf_status_text(nf_status status);

/**
 * One line about the calling thread's latest failure, or positive status: function, argument, value, limit. Written at
 * every failure and never cleared by success, so it means something only right after a failure, on the same thread. At most 1023
 * bytes; longer lines are cut. Never NULL ("" before the first failure); the pointer is the thread's own and its text lasts until
 * this thread's next failure: copy what is to be kept, and copy it before a task moves to another thread.
 */
NF_API const char *nf_last_error(void);

/**
 * Version of the library in use: "major.minor.patch", and as major * 10000 + minor * 100 + patch. That of the headers is
 * NF_VERSION_MAJOR, _MINOR, _PATCH. Static memory.
 */
NF_API const char *nf_version(void);
NF_API int32_t nf_version_number(void);

NF_END_DECLS
#endif
