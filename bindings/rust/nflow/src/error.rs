// SPDX-License-Identifier: MIT

//! What a call answers.

use std::fmt;

/// A failure: its status, the status's name, and the line that says function, argument, value and limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The number of the status.
    pub status: Status,
    /// Its name in C, such as `NF_ERR_SHAPE`.
    pub name: &'static str,
    /// One line, without a line end.
    pub message: String,
}

/// The result of a call that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Error {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Error {
        Error { status, name: crate::raw::status_name(status.0), message: message.into() }
    }
}

/// How a call succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing is to be said.
    Complete,
    /// Some rows hold NaN or Inf and got NaN; all others are exact.
    RowsNonfinite,
    /// It was asked to stop, and kept the best.
    Stopped,
    /// A remark that this crate does not know.
    Other(i32),
}

impl Outcome {
    pub(crate) fn of(status: i32) -> Outcome {
        match status {
            0 => Outcome::Complete,
            1 => Outcome::RowsNonfinite,
            2 => Outcome::Stopped,
            other => Outcome::Other(other),
        }
    }
}

/// The number of a negative status. A newer library may have some that are not named here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub i32);

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::raw::status_name(self.0))
    }
}

macro_rules! statuses {
    ($($name:ident = $c:ident),* $(,)?) => {
        #[allow(missing_docs)]
        impl Status {
            $(pub const $name: Status = Status(nflow_sys::$c);)*
        }
    };
}
statuses! {
    NULL = NF_ERR_NULL, ARG = NF_ERR_ARG, SHAPE = NF_ERR_SHAPE, OVERFLOW = NF_ERR_OVERFLOW, ALIAS = NF_ERR_ALIAS,
    MEMORY = NF_ERR_MEMORY, HANDLE = NF_ERR_HANDLE, CONFIG_SMALL = NF_ERR_CONFIG_SMALL, CONFIG_OLD = NF_ERR_CONFIG_OLD,
    CONFIG_NEW = NF_ERR_CONFIG_NEW, DTYPE = NF_ERR_DTYPE, BUSY = NF_ERR_BUSY, STATE = NF_ERR_STATE, CANCELLED = NF_ERR_CANCELLED,
    CALLBACK = NF_ERR_CALLBACK, LIMIT = NF_ERR_LIMIT, IO = NF_ERR_IO, FORMAT = NF_ERR_FORMAT, VERSION = NF_ERR_VERSION,
    CORRUPT = NF_ERR_CORRUPT, PARSE = NF_ERR_PARSE, UNKNOWN = NF_ERR_UNKNOWN, DOMAIN = NF_ERR_DOMAIN,
    NONFINITE = NF_ERR_NONFINITE, SINGULAR = NF_ERR_SINGULAR, NOT_INVERTIBLE = NF_ERR_NOT_INVERTIBLE,
    DEGENERATE = NF_ERR_DEGENERATE, DIVERGED = NF_ERR_DIVERGED, UNSUPPORTED = NF_ERR_UNSUPPORTED,
    ODE_MAXSTEPS = NF_ERR_ODE_MAXSTEPS, ODE_STEP = NF_ERR_ODE_STEP, ODE_TOL = NF_ERR_ODE_TOL, ODE_RHS = NF_ERR_ODE_RHS,
}
