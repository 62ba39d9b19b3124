// SPDX-License-Identifier: MIT

//! Everything that is unsafe: handles, the C calls, callbacks. Functions here are safe to call with any arguments of their types.
//!
//! What they rely on, and what holds it:
//!
//! - A handle is alive: [`Handle`] owns one reference, and is made of what a constructor or `_ref` returned.
//! - Arrays are as long as C is told: lengths come from the slices themselves, and sizes that two arguments share are asserted here,
//!   whatever the callers have checked with a better message.
//! - Calls on a const flow or dataset run from any threads at once, others alone: those take `&mut Handle`, which safe code gets from
//!   [`std::sync::Arc::get_mut`] only, and `Handle<nf_flow>` and `Handle<nf_dataset>` are never cloned.
//! - Configs point into the builder that they are made of, which is borrowed for the call; C copies what it keeps.
//! - No panic enters C: each callback runs under [`guard`], and what it threw goes on in [`check`], on the same thread.

use crate::configs::ToC;
use crate::{
    Context, Draw, Error, FitReport, Hooks, ImageShape, LogLevel, Model, Outcome, ParamView, Points, Progress, Result, Rows,
    Status,
};
use nflow_sys as sys;
use std::any::Any;
use std::cell::Cell;
use std::ffi::{c_char, c_void, CStr, CString};
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::path::Path;
use std::ptr::{null, null_mut, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};

// ---- errors and panics

thread_local! {
    static PANIC: Cell<Option<Box<dyn Any + Send>>> = const { Cell::new(None) };
}

/// Runs a callback; a panic is kept for [`check`], and C gets `fallback`.
fn guard<R>(fallback: R, call: impl FnOnce() -> R) -> R {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => value,
        Err(payload) => {
            PANIC.with(|kept| kept.set(Some(payload)));
            fallback
        }
    }
}

/// Ends every call: resumes a callback's panic, else a negative status is an error.
fn check(status: i32) -> Result<Outcome> {
    if let Some(payload) = PANIC.with(Cell::take) {
        resume_unwind(payload);
    }
    if status >= 0 {
        return Ok(Outcome::of(status));
    }
    // SAFETY: a NUL-terminated text of this thread, copied at once.
    let line = unsafe { CStr::from_ptr(sys::nf_last_error()) };
    Err(Error::new(Status(status), line.to_string_lossy()))
}

fn done(status: i32) -> Result<()> {
    check(status).map(|_| ())
}

/// A text of C that may be NULL.
fn text_of(text: *const c_char) -> Option<String> {
    // SAFETY: the texts given to this are NULL or NUL-terminated, and alive until the call that made them is repeated.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// A static text of C.
fn static_text(text: *const c_char) -> &'static str {
    // SAFETY: the texts given to this are documented as static memory, never NULL, and are ASCII.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("")
}

pub(crate) fn status_name(status: i32) -> &'static str {
    // SAFETY: any number will do.
    static_text(unsafe { sys::nf_status_name(status) })
}

pub(crate) fn version() -> &'static str {
    // SAFETY: no arguments.
    static_text(unsafe { sys::nf_version() })
}

fn c_text(what: &str, text: &[u8]) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new(Status::ARG, format!("{what} holds a NUL")))
}

#[cfg(unix)]
fn c_path(path: &Path) -> Result<CString> {
    c_text("path", std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

#[cfg(not(unix))]
fn c_path(path: &Path) -> Result<CString> {
    c_text("path", path.to_string_lossy().as_bytes())
}

// ---- handles

/// An object of C that is counted.
pub trait Object {
    /// # Safety
    /// `object` is NULL or alive.
    unsafe fn retain(object: *mut Self) -> *mut Self;
    /// # Safety
    /// `object` is NULL or alive, and the reference given back is the caller's.
    unsafe fn release(object: *mut Self);
}

/// Objects of which any number of threads may hold references of their own.
pub trait Shared: Object {}

macro_rules! objects {
    ($($object:ident, $retain:ident, $release:ident;)*) => {
        $(impl Object for sys::$object {
            unsafe fn retain(object: *mut Self) -> *mut Self {
                sys::$retain(object)
            }
            unsafe fn release(object: *mut Self) {
                sys::$release(object)
            }
        })*
    };
}
objects! {
    nf_context, nf_context_ref, nf_context_unref;
    nf_dataset, nf_dataset_ref, nf_dataset_unref;
    nf_layer, nf_layer_ref, nf_layer_unref;
    nf_base, nf_base_ref, nf_base_unref;
    nf_flow, nf_flow_ref, nf_flow_unref;
    nf_optimizer, nf_optimizer_ref, nf_optimizer_unref;
}
impl Shared for sys::nf_context {}
impl Shared for sys::nf_layer {}
impl Shared for sys::nf_base {}

/// One reference to an object.
pub struct Handle<T: Object>(NonNull<T>);

// SAFETY: the library has no thread of its own that an object belongs to; counts are atomic.
unsafe impl<T: Object> Send for Handle<T> {}
// SAFETY: `&Handle` reaches const calls alone: immutable objects and shared-read ones (context, flow, dataset) allow those from any
// threads at once. Optimizers are confined: what `&Handle<nf_optimizer>` reaches reads two numbers and a static name, and the calls
// that change them take `&mut`.
unsafe impl<T: Object> Sync for Handle<T> {}

impl<T: Shared> Clone for Handle<T> {
    fn clone(&self) -> Self {
        // SAFETY: alive; _ref returns its argument.
        Handle(unsafe { NonNull::new_unchecked(T::retain(self.0.as_ptr())) })
    }
}

impl<T: Object> Drop for Handle<T> {
    fn drop(&mut self) {
        // SAFETY: alive, and the reference is this one's.
        unsafe { T::release(self.0.as_ptr()) }
    }
}

impl<T: Object> Handle<T> {
    fn get(&self) -> *const T {
        self.0.as_ptr()
    }
    fn get_mut(&mut self) -> *mut T {
        self.0.as_ptr()
    }
    /// For arguments that C takes a reference of, and does not change.
    fn lend(&self) -> *mut T {
        self.0.as_ptr()
    }
}

/// The object that a constructor made, owned before a panic can go on.
fn make<T: Object>(create: impl FnOnce(*mut *mut T) -> i32) -> Result<Handle<T>> {
    let mut out = null_mut();
    let status = create(&mut out);
    let made = NonNull::new(out).map(Handle);
    check(status)?;
    made.ok_or_else(|| Error::new(Status::HANDLE, "the library made no object"))
}

/// A config of C whose pointers are all NULL.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain<C>(pub C);
// SAFETY: numbers and NULL; `to_c` sets pointers in a copy.
unsafe impl<C> Send for Plain<C> {}
// SAFETY: the same.
unsafe impl<C> Sync for Plain<C> {}

fn context_of(context: Option<&Context>) -> *mut sys::nf_context {
    context.map_or(null_mut(), |context| context.handle.lend())
}

/// A report to be filled.
macro_rules! report {
    ($type:ident) => {
        sys::$type { struct_size: std::mem::size_of::<sys::$type>() as u32, ..sys::$type::default() }
    };
}

// ---- precisions

/// `f32` or `f64`: the element type of a flow and of arrays.
pub trait Real: calls::Calls + Copy + Default + Send + Sync + 'static {
    /// `NF_F32` or `NF_F64`.
    const DTYPE: i32;
}
impl Real for f32 {
    const DTYPE: i32 = sys::NF_F32 as i32;
}
impl Real for f64 {
    const DTYPE: i32 = sys::NF_F64 as i32;
}

/// `nf_flow_forward` or `nf_flow_inverse`.
pub(crate) type Way<T> = calls::WayFn<T>;

/// The functions of C of each precision.
mod calls {
    use super::sys::{self, nf_check_report, nf_context, nf_dataset, nf_flow, nf_solver_report};

    pub type WayFn<T> = unsafe extern "C" fn(*const nf_flow, i64, *const T, *const T, *mut T, *mut f64) -> i32;

    macro_rules! calls {
        ($(fn $name:ident($($argument:ty),*) = $single:ident, $double:ident;)*) => {
            #[allow(missing_docs, non_upper_case_globals)]
            pub trait Calls: Sized {
                $(const $name: unsafe extern "C" fn($($argument),*) -> i32;)*
                const forward: WayFn<Self>;
                const inverse: WayFn<Self>;
            }
            impl Calls for f32 {
                $(const $name: unsafe extern "C" fn($($argument),*) -> i32 = sys::$single;)*
                const forward: WayFn<f32> = sys::nf_flow_forward;
                const inverse: WayFn<f32> = sys::nf_flow_inverse;
            }
            impl Calls for f64 {
                $(const $name: unsafe extern "C" fn($($argument),*) -> i32 = sys::$double;)*
                const forward: WayFn<f64> = sys::nf_flow_forward_f64;
                const inverse: WayFn<f64> = sys::nf_flow_inverse_f64;
            }
        };
    }
    calls! {
        fn from_array(*mut *mut nf_dataset, *mut nf_context, i64, i64, *const Self) = nf_dataset_from_array, nf_dataset_from_array_f64;
        fn set_cond(*mut nf_dataset, i64, *const Self) = nf_dataset_set_cond, nf_dataset_set_cond_f64;
        fn copy(*const nf_dataset, i64, i64, *mut Self, *mut Self) = nf_dataset_copy, nf_dataset_copy_f64;
        fn log_prob(*const nf_flow, i64, *const Self, *const Self, *mut f64) = nf_flow_log_prob, nf_flow_log_prob_f64;
        fn sample(*const nf_flow, u64, i64, i64, *const Self, f64, *mut Self, *mut f64) = nf_flow_sample, nf_flow_sample_f64;
        fn score(*const nf_flow, i64, *const Self, *const Self, *mut f64, *mut Self) = nf_flow_score, nf_flow_score_f64;
        fn nll_grad(*mut nf_flow, i64, *const Self, *const Self, *const f64, *mut f64) = nf_flow_nll_grad_weighted, nf_flow_nll_grad_weighted_f64;
        fn params(*mut nf_flow, *mut *mut Self, *mut *mut Self, *mut i64) = nf_flow_params, nf_flow_params_f64;
        fn init_data(*mut nf_flow, i64, *const Self, *const Self) = nf_flow_init_data, nf_flow_init_data_f64;
        fn check(*const nf_flow, i64, *const Self, *const Self, *mut nf_check_report) = nf_flow_check, nf_flow_check_f64;
        fn solver_report(*const nf_flow, i64, *const Self, *const Self, *mut nf_solver_report) = nf_flow_solver_report, nf_flow_solver_report_f64;
        fn interpolate(*const nf_flow, i32, i64, *const Self, *const Self, *const Self, *mut Self) = nf_flow_interpolate, nf_flow_interpolate_f64;
        fn direction(*const nf_flow, i64, *const Self, *const Self, i64, *const Self, *const Self, *mut Self) = nf_flow_direction, nf_flow_direction_f64;
        fn moved(*const nf_flow, i64, *const Self, *const Self, *const Self, f64, *mut Self) = nf_flow_move, nf_flow_move_f64;
        fn sample_temperatures(*const nf_flow, u64, i64, i64, *const Self, i64, *const f64, *mut Self) = nf_flow_sample_temperatures, nf_flow_sample_temperatures_f64;
    }
}

/// The product, if it is a size at all.
pub(crate) fn elements(sizes: &[usize]) -> Result<usize> {
    let product = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    product
        .filter(|&n| n <= isize::MAX as usize)
        .ok_or_else(|| Error::new(Status::OVERFLOW, format!("{sizes:?} elements are too many")))
}

fn dim_of(flow: &Handle<sys::nf_flow>) -> usize {
    flow_sizes(flow).0
}

/// Rows of a flow: n, asserting what C relies on.
fn rows<T>(flow: &Handle<sys::nf_flow>, x: &Rows<'_, T>, cond: &Option<Rows<'_, T>>) -> i64 {
    assert_eq!(x.columns(), dim_of(flow));
    conds(flow, x.count(), cond);
    x.count() as i64
}

/// The pointer to cond for n rows.
fn conds<T>(flow: &Handle<sys::nf_flow>, n: usize, cond: &Option<Rows<'_, T>>) -> *const T {
    cond.as_ref().map_or(null(), |cond| {
        assert!(cond.columns() == flow_sizes(flow).1 && cond.count() == n);
        cond.data().as_ptr()
    })
}

fn optional(array: Option<&mut [f64]>, n: i64) -> *mut f64 {
    array.map_or(null_mut(), |array| {
        assert_eq!(array.len() as i64, n);
        array.as_mut_ptr()
    })
}

// ---- contexts

unsafe extern "C" fn call_log(user: *mut c_void, level: i32, line: *const c_char) {
    guard((), || {
        // SAFETY: user is the Hooks of the context, alive until `call_released`; line is a text for the call.
        let (hooks, line) = unsafe { (&*user.cast::<Hooks>(), CStr::from_ptr(line)) };
        let level = if level == sys::NF_LOG_WARNING as i32 { LogLevel::Warning } else { LogLevel::Info };
        if let Some(log) = &hooks.log {
            log(level, &line.to_string_lossy());
        }
    });
}

/// A task of C that may be run from any thread.
struct Task(unsafe extern "C" fn(*mut c_void, i64), *mut c_void);
// SAFETY: that is what nf_parallel_for_fn promises of it, for different i at once.
unsafe impl Sync for Task {}

impl Task {
    /// # Safety
    /// i in range, and not run before.
    unsafe fn run(&self, i: usize) {
        (self.0)(self.1, i as i64);
    }
}

unsafe extern "C" fn call_parallel_for(user: *mut c_void, n: i64, task: sys::nf_task_fn, arg: *mut c_void) {
    let Some(task) = task else { return };
    let task = Task(task, arg);
    let taken: Vec<AtomicBool> = (0..n).map(|_| AtomicBool::new(false)).collect();
    let run = |i: usize| {
        if taken.get(i).is_some_and(|taken| !taken.swap(true, Ordering::AcqRel)) {
            // SAFETY: in range, and the flag lets it through once.
            unsafe { task.run(i) }
        }
    };
    guard((), || {
        // SAFETY: user is the Hooks of the context, alive until `call_released`.
        let hooks = unsafe { &*user.cast::<Hooks>() };
        if let Some(parallel_for) = &hooks.parallel_for {
            parallel_for(taken.len(), &run); // borrowed: no thread can go on with it once this is back
        }
    });
    for i in 0..taken.len() {
        run(i); // those that were left out, after a panic too
    }
}

unsafe extern "C" fn call_released(user: *mut c_void) {
    // SAFETY: the pointer that `context_create` gave away, once.
    guard((), || drop(unsafe { Box::from_raw(user.cast::<Hooks>()) }));
}

pub(crate) fn context_create(config: &crate::ContextConfig, hooks: Hooks) -> Result<Handle<sys::nf_context>> {
    let mut c = config.to_c();
    let (log, parallel_for) = (hooks.log.is_some(), hooks.parallel_for.is_some());
    let user: *mut c_void = Box::into_raw(Box::new(hooks)).cast();
    if log {
        c.log = Some(call_log);
        c.log_user = user;
    }
    if parallel_for {
        c.parallel_for = Some(call_parallel_for);
        c.parallel_user = user;
    }
    c.released = Some(call_released);
    c.released_user = user;
    // SAFETY: out and config are valid; the context owns the hooks from here on.
    let made = make(|out| unsafe { sys::nf_context_create(out, &c) });
    if made.is_err() {
        // SAFETY: no context was made, so that it will not be freed there.
        drop(unsafe { Box::from_raw(user.cast::<Hooks>()) });
    }
    made
}

pub(crate) fn context_cancel(context: &Handle<sys::nf_context>, cancel: bool) {
    // SAFETY: alive; from any thread.
    unsafe {
        if cancel {
            sys::nf_context_cancel(context.lend());
        } else {
            sys::nf_context_resume(context.lend());
        }
    }
}

pub(crate) fn context_threads(context: &Handle<sys::nf_context>) -> usize {
    // SAFETY: alive.
    unsafe { sys::nf_context_threads(context.get()) as usize }
}

pub(crate) fn context_isa(context: &Handle<sys::nf_context>) -> &'static str {
    // SAFETY: alive.
    static_text(unsafe { sys::nf_context_isa(context.get()) })
}

// ---- layers and bases

/// A config that makes a layer.
#[allow(private_bounds)]
pub trait LayerConfigOf: LayerCreate {}
trait LayerCreate {
    fn create(&self, out: *mut *mut sys::nf_layer, context: *mut sys::nf_context) -> i32;
}

/// A config that makes a flow.
#[allow(private_bounds)]
pub trait FlowConfigOf: FlowCreate {}
trait FlowCreate {
    fn create(&self, out: *mut *mut sys::nf_flow, context: *mut sys::nf_context) -> i32;
}

macro_rules! creates {
    ($kind:ident, $create:ident, $object:ident: $($config:ident = $function:ident,)*) => {
        $(impl $create for crate::$config {
            fn create(&self, out: *mut *mut sys::$object, context: *mut sys::nf_context) -> i32 {
                // SAFETY: what the config points to is alive while self is.
                unsafe { sys::$function(out, context, &self.to_c()) }
            }
        }
        impl $kind for crate::$config {})*
    };
}
creates! { LayerConfigOf, LayerCreate, nf_layer:
    ActnormConfig = nf_actnorm_create,
    AffineConfig = nf_affine_create,
    AutoregressiveConfig = nf_autoregressive_create,
    CnfConfig = nf_cnf_create,
    ColumnsConfig = nf_columns_create,
    CouplingAffineConfig = nf_coupling_affine_create,
    CouplingConvConfig = nf_coupling_conv_create,
    CouplingSplineConfig = nf_coupling_spline_create,
    DequantiseConfig = nf_dequantise_create,
    HouseholderConfig = nf_householder_create,
    InvconvConfig = nf_invconv_create,
    LinearConfig = nf_linear_create,
    LogitConfig = nf_logit_create,
    PermutationConfig = nf_permutation_create,
    PlanarConfig = nf_planar_create,
    SplitConfig = nf_split_create,
    SqueezeConfig = nf_squeeze_create,
    StandardiseConfig = nf_standardise_create,
}
creates! { FlowConfigOf, FlowCreate, nf_flow:
    FfjordConfig = nf_flow_create_ffjord,
    GlowConfig = nf_flow_create_glow,
    RealnvpConfig = nf_flow_create_realnvp,
    RealnvpImageConfig = nf_flow_create_realnvp_image,
    TableConfig = nf_flow_create_nsf,
}

/// The recipes that share [`TableConfig`](crate::TableConfig); it makes a NSF where any config will do.
#[derive(Clone, Copy)]
pub(crate) enum TableRecipe {
    Nsf,
    Maf,
    Iaf,
    Nice,
}

pub(crate) fn flow_table(recipe: TableRecipe, config: &crate::TableConfig, context: Option<&Context>) -> Result<F> {
    let create = match recipe {
        TableRecipe::Nsf => sys::nf_flow_create_nsf,
        TableRecipe::Maf => sys::nf_flow_create_maf,
        TableRecipe::Iaf => sys::nf_flow_create_iaf,
        TableRecipe::Nice => sys::nf_flow_create_nice,
    };
    // SAFETY: what the config points to is alive while it is.
    make(|out| unsafe { create(out, context_of(context), &config.to_c()) })
}

pub(crate) fn layer_create(config: &impl LayerConfigOf, context: Option<&Context>) -> Result<Handle<sys::nf_layer>> {
    make(|out| config.create(out, context_of(context)))
}

pub(crate) fn layer_standardise(
    data: &Handle<sys::nf_dataset>,
    robust: bool,
    context: Option<&Context>,
) -> Result<Handle<sys::nf_layer>> {
    // SAFETY: alive; shared-read.
    make(|out| unsafe { sys::nf_standardise_from_dataset(out, context_of(context), data.get(), i32::from(robust)) })
}

pub(crate) fn layer_dim(layer: &Handle<sys::nf_layer>) -> usize {
    // SAFETY: alive.
    unsafe { sys::nf_layer_dim(layer.get()) as usize }
}

pub(crate) fn layer_type_name(layer: &Handle<sys::nf_layer>) -> String {
    // SAFETY: alive, and so the name.
    text_of(unsafe { sys::nf_layer_type_name(layer.get()) }).unwrap_or_default()
}

pub(crate) fn base_normal(dim: usize, context: Option<&Context>) -> Result<Handle<sys::nf_base>> {
    // SAFETY: valid arguments.
    make(|out| unsafe { sys::nf_base_normal_create(out, context_of(context), dim as i64) })
}

pub(crate) fn base_diagonal(dim: usize, context: Option<&Context>) -> Result<Handle<sys::nf_base>> {
    // SAFETY: valid arguments.
    make(|out| unsafe { sys::nf_base_diagonal_create(out, context_of(context), dim as i64) })
}

pub(crate) fn base_laplace(dim: usize, context: Option<&Context>) -> Result<Handle<sys::nf_base>> {
    // SAFETY: valid arguments.
    make(|out| unsafe { sys::nf_base_laplace_create(out, context_of(context), dim as i64) })
}

pub(crate) fn base_logistic(dim: usize, context: Option<&Context>) -> Result<Handle<sys::nf_base>> {
    // SAFETY: valid arguments.
    make(|out| unsafe { sys::nf_base_logistic_create(out, context_of(context), dim as i64) })
}

pub(crate) fn base_uniform(dim: usize, low: f64, high: f64, context: Option<&Context>) -> Result<Handle<sys::nf_base>> {
    // SAFETY: valid arguments.
    make(|out| unsafe { sys::nf_base_uniform_create(out, context_of(context), dim as i64, low, high) })
}

pub(crate) fn base_dim(base: &Handle<sys::nf_base>) -> usize {
    // SAFETY: alive.
    unsafe { sys::nf_base_dim(base.get()) as usize }
}

pub(crate) fn base_type_name(base: &Handle<sys::nf_base>) -> String {
    // SAFETY: alive.
    text_of(unsafe { sys::nf_base_type_name(base.get()) }).unwrap_or_default()
}

// ---- datasets

type Data = Handle<sys::nf_dataset>;

pub(crate) fn dataset_from_rows<T: Real>(x: Rows<'_, T>, context: Option<&Context>) -> Result<Data> {
    // SAFETY: x has count rows of columns elements.
    make(|out| unsafe { T::from_array(out, context_of(context), x.count() as i64, x.columns() as i64, x.data().as_ptr()) })
}

pub(crate) fn dataset_load(path: &Path, config: &crate::ReadConfig, context: Option<&Context>) -> Result<Data> {
    let path = c_path(path)?;
    // SAFETY: path and what the config points to are alive.
    make(|out| unsafe { sys::nf_dataset_load(out, context_of(context), path.as_ptr(), &config.to_c()) })
}

pub(crate) fn dataset_load_memory(bytes: &[u8], config: &crate::ReadConfig, context: Option<&Context>) -> Result<Data> {
    let (data, size) = (bytes.as_ptr().cast(), bytes.len() as i64);
    // SAFETY: bytes has size bytes.
    make(|out| unsafe { sys::nf_dataset_load_memory(out, context_of(context), data, size, &config.to_c()) })
}

pub(crate) fn dataset_synthetic(name: &str, n: usize, noise: f64, seed: u64, context: Option<&Context>) -> Result<Data> {
    let name = c_text("name", name.as_bytes())?;
    // SAFETY: name is alive.
    make(|out| unsafe { sys::nf_dataset_synthetic(out, context_of(context), name.as_ptr(), n as i64, noise, seed) })
}

pub(crate) fn dataset_entropy(name: &str, noise: f64) -> f64 {
    // SAFETY: name is alive.
    c_text("name", name.as_bytes()).map_or(f64::NAN, |name| unsafe { sys::nf_dataset_synthetic_entropy(name.as_ptr(), noise) })
}

/// Rows, dim, cond_dim.
pub(crate) fn dataset_sizes(data: &Data) -> (usize, usize, usize) {
    let data = data.get();
    // SAFETY: alive.
    unsafe { (sys::nf_dataset_rows(data) as usize, sys::nf_dataset_dim(data) as usize, sys::nf_dataset_cond_dim(data) as usize) }
}

pub(crate) fn dataset_column_name(data: &Data, column: usize) -> Option<String> {
    // SAFETY: alive, and so the name.
    text_of(unsafe { sys::nf_dataset_column_name(data.get(), column as i64) })
}

pub(crate) fn dataset_set_cond<T: Real>(data: &mut Data, cond: Option<Rows<'_, T>>) -> Result<()> {
    let (width, cond) = cond.map_or((0, null()), |cond| {
        assert_eq!(cond.count(), dataset_sizes(data).0);
        (cond.columns() as i64, cond.data().as_ptr())
    });
    // SAFETY: cond is NULL or has a row for each of the dataset; exclusive.
    done(unsafe { T::set_cond(data.get_mut(), width, cond) })
}

pub(crate) fn dataset_set_weights(data: &mut Data, weights: Option<&[f64]>) -> Result<()> {
    let weights = weights.map_or(null(), |weights| {
        assert_eq!(weights.len(), dataset_sizes(data).0);
        weights.as_ptr()
    });
    // SAFETY: NULL or a weight for each row; exclusive.
    done(unsafe { sys::nf_dataset_set_weights(data.get_mut(), weights) })
}

pub(crate) fn dataset_split(data: &Data, fraction: f64, seed: u64) -> Result<(Data, Data)> {
    let (mut first, mut second) = (null_mut(), null_mut());
    // SAFETY: alive; shared-read.
    let status = unsafe { sys::nf_dataset_split(data.get(), fraction, seed, &mut first, &mut second) };
    let parts = (NonNull::new(first).map(Handle), NonNull::new(second).map(Handle));
    check(status)?;
    match parts {
        (Some(first), Some(second)) => Ok((first, second)),
        _ => Err(Error::new(Status::HANDLE, "the library made no object")),
    }
}

pub(crate) fn dataset_copy<T: Real>(data: &Data, x: &mut [T], n: usize) -> Result<()> {
    assert_eq!(Ok(x.len()), elements(&[n, dataset_sizes(data).1]));
    // SAFETY: x has n rows.
    done(unsafe { T::copy(data.get(), 0, n as i64, x.as_mut_ptr(), null_mut()) })
}

pub(crate) fn dataset_check(data: &Data, column: usize) -> Result<sys::nf_column_report> {
    let mut report = report!(nf_column_report);
    // SAFETY: alive; the report has the size it says.
    done(unsafe { sys::nf_dataset_check(data.get(), column as i64, &mut report) })?;
    Ok(report)
}

// ---- optimizers

type Rule = Handle<sys::nf_optimizer>;
type AdamCreate = unsafe extern "C" fn(*mut *mut sys::nf_optimizer, *mut sys::nf_context, *const sys::nf_adam_config) -> i32;

pub(crate) fn optimizer_adam(create: AdamCreate, config: Option<&crate::AdamConfig>, context: Option<&Context>) -> Result<Rule> {
    let config = config.cloned().unwrap_or_default();
    // SAFETY: one of the three constructors of the library, with valid arguments.
    make(|out| unsafe { create(out, context_of(context), &config.to_c()) })
}

pub(crate) fn optimizer_sgd(config: Option<&crate::SgdConfig>, context: Option<&Context>) -> Result<Rule> {
    let config = config.cloned().unwrap_or_default();
    // SAFETY: valid arguments.
    make(|out| unsafe { sys::nf_optimizer_sgd_create(out, context_of(context), &config.to_c()) })
}

pub(crate) fn optimizer_step(rule: &mut Rule, flow: &mut Handle<sys::nf_flow>, max_norm: f64) -> Result<f64> {
    let mut norm = f64::NAN;
    // SAFETY: alive; exclusive on both.
    done(unsafe { sys::nf_optimizer_step_clipped(rule.get_mut(), flow.get_mut(), max_norm, &mut norm) })?;
    Ok(norm)
}

pub(crate) fn optimizer_lr(rule: &Rule) -> f64 {
    // SAFETY: alive.
    unsafe { sys::nf_optimizer_lr(rule.get()) }
}

pub(crate) fn optimizer_set_lr(rule: &mut Rule, lr: f64) -> Result<()> {
    // SAFETY: alive; exclusive.
    done(unsafe { sys::nf_optimizer_set_lr(rule.get_mut(), lr) })
}

pub(crate) fn optimizer_steps(rule: &Rule) -> usize {
    // SAFETY: alive.
    unsafe { sys::nf_optimizer_steps(rule.get()) as usize }
}

pub(crate) fn optimizer_reset(rule: &mut Rule) -> Result<()> {
    // SAFETY: alive; exclusive.
    done(unsafe { sys::nf_optimizer_reset(rule.get_mut()) })
}

pub(crate) fn optimizer_type_name(rule: &Rule) -> String {
    // SAFETY: alive.
    text_of(unsafe { sys::nf_optimizer_type_name(rule.get()) }).unwrap_or_default()
}

// ---- flows: what they are

type F = Handle<sys::nf_flow>;

pub(crate) fn flow_create(
    base: &Handle<sys::nf_base>,
    layers: &[&Handle<sys::nf_layer>],
    config: &crate::FlowConfig,
    context: Option<&Context>,
) -> Result<F> {
    let layers: Vec<_> = layers.iter().map(|layer| layer.lend()).collect();
    let (first, count) = (layers.as_ptr(), layers.len() as i64);
    // SAFETY: all are alive; C takes references of its own.
    make(|out| unsafe { sys::nf_flow_create(out, context_of(context), &config.to_c(), base.lend(), first, count) })
}

pub(crate) fn flow_recipe(config: &impl FlowConfigOf, context: Option<&Context>) -> Result<F> {
    make(|out| config.create(out, context_of(context)))
}

/// dim, cond_dim, parameters, layers.
pub(crate) fn flow_sizes(flow: &F) -> (usize, usize, usize, usize) {
    let f = flow.get();
    // SAFETY: alive.
    let sizes = unsafe { [sys::nf_flow_dim(f), sys::nf_flow_cond_dim(f), sys::nf_flow_param_count(f), sys::nf_flow_layers(f)] };
    (sizes[0] as usize, sizes[1] as usize, sizes[2] as usize, sizes[3] as usize)
}

pub(crate) fn flow_dtype(flow: &F) -> i32 {
    // SAFETY: alive.
    unsafe { sys::nf_flow_dtype(flow.get()) }
}

pub(crate) fn flow_layer(flow: &F, index: usize) -> Option<Handle<sys::nf_layer>> {
    // SAFETY: the layer is the flow's; a reference of our own is taken.
    NonNull::new(unsafe { sys::nf_layer_ref(sys::nf_flow_layer(flow.get(), index as i64)) }).map(Handle)
}

pub(crate) fn flow_base(flow: &F) -> Handle<sys::nf_base> {
    // SAFETY: every flow has a base; a reference of our own is taken.
    Handle(NonNull::new(unsafe { sys::nf_base_ref(sys::nf_flow_base(flow.get())) }).expect("a flow has a base"))
}

pub(crate) fn flow_info(flow: &F) -> Result<sys::nf_flow_info_report> {
    let mut report = report!(nf_flow_info_report);
    // SAFETY: alive; the report has the size it says.
    done(unsafe { sys::nf_flow_info(flow.get(), &mut report) })?;
    Ok(report)
}

pub(crate) fn flow_step_memory(flow: &F, n: usize) -> Result<sys::nf_step_memory_report> {
    let mut report = report!(nf_step_memory_report);
    // SAFETY: alive; the report has the size it says.
    done(unsafe { sys::nf_flow_step_memory(flow.get(), n as i64, &mut report) })?;
    Ok(report)
}

pub(crate) fn flow_image_shape(flow: &F) -> Result<ImageShape> {
    let (mut height, mut width, mut channels) = (0, 0, 0);
    // SAFETY: alive.
    done(unsafe { sys::nf_flow_image_shape(flow.get(), &mut height, &mut width, &mut channels) })?;
    Ok(ImageShape { height: height as usize, width: width as usize, channels: channels as usize })
}

pub(crate) fn flow_param_views(flow: &F) -> Result<Vec<ParamView>> {
    let mut views = Vec::new();
    for index in 0.. {
        let mut view = sys::nf_param_view::default();
        view.struct_size = std::mem::size_of_val(&view) as u32;
        // SAFETY: alive; the view has the size it says.
        match done(unsafe { sys::nf_flow_param(flow.get(), index, &mut view) }) {
            Err(error) if error.status == Status::ARG => break, // past the last
            other => other?,
        }
        views.push(ParamView {
            name: text_of(view.name.as_ptr()).unwrap_or_default(),
            offset: view.offset as usize,
            count: view.count as usize,
            shape: view.shape.iter().take(view.rank as usize).map(|&side| side as usize).collect(),
        });
    }
    Ok(views)
}

// ---- flows: rows

pub(crate) fn flow_log_prob<T: Real>(
    flow: &F,
    x: Rows<'_, T>,
    cond: Option<Rows<'_, T>>,
    log_prob: &mut [f64],
) -> Result<Outcome> {
    let n = rows(flow, &x, &cond);
    // SAFETY: all have n rows; shared-read.
    check(unsafe { T::log_prob(flow.get(), n, x.data().as_ptr(), conds(flow, x.count(), &cond), optional(Some(log_prob), n)) })
}

pub(crate) fn flow_sample<T: Real>(
    flow: &F,
    x: &mut [T],
    n: usize,
    draw: Draw,
    cond: Option<Rows<'_, T>>,
    log_prob: Option<&mut [f64]>,
) -> Result<Outcome> {
    assert_eq!(Ok(x.len()), elements(&[n, dim_of(flow)]));
    let (cond, rows, first) = (conds(flow, n, &cond), n as i64, draw.first as i64);
    // SAFETY: all have n rows; shared-read.
    check(unsafe {
        T::sample(flow.get(), draw.seed, first, rows, cond, draw.temperature, x.as_mut_ptr(), optional(log_prob, rows))
    })
}

pub(crate) fn flow_way<T: Real>(
    flow: &F,
    out: &mut [T],
    x: Rows<'_, T>,
    cond: Option<Rows<'_, T>>,
    log_det: Option<&mut [f64]>,
    way: Way<T>,
) -> Result<Outcome> {
    let n = rows(flow, &x, &cond);
    assert_eq!(out.len(), x.data().len());
    let cond = conds(flow, x.count(), &cond);
    // SAFETY: `way` is T::forward or T::inverse; all have n rows; shared-read.
    check(unsafe { way(flow.get(), n, x.data().as_ptr(), cond, out.as_mut_ptr(), optional(log_det, n)) })
}

pub(crate) fn flow_score<T: Real>(
    flow: &F,
    x: Rows<'_, T>,
    cond: Option<Rows<'_, T>>,
    log_prob: &mut [f64],
    grad_x: &mut [T],
) -> Result<Outcome> {
    let n = rows(flow, &x, &cond);
    assert_eq!(grad_x.len(), x.data().len());
    let cond = conds(flow, x.count(), &cond);
    // SAFETY: all have n rows; shared-read.
    check(unsafe { T::score(flow.get(), n, x.data().as_ptr(), cond, optional(Some(log_prob), n), grad_x.as_mut_ptr()) })
}

pub(crate) fn flow_interpolate<T: Real>(
    flow: &F,
    path: i32,
    steps: usize,
    x0: &[T],
    x1: &[T],
    cond: Option<Rows<'_, T>>,
    x: &mut [T],
) -> Result<Outcome> {
    let dim = dim_of(flow);
    assert!(x0.len() == dim && x1.len() == dim && Ok(x.len()) == elements(&[steps, dim]));
    let cond = conds(flow, steps, &cond);
    // SAFETY: x0 and x1 have a row, x and cond have steps; shared-read.
    check(unsafe { T::interpolate(flow.get(), path, steps as i64, x0.as_ptr(), x1.as_ptr(), cond, x.as_mut_ptr()) })
}

pub(crate) fn flow_direction<T: Real>(
    flow: &F,
    with: Rows<'_, T>,
    cond_with: Option<Rows<'_, T>>,
    without: Rows<'_, T>,
    cond_without: Option<Rows<'_, T>>,
    direction: &mut [T],
) -> Result<Outcome> {
    let (n, m) = (rows(flow, &with, &cond_with), rows(flow, &without, &cond_without));
    assert_eq!(direction.len(), dim_of(flow));
    let (c, d) = (conds(flow, with.count(), &cond_with), conds(flow, without.count(), &cond_without));
    let (x, y) = (with.data().as_ptr(), without.data().as_ptr());
    // SAFETY: n and m rows, direction has one; shared-read.
    check(unsafe { T::direction(flow.get(), n, x, c, m, y, d, direction.as_mut_ptr()) })
}

pub(crate) fn flow_move<T: Real>(
    flow: &F,
    x: Rows<'_, T>,
    cond: Option<Rows<'_, T>>,
    direction: &[T],
    amount: f64,
    out: &mut [T],
) -> Result<Outcome> {
    let n = rows(flow, &x, &cond);
    assert!(direction.len() == dim_of(flow) && out.len() == x.data().len());
    let cond = conds(flow, x.count(), &cond);
    // SAFETY: n rows, direction has one; shared-read.
    check(unsafe { T::moved(flow.get(), n, x.data().as_ptr(), cond, direction.as_ptr(), amount, out.as_mut_ptr()) })
}

pub(crate) fn flow_sample_temperatures<T: Real>(
    flow: &F,
    n: usize,
    draw: Draw,
    temperatures: &[f64],
    cond: Option<Rows<'_, T>>,
    x: &mut [T],
) -> Result<Outcome> {
    assert_eq!(Ok(x.len()), elements(&[temperatures.len(), n, dim_of(flow)]));
    let (cond, blocks, first) = (conds(flow, n, &cond), temperatures.len() as i64, draw.first as i64);
    let t = temperatures.as_ptr();
    // SAFETY: x has n rows for each temperature; shared-read.
    check(unsafe { T::sample_temperatures(flow.get(), draw.seed, first, n as i64, cond, blocks, t, x.as_mut_ptr()) })
}

pub(crate) fn flow_check<T: Real>(flow: &F, x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<sys::nf_check_report> {
    let (n, mut report) = (rows(flow, &x, &cond), report!(nf_check_report));
    let cond = conds(flow, x.count(), &cond);
    // SAFETY: n rows; the report has the size it says; shared-read.
    done(unsafe { <T as calls::Calls>::check(flow.get(), n, x.data().as_ptr(), cond, &mut report) })?;
    Ok(report)
}

pub(crate) fn flow_solver_report<T: Real>(flow: &F, x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<sys::nf_solver_report> {
    let (n, mut report) = (rows(flow, &x, &cond), report!(nf_solver_report));
    let cond = conds(flow, x.count(), &cond);
    // SAFETY: n rows; the report has the size it says; shared-read.
    done(unsafe { T::solver_report(flow.get(), n, x.data().as_ptr(), cond, &mut report) })?;
    Ok(report)
}

pub(crate) fn flow_mean_nll(flow: &F, data: &Data) -> Result<f64> {
    let mut mean = f64::NAN;
    // SAFETY: alive; shared-read.
    done(unsafe { sys::nf_flow_mean_nll(flow.get(), data.get(), &mut mean) })?;
    Ok(mean)
}

pub(crate) fn flow_reserve(flow: &F, n: usize) -> Result<()> {
    // SAFETY: alive; shared-read without gradient.
    done(unsafe { sys::nf_flow_reserve(flow.get(), n as i64, 0) })
}

pub(crate) fn flow_convert(flow: &F, dtype: i32) -> Result<F> {
    // SAFETY: alive; shared-read.
    make(|out| unsafe { sys::nf_flow_convert(out, flow.get(), dtype) })
}

pub(crate) fn flow_get_params(flow: &F, theta: &mut [f64]) -> Result<()> {
    // SAFETY: C holds the length to the number of parameters; shared-read.
    done(unsafe { sys::nf_flow_get_params(flow.get(), theta.len() as i64, theta.as_mut_ptr()) })
}

// ---- flows: files

pub(crate) fn flow_save(flow: &F, path: &Path) -> Result<()> {
    let path = c_path(path)?;
    // SAFETY: alive; shared-read.
    done(unsafe { sys::nf_flow_save(flow.get(), path.as_ptr()) })
}

pub(crate) fn flow_save_memory(flow: &F) -> Result<Vec<u8>> {
    let mut size = 0;
    // SAFETY: alive; NULL asks for the size.
    done(unsafe { sys::nf_flow_save_memory(flow.get(), null_mut(), 0, &mut size) })?;
    let mut bytes = vec![0; size as usize];
    // SAFETY: bytes has size bytes.
    done(unsafe { sys::nf_flow_save_memory(flow.get(), bytes.as_mut_ptr().cast(), size, &mut size) })?;
    Ok(bytes)
}

pub(crate) fn flow_to_json(flow: &F) -> Result<String> {
    let mut size = 0;
    // SAFETY: alive; NULL asks for the size.
    done(unsafe { sys::nf_flow_to_json(flow.get(), null_mut(), 0, &mut size) })?;
    let mut bytes = vec![0_u8; size as usize];
    // SAFETY: bytes has size bytes.
    done(unsafe { sys::nf_flow_to_json(flow.get(), bytes.as_mut_ptr().cast(), size, &mut size) })?;
    bytes.pop(); // the NUL
    String::from_utf8(bytes).map_err(|_| Error::new(Status::FORMAT, "to_json: the description is not UTF-8"))
}

pub(crate) fn flow_load(path: &Path, context: Option<&Context>) -> Result<F> {
    let path = c_path(path)?;
    // SAFETY: path is alive.
    make(|out| unsafe { sys::nf_flow_load(out, context_of(context), path.as_ptr()) })
}

pub(crate) fn flow_load_memory(bytes: &[u8], context: Option<&Context>) -> Result<F> {
    // SAFETY: bytes has as many bytes.
    make(|out| unsafe { sys::nf_flow_load_memory(out, context_of(context), bytes.as_ptr().cast(), bytes.len() as i64) })
}

pub(crate) fn flow_from_json(text: &str, context: Option<&Context>) -> Result<F> {
    let text = c_text("description", text.as_bytes())?;
    // SAFETY: text is alive.
    make(|out| unsafe { sys::nf_flow_from_json(out, context_of(context), text.as_ptr()) })
}

pub(crate) fn flow_verify(path: &Path, context: Option<&Context>) -> Result<f64> {
    let (path, mut error) = (c_path(path)?, f64::NAN);
    // SAFETY: path is alive.
    done(unsafe { sys::nf_flow_verify(context_of(context), path.as_ptr(), &mut error, null_mut()) })?;
    Ok(error)
}

// ---- flows: what writes

pub(crate) fn flow_nll_grad<T: Real>(
    flow: &mut F,
    x: Rows<'_, T>,
    cond: Option<Rows<'_, T>>,
    weights: Option<&[f64]>,
) -> Result<f64> {
    let (n, mut mean) = (rows(flow, &x, &cond), f64::NAN);
    let cond = conds(flow, x.count(), &cond);
    let weights = weights.map_or(null(), |weights| {
        assert_eq!(weights.len(), x.count());
        weights.as_ptr()
    });
    // SAFETY: all have n rows; exclusive.
    done(unsafe { T::nll_grad(flow.get_mut(), n, x.data().as_ptr(), cond, weights, &mut mean) })?;
    Ok(mean)
}

pub(crate) fn flow_zero_grad(flow: &mut F) -> Result<()> {
    // SAFETY: alive; exclusive.
    done(unsafe { sys::nf_flow_zero_grad(flow.get_mut()) })
}

pub(crate) fn flow_init_data<T: Real>(flow: &mut F, x: Rows<'_, T>, cond: Option<Rows<'_, T>>) -> Result<()> {
    let n = rows(flow, &x, &cond);
    let cond = conds(flow, x.count(), &cond);
    // SAFETY: all have n rows; exclusive.
    done(unsafe { T::init_data(flow.get_mut(), n, x.data().as_ptr(), cond) })
}

pub(crate) fn flow_set_params(flow: &mut F, theta: &[f64]) -> Result<()> {
    // SAFETY: C holds the length to the number of parameters; exclusive.
    done(unsafe { sys::nf_flow_set_params(flow.get_mut(), theta.len() as i64, theta.as_ptr()) })
}

pub(crate) fn flow_change_params<T: Real, R>(flow: &mut F, change: impl FnOnce(&mut [T], &mut [T]) -> R) -> Result<R> {
    struct Update(*mut sys::nf_flow);
    impl Drop for Update {
        fn drop(&mut self) {
            // SAFETY: the flow is borrowed for longer; exclusive. After a panic in `change` too.
            unsafe { sys::nf_flow_update(self.0) };
        }
    }
    let (mut theta, mut grad, mut count) = (null_mut(), null_mut(), 0);
    // SAFETY: alive; exclusive.
    done(unsafe { T::params(flow.get_mut(), &mut theta, &mut grad, &mut count) })?;
    if count == 0 {
        return Ok(change(&mut [], &mut []));
    }
    let _update = Update(flow.get_mut());
    // SAFETY: two blocks of count elements, which nobody else reaches while the flow is borrowed.
    Ok(unsafe {
        change(std::slice::from_raw_parts_mut(theta, count as usize), std::slice::from_raw_parts_mut(grad, count as usize))
    })
}

/// What the progress callback of a fit needs.
struct Fit<P> {
    progress: P,
    flow: *mut sys::nf_flow,
}

unsafe extern "C" fn call_progress<P>(user: *mut c_void, figures: *const sys::nf_fit_progress) -> i32
where
    P: FnMut(&Progress<'_>) -> ControlFlow<()>,
{
    guard(1, || {
        // SAFETY: user is the Fit of the running call, which nobody else uses; the figures are valid for this call.
        let (fit, figures) = unsafe { (&mut *user.cast::<Fit<P>>(), &*figures) };
        let Some(flow) = NonNull::new(fit.flow) else { return 1 };
        // Not a reference of its own: the view lives for this call alone, in which fit allows const calls.
        let view = ManuallyDrop::new(Model { handle: Handle(flow) });
        i32::from((fit.progress)(&Progress { figures, model: &view }).is_break())
    })
}

pub(crate) fn flow_fit<P>(
    flow: &mut F,
    rule: &mut Rule,
    train: &Data,
    valid: Option<&Data>,
    config: &crate::FitConfig,
    progress: P,
) -> Result<FitReport>
where
    P: FnMut(&Progress<'_>) -> ControlFlow<()>,
{
    let mut c = config.to_c();
    let room = c.epochs.clamp(100, 1 << 20) as usize; // 0 means 100
    let (mut curve_train, mut curve_valid) = (vec![f64::NAN; room], vec![f64::NAN; room]);
    let mut figures = report!(nf_fit_report);
    figures.curve_train = curve_train.as_mut_ptr();
    figures.curve_valid = curve_valid.as_mut_ptr();
    figures.curve_capacity = room as i64;
    let mut fit = Fit { progress, flow: flow.get_mut() };
    c.progress = Some(call_progress::<P>);
    c.progress_user = std::ptr::from_mut(&mut fit).cast();
    let valid = valid.map_or(null(), Handle::get);
    // SAFETY: all alive; exclusive on flow and rule, shared-read on the data; the curves have the room that the report says.
    let outcome = check(unsafe { sys::nf_flow_fit(flow.get_mut(), rule.get_mut(), train.get(), valid, &c, &mut figures) })?;
    let count = (figures.curve_count.max(0) as usize).min(room);
    curve_train.truncate(count);
    curve_valid.truncate(count);
    Ok(FitReport {
        outcome,
        stopped: figures.stopped,
        epochs: figures.epochs,
        steps: figures.steps,
        skipped: figures.skipped,
        rollbacks: figures.rollbacks,
        best_epoch: figures.best_epoch,
        train_nll: figures.train_nll,
        valid_nll: figures.valid_nll,
        seconds: figures.seconds,
        train_bits: figures.train_bits,
        valid_bits: figures.valid_bits,
        curve_train,
        curve_valid,
    })
}

// ---- densities known up to a factor

/// What the callbacks of one call need.
struct Target<D, P> {
    density: D,
    progress: P,
    cond_dim: usize,
}

unsafe extern "C" fn call_density<D, P>(
    user: *mut c_void,
    n: i64,
    dim: i64,
    x: *const f64,
    cond: *const f64,
    log_p: *mut f64,
    grad: *mut f64,
) -> i32
where
    D: FnMut(&mut Points<'_>) -> ControlFlow<()>,
{
    use std::slice::{from_raw_parts, from_raw_parts_mut};
    guard(1, || {
        // SAFETY: user is the Target of the running call, which nobody else uses; callbacks do not nest.
        let target = unsafe { &mut *user.cast::<Target<D, P>>() };
        let (n, dim) = (n as usize, dim as usize);
        // SAFETY: the arrays are valid for this call, with n rows, results perhaps not yet initialised; cond and grad may be NULL.
        let mut points = unsafe {
            (0..n).for_each(|i| log_p.add(i).write(f64::NAN));
            if !grad.is_null() {
                (0..n * dim).for_each(|i| grad.add(i).write(f64::NAN));
            }
            Points {
                dim,
                x: from_raw_parts(x, n * dim),
                cond: (!cond.is_null()).then(|| from_raw_parts(cond, n * target.cond_dim)),
                log_p: from_raw_parts_mut(log_p, n),
                grad: (!grad.is_null()).then(|| from_raw_parts_mut(grad, n * dim)),
            }
        };
        i32::from((target.density)(&mut points).is_break())
    })
}

unsafe extern "C" fn call_target_progress<D, P>(user: *mut c_void, figures: *const sys::nf_target_progress) -> i32
where
    P: FnMut(&sys::nf_target_progress) -> ControlFlow<()>,
{
    guard(1, || {
        // SAFETY: as above; the figures are valid for this call.
        let (target, figures) = unsafe { (&mut *user.cast::<Target<D, P>>(), &*figures) };
        i32::from((target.progress)(figures).is_break())
    })
}

pub(crate) fn flow_fit_target<D, P>(
    flow: &mut F,
    rule: &mut Rule,
    data: Option<&Data>,
    config: &crate::TargetConfig,
    density: D,
    progress: P,
) -> Result<(Outcome, sys::nf_target_report)>
where
    D: FnMut(&mut Points<'_>) -> ControlFlow<()>,
    P: FnMut(&sys::nf_target_progress) -> ControlFlow<()>,
{
    let mut target = Target { density, progress, cond_dim: flow_sizes(flow).1 };
    let user = std::ptr::from_mut(&mut target).cast();
    let mut c = config.to_c();
    c.progress = Some(call_target_progress::<D, P>);
    c.progress_user = user;
    let mut report = report!(nf_target_report);
    let data = data.map_or(null(), Handle::get);
    // SAFETY: all alive; exclusive on flow and rule, shared-read on the data; user outlives the call.
    let outcome = check(unsafe {
        sys::nf_flow_fit_target(flow.get_mut(), rule.get_mut(), Some(call_density::<D, P>), user, data, &c, &mut report)
    })?;
    Ok((outcome, report))
}

pub(crate) fn flow_importance<D>(
    flow: &F,
    draw: Draw,
    cond: Option<&[f64]>,
    x: &mut [f64],
    log_weight: &mut [f64],
    density: D,
) -> Result<sys::nf_importance_report>
where
    D: FnMut(&mut Points<'_>) -> ControlFlow<()>,
{
    let (dim, cond_dim, ..) = flow_sizes(flow);
    assert_eq!(Ok(x.len()), elements(&[log_weight.len(), dim]));
    assert_eq!(cond.map_or(0, <[f64]>::len), cond_dim);
    let mut target = Target { density, progress: (), cond_dim };
    let mut report = report!(nf_importance_report);
    // SAFETY: shared-read; x and log_weight have n rows, cond is one; the target outlives the call.
    check(unsafe {
        sys::nf_flow_importance(
            flow.get(),
            Some(call_density::<D, ()>),
            std::ptr::from_mut(&mut target).cast(),
            draw.seed,
            draw.first as i64,
            log_weight.len() as i64,
            cond.map_or(null(), <[f64]>::as_ptr),
            x.as_mut_ptr(),
            log_weight.as_mut_ptr(),
            &mut report,
        )
    })?;
    Ok(report)
}
