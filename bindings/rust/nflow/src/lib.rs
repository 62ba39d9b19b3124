// SPDX-License-Identifier: MIT

//! Normalizing flows: models that learn a density from rows, and then give the exact log density of any row and draw exact new
//! ones. A safe face of [libnflow](nflow_sys), whose C headers document every call and every field in full.
//!
//! ```
//! use nflow::{Dataset, FitConfig, Flow, Optimizer, RealnvpConfig, Rows};
//!
//! let data = Dataset::synthetic("moons", 500, None, 1, None)?;
//! let mut flow = Flow::realnvp(&RealnvpConfig::new().dim(2).layers(4).hidden(&[16, 16]), None)?;
//! flow.fit(&mut Optimizer::adam(None, None)?, &data, None, &FitConfig::new().epochs(3))?;
//!
//! let x = flow.sample::<f32>(5, 1, None)?;
//! let log_prob = flow.log_prob(Rows::new(&x, 2)?, None)?;
//! assert!(log_prob.iter().all(|p| p.is_finite()));
//! # Ok::<(), nflow::Error>(())
//! ```
//!
//! # Sharing
//!
//! [`Flow`] and [`Dataset`] are counted references: a clone is another name of the same object, and may go to another thread.
//! What only reads (the methods of [`Model`]) runs on any number of threads at once, without a lock. What writes takes `&mut`
//! and needs to be the only reference: while there are clones it is [`Status::BUSY`], as [`std::sync::Arc::get_mut`] is `None`.
//! So no call can read parameters while another writes them.
//!
//! # Callbacks
//!
//! A panic in a closure is caught, and resumed when the C call that it was called from is back.
#![deny(unsafe_code)]

#[rustfmt::skip]
#[allow(missing_docs)]
mod configs;
mod context;
mod dataset;
mod error;
mod flow;
mod optimizer;
mod parts;
#[allow(unsafe_code)]
mod raw;
mod rows;

pub use configs::*;
pub use context::{Context, Hooks, LogLevel};
pub use dataset::Dataset;
pub use error::{Error, Outcome, Result, Status};
pub use flow::{Draw, FitReport, Flow, ImageShape, Model, ParamView, Points, Progress, Weighted};
pub use optimizer::Optimizer;
pub use parts::{Base, Layer};
pub use raw::{FlowConfigOf, LayerConfigOf, Real};
pub use rows::Rows;

pub use nflow_sys::{
    nf_check_report as CheckReport, nf_column_report as ColumnReport, nf_flow_info_report as InfoReport,
    nf_importance_report as ImportanceReport, nf_solver_report as SolverReport, nf_step_memory_report as StepMemoryReport,
    nf_target_progress as TargetProgress, nf_target_report as TargetReport,
};

/// The programs of the document, tested.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/rust.md")]
struct Document;
#[cfg(doctest)]
#[doc = include_str!("../../../../README.md")]
struct Readme;

/// The version of the library in use, `major.minor.patch`.
#[must_use]
pub fn version() -> &'static str {
    raw::version()
}
