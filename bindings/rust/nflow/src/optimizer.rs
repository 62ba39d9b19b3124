// SPDX-License-Identifier: MIT

//! Update rules.

use crate::raw::{self, Handle};
use crate::{AdamConfig, Context, Flow, Result, SgdConfig};

/// An update rule: `nflow/optimizer.h`. One thread at a time; it may be sent to another.
pub struct Optimizer {
    pub(crate) handle: Handle<nflow_sys::nf_optimizer>,
}

impl Optimizer {
    /// Adam.
    pub fn adam(config: Option<&AdamConfig>, context: Option<&Context>) -> Result<Optimizer> {
        Ok(Optimizer { handle: raw::optimizer_adam(nflow_sys::nf_optimizer_adam_create, config, context)? })
    }
    /// Adam with decoupled weight decay.
    pub fn adamw(config: Option<&AdamConfig>, context: Option<&Context>) -> Result<Optimizer> {
        Ok(Optimizer { handle: raw::optimizer_adam(nflow_sys::nf_optimizer_adamw_create, config, context)? })
    }
    /// Adam by the largest gradient.
    pub fn adamax(config: Option<&AdamConfig>, context: Option<&Context>) -> Result<Optimizer> {
        Ok(Optimizer { handle: raw::optimizer_adam(nflow_sys::nf_optimizer_adamax_create, config, context)? })
    }
    /// Gradient descent with momentum.
    pub fn sgd(config: Option<&SgdConfig>, context: Option<&Context>) -> Result<Optimizer> {
        Ok(Optimizer { handle: raw::optimizer_sgd(config, context)? })
    }
    /// One update of the flow from its gradient block, which is then zeroed. The gradient's norm is held to `max_norm`; the norm
    /// that it had is returned.
    pub fn step(&mut self, flow: &mut Flow, max_norm: Option<f64>) -> Result<f64> {
        raw::optimizer_step(&mut self.handle, flow.exclusive("step")?, max_norm.unwrap_or(0.0))
    }
    /// The learning rate.
    #[must_use]
    pub fn lr(&self) -> f64 {
        raw::optimizer_lr(&self.handle)
    }
    /// Sets the learning rate.
    pub fn set_lr(&mut self, lr: f64) -> Result<()> {
        raw::optimizer_set_lr(&mut self.handle, lr)
    }
    /// Steps applied.
    #[must_use]
    pub fn steps(&self) -> usize {
        raw::optimizer_steps(&self.handle)
    }
    /// Forgets moments and steps.
    pub fn reset(&mut self) -> Result<()> {
        raw::optimizer_reset(&mut self.handle)
    }
    /// The name of its rule.
    #[must_use]
    pub fn type_name(&self) -> String {
        raw::optimizer_type_name(&self.handle)
    }
}
