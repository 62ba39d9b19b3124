// SPDX-License-Identifier: MIT
//
// Written by bindings/generate.py from include/nflow: do not edit.

//! Builders of the configs, and the constants that their fields take.
//!
//! A field that is not set has its default. Which fields there are and what they mean is documented in the C headers; their
//! comments stand here too.

use crate::raw::Plain;
use nflow_sys as sys;
use std::ffi::CString;

/// A builder as the struct of C that it stands for. The pointers in it are valid as long as the builder is borrowed.
pub(crate) trait ToC {
    type C;
    fn to_c(&self) -> Self::C;
}

fn text(value: &str) -> Option<CString> {
    CString::new(value.replace('\0', "\u{fffd}")).ok()
}

/// `nf_autoregressive_config`
#[derive(Clone, Debug, Default)]
pub struct AutoregressiveConfig {
    c: Plain<sys::nf_autoregressive_config>,
    hidden: Vec<i64>,
    index: Vec<i64>,
}

impl AutoregressiveConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_TRANSFORM_..., default affine
    #[must_use]
    pub fn transform(mut self, transform: i32) -> Self {
        self.c.0.transform = transform;
        self
    }
    /// required, \>= 1
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// default 0
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// NF_AUTOREGRESSIVE_..., default forward
    #[must_use]
    pub fn direction(mut self, direction: i32) -> Self {
        self.c.0.direction = direction;
        self
    }
    /// NF_ORDER_..., default ascending, or index when index is given
    #[must_use]
    pub fn order(mut self, order: i32) -> Self {
        self.c.0.order = order;
        self
    }
    /// NF_ACTIVATION_..., default relu
    #[must_use]
    pub fn activation(mut self, activation: i32) -> Self {
        self.c.0.activation = activation;
        self
    }
    /// NF_WEIGHTS_..., default glorot
    #[must_use]
    pub fn weights(mut self, weights: i32) -> Self {
        self.c.0.weights = weights;
        self
    }
    /// 1: the last dense layer starts random too; default zero, as in nf_coupling_affine_config
    #[must_use]
    pub fn random_last(mut self, random_last: i32) -> Self {
        self.c.0.random_last = random_last;
        self
    }
    /// affine: NF_SCALE_..., default tanh
    #[must_use]
    pub fn scale(mut self, scale: i32) -> Self {
        self.c.0.scale = scale;
        self
    }
    /// affine: as in nf_coupling_affine_config
    #[must_use]
    pub fn bound(mut self, bound: f64) -> Self {
        self.c.0.bound = bound;
        self
    }
    /// spline: 2..64, default 8
    #[must_use]
    pub fn bins(mut self, bins: i32) -> Self {
        self.c.0.bins = bins;
        self
    }
    /// spline: 1: the ends of the interval are one point, with one slope; default 0: slope 1 at both
    #[must_use]
    pub fn circular(mut self, circular: i32) -> Self {
        self.c.0.circular = circular;
        self
    }
    /// spline: NF_SPLINE_..., default safe
    #[must_use]
    pub fn form(mut self, form: i32) -> Self {
        self.c.0.form = form;
        self
    }
    /// spline: half the interval, in \[1e-3, 1e6\], default 3; pi for angles
    #[must_use]
    pub fn spline_bound(mut self, spline_bound: f64) -> Self {
        self.c.0.spline_bound = spline_bound;
        self
    }
    /// spline: this and the next three as in nf_coupling_spline_config
    #[must_use]
    pub fn min_width(mut self, min_width: f64) -> Self {
        self.c.0.min_width = min_width;
        self
    }
    #[must_use]
    pub fn min_height(mut self, min_height: f64) -> Self {
        self.c.0.min_height = min_height;
        self
    }
    #[must_use]
    pub fn min_slope(mut self, min_slope: f64) -> Self {
        self.c.0.min_slope = min_slope;
        self
    }
    #[must_use]
    pub fn logit_bound(mut self, logit_bound: f64) -> Self {
        self.c.0.logit_bound = logit_bound;
        self
    }
    /// widths of the hidden layers, at most 65536; default 64, 64. {0}: none, one dense layer
    #[must_use]
    pub fn hidden(mut self, hidden: &[i64]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }
    /// NF_ORDER_INDEX: \[dim\], a bijection
    #[must_use]
    pub fn index(mut self, index: &[i64]) -> Self {
        self.index = index.to_vec();
        self
    }
}

impl ToC for AutoregressiveConfig {
    type C = sys::nf_autoregressive_config;
    fn to_c(&self) -> sys::nf_autoregressive_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_autoregressive_config>() as u32;
        if !self.hidden.is_empty() {
            c.hidden = self.hidden.as_ptr();
            c.n_hidden = self.hidden.len() as i64;
        }
        if !self.index.is_empty() {
            c.index = self.index.as_ptr();
            c.n_index = self.index.len() as i64;
        }
        c
    }
}

/// `nf_base_normal_config`
#[derive(Clone, Debug, Default)]
pub struct BaseNormalConfig {
    c: Plain<sys::nf_base_normal_config>,
    columns: Vec<i64>,
    temperature: Vec<f64>,
}

impl BaseNormalConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// \[n_columns\], \>= 1 each; NULL: one group, factor 1
    #[must_use]
    pub fn columns(mut self, columns: &[i64]) -> Self {
        self.columns = columns.to_vec();
        self
    }
    /// \[n_temperature\], in \[1e-30, 1e30\]
    #[must_use]
    pub fn temperature(mut self, temperature: &[f64]) -> Self {
        self.temperature = temperature.to_vec();
        self
    }
}

impl ToC for BaseNormalConfig {
    type C = sys::nf_base_normal_config;
    fn to_c(&self) -> sys::nf_base_normal_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_normal_config>() as u32;
        if !self.columns.is_empty() {
            c.columns = self.columns.as_ptr();
            c.n_columns = self.columns.len() as i64;
        }
        if !self.temperature.is_empty() {
            c.temperature = self.temperature.as_ptr();
            c.n_temperature = self.temperature.len() as i64;
        }
        c
    }
}

/// `nf_base_diagonal_config`
#[derive(Clone, Debug, Default)]
pub struct BaseDiagonalConfig {
    c: Plain<sys::nf_base_diagonal_config>,
}

impl BaseDiagonalConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
}

impl ToC for BaseDiagonalConfig {
    type C = sys::nf_base_diagonal_config;
    fn to_c(&self) -> sys::nf_base_diagonal_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_diagonal_config>() as u32;
        c
    }
}

/// `nf_base_uniform_config`
#[derive(Clone, Debug, Default)]
pub struct BaseUniformConfig {
    c: Plain<sys::nf_base_uniform_config>,
}

impl BaseUniformConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// both 0: -1 and 1. low \< high, else NF_ERR_ARG
    #[must_use]
    pub fn low(mut self, low: f64) -> Self {
        self.c.0.low = low;
        self
    }
    /// both 0: -1 and 1. low \< high, else NF_ERR_ARG
    #[must_use]
    pub fn high(mut self, high: f64) -> Self {
        self.c.0.high = high;
        self
    }
}

impl ToC for BaseUniformConfig {
    type C = sys::nf_base_uniform_config;
    fn to_c(&self) -> sys::nf_base_uniform_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_uniform_config>() as u32;
        c
    }
}

/// `nf_base_box_config`
#[derive(Clone, Debug, Default)]
pub struct BaseBoxConfig {
    c: Plain<sys::nf_base_box_config>,
    low: Vec<f64>,
    high: Vec<f64>,
    normal: Vec<i64>,
}

impl BaseBoxConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// \[dim\], in \[-1e30, 1e30\]; both NULL: -1 and 1. Copied, as high and normal are
    #[must_use]
    pub fn low(mut self, low: &[f64]) -> Self {
        self.low = low.to_vec();
        self
    }
    /// \[dim\]
    #[must_use]
    pub fn high(mut self, high: &[f64]) -> Self {
        self.high = high.to_vec();
        self
    }
    /// \[n_normal\], columns from 0, distinct
    #[must_use]
    pub fn normal(mut self, normal: &[i64]) -> Self {
        self.normal = normal.to_vec();
        self
    }
}

impl ToC for BaseBoxConfig {
    type C = sys::nf_base_box_config;
    fn to_c(&self) -> sys::nf_base_box_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_box_config>() as u32;
        if !self.low.is_empty() {
            c.low = self.low.as_ptr();
            c.n_low = self.low.len() as i64;
        }
        if !self.high.is_empty() {
            c.high = self.high.as_ptr();
            c.n_high = self.high.len() as i64;
        }
        if !self.normal.is_empty() {
            c.normal = self.normal.as_ptr();
            c.n_normal = self.normal.len() as i64;
        }
        c
    }
}

/// `nf_base_normal_full_config`
#[derive(Clone, Debug, Default)]
pub struct BaseNormalFullConfig {
    c: Plain<sys::nf_base_normal_full_config>,
    mean: Vec<f64>,
    covariance: Vec<f64>,
}

impl BaseNormalFullConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// 1: not trained
    #[must_use]
    pub fn fixed(mut self, fixed: i32) -> Self {
        self.c.0.fixed = fixed;
        self
    }
    /// required; at most 4096
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// \[dim\], where it starts; NULL: 0. Copied, as covariance is; models keep them as parameters
    #[must_use]
    pub fn mean(mut self, mean: &[f64]) -> Self {
        self.mean = mean.to_vec();
        self
    }
    /// \[dim\]\[dim\], where it starts; NULL: the identity
    #[must_use]
    pub fn covariance(mut self, covariance: &[f64]) -> Self {
        self.covariance = covariance.to_vec();
        self
    }
}

impl ToC for BaseNormalFullConfig {
    type C = sys::nf_base_normal_full_config;
    fn to_c(&self) -> sys::nf_base_normal_full_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_normal_full_config>() as u32;
        if !self.mean.is_empty() {
            c.mean = self.mean.as_ptr();
            c.n_mean = self.mean.len() as i64;
        }
        if !self.covariance.is_empty() {
            c.covariance = self.covariance.as_ptr();
            c.n_covariance = self.covariance.len() as i64;
        }
        c
    }
}

/// `nf_base_mixture_config`
#[derive(Clone, Debug, Default)]
pub struct BaseMixtureConfig {
    c: Plain<sys::nf_base_mixture_config>,
}

impl BaseMixtureConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// required; at most 65536
    #[must_use]
    pub fn components(mut self, components: i64) -> Self {
        self.c.0.components = components;
        self
    }
    /// of the means at the start; 0: 1
    #[must_use]
    pub fn spread(mut self, spread: f64) -> Self {
        self.c.0.spread = spread;
        self
    }
}

impl ToC for BaseMixtureConfig {
    type C = sys::nf_base_mixture_config;
    fn to_c(&self) -> sys::nf_base_mixture_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_mixture_config>() as u32;
        c
    }
}

/// `nf_base_student_config`
#[derive(Clone, Debug, Default)]
pub struct BaseStudentConfig {
    c: Plain<sys::nf_base_student_config>,
}

impl BaseStudentConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// 1: location 0 and scale 1 are not trained
    #[must_use]
    pub fn fixed(mut self, fixed: i32) -> Self {
        self.c.0.fixed = fixed;
        self
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// degrees of freedom at the start, in \[0.1, 1e6\]; 0: 5
    #[must_use]
    pub fn df(mut self, df: f64) -> Self {
        self.c.0.df = df;
        self
    }
    /// 1: degrees of freedom are not trained
    #[must_use]
    pub fn df_fixed(mut self, df_fixed: i32) -> Self {
        self.c.0.df_fixed = df_fixed;
        self
    }
}

impl ToC for BaseStudentConfig {
    type C = sys::nf_base_student_config;
    fn to_c(&self) -> sys::nf_base_student_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_student_config>() as u32;
        c
    }
}

/// `nf_base_laplace_config`
#[derive(Clone, Debug, Default)]
pub struct BaseLaplaceConfig {
    c: Plain<sys::nf_base_laplace_config>,
}

impl BaseLaplaceConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// 1: location and scale are not trained
    #[must_use]
    pub fn fixed(mut self, fixed: i32) -> Self {
        self.c.0.fixed = fixed;
        self
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
}

impl ToC for BaseLaplaceConfig {
    type C = sys::nf_base_laplace_config;
    fn to_c(&self) -> sys::nf_base_laplace_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_laplace_config>() as u32;
        c
    }
}

/// `nf_base_logistic_config`
#[derive(Clone, Debug, Default)]
pub struct BaseLogisticConfig {
    c: Plain<sys::nf_base_logistic_config>,
}

impl BaseLogisticConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// 1: location and scale are not trained
    #[must_use]
    pub fn fixed(mut self, fixed: i32) -> Self {
        self.c.0.fixed = fixed;
        self
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
}

impl ToC for BaseLogisticConfig {
    type C = sys::nf_base_logistic_config;
    fn to_c(&self) -> sys::nf_base_logistic_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_logistic_config>() as u32;
        c
    }
}

/// `nf_base_normal_conditional_config`
#[derive(Clone, Debug, Default)]
pub struct BaseNormalConditionalConfig {
    c: Plain<sys::nf_base_normal_conditional_config>,
    hidden: Vec<i64>,
}

impl BaseNormalConditionalConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_ACTIVATION_... (nflow/layer.h), default relu
    #[must_use]
    pub fn activation(mut self, activation: i32) -> Self {
        self.c.0.activation = activation;
        self
    }
    /// required; at most 32768
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// required; at most 65536
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// widths of the hidden layers, at most 65536; default 64, 64. {0}: none, one dense layer. Copied
    #[must_use]
    pub fn hidden(mut self, hidden: &[i64]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }
    /// of the log-sd, in \[1e-6, 80\]; 0: 5
    #[must_use]
    pub fn bound(mut self, bound: f64) -> Self {
        self.c.0.bound = bound;
        self
    }
    /// NF_WEIGHTS_..., of the hidden layers at the start; default glorot
    #[must_use]
    pub fn weights(mut self, weights: i32) -> Self {
        self.c.0.weights = weights;
        self
    }
}

impl ToC for BaseNormalConditionalConfig {
    type C = sys::nf_base_normal_conditional_config;
    fn to_c(&self) -> sys::nf_base_normal_conditional_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_base_normal_conditional_config>() as u32;
        if !self.hidden.is_empty() {
            c.hidden = self.hidden.as_ptr();
            c.n_hidden = self.hidden.len() as i64;
        }
        c
    }
}

/// `nf_context_config`
#[derive(Clone, Debug, Default)]
pub struct ContextConfig {
    c: Plain<sys::nf_context_config>,
}

impl ContextConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// default 1; up to 1024; -1: as many as the process may use
    #[must_use]
    pub fn threads(mut self, threads: i32) -> Self {
        self.c.0.threads = threads;
        self
    }
    /// NF_BACKEND_..., default native
    #[must_use]
    pub fn backend(mut self, backend: i32) -> Self {
        self.c.0.backend = backend;
        self
    }
    /// NF_ISA_..., default: the best of this machine
    #[must_use]
    pub fn isa(mut self, isa: i32) -> Self {
        self.c.0.isa = isa;
        self
    }
    /// 1: a row that is not finite fails the call
    #[must_use]
    pub fn strict(mut self, strict: i32) -> Self {
        self.c.0.strict = strict;
        self
    }
    /// bytes of saved activations per thread in training, default 64 MiB: beyond it blocks of rows get smaller, down to one tile, and at last activations are computed again; the results keep their bits
    #[must_use]
    pub fn memory_budget(mut self, memory_budget: i64) -> Self {
        self.c.0.memory_budget = memory_budget;
        self
    }
    /// of a file that is read, default 2 GiB
    #[must_use]
    pub fn max_file_bytes(mut self, max_file_bytes: i64) -> Self {
        self.c.0.max_file_bytes = max_file_bytes;
        self
    }
    /// of a flow, default 4096
    #[must_use]
    pub fn max_layers(mut self, max_layers: i64) -> Self {
        self.c.0.max_layers = max_layers;
        self
    }
    /// columns of a layer, base or dataset, default 2^24
    #[must_use]
    pub fn max_dim(mut self, max_dim: i64) -> Self {
        self.c.0.max_dim = max_dim;
        self
    }
    /// parameters of a flow, values of a dataset; default 2^31 - 1
    #[must_use]
    pub fn max_elements(mut self, max_elements: i64) -> Self {
        self.c.0.max_elements = max_elements;
        self
    }
    /// that a continuous layer may allow a row: what a model file can make a row cost; default 100000
    #[must_use]
    pub fn max_solver_steps(mut self, max_solver_steps: i64) -> Self {
        self.c.0.max_solver_steps = max_solver_steps;
        self
    }
}

impl ToC for ContextConfig {
    type C = sys::nf_context_config;
    fn to_c(&self) -> sys::nf_context_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_context_config>() as u32;
        c
    }
}

/// `nf_cnf_config`
#[derive(Clone, Debug, Default)]
pub struct CnfConfig {
    c: Plain<sys::nf_cnf_config>,
    hidden: Vec<i64>,
}

impl CnfConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_ODE_...
    #[must_use]
    pub fn solver(mut self, solver: i32) -> Self {
        self.c.0.solver = solver;
        self
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// NF_ACTIVATION_..., default tanh
    #[must_use]
    pub fn activation(mut self, activation: i32) -> Self {
        self.c.0.activation = activation;
        self
    }
    /// NF_TIME_...
    #[must_use]
    pub fn time(mut self, time: i32) -> Self {
        self.c.0.time = time;
        self
    }
    /// NF_TRACE_...
    #[must_use]
    pub fn trace(mut self, trace: i32) -> Self {
        self.c.0.trace = trace;
        self
    }
    /// NF_PROBE_...
    #[must_use]
    pub fn probe(mut self, probe: i32) -> Self {
        self.c.0.probe = probe;
        self
    }
    /// of a row, averaged; default 1
    #[must_use]
    pub fn probes(mut self, probes: i64) -> Self {
        self.c.0.probes = probes;
        self
    }
    #[must_use]
    pub fn end_time_fixed(mut self, end_time_fixed: i32) -> Self {
        self.c.0.end_time_fixed = end_time_fixed;
        self
    }
    /// NF_GRADIENT_...
    #[must_use]
    pub fn gradient(mut self, gradient: i32) -> Self {
        self.c.0.gradient = gradient;
        self
    }
    /// initial, default 0.5
    #[must_use]
    pub fn end_time(mut self, end_time: f64) -> Self {
        self.c.0.end_time = end_time;
        self
    }
    /// default 1e-5 each
    #[must_use]
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.c.0.rtol = rtol;
        self
    }
    /// default 1e-5 each
    #[must_use]
    pub fn atol(mut self, atol: f64) -> Self {
        self.c.0.atol = atol;
        self
    }
    /// fixed steps: their length, required; else the first one, 0: chosen
    #[must_use]
    pub fn step(mut self, step: f64) -> Self {
        self.c.0.step = step;
        self
    }
    /// default 1000
    #[must_use]
    pub fn max_steps(mut self, max_steps: i64) -> Self {
        self.c.0.max_steps = max_steps;
        self
    }
    /// default 0
    #[must_use]
    pub fn kinetic(mut self, kinetic: f64) -> Self {
        self.c.0.kinetic = kinetic;
        self
    }
    /// default 0
    #[must_use]
    pub fn jacobian(mut self, jacobian: f64) -> Self {
        self.c.0.jacobian = jacobian;
        self
    }
    /// default 64, 64, 64; {0}: none
    #[must_use]
    pub fn hidden(mut self, hidden: &[i64]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }
    /// of images, whose product is dim; all 0: rows are no images
    #[must_use]
    pub fn height(mut self, height: i64) -> Self {
        self.c.0.height = height;
        self
    }
    /// of images, whose product is dim; all 0: rows are no images
    #[must_use]
    pub fn width(mut self, width: i64) -> Self {
        self.c.0.width = width;
        self
    }
    /// of images, whose product is dim; all 0: rows are no images
    #[must_use]
    pub fn channels(mut self, channels: i64) -> Self {
        self.c.0.channels = channels;
        self
    }
}

impl ToC for CnfConfig {
    type C = sys::nf_cnf_config;
    fn to_c(&self) -> sys::nf_cnf_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_cnf_config>() as u32;
        if !self.hidden.is_empty() {
            c.hidden = self.hidden.as_ptr();
            c.n_hidden = self.hidden.len() as i64;
        }
        c
    }
}

/// `nf_ffjord_config`
#[derive(Clone, Debug, Default)]
pub struct FfjordConfig {
    c: Plain<sys::nf_ffjord_config>,
    hidden: Vec<i64>,
    mean: Vec<f64>,
    sd: Vec<f64>,
    cond_mean: Vec<f64>,
    cond_sd: Vec<f64>,
    embed_hidden: Vec<i64>,
}

impl FfjordConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_FFJORD_..., default "toy"; the other fields override it
    #[must_use]
    pub fn preset(mut self, preset: i32) -> Self {
        self.c.0.preset = preset;
        self
    }
    /// required; of images 0, or their numbers
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// continuous layers, one after the other, at most 1024
    #[must_use]
    pub fn blocks(mut self, blocks: i64) -> Self {
        self.c.0.blocks = blocks;
        self
    }
    /// as in nf_cnf_config
    #[must_use]
    pub fn hidden(mut self, hidden: &[i64]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }
    /// NF_ACTIVATION_... with a second derivative
    #[must_use]
    pub fn activation(mut self, activation: i32) -> Self {
        self.c.0.activation = activation;
        self
    }
    /// NF_TIME_..., default concat_squash, of images concat
    #[must_use]
    pub fn time(mut self, time: i32) -> Self {
        self.c.0.time = time;
        self
    }
    /// NF_ODE_...
    #[must_use]
    pub fn solver(mut self, solver: i32) -> Self {
        self.c.0.solver = solver;
        self
    }
    /// NF_TRACE_...
    #[must_use]
    pub fn trace(mut self, trace: i32) -> Self {
        self.c.0.trace = trace;
        self
    }
    /// NF_PROBE_..., default rademacher
    #[must_use]
    pub fn probe(mut self, probe: i32) -> Self {
        self.c.0.probe = probe;
        self
    }
    #[must_use]
    pub fn end_time_fixed(mut self, end_time_fixed: i32) -> Self {
        self.c.0.end_time_fixed = end_time_fixed;
        self
    }
    /// default 1
    #[must_use]
    pub fn probes(mut self, probes: i64) -> Self {
        self.c.0.probes = probes;
        self
    }
    /// default 1000
    #[must_use]
    pub fn max_steps(mut self, max_steps: i64) -> Self {
        self.c.0.max_steps = max_steps;
        self
    }
    #[must_use]
    pub fn end_time(mut self, end_time: f64) -> Self {
        self.c.0.end_time = end_time;
        self
    }
    #[must_use]
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.c.0.rtol = rtol;
        self
    }
    #[must_use]
    pub fn atol(mut self, atol: f64) -> Self {
        self.c.0.atol = atol;
        self
    }
    /// as in nf_cnf_config: required by solvers with fixed steps
    #[must_use]
    pub fn step(mut self, step: f64) -> Self {
        self.c.0.step = step;
        self
    }
    /// default 0
    #[must_use]
    pub fn kinetic(mut self, kinetic: f64) -> Self {
        self.c.0.kinetic = kinetic;
        self
    }
    /// default 0
    #[must_use]
    pub fn jacobian(mut self, jacobian: f64) -> Self {
        self.c.0.jacobian = jacobian;
        self
    }
    /// NF_F32 (default) or NF_F64
    #[must_use]
    pub fn dtype(mut self, dtype: i32) -> Self {
        self.c.0.dtype = dtype;
        self
    }
    /// NF_GRADIENT_..., default discrete
    #[must_use]
    pub fn gradient(mut self, gradient: i32) -> Self {
        self.c.0.gradient = gradient;
        self
    }
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.c.0.seed = seed;
        self
    }
    /// \[dim\], with sd: as in nf_realnvp_config
    #[must_use]
    pub fn mean(mut self, mean: &[f64]) -> Self {
        self.mean = mean.to_vec();
        self
    }
    #[must_use]
    pub fn sd(mut self, sd: &[f64]) -> Self {
        self.sd = sd.to_vec();
        self
    }
    /// of images; else 0
    #[must_use]
    pub fn height(mut self, height: i64) -> Self {
        self.c.0.height = height;
        self
    }
    /// of images; else 0
    #[must_use]
    pub fn width(mut self, width: i64) -> Self {
        self.c.0.width = width;
        self
    }
    /// of images; else 0
    #[must_use]
    pub fn channels(mut self, channels: i64) -> Self {
        self.c.0.channels = channels;
        self
    }
    /// of images: the sides are halved levels - 1 times; default as often as they stay whole and at least 4, at most twice
    #[must_use]
    pub fn levels(mut self, levels: i64) -> Self {
        self.c.0.levels = levels;
        self
    }
    /// as in nf_glow_config
    #[must_use]
    pub fn bits(mut self, bits: i32) -> Self {
        self.c.0.bits = bits;
        self
    }
    /// NF_NOISE_...
    #[must_use]
    pub fn noise(mut self, noise: i32) -> Self {
        self.c.0.noise = noise;
        self
    }
    /// margin of the logit; default 1e-6, of real numbers (NF_GLOW_REAL) no logit
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.c.0.alpha = alpha;
        self
    }
    /// \[cond_dim\]; this and what follows: as in nf_flow_config
    #[must_use]
    pub fn cond_mean(mut self, cond_mean: &[f64]) -> Self {
        self.cond_mean = cond_mean.to_vec();
        self
    }
    #[must_use]
    pub fn cond_sd(mut self, cond_sd: &[f64]) -> Self {
        self.cond_sd = cond_sd.to_vec();
        self
    }
    #[must_use]
    pub fn embed_hidden(mut self, embed_hidden: &[i64]) -> Self {
        self.embed_hidden = embed_hidden.to_vec();
        self
    }
    #[must_use]
    pub fn embed_dim(mut self, embed_dim: i64) -> Self {
        self.c.0.embed_dim = embed_dim;
        self
    }
    #[must_use]
    pub fn embed_activation(mut self, embed_activation: i32) -> Self {
        self.c.0.embed_activation = embed_activation;
        self
    }
    #[must_use]
    pub fn cond_standardise(mut self, cond_standardise: i32) -> Self {
        self.c.0.cond_standardise = cond_standardise;
        self
    }
}

impl ToC for FfjordConfig {
    type C = sys::nf_ffjord_config;
    fn to_c(&self) -> sys::nf_ffjord_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_ffjord_config>() as u32;
        if !self.hidden.is_empty() {
            c.hidden = self.hidden.as_ptr();
            c.n_hidden = self.hidden.len() as i64;
        }
        if !self.mean.is_empty() {
            c.mean = self.mean.as_ptr();
            c.n_mean = self.mean.len() as i64;
        }
        if !self.sd.is_empty() {
            c.sd = self.sd.as_ptr();
            c.n_sd = self.sd.len() as i64;
        }
        if !self.cond_mean.is_empty() {
            c.cond_mean = self.cond_mean.as_ptr();
            c.n_cond_mean = self.cond_mean.len() as i64;
        }
        if !self.cond_sd.is_empty() {
            c.cond_sd = self.cond_sd.as_ptr();
            c.n_cond_sd = self.cond_sd.len() as i64;
        }
        if !self.embed_hidden.is_empty() {
            c.embed_hidden = self.embed_hidden.as_ptr();
            c.n_embed_hidden = self.embed_hidden.len() as i64;
        }
        c
    }
}

/// `nf_coupling_affine_config`
#[derive(Clone, Debug, Default)]
pub struct CouplingAffineConfig {
    c: Plain<sys::nf_coupling_affine_config>,
    hidden: Vec<i64>,
    index: Vec<i64>,
}

impl CouplingAffineConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_MASK_..., default alternating
    #[must_use]
    pub fn mask(mut self, mask: i32) -> Self {
        self.c.0.mask = mask;
        self
    }
    /// required, \>= 2, or \>= 1 with cond_dim \> 0
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// default 0
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// 1: transform the columns that the mask would keep
    #[must_use]
    pub fn swap(mut self, swap: i32) -> Self {
        self.c.0.swap = swap;
        self
    }
    /// NF_SCALE_..., default tanh
    #[must_use]
    pub fn scale(mut self, scale: i32) -> Self {
        self.c.0.scale = scale;
        self
    }
    /// m, at most 80; default 2 (tanh, asymmetric), ln 1000 (softclip)
    #[must_use]
    pub fn bound(mut self, bound: f64) -> Self {
        self.c.0.bound = bound;
        self
    }
    /// 1: two networks, one for s and one for t
    #[must_use]
    pub fn separate(mut self, separate: i32) -> Self {
        self.c.0.separate = separate;
        self
    }
    /// NF_ACTIVATION_..., default relu
    #[must_use]
    pub fn activation(mut self, activation: i32) -> Self {
        self.c.0.activation = activation;
        self
    }
    /// NF_WEIGHTS_..., default glorot
    #[must_use]
    pub fn weights(mut self, weights: i32) -> Self {
        self.c.0.weights = weights;
        self
    }
    /// 1: the last dense layer starts random too; default zero, so that the layer starts as the identity (forms tanh, asymmetric, softclip, exp, additive)
    #[must_use]
    pub fn random_last(mut self, random_last: i32) -> Self {
        self.c.0.random_last = random_last;
        self
    }
    /// 1: t is added before scaling, as where flows are stored from z to x
    #[must_use]
    pub fn shift_first(mut self, shift_first: i32) -> Self {
        self.c.0.shift_first = shift_first;
        self
    }
    /// widths of the hidden layers, at most 65536; default 64, 64. {0}: none, one dense layer
    #[must_use]
    pub fn hidden(mut self, hidden: &[i64]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }
    /// NF_MASK_INDEX: the columns to transform, distinct
    #[must_use]
    pub fn index(mut self, index: &[i64]) -> Self {
        self.index = index.to_vec();
        self
    }
}

impl ToC for CouplingAffineConfig {
    type C = sys::nf_coupling_affine_config;
    fn to_c(&self) -> sys::nf_coupling_affine_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_coupling_affine_config>() as u32;
        if !self.hidden.is_empty() {
            c.hidden = self.hidden.as_ptr();
            c.n_hidden = self.hidden.len() as i64;
        }
        if !self.index.is_empty() {
            c.index = self.index.as_ptr();
            c.n_index = self.index.len() as i64;
        }
        c
    }
}

/// `nf_coupling_spline_config`
#[derive(Clone, Debug, Default)]
pub struct CouplingSplineConfig {
    c: Plain<sys::nf_coupling_spline_config>,
    hidden: Vec<i64>,
    index: Vec<i64>,
    periodic: Vec<i64>,
}

impl CouplingSplineConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_MASK_..., default alternating
    #[must_use]
    pub fn mask(mut self, mask: i32) -> Self {
        self.c.0.mask = mask;
        self
    }
    /// required, \>= 2, or \>= 1 with cond_dim \> 0
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// default 0
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// 1: transform the columns that the mask would keep
    #[must_use]
    pub fn swap(mut self, swap: i32) -> Self {
        self.c.0.swap = swap;
        self
    }
    /// NF_SPLINE_..., default safe
    #[must_use]
    pub fn form(mut self, form: i32) -> Self {
        self.c.0.form = form;
        self
    }
    /// K, 2..64, default 8
    #[must_use]
    pub fn bins(mut self, bins: i32) -> Self {
        self.c.0.bins = bins;
        self
    }
    /// NF_ACTIVATION_..., default relu
    #[must_use]
    pub fn activation(mut self, activation: i32) -> Self {
        self.c.0.activation = activation;
        self
    }
    /// B, in the units of x, 1e-3..1e6, default 3
    #[must_use]
    pub fn bound(mut self, bound: f64) -> Self {
        self.c.0.bound = bound;
        self
    }
    /// of a bin, as part of 2 B; 1e-5..1 / (2 K). Default 1e-2, and with free 1e-3, but not above 1 / (2 K)
    #[must_use]
    pub fn min_width(mut self, min_width: f64) -> Self {
        self.c.0.min_width = min_width;
        self
    }
    /// as min_width
    #[must_use]
    pub fn min_height(mut self, min_height: f64) -> Self {
        self.c.0.min_height = min_height;
        self
    }
    /// of z by x at a knot, 1e-5..0.9; default 1e-2, and with free 1e-3
    #[must_use]
    pub fn min_slope(mut self, min_slope: f64) -> Self {
        self.c.0.min_slope = min_slope;
        self
    }
    /// m: of safe at most 40, default 2; of softclip 0.1..5, default ln(1000) / 2
    #[must_use]
    pub fn logit_bound(mut self, logit_bound: f64) -> Self {
        self.c.0.logit_bound = logit_bound;
        self
    }
    /// NF_WEIGHTS_..., default glorot
    #[must_use]
    pub fn weights(mut self, weights: i32) -> Self {
        self.c.0.weights = weights;
        self
    }
    /// 1: the last dense layer starts random too; default zero, so that the layer starts as the identity
    #[must_use]
    pub fn random_last(mut self, random_last: i32) -> Self {
        self.c.0.random_last = random_last;
        self
    }
    /// widths of the hidden layers, at most 65536; default 64, 64. {0}: none, one dense layer
    #[must_use]
    pub fn hidden(mut self, hidden: &[i64]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }
    /// NF_MASK_INDEX: the columns to transform, distinct
    #[must_use]
    pub fn index(mut self, index: &[i64]) -> Self {
        self.index = index.to_vec();
        self
    }
    /// the columns, kept or transformed, that are circles of period 2 B, distinct
    #[must_use]
    pub fn periodic(mut self, periodic: &[i64]) -> Self {
        self.periodic = periodic.to_vec();
        self
    }
}

impl ToC for CouplingSplineConfig {
    type C = sys::nf_coupling_spline_config;
    fn to_c(&self) -> sys::nf_coupling_spline_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_coupling_spline_config>() as u32;
        if !self.hidden.is_empty() {
            c.hidden = self.hidden.as_ptr();
            c.n_hidden = self.hidden.len() as i64;
        }
        if !self.index.is_empty() {
            c.index = self.index.as_ptr();
            c.n_index = self.index.len() as i64;
        }
        if !self.periodic.is_empty() {
            c.periodic = self.periodic.as_ptr();
            c.n_periodic = self.periodic.len() as i64;
        }
        c
    }
}

/// `nf_read_config`
#[derive(Clone, Debug, Default)]
pub struct ReadConfig {
    c: Plain<sys::nf_read_config>,
    separator: Option<CString>,
    columns: Vec<i64>,
    cond_columns: Vec<i64>,
    drop_columns: Vec<i64>,
    labels: Option<CString>,
}

impl ReadConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_FORMAT_...; default by the file's ending, else by its content
    #[must_use]
    pub fn format(mut self, format: i32) -> Self {
        self.c.0.format = format;
        self
    }
    /// CSV: NF_HEADER_...; default: a first line with a field that is no number is a header
    #[must_use]
    pub fn header(mut self, header: i32) -> Self {
        self.c.0.header = header;
        self
    }
    /// storage, NF_F32 or NF_F64; default NF_F64 for text, the file's own for arrays, NF_F32 for pictures
    #[must_use]
    pub fn dtype(mut self, dtype: i32) -> Self {
        self.c.0.dtype = dtype;
        self
    }
    /// CSV: one character; default: the one of , ; tab that the first line has most of, else blanks
    #[must_use]
    pub fn separator(mut self, separator: &str) -> Self {
        self.separator = text(separator);
        self
    }
    /// CSV: lines to pass over first
    #[must_use]
    pub fn skip_lines(mut self, skip_lines: i64) -> Self {
        self.c.0.skip_lines = skip_lines;
        self
    }
    /// which columns to keep, in this order; default all that have no other role
    #[must_use]
    pub fn columns(mut self, columns: &[i64]) -> Self {
        self.columns = columns.to_vec();
        self
    }
    /// which columns condition; they are not features then
    #[must_use]
    pub fn cond_columns(mut self, cond_columns: &[i64]) -> Self {
        self.cond_columns = cond_columns.to_vec();
        self
    }
    /// columns to leave out (when `columns` is empty)
    #[must_use]
    pub fn drop_columns(mut self, drop_columns: &[i64]) -> Self {
        self.drop_columns = drop_columns.to_vec();
        self
    }
    /// path of a table of one column, a whole number \>= 0 for each row of the file: they condition
    #[must_use]
    pub fn labels(mut self, labels: &str) -> Self {
        self.labels = text(labels);
        self
    }
    /// default: the classes of the file (CIFAR-10: 10, sub-folders), else the largest label + 1
    #[must_use]
    pub fn label_classes(mut self, label_classes: i64) -> Self {
        self.c.0.label_classes = label_classes;
        self
    }
    /// only the first rows; the file is still checked as a whole. Default all
    #[must_use]
    pub fn max_rows(mut self, max_rows: i64) -> Self {
        self.c.0.max_rows = max_rows;
        self
    }
    /// NF_LABEL_...: a column for each class (the default) or one of the number itself. Without `labels`, this or label_classes asks for the labels that CIFAR-10 and sub-folders hold themselves
    #[must_use]
    pub fn label_kind(mut self, label_kind: i32) -> Self {
        self.c.0.label_kind = label_kind;
        self
    }
}

impl ToC for ReadConfig {
    type C = sys::nf_read_config;
    fn to_c(&self) -> sys::nf_read_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_read_config>() as u32;
        c.separator = self.separator.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
        if !self.columns.is_empty() {
            c.columns = self.columns.as_ptr();
            c.n_columns = self.columns.len() as i64;
        }
        if !self.cond_columns.is_empty() {
            c.cond_columns = self.cond_columns.as_ptr();
            c.n_cond_columns = self.cond_columns.len() as i64;
        }
        if !self.drop_columns.is_empty() {
            c.drop_columns = self.drop_columns.as_ptr();
            c.n_drop_columns = self.drop_columns.len() as i64;
        }
        c.labels = self.labels.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
        c
    }
}

/// `nf_flow_config`
#[derive(Clone, Debug, Default)]
pub struct FlowConfig {
    c: Plain<sys::nf_flow_config>,
    cond_mean: Vec<f64>,
    cond_sd: Vec<f64>,
    embed_hidden: Vec<i64>,
}

impl FlowConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_F32 (default) or NF_F64
    #[must_use]
    pub fn dtype(mut self, dtype: i32) -> Self {
        self.c.0.dtype = dtype;
        self
    }
    /// of the initial weights and of the layers' noise; each place draws from a stream of its own
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.c.0.seed = seed;
        self
    }
    /// conditioning columns of calls; default: as many as cond_mean or cond_sd have, or else as layers want
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// \[cond_dim\]: conditions are standardised; one without the other: sd 1, or mean 0
    #[must_use]
    pub fn cond_mean(mut self, cond_mean: &[f64]) -> Self {
        self.cond_mean = cond_mean.to_vec();
        self
    }
    #[must_use]
    pub fn cond_sd(mut self, cond_sd: &[f64]) -> Self {
        self.cond_sd = cond_sd.to_vec();
        self
    }
    /// widths of the embedding's hidden layers, at most 65536; default 32, 32. {0}: none
    #[must_use]
    pub fn embed_hidden(mut self, embed_hidden: &[i64]) -> Self {
        self.embed_hidden = embed_hidden.to_vec();
        self
    }
    /// columns of the embedding; 0: none
    #[must_use]
    pub fn embed_dim(mut self, embed_dim: i64) -> Self {
        self.c.0.embed_dim = embed_dim;
        self
    }
    /// NF_ACTIVATION_..., default silu
    #[must_use]
    pub fn embed_activation(mut self, embed_activation: i32) -> Self {
        self.c.0.embed_activation = embed_activation;
        self
    }
    /// 1: conditions are standardised, by mean 0 and sd 1 unless given
    #[must_use]
    pub fn cond_standardise(mut self, cond_standardise: i32) -> Self {
        self.c.0.cond_standardise = cond_standardise;
        self
    }
}

impl ToC for FlowConfig {
    type C = sys::nf_flow_config;
    fn to_c(&self) -> sys::nf_flow_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_flow_config>() as u32;
        if !self.cond_mean.is_empty() {
            c.cond_mean = self.cond_mean.as_ptr();
            c.n_cond_mean = self.cond_mean.len() as i64;
        }
        if !self.cond_sd.is_empty() {
            c.cond_sd = self.cond_sd.as_ptr();
            c.n_cond_sd = self.cond_sd.len() as i64;
        }
        if !self.embed_hidden.is_empty() {
            c.embed_hidden = self.embed_hidden.as_ptr();
            c.n_embed_hidden = self.embed_hidden.len() as i64;
        }
        c
    }
}

/// `nf_realnvp_config`
#[derive(Clone, Debug, Default)]
pub struct RealnvpConfig {
    c: Plain<sys::nf_realnvp_config>,
    hidden: Vec<i64>,
    mean: Vec<f64>,
    sd: Vec<f64>,
    cond_mean: Vec<f64>,
    cond_sd: Vec<f64>,
    embed_hidden: Vec<i64>,
}

impl RealnvpConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_PRESET_..., default "default"; the other fields override it
    #[must_use]
    pub fn preset(mut self, preset: i32) -> Self {
        self.c.0.preset = preset;
        self
    }
    /// required; \>= 2, or \>= 1 with cond_dim \> 0
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// number of couplings, at most 1024
    #[must_use]
    pub fn layers(mut self, layers: i64) -> Self {
        self.c.0.layers = layers;
        self
    }
    /// widths of the hidden layers, as in nf_coupling_affine_config
    #[must_use]
    pub fn hidden(mut self, hidden: &[i64]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }
    /// NF_ACTIVATION_...
    #[must_use]
    pub fn activation(mut self, activation: i32) -> Self {
        self.c.0.activation = activation;
        self
    }
    /// NF_MASK_ALTERNATING (default) or NF_MASK_HALF
    #[must_use]
    pub fn mask(mut self, mask: i32) -> Self {
        self.c.0.mask = mask;
        self
    }
    /// NF_SCALE_..., default tanh
    #[must_use]
    pub fn scale(mut self, scale: i32) -> Self {
        self.c.0.scale = scale;
        self
    }
    /// 1: yes, 2: no
    #[must_use]
    pub fn separate(mut self, separate: i32) -> Self {
        self.c.0.separate = separate;
        self
    }
    /// 1: yes, 2: no
    #[must_use]
    pub fn actnorm(mut self, actnorm: i32) -> Self {
        self.c.0.actnorm = actnorm;
        self
    }
    /// NF_F32 (default) or NF_F64
    #[must_use]
    pub fn dtype(mut self, dtype: i32) -> Self {
        self.c.0.dtype = dtype;
        self
    }
    /// NF_WEIGHTS_...
    #[must_use]
    pub fn weights(mut self, weights: i32) -> Self {
        self.c.0.weights = weights;
        self
    }
    /// of the log-scale; forms other than tanh: the coupling's default
    #[must_use]
    pub fn bound(mut self, bound: f64) -> Self {
        self.c.0.bound = bound;
        self
    }
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.c.0.seed = seed;
        self
    }
    /// \[dim\]: with sd, a standardise layer comes first; one without the other: sd 1, or mean 0
    #[must_use]
    pub fn mean(mut self, mean: &[f64]) -> Self {
        self.mean = mean.to_vec();
        self
    }
    #[must_use]
    pub fn sd(mut self, sd: &[f64]) -> Self {
        self.sd = sd.to_vec();
        self
    }
    /// \[cond_dim\]; this and what follows: as in nf_flow_config
    #[must_use]
    pub fn cond_mean(mut self, cond_mean: &[f64]) -> Self {
        self.cond_mean = cond_mean.to_vec();
        self
    }
    #[must_use]
    pub fn cond_sd(mut self, cond_sd: &[f64]) -> Self {
        self.cond_sd = cond_sd.to_vec();
        self
    }
    #[must_use]
    pub fn embed_hidden(mut self, embed_hidden: &[i64]) -> Self {
        self.embed_hidden = embed_hidden.to_vec();
        self
    }
    #[must_use]
    pub fn embed_dim(mut self, embed_dim: i64) -> Self {
        self.c.0.embed_dim = embed_dim;
        self
    }
    #[must_use]
    pub fn embed_activation(mut self, embed_activation: i32) -> Self {
        self.c.0.embed_activation = embed_activation;
        self
    }
    #[must_use]
    pub fn cond_standardise(mut self, cond_standardise: i32) -> Self {
        self.c.0.cond_standardise = cond_standardise;
        self
    }
}

impl ToC for RealnvpConfig {
    type C = sys::nf_realnvp_config;
    fn to_c(&self) -> sys::nf_realnvp_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_realnvp_config>() as u32;
        if !self.hidden.is_empty() {
            c.hidden = self.hidden.as_ptr();
            c.n_hidden = self.hidden.len() as i64;
        }
        if !self.mean.is_empty() {
            c.mean = self.mean.as_ptr();
            c.n_mean = self.mean.len() as i64;
        }
        if !self.sd.is_empty() {
            c.sd = self.sd.as_ptr();
            c.n_sd = self.sd.len() as i64;
        }
        if !self.cond_mean.is_empty() {
            c.cond_mean = self.cond_mean.as_ptr();
            c.n_cond_mean = self.cond_mean.len() as i64;
        }
        if !self.cond_sd.is_empty() {
            c.cond_sd = self.cond_sd.as_ptr();
            c.n_cond_sd = self.cond_sd.len() as i64;
        }
        if !self.embed_hidden.is_empty() {
            c.embed_hidden = self.embed_hidden.as_ptr();
            c.n_embed_hidden = self.embed_hidden.len() as i64;
        }
        c
    }
}

/// `nf_glow_config`
#[derive(Clone, Debug, Default)]
pub struct GlowConfig {
    c: Plain<sys::nf_glow_config>,
    temperature: Vec<f64>,
    cond_mean: Vec<f64>,
    cond_sd: Vec<f64>,
    embed_hidden: Vec<i64>,
}

impl GlowConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_GLOW_AFFINE (default; better likelihood) or NF_GLOW_ADDITIVE (better conditioned, for deep flows)
    #[must_use]
    pub fn coupling(mut self, coupling: i32) -> Self {
        self.c.0.coupling = coupling;
        self
    }
    /// required
    #[must_use]
    pub fn height(mut self, height: i64) -> Self {
        self.c.0.height = height;
        self
    }
    /// required
    #[must_use]
    pub fn width(mut self, width: i64) -> Self {
        self.c.0.width = width;
        self
    }
    /// required
    #[must_use]
    pub fn channels(mut self, channels: i64) -> Self {
        self.c.0.channels = channels;
        self
    }
    /// default 0: as many as height and width allow, at most 3
    #[must_use]
    pub fn levels(mut self, levels: i64) -> Self {
        self.c.0.levels = levels;
        self
    }
    /// of each level, default 8
    #[must_use]
    pub fn steps(mut self, steps: i64) -> Self {
        self.c.0.steps = steps;
        self
    }
    /// channels of the networks' hidden layers, default 128
    #[must_use]
    pub fn hidden(mut self, hidden: i64) -> Self {
        self.c.0.hidden = hidden;
        self
    }
    /// conditioning columns: all networks see them
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// of a pixel's values: default 8; fewer drop the lowest bits of 8; 17 (NF_GLOW_REAL): x is real, no dequantise
    #[must_use]
    pub fn bits(mut self, bits: i32) -> Self {
        self.c.0.bits = bits;
        self
    }
    /// NF_NOISE_...: of evaluation
    #[must_use]
    pub fn noise(mut self, noise: i32) -> Self {
        self.c.0.noise = noise;
        self
    }
    /// NF_LINEAR_PLU (default) or NF_LINEAR_PLAIN
    #[must_use]
    pub fn linear(mut self, linear: i32) -> Self {
        self.c.0.linear = linear;
        self
    }
    /// NF_F32 (default) or NF_F64
    #[must_use]
    pub fn dtype(mut self, dtype: i32) -> Self {
        self.c.0.dtype = dtype;
        self
    }
    /// of the initial weights and of the noise
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.c.0.seed = seed;
        self
    }
    /// \> 0: a logit with this margin follows dequantise, as in RealNVP: for images with much black or white
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.c.0.alpha = alpha;
        self
    }
    /// \[levels\], NULL: 1. Factor of a sample's temperature at each level, the one next to the data first
    #[must_use]
    pub fn temperature(mut self, temperature: &[f64]) -> Self {
        self.temperature = temperature.to_vec();
        self
    }
    /// NF_SCALE_... of affine couplings, default tanh (bound 2); sigmoid as the paper's code
    #[must_use]
    pub fn scale(mut self, scale: i32) -> Self {
        self.c.0.scale = scale;
        self
    }
    /// \[cond_dim\]; this and what follows: as in nf_flow_config
    #[must_use]
    pub fn cond_mean(mut self, cond_mean: &[f64]) -> Self {
        self.cond_mean = cond_mean.to_vec();
        self
    }
    #[must_use]
    pub fn cond_sd(mut self, cond_sd: &[f64]) -> Self {
        self.cond_sd = cond_sd.to_vec();
        self
    }
    #[must_use]
    pub fn embed_hidden(mut self, embed_hidden: &[i64]) -> Self {
        self.embed_hidden = embed_hidden.to_vec();
        self
    }
    #[must_use]
    pub fn embed_dim(mut self, embed_dim: i64) -> Self {
        self.c.0.embed_dim = embed_dim;
        self
    }
    #[must_use]
    pub fn embed_activation(mut self, embed_activation: i32) -> Self {
        self.c.0.embed_activation = embed_activation;
        self
    }
    #[must_use]
    pub fn cond_standardise(mut self, cond_standardise: i32) -> Self {
        self.c.0.cond_standardise = cond_standardise;
        self
    }
}

impl ToC for GlowConfig {
    type C = sys::nf_glow_config;
    fn to_c(&self) -> sys::nf_glow_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_glow_config>() as u32;
        if !self.temperature.is_empty() {
            c.temperature = self.temperature.as_ptr();
            c.n_temperature = self.temperature.len() as i64;
        }
        if !self.cond_mean.is_empty() {
            c.cond_mean = self.cond_mean.as_ptr();
            c.n_cond_mean = self.cond_mean.len() as i64;
        }
        if !self.cond_sd.is_empty() {
            c.cond_sd = self.cond_sd.as_ptr();
            c.n_cond_sd = self.cond_sd.len() as i64;
        }
        if !self.embed_hidden.is_empty() {
            c.embed_hidden = self.embed_hidden.as_ptr();
            c.n_embed_hidden = self.embed_hidden.len() as i64;
        }
        c
    }
}

/// `nf_realnvp_image_config`
#[derive(Clone, Debug, Default)]
pub struct RealnvpImageConfig {
    c: Plain<sys::nf_realnvp_image_config>,
    cond_mean: Vec<f64>,
    cond_sd: Vec<f64>,
    embed_hidden: Vec<i64>,
}

impl RealnvpImageConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_F32 (default) or NF_F64
    #[must_use]
    pub fn dtype(mut self, dtype: i32) -> Self {
        self.c.0.dtype = dtype;
        self
    }
    /// required
    #[must_use]
    pub fn height(mut self, height: i64) -> Self {
        self.c.0.height = height;
        self
    }
    /// required
    #[must_use]
    pub fn width(mut self, width: i64) -> Self {
        self.c.0.width = width;
        self
    }
    /// required
    #[must_use]
    pub fn channels(mut self, channels: i64) -> Self {
        self.c.0.channels = channels;
        self
    }
    /// scales, default 0: as many as height and width allow (each but the last halves them), at most 3
    #[must_use]
    pub fn levels(mut self, levels: i64) -> Self {
        self.c.0.levels = levels;
        self
    }
    /// default 32
    #[must_use]
    pub fn hidden(mut self, hidden: i64) -> Self {
        self.c.0.hidden = hidden;
        self
    }
    /// residual blocks of a network, default 2
    #[must_use]
    pub fn blocks(mut self, blocks: i64) -> Self {
        self.c.0.blocks = blocks;
        self
    }
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// as in nf_glow_config, but for NF_GLOW_REAL
    #[must_use]
    pub fn bits(mut self, bits: i32) -> Self {
        self.c.0.bits = bits;
        self
    }
    /// NF_NOISE_...
    #[must_use]
    pub fn noise(mut self, noise: i32) -> Self {
        self.c.0.noise = noise;
        self
    }
    /// of the logit, default 0.05
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.c.0.alpha = alpha;
        self
    }
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.c.0.seed = seed;
        self
    }
    /// \[cond_dim\]; this and what follows: as in nf_flow_config
    #[must_use]
    pub fn cond_mean(mut self, cond_mean: &[f64]) -> Self {
        self.cond_mean = cond_mean.to_vec();
        self
    }
    #[must_use]
    pub fn cond_sd(mut self, cond_sd: &[f64]) -> Self {
        self.cond_sd = cond_sd.to_vec();
        self
    }
    #[must_use]
    pub fn embed_hidden(mut self, embed_hidden: &[i64]) -> Self {
        self.embed_hidden = embed_hidden.to_vec();
        self
    }
    #[must_use]
    pub fn embed_dim(mut self, embed_dim: i64) -> Self {
        self.c.0.embed_dim = embed_dim;
        self
    }
    #[must_use]
    pub fn embed_activation(mut self, embed_activation: i32) -> Self {
        self.c.0.embed_activation = embed_activation;
        self
    }
    #[must_use]
    pub fn cond_standardise(mut self, cond_standardise: i32) -> Self {
        self.c.0.cond_standardise = cond_standardise;
        self
    }
}

impl ToC for RealnvpImageConfig {
    type C = sys::nf_realnvp_image_config;
    fn to_c(&self) -> sys::nf_realnvp_image_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_realnvp_image_config>() as u32;
        if !self.cond_mean.is_empty() {
            c.cond_mean = self.cond_mean.as_ptr();
            c.n_cond_mean = self.cond_mean.len() as i64;
        }
        if !self.cond_sd.is_empty() {
            c.cond_sd = self.cond_sd.as_ptr();
            c.n_cond_sd = self.cond_sd.len() as i64;
        }
        if !self.embed_hidden.is_empty() {
            c.embed_hidden = self.embed_hidden.as_ptr();
            c.n_embed_hidden = self.embed_hidden.len() as i64;
        }
        c
    }
}

/// `nf_coupling_conv_config`
#[derive(Clone, Debug, Default)]
pub struct CouplingConvConfig {
    c: Plain<sys::nf_coupling_conv_config>,
}

impl CouplingConvConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_IMAGE_MASK_...
    #[must_use]
    pub fn mask(mut self, mask: i32) -> Self {
        self.c.0.mask = mask;
        self
    }
    /// required
    #[must_use]
    pub fn height(mut self, height: i64) -> Self {
        self.c.0.height = height;
        self
    }
    /// required
    #[must_use]
    pub fn width(mut self, width: i64) -> Self {
        self.c.0.width = width;
        self
    }
    /// required
    #[must_use]
    pub fn channels(mut self, channels: i64) -> Self {
        self.c.0.channels = channels;
        self
    }
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// 1: transform what the mask would keep
    #[must_use]
    pub fn swap(mut self, swap: i32) -> Self {
        self.c.0.swap = swap;
        self
    }
    /// NF_SCALE_..., default sigmoid
    #[must_use]
    pub fn scale(mut self, scale: i32) -> Self {
        self.c.0.scale = scale;
        self
    }
    /// as in nf_coupling_affine_config (nflow/coupling.h)
    #[must_use]
    pub fn bound(mut self, bound: f64) -> Self {
        self.c.0.bound = bound;
        self
    }
    /// NF_CONV_...
    #[must_use]
    pub fn net(mut self, net: i32) -> Self {
        self.c.0.net = net;
        self
    }
    /// channels of the hidden stages, default 128
    #[must_use]
    pub fn hidden(mut self, hidden: i64) -> Self {
        self.c.0.hidden = hidden;
        self
    }
    /// of NF_CONV_RESIDUAL, default 2
    #[must_use]
    pub fn blocks(mut self, blocks: i64) -> Self {
        self.c.0.blocks = blocks;
        self
    }
}

impl ToC for CouplingConvConfig {
    type C = sys::nf_coupling_conv_config;
    fn to_c(&self) -> sys::nf_coupling_conv_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_coupling_conv_config>() as u32;
        c
    }
}

/// `nf_split_config`
#[derive(Clone, Debug, Default)]
pub struct SplitConfig {
    c: Plain<sys::nf_split_config>,
}

impl SplitConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn height(mut self, height: i64) -> Self {
        self.c.0.height = height;
        self
    }
    /// required
    #[must_use]
    pub fn width(mut self, width: i64) -> Self {
        self.c.0.width = width;
        self
    }
    /// required
    #[must_use]
    pub fn channels(mut self, channels: i64) -> Self {
        self.c.0.channels = channels;
        self
    }
    /// default channels / 2
    #[must_use]
    pub fn keep(mut self, keep: i64) -> Self {
        self.c.0.keep = keep;
        self
    }
}

impl ToC for SplitConfig {
    type C = sys::nf_split_config;
    fn to_c(&self) -> sys::nf_split_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_split_config>() as u32;
        c
    }
}

/// `nf_permutation_config`
#[derive(Clone, Debug, Default)]
pub struct PermutationConfig {
    c: Plain<sys::nf_permutation_config>,
    index: Vec<i64>,
}

impl PermutationConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_PERMUTATION_..., default random, or index when index is given
    #[must_use]
    pub fn kind(mut self, kind: i32) -> Self {
        self.c.0.kind = kind;
        self
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// of the random one
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.c.0.seed = seed;
        self
    }
    /// \[dim\], a bijection
    #[must_use]
    pub fn index(mut self, index: &[i64]) -> Self {
        self.index = index.to_vec();
        self
    }
}

impl ToC for PermutationConfig {
    type C = sys::nf_permutation_config;
    fn to_c(&self) -> sys::nf_permutation_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_permutation_config>() as u32;
        if !self.index.is_empty() {
            c.index = self.index.as_ptr();
            c.n_index = self.index.len() as i64;
        }
        c
    }
}

/// `nf_actnorm_config`
#[derive(Clone, Debug, Default)]
pub struct ActnormConfig {
    c: Plain<sys::nf_actnorm_config>,
}

impl ActnormConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// divides dim; default dim
    #[must_use]
    pub fn channels(mut self, channels: i64) -> Self {
        self.c.0.channels = channels;
        self
    }
}

impl ToC for ActnormConfig {
    type C = sys::nf_actnorm_config;
    fn to_c(&self) -> sys::nf_actnorm_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_actnorm_config>() as u32;
        c
    }
}

/// `nf_affine_config`
#[derive(Clone, Debug, Default)]
pub struct AffineConfig {
    c: Plain<sys::nf_affine_config>,
}

impl AffineConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// m in \[0.001, 80\], default 7
    #[must_use]
    pub fn bound(mut self, bound: f64) -> Self {
        self.c.0.bound = bound;
        self
    }
}

impl ToC for AffineConfig {
    type C = sys::nf_affine_config;
    fn to_c(&self) -> sys::nf_affine_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_affine_config>() as u32;
        c
    }
}

/// `nf_standardise_config`
#[derive(Clone, Debug, Default)]
pub struct StandardiseConfig {
    c: Plain<sys::nf_standardise_config>,
    mean: Vec<f64>,
    sd: Vec<f64>,
}

impl StandardiseConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// \[dim\] or NULL, finite
    #[must_use]
    pub fn mean(mut self, mean: &[f64]) -> Self {
        self.mean = mean.to_vec();
        self
    }
    /// \[dim\] or NULL, \> 0
    #[must_use]
    pub fn sd(mut self, sd: &[f64]) -> Self {
        self.sd = sd.to_vec();
        self
    }
}

impl ToC for StandardiseConfig {
    type C = sys::nf_standardise_config;
    fn to_c(&self) -> sys::nf_standardise_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_standardise_config>() as u32;
        if !self.mean.is_empty() {
            c.mean = self.mean.as_ptr();
            c.n_mean = self.mean.len() as i64;
        }
        if !self.sd.is_empty() {
            c.sd = self.sd.as_ptr();
            c.n_sd = self.sd.len() as i64;
        }
        c
    }
}

/// `nf_logit_config`
#[derive(Clone, Debug, Default)]
pub struct LogitConfig {
    c: Plain<sys::nf_logit_config>,
}

impl LogitConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// in \[1e-12, 0.25\], default 1e-6
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.c.0.alpha = alpha;
        self
    }
}

impl ToC for LogitConfig {
    type C = sys::nf_logit_config;
    fn to_c(&self) -> sys::nf_logit_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_logit_config>() as u32;
        c
    }
}

/// `nf_linear_config`
#[derive(Clone, Debug, Default)]
pub struct LinearConfig {
    c: Plain<sys::nf_linear_config>,
}

impl LinearConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_LINEAR_..., default plu
    #[must_use]
    pub fn form(mut self, form: i32) -> Self {
        self.c.0.form = form;
        self
    }
    /// required, at most 4096
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
}

impl ToC for LinearConfig {
    type C = sys::nf_linear_config;
    fn to_c(&self) -> sys::nf_linear_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_linear_config>() as u32;
        c
    }
}

/// `nf_householder_config`
#[derive(Clone, Debug, Default)]
pub struct HouseholderConfig {
    c: Plain<sys::nf_householder_config>,
}

impl HouseholderConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required, at most 4096
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// k, at most 4096; 0: dim
    #[must_use]
    pub fn reflections(mut self, reflections: i64) -> Self {
        self.c.0.reflections = reflections;
        self
    }
}

impl ToC for HouseholderConfig {
    type C = sys::nf_householder_config;
    fn to_c(&self) -> sys::nf_householder_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_householder_config>() as u32;
        c
    }
}

/// `nf_invconv_config`
#[derive(Clone, Debug, Default)]
pub struct InvconvConfig {
    c: Plain<sys::nf_invconv_config>,
}

impl InvconvConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_LINEAR_..., default plu
    #[must_use]
    pub fn form(mut self, form: i32) -> Self {
        self.c.0.form = form;
        self
    }
    /// required; channels at most 4096
    #[must_use]
    pub fn height(mut self, height: i64) -> Self {
        self.c.0.height = height;
        self
    }
    /// required; channels at most 4096
    #[must_use]
    pub fn width(mut self, width: i64) -> Self {
        self.c.0.width = width;
        self
    }
    /// required; channels at most 4096
    #[must_use]
    pub fn channels(mut self, channels: i64) -> Self {
        self.c.0.channels = channels;
        self
    }
}

impl ToC for InvconvConfig {
    type C = sys::nf_invconv_config;
    fn to_c(&self) -> sys::nf_invconv_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_invconv_config>() as u32;
        c
    }
}

/// `nf_squeeze_config`
#[derive(Clone, Debug, Default)]
pub struct SqueezeConfig {
    c: Plain<sys::nf_squeeze_config>,
}

impl SqueezeConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_SQUEEZE_..., default rows
    #[must_use]
    pub fn order(mut self, order: i32) -> Self {
        self.c.0.order = order;
        self
    }
    /// of x, required
    #[must_use]
    pub fn height(mut self, height: i64) -> Self {
        self.c.0.height = height;
        self
    }
    /// of x, required
    #[must_use]
    pub fn width(mut self, width: i64) -> Self {
        self.c.0.width = width;
        self
    }
    /// of x, required
    #[must_use]
    pub fn channels(mut self, channels: i64) -> Self {
        self.c.0.channels = channels;
        self
    }
    /// 1: the opposite mapping
    #[must_use]
    pub fn reverse(mut self, reverse: i32) -> Self {
        self.c.0.reverse = reverse;
        self
    }
}

impl ToC for SqueezeConfig {
    type C = sys::nf_squeeze_config;
    fn to_c(&self) -> sys::nf_squeeze_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_squeeze_config>() as u32;
        c
    }
}

/// `nf_dequantise_config`
#[derive(Clone, Debug, Default)]
pub struct DequantiseConfig {
    c: Plain<sys::nf_dequantise_config>,
}

impl DequantiseConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_NOISE_..., default always
    #[must_use]
    pub fn noise(mut self, noise: i32) -> Self {
        self.c.0.noise = noise;
        self
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// 1..8, default 8
    #[must_use]
    pub fn bits(mut self, bits: i32) -> Self {
        self.c.0.bits = bits;
        self
    }
    /// in \[0, 1\], default 0
    #[must_use]
    pub fn shift(mut self, shift: f64) -> Self {
        self.c.0.shift = shift;
        self
    }
}

impl ToC for DequantiseConfig {
    type C = sys::nf_dequantise_config;
    fn to_c(&self) -> sys::nf_dequantise_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_dequantise_config>() as u32;
        c
    }
}

/// `nf_columns_config`
#[derive(Clone, Debug, Default)]
pub struct ColumnsConfig {
    c: Plain<sys::nf_columns_config>,
    kind: Vec<i64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl ColumnsConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_NOISE_..., default always: of integer columns
    #[must_use]
    pub fn noise(mut self, noise: i32) -> Self {
        self.c.0.noise = noise;
        self
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// \[dim\], NF_COLUMN_..., or NULL: all real
    #[must_use]
    pub fn kind(mut self, kind: &[i64]) -> Self {
        self.kind = kind.to_vec();
        self
    }
    /// \[dim\] or NULL: 0
    #[must_use]
    pub fn low(mut self, low: &[f64]) -> Self {
        self.low = low.to_vec();
        self
    }
    /// \[dim\] or NULL: 0
    #[must_use]
    pub fn high(mut self, high: &[f64]) -> Self {
        self.high = high.to_vec();
        self
    }
    /// in \[1e-12, 0.25\], default 1e-6: of bounded columns
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.c.0.alpha = alpha;
        self
    }
    /// T of periodic columns, in \[1e-3, 1e6\], default pi
    #[must_use]
    pub fn half_turn(mut self, half_turn: f64) -> Self {
        self.c.0.half_turn = half_turn;
        self
    }
}

impl ToC for ColumnsConfig {
    type C = sys::nf_columns_config;
    fn to_c(&self) -> sys::nf_columns_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_columns_config>() as u32;
        if !self.kind.is_empty() {
            c.kind = self.kind.as_ptr();
            c.n_kind = self.kind.len() as i64;
        }
        if !self.low.is_empty() {
            c.low = self.low.as_ptr();
            c.n_low = self.low.len() as i64;
        }
        if !self.high.is_empty() {
            c.high = self.high.as_ptr();
            c.n_high = self.high.len() as i64;
        }
        c
    }
}

/// `nf_adam_config`
#[derive(Clone, Debug, Default)]
pub struct AdamConfig {
    c: Plain<sys::nf_adam_config>,
}

impl AdamConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// default 1e-3; for 0 use nf_optimizer_set_lr
    #[must_use]
    pub fn lr(mut self, lr: f64) -> Self {
        self.c.0.lr = lr;
        self
    }
    /// default 0.9, 0.999
    #[must_use]
    pub fn beta1(mut self, beta1: f64) -> Self {
        self.c.0.beta1 = beta1;
        self
    }
    /// default 0.9, 0.999
    #[must_use]
    pub fn beta2(mut self, beta2: f64) -> Self {
        self.c.0.beta2 = beta2;
        self
    }
    /// default 1e-8
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.c.0.eps = eps;
        self
    }
    /// default 0
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.c.0.weight_decay = weight_decay;
        self
    }
}

impl ToC for AdamConfig {
    type C = sys::nf_adam_config;
    fn to_c(&self) -> sys::nf_adam_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_adam_config>() as u32;
        c
    }
}

/// `nf_sgd_config`
#[derive(Clone, Debug, Default)]
pub struct SgdConfig {
    c: Plain<sys::nf_sgd_config>,
}

impl SgdConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// 1: look ahead along the momentum
    #[must_use]
    pub fn nesterov(mut self, nesterov: i32) -> Self {
        self.c.0.nesterov = nesterov;
        self
    }
    /// default 1e-2
    #[must_use]
    pub fn lr(mut self, lr: f64) -> Self {
        self.c.0.lr = lr;
        self
    }
    /// default 0.9; negative: none
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.c.0.momentum = momentum;
        self
    }
    /// default 0
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.c.0.weight_decay = weight_decay;
        self
    }
}

impl ToC for SgdConfig {
    type C = sys::nf_sgd_config;
    fn to_c(&self) -> sys::nf_sgd_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_sgd_config>() as u32;
        c
    }
}

/// `nf_planar_config`
#[derive(Clone, Debug, Default)]
pub struct PlanarConfig {
    c: Plain<sys::nf_planar_config>,
}

impl PlanarConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
}

impl ToC for PlanarConfig {
    type C = sys::nf_planar_config;
    fn to_c(&self) -> sys::nf_planar_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_planar_config>() as u32;
        c
    }
}

/// `nf_radial_config`
#[derive(Clone, Debug, Default)]
pub struct RadialConfig {
    c: Plain<sys::nf_radial_config>,
}

impl RadialConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
}

impl ToC for RadialConfig {
    type C = sys::nf_radial_config;
    fn to_c(&self) -> sys::nf_radial_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_radial_config>() as u32;
        c
    }
}

/// `nf_sylvester_config`
#[derive(Clone, Debug, Default)]
pub struct SylvesterConfig {
    c: Plain<sys::nf_sylvester_config>,
}

impl SylvesterConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// required
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    /// units, at most dim and 256; 0: dim, at most 32
    #[must_use]
    pub fn rank(mut self, rank: i64) -> Self {
        self.c.0.rank = rank;
        self
    }
    /// that make Q, at most 256; 0: rank, with which its columns span any subspace
    #[must_use]
    pub fn reflections(mut self, reflections: i64) -> Self {
        self.c.0.reflections = reflections;
        self
    }
}

impl ToC for SylvesterConfig {
    type C = sys::nf_sylvester_config;
    fn to_c(&self) -> sys::nf_sylvester_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_sylvester_config>() as u32;
        c
    }
}

/// `nf_table_config`
#[derive(Clone, Debug, Default)]
pub struct TableConfig {
    c: Plain<sys::nf_table_config>,
    hidden: Vec<i64>,
    mean: Vec<f64>,
    sd: Vec<f64>,
    kind: Vec<i64>,
    low: Vec<f64>,
    high: Vec<f64>,
    cond_mean: Vec<f64>,
    cond_sd: Vec<f64>,
    embed_hidden: Vec<i64>,
}

impl TableConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_F32 (default) or NF_F64
    #[must_use]
    pub fn dtype(mut self, dtype: i32) -> Self {
        self.c.0.dtype = dtype;
        self
    }
    /// required; nice: \>= 2, or \>= 1 with cond_dim \> 0
    #[must_use]
    pub fn dim(mut self, dim: i64) -> Self {
        self.c.0.dim = dim;
        self
    }
    #[must_use]
    pub fn cond_dim(mut self, cond_dim: i64) -> Self {
        self.c.0.cond_dim = cond_dim;
        self
    }
    /// at most 1024
    #[must_use]
    pub fn layers(mut self, layers: i64) -> Self {
        self.c.0.layers = layers;
        self
    }
    /// widths of the hidden layers; {0}: none
    #[must_use]
    pub fn hidden(mut self, hidden: &[i64]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }
    /// NF_ACTIVATION_...
    #[must_use]
    pub fn activation(mut self, activation: i32) -> Self {
        self.c.0.activation = activation;
        self
    }
    /// NF_MIX_...
    #[must_use]
    pub fn mix(mut self, mix: i32) -> Self {
        self.c.0.mix = mix;
        self
    }
    /// NF_TRANSFORM_..., of maf and iaf
    #[must_use]
    pub fn transform(mut self, transform: i32) -> Self {
        self.c.0.transform = transform;
        self
    }
    /// of splines, 2..64, default 8
    #[must_use]
    pub fn bins(mut self, bins: i32) -> Self {
        self.c.0.bins = bins;
        self
    }
    /// of splines: B, default 4: identity beyond, and half the period of periodic columns; of the log-scale of maf and iaf with affine, default 2
    #[must_use]
    pub fn bound(mut self, bound: f64) -> Self {
        self.c.0.bound = bound;
        self
    }
    /// of the initial weights, random mixes and noise
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.c.0.seed = seed;
        self
    }
    /// \[dim\]: with sd, a standardise layer; one without the other: sd 1, or mean 0
    #[must_use]
    pub fn mean(mut self, mean: &[f64]) -> Self {
        self.mean = mean.to_vec();
        self
    }
    #[must_use]
    pub fn sd(mut self, sd: &[f64]) -> Self {
        self.sd = sd.to_vec();
        self
    }
    /// \[dim\], NF_COLUMN_..., or NULL: all real, no layer
    #[must_use]
    pub fn kind(mut self, kind: &[i64]) -> Self {
        self.kind = kind.to_vec();
        self
    }
    /// \[dim\] or NULL: 0
    #[must_use]
    pub fn low(mut self, low: &[f64]) -> Self {
        self.low = low.to_vec();
        self
    }
    /// \[dim\] or NULL: 0
    #[must_use]
    pub fn high(mut self, high: &[f64]) -> Self {
        self.high = high.to_vec();
        self
    }
    /// margin of bounded columns, default 1e-6
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.c.0.alpha = alpha;
        self
    }
    /// NF_NOISE_...: of integer columns
    #[must_use]
    pub fn noise(mut self, noise: i32) -> Self {
        self.c.0.noise = noise;
        self
    }
    /// \[cond_dim\]; this and what follows: as in nf_flow_config
    #[must_use]
    pub fn cond_mean(mut self, cond_mean: &[f64]) -> Self {
        self.cond_mean = cond_mean.to_vec();
        self
    }
    #[must_use]
    pub fn cond_sd(mut self, cond_sd: &[f64]) -> Self {
        self.cond_sd = cond_sd.to_vec();
        self
    }
    #[must_use]
    pub fn embed_hidden(mut self, embed_hidden: &[i64]) -> Self {
        self.embed_hidden = embed_hidden.to_vec();
        self
    }
    #[must_use]
    pub fn embed_dim(mut self, embed_dim: i64) -> Self {
        self.c.0.embed_dim = embed_dim;
        self
    }
    #[must_use]
    pub fn embed_activation(mut self, embed_activation: i32) -> Self {
        self.c.0.embed_activation = embed_activation;
        self
    }
    #[must_use]
    pub fn cond_standardise(mut self, cond_standardise: i32) -> Self {
        self.c.0.cond_standardise = cond_standardise;
        self
    }
}

impl ToC for TableConfig {
    type C = sys::nf_table_config;
    fn to_c(&self) -> sys::nf_table_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_table_config>() as u32;
        if !self.hidden.is_empty() {
            c.hidden = self.hidden.as_ptr();
            c.n_hidden = self.hidden.len() as i64;
        }
        if !self.mean.is_empty() {
            c.mean = self.mean.as_ptr();
            c.n_mean = self.mean.len() as i64;
        }
        if !self.sd.is_empty() {
            c.sd = self.sd.as_ptr();
            c.n_sd = self.sd.len() as i64;
        }
        if !self.kind.is_empty() {
            c.kind = self.kind.as_ptr();
            c.n_kind = self.kind.len() as i64;
        }
        if !self.low.is_empty() {
            c.low = self.low.as_ptr();
            c.n_low = self.low.len() as i64;
        }
        if !self.high.is_empty() {
            c.high = self.high.as_ptr();
            c.n_high = self.high.len() as i64;
        }
        if !self.cond_mean.is_empty() {
            c.cond_mean = self.cond_mean.as_ptr();
            c.n_cond_mean = self.cond_mean.len() as i64;
        }
        if !self.cond_sd.is_empty() {
            c.cond_sd = self.cond_sd.as_ptr();
            c.n_cond_sd = self.cond_sd.len() as i64;
        }
        if !self.embed_hidden.is_empty() {
            c.embed_hidden = self.embed_hidden.as_ptr();
            c.n_embed_hidden = self.embed_hidden.len() as i64;
        }
        c
    }
}

/// `nf_fit_config`
#[derive(Clone, Debug, Default)]
pub struct FitConfig {
    c: Plain<sys::nf_fit_config>,
    checkpoint: Option<CString>,
    resume: Option<CString>,
}

impl FitConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_SCHEDULE_..., default constant
    #[must_use]
    pub fn schedule(mut self, schedule: i32) -> Self {
        self.c.0.schedule = schedule;
        self
    }
    /// default 100
    #[must_use]
    pub fn epochs(mut self, epochs: i64) -> Self {
        self.c.0.epochs = epochs;
        self
    }
    /// rows a step, default 256, at most all rows; the last batch of an epoch may be smaller
    #[must_use]
    pub fn batch(mut self, batch: i64) -> Self {
        self.c.0.batch = batch;
        self
    }
    /// of the shuffles
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.c.0.seed = seed;
        self
    }
    /// stop after this many epochs without a better loss; 0: never
    #[must_use]
    pub fn patience(mut self, patience: i64) -> Self {
        self.c.0.patience = patience;
        self
    }
    /// largest norm of the gradient, default 5; negative: off
    #[must_use]
    pub fn clip_norm(mut self, clip_norm: f64) -> Self {
        self.c.0.clip_norm = clip_norm;
        self
    }
    /// adds l2 \|W\|^2 over the weights (not biases, scales) to the loss; default 0
    #[must_use]
    pub fn l2(mut self, l2: f64) -> Self {
        self.c.0.l2 = l2;
        self
    }
    /// d in \[0, 1): average a += (1 - d) (theta - a) of the weights; validation and the result use it; 0: off
    #[must_use]
    pub fn ema_decay(mut self, ema_decay: f64) -> Self {
        self.c.0.ema_decay = ema_decay;
        self
    }
    /// lr rises linearly over these first steps
    #[must_use]
    pub fn warmup_steps(mut self, warmup_steps: i64) -> Self {
        self.c.0.warmup_steps = warmup_steps;
        self
    }
    /// cosine, default 0.01
    #[must_use]
    pub fn final_lr_factor(mut self, final_lr_factor: f64) -> Self {
        self.c.0.final_lr_factor = final_lr_factor;
        self
    }
    /// step and plateau, default 0.5
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.c.0.factor = factor;
        self
    }
    /// default 50
    #[must_use]
    pub fn step_epochs(mut self, step_epochs: i64) -> Self {
        self.c.0.step_epochs = step_epochs;
        self
    }
    /// default 10
    #[must_use]
    pub fn plateau_epochs(mut self, plateau_epochs: i64) -> Self {
        self.c.0.plateau_epochs = plateau_epochs;
        self
    }
    /// 1: the result is the last weights (their average, with ema_decay); default: those of the best loss
    #[must_use]
    pub fn keep_last(mut self, keep_last: i32) -> Self {
        self.c.0.keep_last = keep_last;
        self
    }
    /// 1: no data-dependent initialisation before the first epoch
    #[must_use]
    pub fn no_init(mut self, no_init: i32) -> Self {
        self.c.0.no_init = no_init;
        self
    }
    /// also report every this many steps; 0: epochs only
    #[must_use]
    pub fn progress_steps(mut self, progress_steps: i64) -> Self {
        self.c.0.progress_steps = progress_steps;
        self
    }
    /// path: replaced every checkpoint_epochs epochs and at the end; the one before is kept as path + ".previous"
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: &str) -> Self {
        self.checkpoint = text(checkpoint);
        self
    }
    /// default 10
    #[must_use]
    pub fn checkpoint_epochs(mut self, checkpoint_epochs: i64) -> Self {
        self.c.0.checkpoint_epochs = checkpoint_epochs;
        self
    }
    /// path of a checkpoint to go on from, with the same flow, optimizer type, rows, batch, seed (else NF_ERR_FORMAT, NF_ERR_STATE), objective and pairing: ends in the bits of a run that was not stopped
    #[must_use]
    pub fn resume(mut self, resume: &str) -> Self {
        self.resume = text(resume);
        self
    }
    /// NF_OBJECTIVE_..., default likelihood
    #[must_use]
    pub fn objective(mut self, objective: i32) -> Self {
        self.c.0.objective = objective;
        self
    }
    /// NF_PAIRING_..., default straight; of flow matching
    #[must_use]
    pub fn pairing(mut self, pairing: i32) -> Self {
        self.c.0.pairing = pairing;
        self
    }
}

impl ToC for FitConfig {
    type C = sys::nf_fit_config;
    fn to_c(&self) -> sys::nf_fit_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_fit_config>() as u32;
        c.checkpoint = self.checkpoint.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
        c.resume = self.resume.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
        c
    }
}

/// `nf_target_config`
#[derive(Clone, Debug, Default)]
pub struct TargetConfig {
    c: Plain<sys::nf_target_config>,
    checkpoint: Option<CString>,
    resume: Option<CString>,
}

impl TargetConfig {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// NF_ESTIMATOR_..., default path
    #[must_use]
    pub fn estimator(mut self, estimator: i32) -> Self {
        self.c.0.estimator = estimator;
        self
    }
    /// default 2000
    #[must_use]
    pub fn steps(mut self, steps: i64) -> Self {
        self.c.0.steps = steps;
        self
    }
    /// draws a step, default 256
    #[must_use]
    pub fn batch(mut self, batch: i64) -> Self {
        self.c.0.batch = batch;
        self
    }
    /// of the draws
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.c.0.seed = seed;
        self
    }
    /// beta of the first step, default 1; less is a flatter target, whose modes are found more easily ...
    #[must_use]
    pub fn beta_start(mut self, beta_start: f64) -> Self {
        self.c.0.beta_start = beta_start;
        self
    }
    /// ... rising linearly to 1 over this many steps
    #[must_use]
    pub fn beta_steps(mut self, beta_steps: i64) -> Self {
        self.c.0.beta_steps = beta_steps;
        self
    }
    /// in \[0, 1): (1 - data_weight) loss + data_weight mean NLL of a batch of `data`; default 0
    #[must_use]
    pub fn data_weight(mut self, data_weight: f64) -> Self {
        self.c.0.data_weight = data_weight;
        self
    }
    /// largest norm of the gradient, default 5; negative: off
    #[must_use]
    pub fn clip_norm(mut self, clip_norm: f64) -> Self {
        self.c.0.clip_norm = clip_norm;
        self
    }
    /// moving average of the weights, the result; 0: off
    #[must_use]
    pub fn ema_decay(mut self, ema_decay: f64) -> Self {
        self.c.0.ema_decay = ema_decay;
        self
    }
    /// NF_SCHEDULE_CONSTANT or NF_SCHEDULE_COSINE (default, over all steps): nflow/train.h
    #[must_use]
    pub fn schedule(mut self, schedule: i32) -> Self {
        self.c.0.schedule = schedule;
        self
    }
    /// 1: no initialisation, from data or draws, of layers that want it
    #[must_use]
    pub fn no_init(mut self, no_init: i32) -> Self {
        self.c.0.no_init = no_init;
        self
    }
    /// lr rises linearly over these first steps
    #[must_use]
    pub fn warmup_steps(mut self, warmup_steps: i64) -> Self {
        self.c.0.warmup_steps = warmup_steps;
        self
    }
    /// cosine, default 0.01
    #[must_use]
    pub fn final_lr_factor(mut self, final_lr_factor: f64) -> Self {
        self.c.0.final_lr_factor = final_lr_factor;
        self
    }
    /// steps between calls of progress, default 100
    #[must_use]
    pub fn round_steps(mut self, round_steps: i64) -> Self {
        self.c.0.round_steps = round_steps;
        self
    }
    /// of the report's nf_flow_importance, default 10000
    #[must_use]
    pub fn report_draws(mut self, report_draws: i64) -> Self {
        self.c.0.report_draws = report_draws;
        self
    }
    /// path: replaced every checkpoint_rounds rounds and at the end; the one before is kept as path + ".previous"
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: &str) -> Self {
        self.checkpoint = text(checkpoint);
        self
    }
    /// default 10
    #[must_use]
    pub fn checkpoint_rounds(mut self, checkpoint_rounds: i64) -> Self {
        self.c.0.checkpoint_rounds = checkpoint_rounds;
        self
    }
    /// path of a checkpoint to go on from, with the same flow, optimizer type, rows of data, batch, seed, estimator and round_steps (else NF_ERR_FORMAT, NF_ERR_STATE): ends in the bits of a run that was not stopped
    #[must_use]
    pub fn resume(mut self, resume: &str) -> Self {
        self.resume = text(resume);
        self
    }
}

impl ToC for TargetConfig {
    type C = sys::nf_target_config;
    fn to_c(&self) -> sys::nf_target_config {
        let mut c = self.c.0;
        c.struct_size = std::mem::size_of::<sys::nf_target_config>() as u32;
        c.checkpoint = self.checkpoint.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
        c.resume = self.resume.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
        c
    }
}

/// The constants of the C headers without their prefix: `NF_PRESET_BOOK` is `PRESET_BOOK`.
pub mod constants {
    pub const SPLINE_SAFE: i32 = 1;
    pub const SPLINE_FREE: i32 = 2;
    pub const SPLINE_SOFTCLIP: i32 = 3;
    pub const AUTOREGRESSIVE_FORWARD: i32 = 1;
    pub const AUTOREGRESSIVE_INVERSE: i32 = 2;
    pub const ODE_DOPRI5: i32 = 1;
    pub const ODE_TSIT5: i32 = 2;
    pub const ODE_BOSH3: i32 = 3;
    pub const ODE_RK4: i32 = 4;
    pub const ODE_MIDPOINT: i32 = 5;
    pub const ODE_EULER: i32 = 6;
    pub const ORDER_ASCENDING: i32 = 1;
    pub const ORDER_INDEX: i32 = 3;
    pub const ORDER_REVERSED: i32 = 2;
    pub const TIME_IGNORE: i32 = 1;
    pub const TIME_CONCAT: i32 = 2;
    pub const TIME_SQUASH: i32 = 3;
    pub const TRACE_AUTO: i32 = 1;
    pub const TRACE_EXACT: i32 = 2;
    pub const TRACE_HUTCHINSON: i32 = 3;
    pub const TRACE_HUTCHINSON_TRAIN: i32 = 4;
    pub const PROBE_RADEMACHER: i32 = 1;
    pub const PROBE_GAUSSIAN: i32 = 2;
    pub const GRADIENT_DISCRETE: i32 = 1;
    pub const GRADIENT_ADJOINT: i32 = 2;
    pub const FFJORD_TOY: i32 = 1;
    pub const FFJORD_TABULAR: i32 = 2;
    pub const FFJORD_IMAGES: i32 = 3;
    pub const F32: i32 = 1;
    pub const F64: i32 = 2;
    pub const FIELD_I32: i32 = 1;
    pub const FIELD_I64: i32 = 2;
    pub const FIELD_U64: i32 = 3;
    pub const FIELD_F64: i32 = 4;
    pub const FIELD_CHOICE: i32 = 5;
    pub const FIELD_FLAG: i32 = 6;
    pub const FIELD_STRING: i32 = 7;
    pub const FIELD_I64_ARRAY: i32 = 8;
    pub const FIELD_F64_ARRAY: i32 = 9;
    pub const FIELD_POINTER: i32 = 10;
    pub const FIELD_REQUIRED: i32 = 1;
    pub const FIELD_INITIAL: i32 = 2;
    pub const BACKEND_NATIVE: i32 = 1;
    pub const BACKEND_CBLAS: i32 = 2;
    pub const ISA_BASELINE: i32 = 1;
    pub const ISA_AVX2: i32 = 2;
    pub const ISA_AVX512: i32 = 3;
    pub const ISA_NEON: i32 = 4;
    pub const LOG_WARNING: i32 = 1;
    pub const LOG_INFO: i32 = 2;
    pub const FORMAT_CSV: i32 = 1;
    pub const FORMAT_NPY: i32 = 2;
    pub const FORMAT_IDX: i32 = 3;
    pub const FORMAT_CIFAR10: i32 = 4;
    pub const FORMAT_PNG: i32 = 5;
    pub const HEADER_YES: i32 = 1;
    pub const HEADER_NO: i32 = 2;
    pub const LABEL_ONE_HOT: i32 = 1;
    pub const LABEL_NUMBER: i32 = 2;
    pub const PRESET_DEFAULT: i32 = 1;
    pub const PRESET_BOOK: i32 = 2;
    pub const GLOW_AFFINE: i32 = 1;
    pub const GLOW_ADDITIVE: i32 = 2;
    pub const GLOW_REAL: i32 = 17;
    pub const PATH_LINEAR: i32 = 1;
    pub const PATH_SPHERICAL: i32 = 2;
    pub const ACTIVATION_RELU: i32 = 1;
    pub const ACTIVATION_LEAKY_RELU: i32 = 2;
    pub const ACTIVATION_TANH: i32 = 3;
    pub const ACTIVATION_SOFTPLUS: i32 = 4;
    pub const ACTIVATION_SILU: i32 = 5;
    pub const ACTIVATION_ELU: i32 = 6;
    pub const TRANSFORM_AFFINE: i32 = 1;
    pub const TRANSFORM_SPLINE: i32 = 2;
    pub const WEIGHTS_GLOROT: i32 = 1;
    pub const WEIGHTS_HE: i32 = 2;
    pub const WEIGHTS_LECUN: i32 = 3;
    pub const WEIGHTS_SPREAD: i32 = 4;
    pub const MASK_ALTERNATING: i32 = 1;
    pub const MASK_HALF: i32 = 2;
    pub const MASK_INDEX: i32 = 3;
    pub const SCALE_TANH: i32 = 1;
    pub const SCALE_SAFE: i32 = 2;
    pub const SCALE_ASYMMETRIC: i32 = 3;
    pub const SCALE_SIGMOID: i32 = 4;
    pub const SCALE_SIGMOID_EPS: i32 = 5;
    pub const SCALE_SOFTPLUS: i32 = 6;
    pub const SCALE_SOFTCLIP: i32 = 7;
    pub const SCALE_EXP: i32 = 8;
    pub const SCALE_ADDITIVE: i32 = 9;
    pub const SCALE_SOFTPLUS_EPS: i32 = 10;
    pub const IMAGE_MASK_CHANNELS: i32 = 1;
    pub const IMAGE_MASK_CHECKERBOARD: i32 = 2;
    pub const IMAGE_MASK_ALL: i32 = 3;
    pub const CONV_GLOW: i32 = 1;
    pub const CONV_RESIDUAL: i32 = 2;
    pub const CONV_LINEAR: i32 = 3;
    pub const PERMUTATION_INDEX: i32 = 1;
    pub const PERMUTATION_RANDOM: i32 = 2;
    pub const PERMUTATION_REVERSE: i32 = 3;
    pub const LINEAR_PLU: i32 = 1;
    pub const LINEAR_PLAIN: i32 = 2;
    pub const COLUMN_REAL: i32 = 1;
    pub const COLUMN_POSITIVE: i32 = 2;
    pub const COLUMN_BOUNDED: i32 = 3;
    pub const COLUMN_INTEGER: i32 = 4;
    pub const COLUMN_PERIODIC: i32 = 5;
    pub const MIX_LINEAR: i32 = 1;
    pub const MIX_RANDOM: i32 = 2;
    pub const MIX_REVERSE: i32 = 3;
    pub const MIX_NONE: i32 = 4;
    pub const SQUEEZE_ROWS: i32 = 1;
    pub const SQUEEZE_DIAGONAL: i32 = 2;
    pub const NOISE_ALWAYS: i32 = 1;
    pub const NOISE_TRAINING: i32 = 2;
    pub const PARAM_FROZEN: i32 = 1;
    pub const PARAM_NO_DECAY: i32 = 2;
    pub const PARAM_NO_MATCH: i32 = 4;
    pub const SCHEDULE_CONSTANT: i32 = 1;
    pub const SCHEDULE_COSINE: i32 = 2;
    pub const SCHEDULE_STEP: i32 = 3;
    pub const SCHEDULE_PLATEAU: i32 = 4;
    pub const OBJECTIVE_LIKELIHOOD: i32 = 1;
    pub const OBJECTIVE_FLOW_MATCHING: i32 = 2;
    pub const PAIRING_STRAIGHT: i32 = 1;
    pub const PAIRING_TRANSPORT: i32 = 2;
    pub const ESTIMATOR_PATH: i32 = 1;
    pub const ESTIMATOR_TOTAL: i32 = 2;
}
