// SPDX-License-Identifier: MIT

//! Flows.

use crate::raw::{self, FlowConfigOf, Handle, Real};
use crate::rows::{expect_len, expect_rows};
use crate::{
    Base, CheckReport, Context, Dataset, Error, FitConfig, FlowConfig, ImportanceReport, InfoReport, Layer, Optimizer, Outcome,
    Result, Rows, SolverReport, Status, StepMemoryReport, TargetConfig, TargetProgress, TargetReport,
};
use std::ops::{ControlFlow, Deref};
use std::path::Path;
use std::sync::Arc;

/// Which samples of the endless sequence that a seed names.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// The name of the sequence.
    pub seed: u64,
    /// The first sample's number.
    pub first: usize,
    /// Multiplies the latent; 1 is the model itself.
    pub temperature: f64,
}

impl Default for Draw {
    fn default() -> Draw {
        Draw { seed: 0, first: 0, temperature: 1.0 }
    }
}

/// The sides of the images that rows are; all 0: they are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ImageShape {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

/// A named view of the parameter block.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ParamView {
    pub name: String,
    pub offset: usize,
    pub count: usize,
    pub shape: Vec<usize>,
}

/// What a fit did: `nf_fit_report`.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct FitReport {
    /// Whether it ran to its end.
    pub outcome: Outcome,
    /// 0: all epochs done, 1: early stopping, 2: callback or cancel.
    pub stopped: i32,
    pub epochs: i64,
    pub steps: i64,
    pub skipped: i64,
    pub rollbacks: i64,
    pub best_epoch: i64,
    pub train_nll: f64,
    /// NaN without a validation set.
    pub valid_nll: f64,
    pub seconds: f64,
    pub train_bits: f64,
    pub valid_bits: f64,
    /// Loss on the training set, a value an epoch.
    pub curve_train: Vec<f64>,
    /// Loss on the validation set.
    pub curve_valid: Vec<f64>,
}

/// What a closure sees of a fit. The figures are those of C: `progress.epoch`, `progress.train_nll`.
pub struct Progress<'a> {
    pub(crate) figures: &'a nflow_sys::nf_fit_progress,
    pub(crate) model: &'a Model,
}

impl Progress<'_> {
    /// The flow with the present weights.
    #[must_use]
    pub fn model(&self) -> &Model {
        self.model
    }
}

impl Deref for Progress<'_> {
    type Target = nflow_sys::nf_fit_progress;
    fn deref(&self) -> &Self::Target {
        self.figures
    }
}

/// Rows at which a log density that is known up to a constant is asked for: `nf_log_density_fn` of `nflow/variational.h`.
pub struct Points<'a> {
    /// Columns of a row.
    pub dim: usize,
    /// The rows.
    pub x: &'a [f64],
    /// Their conditions.
    pub cond: Option<&'a [f64]>,
    /// To be written: log p of each row; -inf outside the support. NaN on entry.
    pub log_p: &'a mut [f64],
    /// To be written where it is there: d log p / dx, laid out as `x`. NaN on entry.
    pub grad: Option<&'a mut [f64]>,
}

/// Draws of a flow, weighted for a target.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// What the weights say: evidence, effective draws.
    pub report: ImportanceReport,
    /// The draws.
    pub x: Vec<f64>,
    /// log p - log q of each.
    pub log_weight: Vec<f64>,
}

/// The calls of a flow that read: any number of threads at once, without a lock. What they compute is documented in
/// `nflow/flow.h`, `nflow/latent.h` and `nflow/model.h`.
///
/// A flow that is being trained lends itself to the progress closure as one, which does not outlive the call:
///
/// ```compile_fail,E0521
/// # use nflow::{Dataset, FitConfig, Flow, Model, Optimizer, RealnvpConfig};
/// # let data = Dataset::synthetic("moons", 100, None, 1, None)?;
/// # let mut flow = Flow::realnvp(&RealnvpConfig::new().dim(2), None)?;
/// let mut kept: Option<&Model> = None;
/// flow.fit_with(&mut Optimizer::adam(None, None)?, &data, None, &FitConfig::new().epochs(1), |progress| {
///     kept = Some(progress.model());
///     std::ops::ControlFlow::Continue(())
/// })?;
/// # Ok::<(), nflow::Error>(())
/// ```
pub struct Model {
    pub(crate) handle: Handle<nflow_sys::nf_flow>,
}

/// A normalizing flow. A clone is another reference; what takes `&mut self` needs the only one.
///
/// ```
/// # use nflow::{Flow, RealnvpConfig, Status};
/// let mut flow = Flow::realnvp(&RealnvpConfig::new().dim(2).layers(2), None)?;
/// let other = flow.clone();
/// assert_eq!(flow.zero_grad().unwrap_err().status, Status::BUSY);
/// drop(other);
/// flow.zero_grad()?;
/// # Ok::<(), nflow::Error>(())
/// ```
#[derive(Clone)]
pub struct Flow {
    model: Arc<Model>,
}

impl Deref for Flow {
    type Target = Model;
    fn deref(&self) -> &Model {
        &self.model
    }
}

impl Model {
    fn x_and_cond<T: Real>(&self, x: &Rows<'_, T>, cond: &Option<Rows<'_, T>>) -> Result<()> {
        expect_rows("x", x, self.dim(), None)?;
        self.cond_of(x.count(), cond)
    }
    fn cond_of<T: Real>(&self, n: usize, cond: &Option<Rows<'_, T>>) -> Result<()> {
        match cond {
            Some(cond) => expect_rows("cond", cond, self.cond_dim(), Some(n)),
            None if self.cond_dim() > 0 => {
                Err(Error::new(Status::SHAPE, format!("cond is missing, the flow has cond_dim {}", self.cond_dim())))
            }
            None => Ok(()),
        }
    }

    /// Columns of x.
    #[must_use]
    pub fn dim(&self) -> usize {
        raw::flow_sizes(&self.handle).0
    }
    /// Conditioning columns.
    #[must_use]
    pub fn cond_dim(&self) -> usize {
        raw::flow_sizes(&self.handle).1
    }
    /// The number of parameters.
    #[must_use]
    pub fn param_count(&self) -> usize {
        raw::flow_sizes(&self.handle).2
    }
    /// The number of layers.
    #[must_use]
    pub fn layers(&self) -> usize {
        raw::flow_sizes(&self.handle).3
    }
    /// Whether it computes in `T`.
    #[must_use]
    pub fn is<T: Real>(&self) -> bool {
        raw::flow_dtype(&self.handle) == T::DTYPE
    }
    /// A layer; `None` past the last.
    #[must_use]
    pub fn layer(&self, index: usize) -> Option<Layer> {
        raw::flow_layer(&self.handle, index).map(|handle| Layer { handle })
    }
    /// The base.
    #[must_use]
    pub fn base(&self) -> Base {
        Base { handle: raw::flow_base(&self.handle) }
    }
    /// What it is, in figures.
    pub fn info(&self) -> Result<InfoReport> {
        raw::flow_info(&self.handle)
    }
    /// Bytes that a step of training takes for `n` rows.
    pub fn step_memory(&self, n: usize) -> Result<StepMemoryReport> {
        raw::flow_step_memory(&self.handle, n)
    }
    /// The images that its rows are.
    pub fn image_shape(&self) -> Result<ImageShape> {
        raw::flow_image_shape(&self.handle)
    }
    /// The named views of its parameters.
    pub fn param_views(&self) -> Result<Vec<ParamView>> {
        raw::flow_param_views(&self.handle)
    }
    /// The parameters, in double.
    pub fn params(&self) -> Result<Vec<f64>> {
        let mut theta = vec![0.0; self.param_count()];
        raw::flow_get_params(&self.handle, &mut theta)?;
        Ok(theta)
    }

    /// log p(x) of each row, in nats, into `log_prob`.
    pub fn log_prob_to<T: Real>(&self, log_prob: &mut [f64], x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<Outcome> {
        self.x_and_cond(&x, &cond)?;
        expect_len("log_prob", log_prob.len(), x.count())?;
        raw::flow_log_prob(&self.handle, x, cond, log_prob)
    }
    /// The same, allocated.
    pub fn log_prob<T: Real>(&self, x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<Vec<f64>> {
        let mut log_prob = vec![0.0; x.count()];
        self.log_prob_to(&mut log_prob, x, cond)?;
        Ok(log_prob)
    }
    /// Samples into `x`, as many as it holds rows, and their log density.
    pub fn sample_to<T: Real>(
        &self,
        x: &mut [T],
        draw: Draw,
        cond: Option<Rows<'_, T>>,
        log_prob: Option<&mut [f64]>,
    ) -> Result<Outcome> {
        let n = Rows::new(x, self.dim())?.count();
        self.cond_of(n, &cond)?;
        if let Some(log_prob) = &log_prob {
            expect_len("log_prob", log_prob.len(), n)?;
        }
        raw::flow_sample(&self.handle, x, n, draw, cond, log_prob)
    }
    /// The first `n` samples of the sequence that `seed` names.
    pub fn sample<T: Real>(&self, n: usize, seed: u64, cond: Option<Rows<'_, T>>) -> Result<Vec<T>> {
        let mut x = vec![T::default(); raw::elements(&[n, self.dim()])?];
        self.sample_to(&mut x, Draw { seed, ..Draw::default() }, cond, None)?;
        Ok(x)
    }
    /// z = f(x) into `z`, and the logarithms of the determinants of its Jacobian.
    pub fn forward_to<T: Real>(
        &self,
        z: &mut [T],
        x: Rows<'_, T>,
        cond: Option<Rows<'_, T>>,
        log_det: Option<&mut [f64]>,
    ) -> Result<Outcome> {
        self.one_way(z, x, cond, log_det, T::forward)
    }
    /// x = f^-1(z) into `x`.
    pub fn inverse_to<T: Real>(
        &self,
        x: &mut [T],
        z: Rows<'_, T>,
        cond: Option<Rows<'_, T>>,
        log_det: Option<&mut [f64]>,
    ) -> Result<Outcome> {
        self.one_way(x, z, cond, log_det, T::inverse)
    }
    fn one_way<T: Real>(
        &self,
        out: &mut [T],
        x: Rows<'_, T>,
        cond: Option<Rows<'_, T>>,
        log_det: Option<&mut [f64]>,
        way: raw::Way<T>,
    ) -> Result<Outcome> {
        self.x_and_cond(&x, &cond)?;
        expect_len("the output", out.len(), x.data().len())?;
        if let Some(log_det) = &log_det {
            expect_len("log_det", log_det.len(), x.count())?;
        }
        raw::flow_way(&self.handle, out, x, cond, log_det, way)
    }
    /// z = f(x), allocated.
    pub fn forward<T: Real>(&self, x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<Vec<T>> {
        let mut z = vec![T::default(); x.data().len()];
        self.forward_to(&mut z, x, cond, None)?;
        Ok(z)
    }
    /// x = f^-1(z), allocated.
    pub fn inverse<T: Real>(&self, z: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<Vec<T>> {
        let mut x = vec![T::default(); z.data().len()];
        self.inverse_to(&mut x, z, cond, None)?;
        Ok(x)
    }
    /// d log p(x) / dx, and log p(x).
    pub fn score<T: Real>(&self, x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<(Vec<T>, Vec<f64>)> {
        self.x_and_cond(&x, &cond)?;
        let (mut grad_x, mut log_prob) = (vec![T::default(); x.data().len()], vec![0.0; x.count()]);
        raw::flow_score(&self.handle, x, cond, &mut log_prob, &mut grad_x)?;
        Ok((grad_x, log_prob))
    }
    /// `steps` rows on the way from `x0` to `x1`; `path` is one of [`constants`](crate::constants)`::PATH_...`.
    pub fn interpolate<T: Real>(&self, path: i32, steps: usize, x0: &[T], x1: &[T], cond: Option<Rows<'_, T>>) -> Result<Vec<T>> {
        expect_len("x0", x0.len(), self.dim())?;
        expect_len("x1", x1.len(), self.dim())?;
        self.cond_of(steps, &cond)?;
        let mut x = vec![T::default(); raw::elements(&[steps, self.dim()])?];
        raw::flow_interpolate(&self.handle, path, steps, x0, x1, cond, &mut x)?;
        Ok(x)
    }
    /// The direction of an attribute in the latent space: that rows have, and that others have not.
    pub fn direction<T: Real>(
        &self,
        with: Rows<'_, T>,
        cond_with: Option<Rows<'_, T>>,
        without: Rows<'_, T>,
        cond_without: Option<Rows<'_, T>>,
    ) -> Result<Vec<T>> {
        self.x_and_cond(&with, &cond_with)?;
        self.x_and_cond(&without, &cond_without)?;
        let mut direction = vec![T::default(); self.dim()];
        raw::flow_direction(&self.handle, with, cond_with, without, cond_without, &mut direction)?;
        Ok(direction)
    }
    /// Rows moved along a direction.
    pub fn move_along<T: Real>(&self, x: Rows<'_, T>, cond: Option<Rows<'_, T>>, direction: &[T], amount: f64) -> Result<Vec<T>> {
        self.x_and_cond(&x, &cond)?;
        expect_len("direction", direction.len(), self.dim())?;
        let mut out = vec![T::default(); x.data().len()];
        raw::flow_move(&self.handle, x, cond, direction, amount, &mut out)?;
        Ok(out)
    }
    /// The same samples at several temperatures, one block of `n` rows after the other.
    pub fn sample_temperatures<T: Real>(
        &self,
        n: usize,
        draw: Draw,
        temperatures: &[f64],
        cond: Option<Rows<'_, T>>,
    ) -> Result<Vec<T>> {
        self.cond_of(n, &cond)?;
        let mut x = vec![T::default(); raw::elements(&[temperatures.len(), n, self.dim()])?];
        raw::flow_sample_temperatures(&self.handle, n, draw, temperatures, cond, &mut x)?;
        Ok(x)
    }
    /// Round trip, log-determinant and gradients on rows of your own.
    pub fn check<T: Real>(&self, x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<CheckReport> {
        self.x_and_cond(&x, &cond)?;
        raw::flow_check(&self.handle, x, cond)
    }
    /// What its continuous layers needed for some rows.
    pub fn solver_report<T: Real>(&self, x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<SolverReport> {
        self.x_and_cond(&x, &cond)?;
        raw::flow_solver_report(&self.handle, x, cond)
    }
    /// Mean negative log-likelihood of a dataset.
    pub fn mean_nll(&self, data: &Dataset) -> Result<f64> {
        raw::flow_mean_nll(&self.handle, &data.handle)
    }
    /// Prepares work space for calls of up to `n` rows.
    pub fn reserve(&self, n: usize) -> Result<()> {
        raw::flow_reserve(&self.handle, n)
    }
    /// Importance sampling of a target: `n` draws and their weights. `draw.temperature` must be 1; `cond` is one condition, that of all
    /// draws. `Break` in the closure is [`Status::CALLBACK`].
    pub fn importance<D>(&self, n: usize, draw: Draw, cond: Option<&[f64]>, log_density: D) -> Result<Weighted>
    where
        D: FnMut(&mut Points<'_>) -> ControlFlow<()>,
    {
        expect_len("cond", cond.map_or(0, <[f64]>::len), self.cond_dim())?;
        if draw.temperature != 1.0 {
            return Err(Error::new(
                Status::ARG,
                format!("temperature is {}, must be 1: weights are of the flow itself", draw.temperature),
            ));
        }
        let mut x = vec![0.0; raw::elements(&[n, self.dim()])?];
        let mut log_weight = vec![0.0; n];
        let report = raw::flow_importance(&self.handle, draw, cond, &mut x, &mut log_weight, log_density)?;
        Ok(Weighted { report, x, log_weight })
    }
    /// A flow of its own, in the precision of `T`.
    pub fn convert<T: Real>(&self) -> Result<Flow> {
        Ok(Flow::of(raw::flow_convert(&self.handle, T::DTYPE)?))
    }
    /// Saves it, atomically and durably.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        raw::flow_save(&self.handle, path.as_ref())
    }
    /// The bytes of its file.
    pub fn save_memory(&self) -> Result<Vec<u8>> {
        raw::flow_save_memory(&self.handle)
    }
    /// Its description.
    pub fn to_json(&self) -> Result<String> {
        raw::flow_to_json(&self.handle)
    }
}

impl Flow {
    fn of(handle: Handle<nflow_sys::nf_flow>) -> Flow {
        Flow { model: Arc::new(Model { handle }) }
    }
    pub(crate) fn exclusive(&mut self, what: &str) -> Result<&mut Handle<nflow_sys::nf_flow>> {
        match Arc::get_mut(&mut self.model) {
            Some(model) => Ok(&mut model.handle),
            None => Err(Error::new(Status::BUSY, format!("{what}: the flow has other references"))),
        }
    }

    /// A chain of layers over a base; the first is next to the data.
    pub fn new(base: &Base, layers: &[Layer], config: &FlowConfig, context: Option<&Context>) -> Result<Flow> {
        let layers: Vec<_> = layers.iter().map(|layer| &layer.handle).collect();
        Ok(Flow::of(raw::flow_create(&base.handle, &layers, config, context)?))
    }
    /// The flow of a recipe: [`RealnvpConfig`](crate::RealnvpConfig), [`GlowConfig`](crate::GlowConfig),
    /// [`RealnvpImageConfig`](crate::RealnvpImageConfig), [`FfjordConfig`](crate::FfjordConfig) or, as NSF,
    /// [`TableConfig`](crate::TableConfig).
    pub fn recipe(config: &impl FlowConfigOf, context: Option<&Context>) -> Result<Flow> {
        Ok(Flow::of(raw::flow_recipe(config, context)?))
    }
    /// RealNVP.
    pub fn realnvp(config: &crate::RealnvpConfig, context: Option<&Context>) -> Result<Flow> {
        Flow::recipe(config, context)
    }
    /// Neural spline flow, for tables: `nf_flow_create_nsf`.
    pub fn nsf(config: &crate::TableConfig, context: Option<&Context>) -> Result<Flow> {
        Ok(Flow::of(raw::flow_table(raw::TableRecipe::Nsf, config, context)?))
    }
    /// Masked autoregressive flow, for tables: `nf_flow_create_maf`.
    pub fn maf(config: &crate::TableConfig, context: Option<&Context>) -> Result<Flow> {
        Ok(Flow::of(raw::flow_table(raw::TableRecipe::Maf, config, context)?))
    }
    /// Inverse autoregressive flow, for tables: `nf_flow_create_iaf`.
    pub fn iaf(config: &crate::TableConfig, context: Option<&Context>) -> Result<Flow> {
        Ok(Flow::of(raw::flow_table(raw::TableRecipe::Iaf, config, context)?))
    }
    /// Additive couplings, for tables: `nf_flow_create_nice`.
    pub fn nice(config: &crate::TableConfig, context: Option<&Context>) -> Result<Flow> {
        Ok(Flow::of(raw::flow_table(raw::TableRecipe::Nice, config, context)?))
    }
    /// Loads a model file; all of it is checked.
    pub fn load(path: impl AsRef<Path>, context: Option<&Context>) -> Result<Flow> {
        Ok(Flow::of(raw::flow_load(path.as_ref(), context)?))
    }
    /// Loads a model file from memory.
    pub fn load_memory(bytes: &[u8], context: Option<&Context>) -> Result<Flow> {
        Ok(Flow::of(raw::flow_load_memory(bytes, context)?))
    }
    /// A flow with fresh weights from a description.
    pub fn from_json(text: &str, context: Option<&Context>) -> Result<Flow> {
        Ok(Flow::of(raw::flow_from_json(text, context)?))
    }
    /// The largest error of a model file's self-test rows.
    pub fn verify(path: impl AsRef<Path>, context: Option<&Context>) -> Result<f64> {
        raw::flow_verify(path.as_ref(), context)
    }

    /// Fits by maximum likelihood: `nflow/train.h`.
    pub fn fit(
        &mut self,
        optimizer: &mut Optimizer,
        train: &Dataset,
        valid: Option<&Dataset>,
        config: &FitConfig,
    ) -> Result<FitReport> {
        self.fit_with(optimizer, train, valid, config, |_| ControlFlow::Continue(()))
    }
    /// The same, calling `progress` after each epoch; `Break` stops, with the best parameters so far. A panic in it goes on here,
    /// the flow then holding the best parameters so far.
    pub fn fit_with<F>(
        &mut self,
        optimizer: &mut Optimizer,
        train: &Dataset,
        valid: Option<&Dataset>,
        config: &FitConfig,
        progress: F,
    ) -> Result<FitReport>
    where
        F: FnMut(&Progress<'_>) -> ControlFlow<()>,
    {
        let handle = self.exclusive("fit")?;
        raw::flow_fit(handle, &mut optimizer.handle, &train.handle, valid.map(|data| &*data.handle), config, progress)
    }
    /// Fits to a density known up to a factor: `nflow/variational.h`. Data are rows of it, where some are known; conditions come with them.
    /// `Break` in the closure is [`Status::CALLBACK`], with the weights so far.
    pub fn fit_target<D>(
        &mut self,
        optimizer: &mut Optimizer,
        data: Option<&Dataset>,
        config: &TargetConfig,
        log_density: D,
    ) -> Result<(Outcome, TargetReport)>
    where
        D: FnMut(&mut Points<'_>) -> ControlFlow<()>,
    {
        self.fit_target_with(optimizer, data, config, log_density, |_| ControlFlow::Continue(()))
    }
    /// The same, calling `progress` after each round; `Break` stops.
    pub fn fit_target_with<D, P>(
        &mut self,
        optimizer: &mut Optimizer,
        data: Option<&Dataset>,
        config: &TargetConfig,
        log_density: D,
        progress: P,
    ) -> Result<(Outcome, TargetReport)>
    where
        D: FnMut(&mut Points<'_>) -> ControlFlow<()>,
        P: FnMut(&TargetProgress) -> ControlFlow<()>,
    {
        let handle = self.exclusive("fit_target")?;
        raw::flow_fit_target(handle, &mut optimizer.handle, data.map(|data| &*data.handle), config, log_density, progress)
    }
    /// Mean negative log-likelihood; its gradient is added to the gradient block. No weights: all 1.
    pub fn nll_grad<T: Real>(&mut self, x: Rows<'_, T>, cond: Option<Rows<'_, T>>, weights: Option<&[f64]>) -> Result<f64> {
        self.x_and_cond(&x, &cond)?;
        if let Some(weights) = weights {
            expect_len("weights", weights.len(), x.count())?;
        }
        raw::flow_nll_grad(self.exclusive("nll_grad")?, x, cond, weights)
    }
    /// Sets the gradient block to zero.
    pub fn zero_grad(&mut self) -> Result<()> {
        raw::flow_zero_grad(self.exclusive("zero_grad")?)
    }
    /// Data-dependent initialisation of layers that want it.
    pub fn init_data<T: Real>(&mut self, x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<()> {
        self.x_and_cond(&x, &cond)?;
        raw::flow_init_data(self.exclusive("init_data")?, x, cond)
    }
    /// Copies parameters in.
    pub fn set_params(&mut self, theta: &[f64]) -> Result<()> {
        raw::flow_set_params(self.exclusive("set_params")?, theta)
    }
    /// Gives the parameter and the gradient block to `change`, and brings everything up to date with what it wrote.
    pub fn change_params<T: Real, R>(&mut self, change: impl FnOnce(&mut [T], &mut [T]) -> R) -> Result<R> {
        raw::flow_change_params(self.exclusive("change_params")?, change)
    }
}
