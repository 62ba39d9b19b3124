// SPDX-License-Identifier: MIT

//! Rows of features.

use crate::raw::{self, Handle, Real};
use crate::rows::{expect_len, expect_rows};
use crate::{ColumnReport, Context, Error, ReadConfig, Result, Rows, Status};
use std::path::Path;
use std::sync::Arc;

/// Rows of features, with conditioning columns and weights: `nflow/dataset.h`. A clone is another reference; the setters need the
/// only one.
#[derive(Clone)]
pub struct Dataset {
    pub(crate) handle: Arc<Handle<nflow_sys::nf_dataset>>,
}

impl Dataset {
    fn of(handle: Handle<nflow_sys::nf_dataset>) -> Dataset {
        Dataset { handle: Arc::new(handle) }
    }
    fn exclusive(&mut self, what: &str) -> Result<&mut Handle<nflow_sys::nf_dataset>> {
        Arc::get_mut(&mut self.handle)
            .ok_or_else(|| Error::new(Status::BUSY, format!("{what}: the dataset has other references")))
    }
    /// A copy of rows.
    pub fn from_rows<T: Real>(x: Rows<'_, T>, context: Option<&Context>) -> Result<Dataset> {
        Ok(Dataset::of(raw::dataset_from_rows(x, context)?))
    }
    /// Reads a table: CSV, NPY, IDX, CIFAR-10, PNG.
    pub fn load(path: impl AsRef<Path>, config: &ReadConfig, context: Option<&Context>) -> Result<Dataset> {
        Ok(Dataset::of(raw::dataset_load(path.as_ref(), config, context)?))
    }
    /// Reads a table from memory.
    pub fn load_memory(bytes: &[u8], config: &ReadConfig, context: Option<&Context>) -> Result<Dataset> {
        Ok(Dataset::of(raw::dataset_load_memory(bytes, config, context)?))
    }
    /// Rows of a synthetic density; no `noise`: the density's own.
    pub fn synthetic(name: &str, n: usize, noise: Option<f64>, seed: u64, context: Option<&Context>) -> Result<Dataset> {
        Ok(Dataset::of(raw::dataset_synthetic(name, n, noise.unwrap_or(-1.0), seed, context)?))
    }
    /// Entropy of a synthetic density in nats: the mean negative log-likelihood that no model beats. NaN: not known.
    #[must_use]
    pub fn synthetic_entropy(name: &str, noise: Option<f64>) -> f64 {
        raw::dataset_entropy(name, noise.unwrap_or(-1.0))
    }
    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        raw::dataset_sizes(&self.handle).0
    }
    /// Columns.
    #[must_use]
    pub fn dim(&self) -> usize {
        raw::dataset_sizes(&self.handle).1
    }
    /// Conditioning columns.
    #[must_use]
    pub fn cond_dim(&self) -> usize {
        raw::dataset_sizes(&self.handle).2
    }
    /// Name of a column, where the file had one.
    #[must_use]
    pub fn column_name(&self, column: usize) -> Option<String> {
        raw::dataset_column_name(&self.handle, column)
    }
    /// Gives every row conditioning columns, or takes them away.
    pub fn set_cond<T: Real>(&mut self, cond: Option<Rows<'_, T>>) -> Result<()> {
        if let Some(rows) = &cond {
            expect_rows("cond", rows, rows.columns(), Some(self.rows()))?;
        }
        raw::dataset_set_cond(self.exclusive("set_cond")?, cond)
    }
    /// Gives every row a weight, or takes them away.
    pub fn set_weights(&mut self, weights: Option<&[f64]>) -> Result<()> {
        if let Some(weights) = weights {
            expect_len("weights", weights.len(), self.rows())?;
        }
        raw::dataset_set_weights(self.exclusive("set_weights")?, weights)
    }
    /// `fraction` of the rows and the others, at random; no `seed`: in their order.
    pub fn split(&self, fraction: f64, seed: Option<u64>) -> Result<(Dataset, Dataset)> {
        let (first, second) = raw::dataset_split(&self.handle, fraction, seed.unwrap_or(u64::MAX))?;
        Ok((Dataset::of(first), Dataset::of(second)))
    }
    /// All features, row after row.
    pub fn copy<T: Real>(&self) -> Result<Vec<T>> {
        let mut x = vec![T::default(); self.rows() * self.dim()];
        raw::dataset_copy(&self.handle, &mut x, self.rows())?;
        Ok(x)
    }
    /// Figures of a column.
    pub fn check_column(&self, column: usize) -> Result<ColumnReport> {
        raw::dataset_check(&self.handle, column)
    }
}
