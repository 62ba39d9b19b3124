// SPDX-License-Identifier: MIT

//! The C functions of libnflow: normalizing flows, exact densities and exact samples.
//!
//! Declarations only, made by bindgen from the headers in `include/nflow`, which document them. The crate `nflow` is the safe
//! face of them.
#![no_std]
#![allow(non_camel_case_types, non_upper_case_globals)]

#[rustfmt::skip]
mod bindings;
pub use bindings::*;
