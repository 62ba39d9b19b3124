// SPDX-License-Identifier: MIT

//! The environment of other objects.

use crate::raw::{self, Handle};
use crate::{ContextConfig, Result};

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogLevel {
    /// Something is to be looked at.
    Warning,
    /// Something happened.
    Info,
}

type LogFn = dyn Fn(LogLevel, &str) + Send + Sync;
type ParallelFn = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + Send + Sync;

/// Closures of a context. They are dropped when the context's last reference is gone.
#[derive(Default)]
pub struct Hooks {
    pub(crate) log: Option<Box<LogFn>>,
    pub(crate) parallel_for: Option<Box<ParallelFn>>,
}

impl Hooks {
    /// None.
    #[must_use]
    pub fn new() -> Hooks {
        Hooks::default()
    }
    /// Lines about training: returns to good weights, a checkpoint not written.
    #[must_use]
    pub fn log(mut self, log: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Hooks {
        self.log = Some(Box::new(log));
        self
    }
    /// A loop on threads of the program's own: `run(n, task)` calls `task(i)` once for each `i` in `0..n`, anywhere, and returns
    /// when all are done. A task that it does not call, or calls twice, is run once all the same. Used when the context has
    /// more than one thread.
    #[must_use]
    pub fn parallel_for(mut self, run: impl Fn(usize, &(dyn Fn(usize) + Sync)) + Send + Sync + 'static) -> Hooks {
        self.parallel_for = Some(Box::new(run));
        self
    }
}

/// Memory, threads, log and limits of the objects made with it: `nflow/context.h`. A clone is another reference. Objects keep one.
#[derive(Clone)]
pub struct Context {
    pub(crate) handle: Handle<nflow_sys::nf_context>,
}

impl Context {
    /// A context of this configuration.
    pub fn new(config: &ContextConfig) -> Result<Context> {
        Context::with_hooks(config, Hooks::new())
    }
    /// The same with closures.
    pub fn with_hooks(config: &ContextConfig, hooks: Hooks) -> Result<Context> {
        Ok(Context { handle: raw::context_create(config, hooks)? })
    }
    /// Asks every long call on objects of this context to end, until [`Context::resume`].
    pub fn cancel(&self) {
        raw::context_cancel(&self.handle, true);
    }
    /// Takes the request of [`Context::cancel`] back.
    pub fn resume(&self) {
        raw::context_cancel(&self.handle, false);
    }
    /// The number of threads settled on.
    #[must_use]
    pub fn threads(&self) -> usize {
        raw::context_threads(&self.handle)
    }
    /// The instruction set of the native kernels.
    #[must_use]
    pub fn isa(&self) -> &'static str {
        raw::context_isa(&self.handle)
    }
}
