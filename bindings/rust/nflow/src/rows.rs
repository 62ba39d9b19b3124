// SPDX-License-Identifier: MIT

//! Arrays of rows.

use crate::{Error, Result, Status};

/// Borrowed rows of `columns` elements each, one after the other.
///
/// ```
/// let x = [0.5_f32, 1.0, -0.25, 2.0];
/// assert_eq!(nflow::Rows::new(&x, 2)?.count(), 2);
/// assert!(nflow::Rows::new(&x, 3).is_err());
/// # Ok::<(), nflow::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    data: &'a [T],
    columns: usize,
}

impl<'a, T> Rows<'a, T> {
    /// Rows in `data`; [`Status::SHAPE`] when it is not a whole number of them.
    pub fn new(data: &'a [T], columns: usize) -> Result<Rows<'a, T>> {
        if columns == 0 || data.len() % columns != 0 {
            return Err(Error::new(Status::SHAPE, format!("rows: {} elements are no rows of {columns} columns", data.len())));
        }
        Ok(Rows { data, columns })
    }
    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.data.len() / self.columns
    }
    /// Elements of a row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }
    /// All elements.
    #[must_use]
    pub fn data(&self) -> &'a [T] {
        self.data
    }
}

/// `what` must have `expected` elements.
pub(crate) fn expect_len(what: &str, len: usize, expected: usize) -> Result<()> {
    if len == expected {
        return Ok(());
    }
    Err(Error::new(Status::SHAPE, format!("{what} has {len} elements, needed are {expected}")))
}

/// `rows` must have `columns` columns, and be `count` where that is known.
pub(crate) fn expect_rows<T>(what: &str, rows: &Rows<'_, T>, columns: usize, count: Option<usize>) -> Result<()> {
    if rows.columns() != columns {
        return Err(Error::new(Status::SHAPE, format!("{what} has {} columns, needed are {columns}", rows.columns())));
    }
    match count {
        Some(count) if count != rows.count() => {
            Err(Error::new(Status::SHAPE, format!("{what} has {} rows, needed are {count}", rows.count())))
        }
        _ => Ok(()),
    }
}
