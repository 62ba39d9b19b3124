// SPDX-License-Identifier: MIT

//! The parts that flows are made of.

use crate::raw::{self, Handle, LayerConfigOf};
use crate::{Context, Dataset, Result};

/// A bijection: `nflow/layer.h`. Immutable; a clone is another reference.
#[derive(Clone)]
pub struct Layer {
    pub(crate) handle: Handle<nflow_sys::nf_layer>,
}

impl Layer {
    /// The layer of a config, such as [`AffineConfig`](crate::AffineConfig).
    pub fn new(config: &impl LayerConfigOf, context: Option<&Context>) -> Result<Layer> {
        Ok(Layer { handle: raw::layer_create(config, context)? })
    }
    /// A standardise layer from the columns' mean and sd; `robust`: from median and median absolute deviation.
    pub fn standardise(data: &Dataset, robust: bool, context: Option<&Context>) -> Result<Layer> {
        Ok(Layer { handle: raw::layer_standardise(&data.handle, robust, context)? })
    }
    /// Columns in and out.
    #[must_use]
    pub fn dim(&self) -> usize {
        raw::layer_dim(&self.handle)
    }
    /// The name of its type.
    #[must_use]
    pub fn type_name(&self) -> String {
        raw::layer_type_name(&self.handle)
    }
}

/// The distribution of the latent: `nflow/base.h`. Immutable; a clone is another reference.
#[derive(Clone)]
pub struct Base {
    pub(crate) handle: Handle<nflow_sys::nf_base>,
}

impl Base {
    /// The standard normal.
    pub fn normal(dim: usize, context: Option<&Context>) -> Result<Base> {
        Ok(Base { handle: raw::base_normal(dim, context)? })
    }
    /// A normal with trained mean and sd.
    pub fn diagonal(dim: usize, context: Option<&Context>) -> Result<Base> {
        Ok(Base { handle: raw::base_diagonal(dim, context)? })
    }
    /// Laplace's density of each column, with trained location and scale.
    pub fn laplace(dim: usize, context: Option<&Context>) -> Result<Base> {
        Ok(Base { handle: raw::base_laplace(dim, context)? })
    }
    /// The logistic density of each column, with trained location and scale.
    pub fn logistic(dim: usize, context: Option<&Context>) -> Result<Base> {
        Ok(Base { handle: raw::base_logistic(dim, context)? })
    }
    /// Uniform on `[low, high]`.
    pub fn uniform(dim: usize, low: f64, high: f64, context: Option<&Context>) -> Result<Base> {
        Ok(Base { handle: raw::base_uniform(dim, low, high, context)? })
    }
    /// Columns of z.
    #[must_use]
    pub fn dim(&self) -> usize {
        raw::base_dim(&self.handle)
    }
    /// The name of its type.
    #[must_use]
    pub fn type_name(&self) -> String {
        raw::base_type_name(&self.handle)
    }
}
