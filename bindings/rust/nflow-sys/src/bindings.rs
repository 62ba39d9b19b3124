// SPDX-License-Identifier: MIT
//
// Written by bindgen 0.72.1 (bindings/regenerate.sh) from include/nflow: do not edit.

pub const NF_LAYER_TYPE_VERSION: u32 = 1;
pub type nf_status = i32;
pub const NF_OK: _bindgen_ty_1 = 0;
pub const NF_ROWS_NONFINITE: _bindgen_ty_1 = 1;
pub const NF_STOPPED: _bindgen_ty_1 = 2;
pub const NF_ERR_NULL: _bindgen_ty_1 = -1;
pub const NF_ERR_ARG: _bindgen_ty_1 = -2;
pub const NF_ERR_SHAPE: _bindgen_ty_1 = -3;
pub const NF_ERR_OVERFLOW: _bindgen_ty_1 = -4;
pub const NF_ERR_ALIAS: _bindgen_ty_1 = -5;
pub const NF_ERR_MEMORY: _bindgen_ty_1 = -6;
pub const NF_ERR_HANDLE: _bindgen_ty_1 = -7;
pub const NF_ERR_CONFIG_SMALL: _bindgen_ty_1 = -8;
pub const NF_ERR_CONFIG_OLD: _bindgen_ty_1 = -9;
pub const NF_ERR_CONFIG_NEW: _bindgen_ty_1 = -10;
pub const NF_ERR_DTYPE: _bindgen_ty_1 = -11;
pub const NF_ERR_BUSY: _bindgen_ty_1 = -12;
pub const NF_ERR_STATE: _bindgen_ty_1 = -13;
pub const NF_ERR_CANCELLED: _bindgen_ty_1 = -14;
pub const NF_ERR_CALLBACK: _bindgen_ty_1 = -15;
pub const NF_ERR_LIMIT: _bindgen_ty_1 = -16;
pub const NF_ERR_IO: _bindgen_ty_1 = -17;
pub const NF_ERR_FORMAT: _bindgen_ty_1 = -18;
pub const NF_ERR_VERSION: _bindgen_ty_1 = -19;
pub const NF_ERR_CORRUPT: _bindgen_ty_1 = -20;
pub const NF_ERR_PARSE: _bindgen_ty_1 = -21;
pub const NF_ERR_UNKNOWN: _bindgen_ty_1 = -22;
pub const NF_ERR_DOMAIN: _bindgen_ty_1 = -23;
pub const NF_ERR_NONFINITE: _bindgen_ty_1 = -24;
pub const NF_ERR_SINGULAR: _bindgen_ty_1 = -25;
pub const NF_ERR_NOT_INVERTIBLE: _bindgen_ty_1 = -26;
pub const NF_ERR_DEGENERATE: _bindgen_ty_1 = -27;
pub const NF_ERR_DIVERGED: _bindgen_ty_1 = -28;
pub const NF_ERR_UNSUPPORTED: _bindgen_ty_1 = -29;
pub const NF_ERR_ODE_MAXSTEPS: _bindgen_ty_1 = -30;
pub const NF_ERR_ODE_STEP: _bindgen_ty_1 = -31;
pub const NF_ERR_ODE_TOL: _bindgen_ty_1 = -32;
pub const NF_ERR_ODE_RHS: _bindgen_ty_1 = -33;
pub type _bindgen_ty_1 = ::core::ffi::c_int;
pub const NF_F32: _bindgen_ty_2 = 1;
pub const NF_F64: _bindgen_ty_2 = 2;
pub type _bindgen_ty_2 = ::core::ffi::c_uint;
pub const NF_FIELD_I32: _bindgen_ty_3 = 1;
pub const NF_FIELD_I64: _bindgen_ty_3 = 2;
pub const NF_FIELD_U64: _bindgen_ty_3 = 3;
pub const NF_FIELD_F64: _bindgen_ty_3 = 4;
pub const NF_FIELD_CHOICE: _bindgen_ty_3 = 5;
pub const NF_FIELD_FLAG: _bindgen_ty_3 = 6;
pub const NF_FIELD_STRING: _bindgen_ty_3 = 7;
pub const NF_FIELD_I64_ARRAY: _bindgen_ty_3 = 8;
pub const NF_FIELD_F64_ARRAY: _bindgen_ty_3 = 9;
pub const NF_FIELD_POINTER: _bindgen_ty_3 = 10;
pub type _bindgen_ty_3 = ::core::ffi::c_uint;
pub const NF_FIELD_REQUIRED: _bindgen_ty_4 = 1;
pub const NF_FIELD_INITIAL: _bindgen_ty_4 = 2;
pub type _bindgen_ty_4 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_field {
    pub name: *const ::core::ffi::c_char,
    pub help: *const ::core::ffi::c_char,
    pub choices: *const ::core::ffi::c_char,
    pub kind: i32,
    pub properties: i32,
    pub offset: u32,
    pub count_offset: u32,
    pub fallback: f64,
    pub min: f64,
    pub max: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_field"][::core::mem::size_of::<nf_field>() - 64usize];
    ["Alignment of nf_field"][::core::mem::align_of::<nf_field>() - 8usize];
    ["Offset of field: nf_field::name"][::core::mem::offset_of!(nf_field, name) - 0usize];
    ["Offset of field: nf_field::help"][::core::mem::offset_of!(nf_field, help) - 8usize];
    ["Offset of field: nf_field::choices"][::core::mem::offset_of!(nf_field, choices) - 16usize];
    ["Offset of field: nf_field::kind"][::core::mem::offset_of!(nf_field, kind) - 24usize];
    ["Offset of field: nf_field::properties"][::core::mem::offset_of!(nf_field, properties) - 28usize];
    ["Offset of field: nf_field::offset"][::core::mem::offset_of!(nf_field, offset) - 32usize];
    ["Offset of field: nf_field::count_offset"][::core::mem::offset_of!(nf_field, count_offset) - 36usize];
    ["Offset of field: nf_field::fallback"][::core::mem::offset_of!(nf_field, fallback) - 40usize];
    ["Offset of field: nf_field::min"][::core::mem::offset_of!(nf_field, min) - 48usize];
    ["Offset of field: nf_field::max"][::core::mem::offset_of!(nf_field, max) - 56usize];
};
impl Default for nf_field {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_context {
    _unused: [u8; 0],
}
pub const NF_BACKEND_NATIVE: _bindgen_ty_5 = 1;
pub const NF_BACKEND_CBLAS: _bindgen_ty_5 = 2;
pub type _bindgen_ty_5 = ::core::ffi::c_uint;
pub const NF_ISA_BASELINE: _bindgen_ty_6 = 1;
pub const NF_ISA_AVX2: _bindgen_ty_6 = 2;
pub const NF_ISA_AVX512: _bindgen_ty_6 = 3;
pub const NF_ISA_NEON: _bindgen_ty_6 = 4;
pub type _bindgen_ty_6 = ::core::ffi::c_uint;
pub const NF_LOG_WARNING: _bindgen_ty_7 = 1;
pub const NF_LOG_INFO: _bindgen_ty_7 = 2;
pub type _bindgen_ty_7 = ::core::ffi::c_uint;
pub type nf_alloc_fn = ::core::option::Option<
    unsafe extern "C" fn(user: *mut ::core::ffi::c_void, size: i64, alignment: i64) -> *mut ::core::ffi::c_void,
>;
pub type nf_free_fn =
    ::core::option::Option<unsafe extern "C" fn(user: *mut ::core::ffi::c_void, ptr: *mut ::core::ffi::c_void, size: i64)>;
pub type nf_task_fn = ::core::option::Option<unsafe extern "C" fn(arg: *mut ::core::ffi::c_void, i: i64)>;
pub type nf_parallel_for_fn = ::core::option::Option<
    unsafe extern "C" fn(user: *mut ::core::ffi::c_void, n: i64, task: nf_task_fn, arg: *mut ::core::ffi::c_void),
>;
pub type nf_log_fn =
    ::core::option::Option<unsafe extern "C" fn(user: *mut ::core::ffi::c_void, level: i32, line: *const ::core::ffi::c_char)>;
pub type nf_released_fn = ::core::option::Option<unsafe extern "C" fn(user: *mut ::core::ffi::c_void)>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_context_config {
    pub struct_size: u32,
    pub threads: i32,
    pub backend: i32,
    pub isa: i32,
    pub strict: i32,
    pub reserved: i32,
    pub memory_budget: i64,
    pub max_file_bytes: i64,
    pub max_layers: i64,
    pub max_dim: i64,
    pub max_elements: i64,
    pub max_solver_steps: i64,
    pub alloc: nf_alloc_fn,
    pub free: nf_free_fn,
    pub alloc_user: *mut ::core::ffi::c_void,
    pub parallel_for: nf_parallel_for_fn,
    pub parallel_user: *mut ::core::ffi::c_void,
    pub log: nf_log_fn,
    pub log_user: *mut ::core::ffi::c_void,
    pub released: nf_released_fn,
    pub released_user: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_context_config"][::core::mem::size_of::<nf_context_config>() - 144usize];
    ["Alignment of nf_context_config"][::core::mem::align_of::<nf_context_config>() - 8usize];
    ["Offset of field: nf_context_config::struct_size"][::core::mem::offset_of!(nf_context_config, struct_size) - 0usize];
    ["Offset of field: nf_context_config::threads"][::core::mem::offset_of!(nf_context_config, threads) - 4usize];
    ["Offset of field: nf_context_config::backend"][::core::mem::offset_of!(nf_context_config, backend) - 8usize];
    ["Offset of field: nf_context_config::isa"][::core::mem::offset_of!(nf_context_config, isa) - 12usize];
    ["Offset of field: nf_context_config::strict"][::core::mem::offset_of!(nf_context_config, strict) - 16usize];
    ["Offset of field: nf_context_config::reserved"][::core::mem::offset_of!(nf_context_config, reserved) - 20usize];
    ["Offset of field: nf_context_config::memory_budget"][::core::mem::offset_of!(nf_context_config, memory_budget) - 24usize];
    ["Offset of field: nf_context_config::max_file_bytes"][::core::mem::offset_of!(nf_context_config, max_file_bytes) - 32usize];
    ["Offset of field: nf_context_config::max_layers"][::core::mem::offset_of!(nf_context_config, max_layers) - 40usize];
    ["Offset of field: nf_context_config::max_dim"][::core::mem::offset_of!(nf_context_config, max_dim) - 48usize];
    ["Offset of field: nf_context_config::max_elements"][::core::mem::offset_of!(nf_context_config, max_elements) - 56usize];
    ["Offset of field: nf_context_config::max_solver_steps"]
        [::core::mem::offset_of!(nf_context_config, max_solver_steps) - 64usize];
    ["Offset of field: nf_context_config::alloc"][::core::mem::offset_of!(nf_context_config, alloc) - 72usize];
    ["Offset of field: nf_context_config::free"][::core::mem::offset_of!(nf_context_config, free) - 80usize];
    ["Offset of field: nf_context_config::alloc_user"][::core::mem::offset_of!(nf_context_config, alloc_user) - 88usize];
    ["Offset of field: nf_context_config::parallel_for"][::core::mem::offset_of!(nf_context_config, parallel_for) - 96usize];
    ["Offset of field: nf_context_config::parallel_user"][::core::mem::offset_of!(nf_context_config, parallel_user) - 104usize];
    ["Offset of field: nf_context_config::log"][::core::mem::offset_of!(nf_context_config, log) - 112usize];
    ["Offset of field: nf_context_config::log_user"][::core::mem::offset_of!(nf_context_config, log_user) - 120usize];
    ["Offset of field: nf_context_config::released"][::core::mem::offset_of!(nf_context_config, released) - 128usize];
    ["Offset of field: nf_context_config::released_user"][::core::mem::offset_of!(nf_context_config, released_user) - 136usize];
};
impl Default for nf_context_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_layer {
    _unused: [u8; 0],
}
pub const NF_ACTIVATION_RELU: _bindgen_ty_8 = 1;
pub const NF_ACTIVATION_LEAKY_RELU: _bindgen_ty_8 = 2;
pub const NF_ACTIVATION_TANH: _bindgen_ty_8 = 3;
pub const NF_ACTIVATION_SOFTPLUS: _bindgen_ty_8 = 4;
pub const NF_ACTIVATION_SILU: _bindgen_ty_8 = 5;
pub const NF_ACTIVATION_ELU: _bindgen_ty_8 = 6;
pub type _bindgen_ty_8 = ::core::ffi::c_uint;
pub const NF_WEIGHTS_GLOROT: _bindgen_ty_9 = 1;
pub const NF_WEIGHTS_HE: _bindgen_ty_9 = 2;
pub const NF_WEIGHTS_LECUN: _bindgen_ty_9 = 3;
pub const NF_WEIGHTS_SPREAD: _bindgen_ty_9 = 4;
pub type _bindgen_ty_9 = ::core::ffi::c_uint;
pub const NF_SCALE_TANH: _bindgen_ty_10 = 1;
pub const NF_SCALE_SAFE: _bindgen_ty_10 = 2;
pub const NF_SCALE_ASYMMETRIC: _bindgen_ty_10 = 3;
pub const NF_SCALE_SIGMOID: _bindgen_ty_10 = 4;
pub const NF_SCALE_SIGMOID_EPS: _bindgen_ty_10 = 5;
pub const NF_SCALE_SOFTPLUS: _bindgen_ty_10 = 6;
pub const NF_SCALE_SOFTCLIP: _bindgen_ty_10 = 7;
pub const NF_SCALE_EXP: _bindgen_ty_10 = 8;
pub const NF_SCALE_ADDITIVE: _bindgen_ty_10 = 9;
pub const NF_SCALE_SOFTPLUS_EPS: _bindgen_ty_10 = 10;
pub type _bindgen_ty_10 = ::core::ffi::c_uint;
pub const NF_SPLINE_SAFE: _bindgen_ty_11 = 1;
pub const NF_SPLINE_FREE: _bindgen_ty_11 = 2;
pub const NF_SPLINE_SOFTCLIP: _bindgen_ty_11 = 3;
pub type _bindgen_ty_11 = ::core::ffi::c_uint;
pub const NF_IMAGE_MASK_CHANNELS: _bindgen_ty_12 = 1;
pub const NF_IMAGE_MASK_CHECKERBOARD: _bindgen_ty_12 = 2;
pub const NF_IMAGE_MASK_ALL: _bindgen_ty_12 = 3;
pub type _bindgen_ty_12 = ::core::ffi::c_uint;
pub const NF_CONV_GLOW: _bindgen_ty_13 = 1;
pub const NF_CONV_RESIDUAL: _bindgen_ty_13 = 2;
pub const NF_CONV_LINEAR: _bindgen_ty_13 = 3;
pub type _bindgen_ty_13 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_coupling_conv_config {
    pub struct_size: u32,
    pub mask: i32,
    pub height: i64,
    pub width: i64,
    pub channels: i64,
    pub cond_dim: i64,
    pub swap: i32,
    pub scale: i32,
    pub bound: f64,
    pub net: i32,
    pub reserved: i32,
    pub hidden: i64,
    pub blocks: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_coupling_conv_config"][::core::mem::size_of::<nf_coupling_conv_config>() - 80usize];
    ["Alignment of nf_coupling_conv_config"][::core::mem::align_of::<nf_coupling_conv_config>() - 8usize];
    ["Offset of field: nf_coupling_conv_config::struct_size"]
        [::core::mem::offset_of!(nf_coupling_conv_config, struct_size) - 0usize];
    ["Offset of field: nf_coupling_conv_config::mask"][::core::mem::offset_of!(nf_coupling_conv_config, mask) - 4usize];
    ["Offset of field: nf_coupling_conv_config::height"][::core::mem::offset_of!(nf_coupling_conv_config, height) - 8usize];
    ["Offset of field: nf_coupling_conv_config::width"][::core::mem::offset_of!(nf_coupling_conv_config, width) - 16usize];
    ["Offset of field: nf_coupling_conv_config::channels"][::core::mem::offset_of!(nf_coupling_conv_config, channels) - 24usize];
    ["Offset of field: nf_coupling_conv_config::cond_dim"][::core::mem::offset_of!(nf_coupling_conv_config, cond_dim) - 32usize];
    ["Offset of field: nf_coupling_conv_config::swap"][::core::mem::offset_of!(nf_coupling_conv_config, swap) - 40usize];
    ["Offset of field: nf_coupling_conv_config::scale"][::core::mem::offset_of!(nf_coupling_conv_config, scale) - 44usize];
    ["Offset of field: nf_coupling_conv_config::bound"][::core::mem::offset_of!(nf_coupling_conv_config, bound) - 48usize];
    ["Offset of field: nf_coupling_conv_config::net"][::core::mem::offset_of!(nf_coupling_conv_config, net) - 56usize];
    ["Offset of field: nf_coupling_conv_config::reserved"][::core::mem::offset_of!(nf_coupling_conv_config, reserved) - 60usize];
    ["Offset of field: nf_coupling_conv_config::hidden"][::core::mem::offset_of!(nf_coupling_conv_config, hidden) - 64usize];
    ["Offset of field: nf_coupling_conv_config::blocks"][::core::mem::offset_of!(nf_coupling_conv_config, blocks) - 72usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_split_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub height: i64,
    pub width: i64,
    pub channels: i64,
    pub keep: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_split_config"][::core::mem::size_of::<nf_split_config>() - 40usize];
    ["Alignment of nf_split_config"][::core::mem::align_of::<nf_split_config>() - 8usize];
    ["Offset of field: nf_split_config::struct_size"][::core::mem::offset_of!(nf_split_config, struct_size) - 0usize];
    ["Offset of field: nf_split_config::reserved"][::core::mem::offset_of!(nf_split_config, reserved) - 4usize];
    ["Offset of field: nf_split_config::height"][::core::mem::offset_of!(nf_split_config, height) - 8usize];
    ["Offset of field: nf_split_config::width"][::core::mem::offset_of!(nf_split_config, width) - 16usize];
    ["Offset of field: nf_split_config::channels"][::core::mem::offset_of!(nf_split_config, channels) - 24usize];
    ["Offset of field: nf_split_config::keep"][::core::mem::offset_of!(nf_split_config, keep) - 32usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_permutation_config {
    pub struct_size: u32,
    pub kind: i32,
    pub dim: i64,
    pub seed: u64,
    pub index: *const i64,
    pub n_index: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_permutation_config"][::core::mem::size_of::<nf_permutation_config>() - 40usize];
    ["Alignment of nf_permutation_config"][::core::mem::align_of::<nf_permutation_config>() - 8usize];
    ["Offset of field: nf_permutation_config::struct_size"][::core::mem::offset_of!(nf_permutation_config, struct_size) - 0usize];
    ["Offset of field: nf_permutation_config::kind"][::core::mem::offset_of!(nf_permutation_config, kind) - 4usize];
    ["Offset of field: nf_permutation_config::dim"][::core::mem::offset_of!(nf_permutation_config, dim) - 8usize];
    ["Offset of field: nf_permutation_config::seed"][::core::mem::offset_of!(nf_permutation_config, seed) - 16usize];
    ["Offset of field: nf_permutation_config::index"][::core::mem::offset_of!(nf_permutation_config, index) - 24usize];
    ["Offset of field: nf_permutation_config::n_index"][::core::mem::offset_of!(nf_permutation_config, n_index) - 32usize];
};
impl Default for nf_permutation_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub const NF_PERMUTATION_INDEX: _bindgen_ty_14 = 1;
pub const NF_PERMUTATION_RANDOM: _bindgen_ty_14 = 2;
pub const NF_PERMUTATION_REVERSE: _bindgen_ty_14 = 3;
pub type _bindgen_ty_14 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_actnorm_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub channels: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_actnorm_config"][::core::mem::size_of::<nf_actnorm_config>() - 24usize];
    ["Alignment of nf_actnorm_config"][::core::mem::align_of::<nf_actnorm_config>() - 8usize];
    ["Offset of field: nf_actnorm_config::struct_size"][::core::mem::offset_of!(nf_actnorm_config, struct_size) - 0usize];
    ["Offset of field: nf_actnorm_config::reserved"][::core::mem::offset_of!(nf_actnorm_config, reserved) - 4usize];
    ["Offset of field: nf_actnorm_config::dim"][::core::mem::offset_of!(nf_actnorm_config, dim) - 8usize];
    ["Offset of field: nf_actnorm_config::channels"][::core::mem::offset_of!(nf_actnorm_config, channels) - 16usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_affine_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub bound: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_affine_config"][::core::mem::size_of::<nf_affine_config>() - 24usize];
    ["Alignment of nf_affine_config"][::core::mem::align_of::<nf_affine_config>() - 8usize];
    ["Offset of field: nf_affine_config::struct_size"][::core::mem::offset_of!(nf_affine_config, struct_size) - 0usize];
    ["Offset of field: nf_affine_config::reserved"][::core::mem::offset_of!(nf_affine_config, reserved) - 4usize];
    ["Offset of field: nf_affine_config::dim"][::core::mem::offset_of!(nf_affine_config, dim) - 8usize];
    ["Offset of field: nf_affine_config::bound"][::core::mem::offset_of!(nf_affine_config, bound) - 16usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_standardise_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub mean: *const f64,
    pub n_mean: i64,
    pub sd: *const f64,
    pub n_sd: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_standardise_config"][::core::mem::size_of::<nf_standardise_config>() - 48usize];
    ["Alignment of nf_standardise_config"][::core::mem::align_of::<nf_standardise_config>() - 8usize];
    ["Offset of field: nf_standardise_config::struct_size"][::core::mem::offset_of!(nf_standardise_config, struct_size) - 0usize];
    ["Offset of field: nf_standardise_config::reserved"][::core::mem::offset_of!(nf_standardise_config, reserved) - 4usize];
    ["Offset of field: nf_standardise_config::dim"][::core::mem::offset_of!(nf_standardise_config, dim) - 8usize];
    ["Offset of field: nf_standardise_config::mean"][::core::mem::offset_of!(nf_standardise_config, mean) - 16usize];
    ["Offset of field: nf_standardise_config::n_mean"][::core::mem::offset_of!(nf_standardise_config, n_mean) - 24usize];
    ["Offset of field: nf_standardise_config::sd"][::core::mem::offset_of!(nf_standardise_config, sd) - 32usize];
    ["Offset of field: nf_standardise_config::n_sd"][::core::mem::offset_of!(nf_standardise_config, n_sd) - 40usize];
};
impl Default for nf_standardise_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_logit_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub alpha: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_logit_config"][::core::mem::size_of::<nf_logit_config>() - 24usize];
    ["Alignment of nf_logit_config"][::core::mem::align_of::<nf_logit_config>() - 8usize];
    ["Offset of field: nf_logit_config::struct_size"][::core::mem::offset_of!(nf_logit_config, struct_size) - 0usize];
    ["Offset of field: nf_logit_config::reserved"][::core::mem::offset_of!(nf_logit_config, reserved) - 4usize];
    ["Offset of field: nf_logit_config::dim"][::core::mem::offset_of!(nf_logit_config, dim) - 8usize];
    ["Offset of field: nf_logit_config::alpha"][::core::mem::offset_of!(nf_logit_config, alpha) - 16usize];
};
pub const NF_LINEAR_PLU: _bindgen_ty_15 = 1;
pub const NF_LINEAR_PLAIN: _bindgen_ty_15 = 2;
pub type _bindgen_ty_15 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_linear_config {
    pub struct_size: u32,
    pub form: i32,
    pub dim: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_linear_config"][::core::mem::size_of::<nf_linear_config>() - 16usize];
    ["Alignment of nf_linear_config"][::core::mem::align_of::<nf_linear_config>() - 8usize];
    ["Offset of field: nf_linear_config::struct_size"][::core::mem::offset_of!(nf_linear_config, struct_size) - 0usize];
    ["Offset of field: nf_linear_config::form"][::core::mem::offset_of!(nf_linear_config, form) - 4usize];
    ["Offset of field: nf_linear_config::dim"][::core::mem::offset_of!(nf_linear_config, dim) - 8usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_householder_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub reflections: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_householder_config"][::core::mem::size_of::<nf_householder_config>() - 24usize];
    ["Alignment of nf_householder_config"][::core::mem::align_of::<nf_householder_config>() - 8usize];
    ["Offset of field: nf_householder_config::struct_size"][::core::mem::offset_of!(nf_householder_config, struct_size) - 0usize];
    ["Offset of field: nf_householder_config::reserved"][::core::mem::offset_of!(nf_householder_config, reserved) - 4usize];
    ["Offset of field: nf_householder_config::dim"][::core::mem::offset_of!(nf_householder_config, dim) - 8usize];
    ["Offset of field: nf_householder_config::reflections"]
        [::core::mem::offset_of!(nf_householder_config, reflections) - 16usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_invconv_config {
    pub struct_size: u32,
    pub form: i32,
    pub height: i64,
    pub width: i64,
    pub channels: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_invconv_config"][::core::mem::size_of::<nf_invconv_config>() - 32usize];
    ["Alignment of nf_invconv_config"][::core::mem::align_of::<nf_invconv_config>() - 8usize];
    ["Offset of field: nf_invconv_config::struct_size"][::core::mem::offset_of!(nf_invconv_config, struct_size) - 0usize];
    ["Offset of field: nf_invconv_config::form"][::core::mem::offset_of!(nf_invconv_config, form) - 4usize];
    ["Offset of field: nf_invconv_config::height"][::core::mem::offset_of!(nf_invconv_config, height) - 8usize];
    ["Offset of field: nf_invconv_config::width"][::core::mem::offset_of!(nf_invconv_config, width) - 16usize];
    ["Offset of field: nf_invconv_config::channels"][::core::mem::offset_of!(nf_invconv_config, channels) - 24usize];
};
pub const NF_SQUEEZE_ROWS: _bindgen_ty_16 = 1;
pub const NF_SQUEEZE_DIAGONAL: _bindgen_ty_16 = 2;
pub type _bindgen_ty_16 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_squeeze_config {
    pub struct_size: u32,
    pub order: i32,
    pub height: i64,
    pub width: i64,
    pub channels: i64,
    pub reverse: i32,
    pub reserved: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_squeeze_config"][::core::mem::size_of::<nf_squeeze_config>() - 40usize];
    ["Alignment of nf_squeeze_config"][::core::mem::align_of::<nf_squeeze_config>() - 8usize];
    ["Offset of field: nf_squeeze_config::struct_size"][::core::mem::offset_of!(nf_squeeze_config, struct_size) - 0usize];
    ["Offset of field: nf_squeeze_config::order"][::core::mem::offset_of!(nf_squeeze_config, order) - 4usize];
    ["Offset of field: nf_squeeze_config::height"][::core::mem::offset_of!(nf_squeeze_config, height) - 8usize];
    ["Offset of field: nf_squeeze_config::width"][::core::mem::offset_of!(nf_squeeze_config, width) - 16usize];
    ["Offset of field: nf_squeeze_config::channels"][::core::mem::offset_of!(nf_squeeze_config, channels) - 24usize];
    ["Offset of field: nf_squeeze_config::reverse"][::core::mem::offset_of!(nf_squeeze_config, reverse) - 32usize];
    ["Offset of field: nf_squeeze_config::reserved"][::core::mem::offset_of!(nf_squeeze_config, reserved) - 36usize];
};
pub const NF_NOISE_ALWAYS: _bindgen_ty_17 = 1;
pub const NF_NOISE_TRAINING: _bindgen_ty_17 = 2;
pub type _bindgen_ty_17 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_dequantise_config {
    pub struct_size: u32,
    pub noise: i32,
    pub dim: i64,
    pub bits: i32,
    pub reserved: i32,
    pub shift: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_dequantise_config"][::core::mem::size_of::<nf_dequantise_config>() - 32usize];
    ["Alignment of nf_dequantise_config"][::core::mem::align_of::<nf_dequantise_config>() - 8usize];
    ["Offset of field: nf_dequantise_config::struct_size"][::core::mem::offset_of!(nf_dequantise_config, struct_size) - 0usize];
    ["Offset of field: nf_dequantise_config::noise"][::core::mem::offset_of!(nf_dequantise_config, noise) - 4usize];
    ["Offset of field: nf_dequantise_config::dim"][::core::mem::offset_of!(nf_dequantise_config, dim) - 8usize];
    ["Offset of field: nf_dequantise_config::bits"][::core::mem::offset_of!(nf_dequantise_config, bits) - 16usize];
    ["Offset of field: nf_dequantise_config::reserved"][::core::mem::offset_of!(nf_dequantise_config, reserved) - 20usize];
    ["Offset of field: nf_dequantise_config::shift"][::core::mem::offset_of!(nf_dequantise_config, shift) - 24usize];
};
pub const NF_COLUMN_REAL: _bindgen_ty_18 = 1;
pub const NF_COLUMN_POSITIVE: _bindgen_ty_18 = 2;
pub const NF_COLUMN_BOUNDED: _bindgen_ty_18 = 3;
pub const NF_COLUMN_INTEGER: _bindgen_ty_18 = 4;
pub const NF_COLUMN_PERIODIC: _bindgen_ty_18 = 5;
pub type _bindgen_ty_18 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_columns_config {
    pub struct_size: u32,
    pub noise: i32,
    pub dim: i64,
    pub kind: *const i64,
    pub n_kind: i64,
    pub low: *const f64,
    pub n_low: i64,
    pub high: *const f64,
    pub n_high: i64,
    pub alpha: f64,
    pub half_turn: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_columns_config"][::core::mem::size_of::<nf_columns_config>() - 80usize];
    ["Alignment of nf_columns_config"][::core::mem::align_of::<nf_columns_config>() - 8usize];
    ["Offset of field: nf_columns_config::struct_size"][::core::mem::offset_of!(nf_columns_config, struct_size) - 0usize];
    ["Offset of field: nf_columns_config::noise"][::core::mem::offset_of!(nf_columns_config, noise) - 4usize];
    ["Offset of field: nf_columns_config::dim"][::core::mem::offset_of!(nf_columns_config, dim) - 8usize];
    ["Offset of field: nf_columns_config::kind"][::core::mem::offset_of!(nf_columns_config, kind) - 16usize];
    ["Offset of field: nf_columns_config::n_kind"][::core::mem::offset_of!(nf_columns_config, n_kind) - 24usize];
    ["Offset of field: nf_columns_config::low"][::core::mem::offset_of!(nf_columns_config, low) - 32usize];
    ["Offset of field: nf_columns_config::n_low"][::core::mem::offset_of!(nf_columns_config, n_low) - 40usize];
    ["Offset of field: nf_columns_config::high"][::core::mem::offset_of!(nf_columns_config, high) - 48usize];
    ["Offset of field: nf_columns_config::n_high"][::core::mem::offset_of!(nf_columns_config, n_high) - 56usize];
    ["Offset of field: nf_columns_config::alpha"][::core::mem::offset_of!(nf_columns_config, alpha) - 64usize];
    ["Offset of field: nf_columns_config::half_turn"][::core::mem::offset_of!(nf_columns_config, half_turn) - 72usize];
};
impl Default for nf_columns_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub const NF_TRANSFORM_AFFINE: _bindgen_ty_19 = 1;
pub const NF_TRANSFORM_SPLINE: _bindgen_ty_19 = 2;
pub type _bindgen_ty_19 = ::core::ffi::c_uint;
pub const NF_AUTOREGRESSIVE_FORWARD: _bindgen_ty_20 = 1;
pub const NF_AUTOREGRESSIVE_INVERSE: _bindgen_ty_20 = 2;
pub type _bindgen_ty_20 = ::core::ffi::c_uint;
pub const NF_ORDER_ASCENDING: _bindgen_ty_21 = 1;
pub const NF_ORDER_REVERSED: _bindgen_ty_21 = 2;
pub const NF_ORDER_INDEX: _bindgen_ty_21 = 3;
pub type _bindgen_ty_21 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_autoregressive_config {
    pub struct_size: u32,
    pub transform: i32,
    pub dim: i64,
    pub cond_dim: i64,
    pub direction: i32,
    pub order: i32,
    pub activation: i32,
    pub weights: i32,
    pub random_last: i32,
    pub scale: i32,
    pub bound: f64,
    pub bins: i32,
    pub circular: i32,
    pub form: i32,
    pub reserved: i32,
    pub spline_bound: f64,
    pub min_width: f64,
    pub min_height: f64,
    pub min_slope: f64,
    pub logit_bound: f64,
    pub hidden: *const i64,
    pub n_hidden: i64,
    pub index: *const i64,
    pub n_index: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_autoregressive_config"][::core::mem::size_of::<nf_autoregressive_config>() - 144usize];
    ["Alignment of nf_autoregressive_config"][::core::mem::align_of::<nf_autoregressive_config>() - 8usize];
    ["Offset of field: nf_autoregressive_config::struct_size"]
        [::core::mem::offset_of!(nf_autoregressive_config, struct_size) - 0usize];
    ["Offset of field: nf_autoregressive_config::transform"]
        [::core::mem::offset_of!(nf_autoregressive_config, transform) - 4usize];
    ["Offset of field: nf_autoregressive_config::dim"][::core::mem::offset_of!(nf_autoregressive_config, dim) - 8usize];
    ["Offset of field: nf_autoregressive_config::cond_dim"]
        [::core::mem::offset_of!(nf_autoregressive_config, cond_dim) - 16usize];
    ["Offset of field: nf_autoregressive_config::direction"]
        [::core::mem::offset_of!(nf_autoregressive_config, direction) - 24usize];
    ["Offset of field: nf_autoregressive_config::order"][::core::mem::offset_of!(nf_autoregressive_config, order) - 28usize];
    ["Offset of field: nf_autoregressive_config::activation"]
        [::core::mem::offset_of!(nf_autoregressive_config, activation) - 32usize];
    ["Offset of field: nf_autoregressive_config::weights"][::core::mem::offset_of!(nf_autoregressive_config, weights) - 36usize];
    ["Offset of field: nf_autoregressive_config::random_last"]
        [::core::mem::offset_of!(nf_autoregressive_config, random_last) - 40usize];
    ["Offset of field: nf_autoregressive_config::scale"][::core::mem::offset_of!(nf_autoregressive_config, scale) - 44usize];
    ["Offset of field: nf_autoregressive_config::bound"][::core::mem::offset_of!(nf_autoregressive_config, bound) - 48usize];
    ["Offset of field: nf_autoregressive_config::bins"][::core::mem::offset_of!(nf_autoregressive_config, bins) - 56usize];
    ["Offset of field: nf_autoregressive_config::circular"]
        [::core::mem::offset_of!(nf_autoregressive_config, circular) - 60usize];
    ["Offset of field: nf_autoregressive_config::form"][::core::mem::offset_of!(nf_autoregressive_config, form) - 64usize];
    ["Offset of field: nf_autoregressive_config::reserved"]
        [::core::mem::offset_of!(nf_autoregressive_config, reserved) - 68usize];
    ["Offset of field: nf_autoregressive_config::spline_bound"]
        [::core::mem::offset_of!(nf_autoregressive_config, spline_bound) - 72usize];
    ["Offset of field: nf_autoregressive_config::min_width"]
        [::core::mem::offset_of!(nf_autoregressive_config, min_width) - 80usize];
    ["Offset of field: nf_autoregressive_config::min_height"]
        [::core::mem::offset_of!(nf_autoregressive_config, min_height) - 88usize];
    ["Offset of field: nf_autoregressive_config::min_slope"]
        [::core::mem::offset_of!(nf_autoregressive_config, min_slope) - 96usize];
    ["Offset of field: nf_autoregressive_config::logit_bound"]
        [::core::mem::offset_of!(nf_autoregressive_config, logit_bound) - 104usize];
    ["Offset of field: nf_autoregressive_config::hidden"][::core::mem::offset_of!(nf_autoregressive_config, hidden) - 112usize];
    ["Offset of field: nf_autoregressive_config::n_hidden"]
        [::core::mem::offset_of!(nf_autoregressive_config, n_hidden) - 120usize];
    ["Offset of field: nf_autoregressive_config::index"][::core::mem::offset_of!(nf_autoregressive_config, index) - 128usize];
    ["Offset of field: nf_autoregressive_config::n_index"][::core::mem::offset_of!(nf_autoregressive_config, n_index) - 136usize];
};
impl Default for nf_autoregressive_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_base {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_base_normal_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub columns: *const i64,
    pub n_columns: i64,
    pub temperature: *const f64,
    pub n_temperature: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_normal_config"][::core::mem::size_of::<nf_base_normal_config>() - 48usize];
    ["Alignment of nf_base_normal_config"][::core::mem::align_of::<nf_base_normal_config>() - 8usize];
    ["Offset of field: nf_base_normal_config::struct_size"][::core::mem::offset_of!(nf_base_normal_config, struct_size) - 0usize];
    ["Offset of field: nf_base_normal_config::reserved"][::core::mem::offset_of!(nf_base_normal_config, reserved) - 4usize];
    ["Offset of field: nf_base_normal_config::dim"][::core::mem::offset_of!(nf_base_normal_config, dim) - 8usize];
    ["Offset of field: nf_base_normal_config::columns"][::core::mem::offset_of!(nf_base_normal_config, columns) - 16usize];
    ["Offset of field: nf_base_normal_config::n_columns"][::core::mem::offset_of!(nf_base_normal_config, n_columns) - 24usize];
    ["Offset of field: nf_base_normal_config::temperature"]
        [::core::mem::offset_of!(nf_base_normal_config, temperature) - 32usize];
    ["Offset of field: nf_base_normal_config::n_temperature"]
        [::core::mem::offset_of!(nf_base_normal_config, n_temperature) - 40usize];
};
impl Default for nf_base_normal_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_base_diagonal_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_diagonal_config"][::core::mem::size_of::<nf_base_diagonal_config>() - 16usize];
    ["Alignment of nf_base_diagonal_config"][::core::mem::align_of::<nf_base_diagonal_config>() - 8usize];
    ["Offset of field: nf_base_diagonal_config::struct_size"]
        [::core::mem::offset_of!(nf_base_diagonal_config, struct_size) - 0usize];
    ["Offset of field: nf_base_diagonal_config::reserved"][::core::mem::offset_of!(nf_base_diagonal_config, reserved) - 4usize];
    ["Offset of field: nf_base_diagonal_config::dim"][::core::mem::offset_of!(nf_base_diagonal_config, dim) - 8usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_base_uniform_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub low: f64,
    pub high: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_uniform_config"][::core::mem::size_of::<nf_base_uniform_config>() - 32usize];
    ["Alignment of nf_base_uniform_config"][::core::mem::align_of::<nf_base_uniform_config>() - 8usize];
    ["Offset of field: nf_base_uniform_config::struct_size"]
        [::core::mem::offset_of!(nf_base_uniform_config, struct_size) - 0usize];
    ["Offset of field: nf_base_uniform_config::reserved"][::core::mem::offset_of!(nf_base_uniform_config, reserved) - 4usize];
    ["Offset of field: nf_base_uniform_config::dim"][::core::mem::offset_of!(nf_base_uniform_config, dim) - 8usize];
    ["Offset of field: nf_base_uniform_config::low"][::core::mem::offset_of!(nf_base_uniform_config, low) - 16usize];
    ["Offset of field: nf_base_uniform_config::high"][::core::mem::offset_of!(nf_base_uniform_config, high) - 24usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_base_box_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub low: *const f64,
    pub n_low: i64,
    pub high: *const f64,
    pub n_high: i64,
    pub normal: *const i64,
    pub n_normal: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_box_config"][::core::mem::size_of::<nf_base_box_config>() - 64usize];
    ["Alignment of nf_base_box_config"][::core::mem::align_of::<nf_base_box_config>() - 8usize];
    ["Offset of field: nf_base_box_config::struct_size"][::core::mem::offset_of!(nf_base_box_config, struct_size) - 0usize];
    ["Offset of field: nf_base_box_config::reserved"][::core::mem::offset_of!(nf_base_box_config, reserved) - 4usize];
    ["Offset of field: nf_base_box_config::dim"][::core::mem::offset_of!(nf_base_box_config, dim) - 8usize];
    ["Offset of field: nf_base_box_config::low"][::core::mem::offset_of!(nf_base_box_config, low) - 16usize];
    ["Offset of field: nf_base_box_config::n_low"][::core::mem::offset_of!(nf_base_box_config, n_low) - 24usize];
    ["Offset of field: nf_base_box_config::high"][::core::mem::offset_of!(nf_base_box_config, high) - 32usize];
    ["Offset of field: nf_base_box_config::n_high"][::core::mem::offset_of!(nf_base_box_config, n_high) - 40usize];
    ["Offset of field: nf_base_box_config::normal"][::core::mem::offset_of!(nf_base_box_config, normal) - 48usize];
    ["Offset of field: nf_base_box_config::n_normal"][::core::mem::offset_of!(nf_base_box_config, n_normal) - 56usize];
};
impl Default for nf_base_box_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_base_normal_full_config {
    pub struct_size: u32,
    pub fixed: i32,
    pub dim: i64,
    pub mean: *const f64,
    pub n_mean: i64,
    pub covariance: *const f64,
    pub n_covariance: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_normal_full_config"][::core::mem::size_of::<nf_base_normal_full_config>() - 48usize];
    ["Alignment of nf_base_normal_full_config"][::core::mem::align_of::<nf_base_normal_full_config>() - 8usize];
    ["Offset of field: nf_base_normal_full_config::struct_size"]
        [::core::mem::offset_of!(nf_base_normal_full_config, struct_size) - 0usize];
    ["Offset of field: nf_base_normal_full_config::fixed"][::core::mem::offset_of!(nf_base_normal_full_config, fixed) - 4usize];
    ["Offset of field: nf_base_normal_full_config::dim"][::core::mem::offset_of!(nf_base_normal_full_config, dim) - 8usize];
    ["Offset of field: nf_base_normal_full_config::mean"][::core::mem::offset_of!(nf_base_normal_full_config, mean) - 16usize];
    ["Offset of field: nf_base_normal_full_config::n_mean"]
        [::core::mem::offset_of!(nf_base_normal_full_config, n_mean) - 24usize];
    ["Offset of field: nf_base_normal_full_config::covariance"]
        [::core::mem::offset_of!(nf_base_normal_full_config, covariance) - 32usize];
    ["Offset of field: nf_base_normal_full_config::n_covariance"]
        [::core::mem::offset_of!(nf_base_normal_full_config, n_covariance) - 40usize];
};
impl Default for nf_base_normal_full_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_base_mixture_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub components: i64,
    pub spread: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_mixture_config"][::core::mem::size_of::<nf_base_mixture_config>() - 32usize];
    ["Alignment of nf_base_mixture_config"][::core::mem::align_of::<nf_base_mixture_config>() - 8usize];
    ["Offset of field: nf_base_mixture_config::struct_size"]
        [::core::mem::offset_of!(nf_base_mixture_config, struct_size) - 0usize];
    ["Offset of field: nf_base_mixture_config::reserved"][::core::mem::offset_of!(nf_base_mixture_config, reserved) - 4usize];
    ["Offset of field: nf_base_mixture_config::dim"][::core::mem::offset_of!(nf_base_mixture_config, dim) - 8usize];
    ["Offset of field: nf_base_mixture_config::components"]
        [::core::mem::offset_of!(nf_base_mixture_config, components) - 16usize];
    ["Offset of field: nf_base_mixture_config::spread"][::core::mem::offset_of!(nf_base_mixture_config, spread) - 24usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_base_student_config {
    pub struct_size: u32,
    pub fixed: i32,
    pub dim: i64,
    pub df: f64,
    pub df_fixed: i32,
    pub reserved: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_student_config"][::core::mem::size_of::<nf_base_student_config>() - 32usize];
    ["Alignment of nf_base_student_config"][::core::mem::align_of::<nf_base_student_config>() - 8usize];
    ["Offset of field: nf_base_student_config::struct_size"]
        [::core::mem::offset_of!(nf_base_student_config, struct_size) - 0usize];
    ["Offset of field: nf_base_student_config::fixed"][::core::mem::offset_of!(nf_base_student_config, fixed) - 4usize];
    ["Offset of field: nf_base_student_config::dim"][::core::mem::offset_of!(nf_base_student_config, dim) - 8usize];
    ["Offset of field: nf_base_student_config::df"][::core::mem::offset_of!(nf_base_student_config, df) - 16usize];
    ["Offset of field: nf_base_student_config::df_fixed"][::core::mem::offset_of!(nf_base_student_config, df_fixed) - 24usize];
    ["Offset of field: nf_base_student_config::reserved"][::core::mem::offset_of!(nf_base_student_config, reserved) - 28usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_base_laplace_config {
    pub struct_size: u32,
    pub fixed: i32,
    pub dim: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_laplace_config"][::core::mem::size_of::<nf_base_laplace_config>() - 16usize];
    ["Alignment of nf_base_laplace_config"][::core::mem::align_of::<nf_base_laplace_config>() - 8usize];
    ["Offset of field: nf_base_laplace_config::struct_size"]
        [::core::mem::offset_of!(nf_base_laplace_config, struct_size) - 0usize];
    ["Offset of field: nf_base_laplace_config::fixed"][::core::mem::offset_of!(nf_base_laplace_config, fixed) - 4usize];
    ["Offset of field: nf_base_laplace_config::dim"][::core::mem::offset_of!(nf_base_laplace_config, dim) - 8usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_base_logistic_config {
    pub struct_size: u32,
    pub fixed: i32,
    pub dim: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_logistic_config"][::core::mem::size_of::<nf_base_logistic_config>() - 16usize];
    ["Alignment of nf_base_logistic_config"][::core::mem::align_of::<nf_base_logistic_config>() - 8usize];
    ["Offset of field: nf_base_logistic_config::struct_size"]
        [::core::mem::offset_of!(nf_base_logistic_config, struct_size) - 0usize];
    ["Offset of field: nf_base_logistic_config::fixed"][::core::mem::offset_of!(nf_base_logistic_config, fixed) - 4usize];
    ["Offset of field: nf_base_logistic_config::dim"][::core::mem::offset_of!(nf_base_logistic_config, dim) - 8usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_base_normal_conditional_config {
    pub struct_size: u32,
    pub activation: i32,
    pub dim: i64,
    pub cond_dim: i64,
    pub hidden: *const i64,
    pub n_hidden: i64,
    pub bound: f64,
    pub weights: i32,
    pub reserved: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_base_normal_conditional_config"][::core::mem::size_of::<nf_base_normal_conditional_config>() - 56usize];
    ["Alignment of nf_base_normal_conditional_config"][::core::mem::align_of::<nf_base_normal_conditional_config>() - 8usize];
    ["Offset of field: nf_base_normal_conditional_config::struct_size"]
        [::core::mem::offset_of!(nf_base_normal_conditional_config, struct_size) - 0usize];
    ["Offset of field: nf_base_normal_conditional_config::activation"]
        [::core::mem::offset_of!(nf_base_normal_conditional_config, activation) - 4usize];
    ["Offset of field: nf_base_normal_conditional_config::dim"]
        [::core::mem::offset_of!(nf_base_normal_conditional_config, dim) - 8usize];
    ["Offset of field: nf_base_normal_conditional_config::cond_dim"]
        [::core::mem::offset_of!(nf_base_normal_conditional_config, cond_dim) - 16usize];
    ["Offset of field: nf_base_normal_conditional_config::hidden"]
        [::core::mem::offset_of!(nf_base_normal_conditional_config, hidden) - 24usize];
    ["Offset of field: nf_base_normal_conditional_config::n_hidden"]
        [::core::mem::offset_of!(nf_base_normal_conditional_config, n_hidden) - 32usize];
    ["Offset of field: nf_base_normal_conditional_config::bound"]
        [::core::mem::offset_of!(nf_base_normal_conditional_config, bound) - 40usize];
    ["Offset of field: nf_base_normal_conditional_config::weights"]
        [::core::mem::offset_of!(nf_base_normal_conditional_config, weights) - 48usize];
    ["Offset of field: nf_base_normal_conditional_config::reserved"]
        [::core::mem::offset_of!(nf_base_normal_conditional_config, reserved) - 52usize];
};
impl Default for nf_base_normal_conditional_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub const NF_MASK_ALTERNATING: _bindgen_ty_22 = 1;
pub const NF_MASK_HALF: _bindgen_ty_22 = 2;
pub const NF_MASK_INDEX: _bindgen_ty_22 = 3;
pub type _bindgen_ty_22 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_coupling_affine_config {
    pub struct_size: u32,
    pub mask: i32,
    pub dim: i64,
    pub cond_dim: i64,
    pub swap: i32,
    pub scale: i32,
    pub bound: f64,
    pub separate: i32,
    pub activation: i32,
    pub weights: i32,
    pub random_last: i32,
    pub shift_first: i32,
    pub reserved: i32,
    pub hidden: *const i64,
    pub n_hidden: i64,
    pub index: *const i64,
    pub n_index: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_coupling_affine_config"][::core::mem::size_of::<nf_coupling_affine_config>() - 96usize];
    ["Alignment of nf_coupling_affine_config"][::core::mem::align_of::<nf_coupling_affine_config>() - 8usize];
    ["Offset of field: nf_coupling_affine_config::struct_size"]
        [::core::mem::offset_of!(nf_coupling_affine_config, struct_size) - 0usize];
    ["Offset of field: nf_coupling_affine_config::mask"][::core::mem::offset_of!(nf_coupling_affine_config, mask) - 4usize];
    ["Offset of field: nf_coupling_affine_config::dim"][::core::mem::offset_of!(nf_coupling_affine_config, dim) - 8usize];
    ["Offset of field: nf_coupling_affine_config::cond_dim"]
        [::core::mem::offset_of!(nf_coupling_affine_config, cond_dim) - 16usize];
    ["Offset of field: nf_coupling_affine_config::swap"][::core::mem::offset_of!(nf_coupling_affine_config, swap) - 24usize];
    ["Offset of field: nf_coupling_affine_config::scale"][::core::mem::offset_of!(nf_coupling_affine_config, scale) - 28usize];
    ["Offset of field: nf_coupling_affine_config::bound"][::core::mem::offset_of!(nf_coupling_affine_config, bound) - 32usize];
    ["Offset of field: nf_coupling_affine_config::separate"]
        [::core::mem::offset_of!(nf_coupling_affine_config, separate) - 40usize];
    ["Offset of field: nf_coupling_affine_config::activation"]
        [::core::mem::offset_of!(nf_coupling_affine_config, activation) - 44usize];
    ["Offset of field: nf_coupling_affine_config::weights"]
        [::core::mem::offset_of!(nf_coupling_affine_config, weights) - 48usize];
    ["Offset of field: nf_coupling_affine_config::random_last"]
        [::core::mem::offset_of!(nf_coupling_affine_config, random_last) - 52usize];
    ["Offset of field: nf_coupling_affine_config::shift_first"]
        [::core::mem::offset_of!(nf_coupling_affine_config, shift_first) - 56usize];
    ["Offset of field: nf_coupling_affine_config::reserved"]
        [::core::mem::offset_of!(nf_coupling_affine_config, reserved) - 60usize];
    ["Offset of field: nf_coupling_affine_config::hidden"][::core::mem::offset_of!(nf_coupling_affine_config, hidden) - 64usize];
    ["Offset of field: nf_coupling_affine_config::n_hidden"]
        [::core::mem::offset_of!(nf_coupling_affine_config, n_hidden) - 72usize];
    ["Offset of field: nf_coupling_affine_config::index"][::core::mem::offset_of!(nf_coupling_affine_config, index) - 80usize];
    ["Offset of field: nf_coupling_affine_config::n_index"]
        [::core::mem::offset_of!(nf_coupling_affine_config, n_index) - 88usize];
};
impl Default for nf_coupling_affine_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_coupling_spline_config {
    pub struct_size: u32,
    pub mask: i32,
    pub dim: i64,
    pub cond_dim: i64,
    pub swap: i32,
    pub form: i32,
    pub bins: i32,
    pub activation: i32,
    pub bound: f64,
    pub min_width: f64,
    pub min_height: f64,
    pub min_slope: f64,
    pub logit_bound: f64,
    pub weights: i32,
    pub random_last: i32,
    pub hidden: *const i64,
    pub n_hidden: i64,
    pub index: *const i64,
    pub n_index: i64,
    pub periodic: *const i64,
    pub n_periodic: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_coupling_spline_config"][::core::mem::size_of::<nf_coupling_spline_config>() - 136usize];
    ["Alignment of nf_coupling_spline_config"][::core::mem::align_of::<nf_coupling_spline_config>() - 8usize];
    ["Offset of field: nf_coupling_spline_config::struct_size"]
        [::core::mem::offset_of!(nf_coupling_spline_config, struct_size) - 0usize];
    ["Offset of field: nf_coupling_spline_config::mask"][::core::mem::offset_of!(nf_coupling_spline_config, mask) - 4usize];
    ["Offset of field: nf_coupling_spline_config::dim"][::core::mem::offset_of!(nf_coupling_spline_config, dim) - 8usize];
    ["Offset of field: nf_coupling_spline_config::cond_dim"]
        [::core::mem::offset_of!(nf_coupling_spline_config, cond_dim) - 16usize];
    ["Offset of field: nf_coupling_spline_config::swap"][::core::mem::offset_of!(nf_coupling_spline_config, swap) - 24usize];
    ["Offset of field: nf_coupling_spline_config::form"][::core::mem::offset_of!(nf_coupling_spline_config, form) - 28usize];
    ["Offset of field: nf_coupling_spline_config::bins"][::core::mem::offset_of!(nf_coupling_spline_config, bins) - 32usize];
    ["Offset of field: nf_coupling_spline_config::activation"]
        [::core::mem::offset_of!(nf_coupling_spline_config, activation) - 36usize];
    ["Offset of field: nf_coupling_spline_config::bound"][::core::mem::offset_of!(nf_coupling_spline_config, bound) - 40usize];
    ["Offset of field: nf_coupling_spline_config::min_width"]
        [::core::mem::offset_of!(nf_coupling_spline_config, min_width) - 48usize];
    ["Offset of field: nf_coupling_spline_config::min_height"]
        [::core::mem::offset_of!(nf_coupling_spline_config, min_height) - 56usize];
    ["Offset of field: nf_coupling_spline_config::min_slope"]
        [::core::mem::offset_of!(nf_coupling_spline_config, min_slope) - 64usize];
    ["Offset of field: nf_coupling_spline_config::logit_bound"]
        [::core::mem::offset_of!(nf_coupling_spline_config, logit_bound) - 72usize];
    ["Offset of field: nf_coupling_spline_config::weights"]
        [::core::mem::offset_of!(nf_coupling_spline_config, weights) - 80usize];
    ["Offset of field: nf_coupling_spline_config::random_last"]
        [::core::mem::offset_of!(nf_coupling_spline_config, random_last) - 84usize];
    ["Offset of field: nf_coupling_spline_config::hidden"][::core::mem::offset_of!(nf_coupling_spline_config, hidden) - 88usize];
    ["Offset of field: nf_coupling_spline_config::n_hidden"]
        [::core::mem::offset_of!(nf_coupling_spline_config, n_hidden) - 96usize];
    ["Offset of field: nf_coupling_spline_config::index"][::core::mem::offset_of!(nf_coupling_spline_config, index) - 104usize];
    ["Offset of field: nf_coupling_spline_config::n_index"]
        [::core::mem::offset_of!(nf_coupling_spline_config, n_index) - 112usize];
    ["Offset of field: nf_coupling_spline_config::periodic"]
        [::core::mem::offset_of!(nf_coupling_spline_config, periodic) - 120usize];
    ["Offset of field: nf_coupling_spline_config::n_periodic"]
        [::core::mem::offset_of!(nf_coupling_spline_config, n_periodic) - 128usize];
};
impl Default for nf_coupling_spline_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_flow {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_flow_config {
    pub struct_size: u32,
    pub dtype: i32,
    pub seed: u64,
    pub cond_dim: i64,
    pub cond_mean: *const f64,
    pub n_cond_mean: i64,
    pub cond_sd: *const f64,
    pub n_cond_sd: i64,
    pub embed_hidden: *const i64,
    pub n_embed_hidden: i64,
    pub embed_dim: i64,
    pub embed_activation: i32,
    pub cond_standardise: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_flow_config"][::core::mem::size_of::<nf_flow_config>() - 88usize];
    ["Alignment of nf_flow_config"][::core::mem::align_of::<nf_flow_config>() - 8usize];
    ["Offset of field: nf_flow_config::struct_size"][::core::mem::offset_of!(nf_flow_config, struct_size) - 0usize];
    ["Offset of field: nf_flow_config::dtype"][::core::mem::offset_of!(nf_flow_config, dtype) - 4usize];
    ["Offset of field: nf_flow_config::seed"][::core::mem::offset_of!(nf_flow_config, seed) - 8usize];
    ["Offset of field: nf_flow_config::cond_dim"][::core::mem::offset_of!(nf_flow_config, cond_dim) - 16usize];
    ["Offset of field: nf_flow_config::cond_mean"][::core::mem::offset_of!(nf_flow_config, cond_mean) - 24usize];
    ["Offset of field: nf_flow_config::n_cond_mean"][::core::mem::offset_of!(nf_flow_config, n_cond_mean) - 32usize];
    ["Offset of field: nf_flow_config::cond_sd"][::core::mem::offset_of!(nf_flow_config, cond_sd) - 40usize];
    ["Offset of field: nf_flow_config::n_cond_sd"][::core::mem::offset_of!(nf_flow_config, n_cond_sd) - 48usize];
    ["Offset of field: nf_flow_config::embed_hidden"][::core::mem::offset_of!(nf_flow_config, embed_hidden) - 56usize];
    ["Offset of field: nf_flow_config::n_embed_hidden"][::core::mem::offset_of!(nf_flow_config, n_embed_hidden) - 64usize];
    ["Offset of field: nf_flow_config::embed_dim"][::core::mem::offset_of!(nf_flow_config, embed_dim) - 72usize];
    ["Offset of field: nf_flow_config::embed_activation"][::core::mem::offset_of!(nf_flow_config, embed_activation) - 80usize];
    ["Offset of field: nf_flow_config::cond_standardise"][::core::mem::offset_of!(nf_flow_config, cond_standardise) - 84usize];
};
impl Default for nf_flow_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub const NF_PRESET_DEFAULT: _bindgen_ty_23 = 1;
pub const NF_PRESET_BOOK: _bindgen_ty_23 = 2;
pub type _bindgen_ty_23 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_realnvp_config {
    pub struct_size: u32,
    pub preset: i32,
    pub dim: i64,
    pub cond_dim: i64,
    pub layers: i64,
    pub hidden: *const i64,
    pub n_hidden: i64,
    pub activation: i32,
    pub mask: i32,
    pub scale: i32,
    pub separate: i32,
    pub actnorm: i32,
    pub dtype: i32,
    pub weights: i32,
    pub reserved: i32,
    pub bound: f64,
    pub seed: u64,
    pub mean: *const f64,
    pub n_mean: i64,
    pub sd: *const f64,
    pub n_sd: i64,
    pub cond_mean: *const f64,
    pub n_cond_mean: i64,
    pub cond_sd: *const f64,
    pub n_cond_sd: i64,
    pub embed_hidden: *const i64,
    pub n_embed_hidden: i64,
    pub embed_dim: i64,
    pub embed_activation: i32,
    pub cond_standardise: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_realnvp_config"][::core::mem::size_of::<nf_realnvp_config>() - 192usize];
    ["Alignment of nf_realnvp_config"][::core::mem::align_of::<nf_realnvp_config>() - 8usize];
    ["Offset of field: nf_realnvp_config::struct_size"][::core::mem::offset_of!(nf_realnvp_config, struct_size) - 0usize];
    ["Offset of field: nf_realnvp_config::preset"][::core::mem::offset_of!(nf_realnvp_config, preset) - 4usize];
    ["Offset of field: nf_realnvp_config::dim"][::core::mem::offset_of!(nf_realnvp_config, dim) - 8usize];
    ["Offset of field: nf_realnvp_config::cond_dim"][::core::mem::offset_of!(nf_realnvp_config, cond_dim) - 16usize];
    ["Offset of field: nf_realnvp_config::layers"][::core::mem::offset_of!(nf_realnvp_config, layers) - 24usize];
    ["Offset of field: nf_realnvp_config::hidden"][::core::mem::offset_of!(nf_realnvp_config, hidden) - 32usize];
    ["Offset of field: nf_realnvp_config::n_hidden"][::core::mem::offset_of!(nf_realnvp_config, n_hidden) - 40usize];
    ["Offset of field: nf_realnvp_config::activation"][::core::mem::offset_of!(nf_realnvp_config, activation) - 48usize];
    ["Offset of field: nf_realnvp_config::mask"][::core::mem::offset_of!(nf_realnvp_config, mask) - 52usize];
    ["Offset of field: nf_realnvp_config::scale"][::core::mem::offset_of!(nf_realnvp_config, scale) - 56usize];
    ["Offset of field: nf_realnvp_config::separate"][::core::mem::offset_of!(nf_realnvp_config, separate) - 60usize];
    ["Offset of field: nf_realnvp_config::actnorm"][::core::mem::offset_of!(nf_realnvp_config, actnorm) - 64usize];
    ["Offset of field: nf_realnvp_config::dtype"][::core::mem::offset_of!(nf_realnvp_config, dtype) - 68usize];
    ["Offset of field: nf_realnvp_config::weights"][::core::mem::offset_of!(nf_realnvp_config, weights) - 72usize];
    ["Offset of field: nf_realnvp_config::reserved"][::core::mem::offset_of!(nf_realnvp_config, reserved) - 76usize];
    ["Offset of field: nf_realnvp_config::bound"][::core::mem::offset_of!(nf_realnvp_config, bound) - 80usize];
    ["Offset of field: nf_realnvp_config::seed"][::core::mem::offset_of!(nf_realnvp_config, seed) - 88usize];
    ["Offset of field: nf_realnvp_config::mean"][::core::mem::offset_of!(nf_realnvp_config, mean) - 96usize];
    ["Offset of field: nf_realnvp_config::n_mean"][::core::mem::offset_of!(nf_realnvp_config, n_mean) - 104usize];
    ["Offset of field: nf_realnvp_config::sd"][::core::mem::offset_of!(nf_realnvp_config, sd) - 112usize];
    ["Offset of field: nf_realnvp_config::n_sd"][::core::mem::offset_of!(nf_realnvp_config, n_sd) - 120usize];
    ["Offset of field: nf_realnvp_config::cond_mean"][::core::mem::offset_of!(nf_realnvp_config, cond_mean) - 128usize];
    ["Offset of field: nf_realnvp_config::n_cond_mean"][::core::mem::offset_of!(nf_realnvp_config, n_cond_mean) - 136usize];
    ["Offset of field: nf_realnvp_config::cond_sd"][::core::mem::offset_of!(nf_realnvp_config, cond_sd) - 144usize];
    ["Offset of field: nf_realnvp_config::n_cond_sd"][::core::mem::offset_of!(nf_realnvp_config, n_cond_sd) - 152usize];
    ["Offset of field: nf_realnvp_config::embed_hidden"][::core::mem::offset_of!(nf_realnvp_config, embed_hidden) - 160usize];
    ["Offset of field: nf_realnvp_config::n_embed_hidden"][::core::mem::offset_of!(nf_realnvp_config, n_embed_hidden) - 168usize];
    ["Offset of field: nf_realnvp_config::embed_dim"][::core::mem::offset_of!(nf_realnvp_config, embed_dim) - 176usize];
    ["Offset of field: nf_realnvp_config::embed_activation"]
        [::core::mem::offset_of!(nf_realnvp_config, embed_activation) - 184usize];
    ["Offset of field: nf_realnvp_config::cond_standardise"]
        [::core::mem::offset_of!(nf_realnvp_config, cond_standardise) - 188usize];
};
impl Default for nf_realnvp_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_glow_config {
    pub struct_size: u32,
    pub coupling: i32,
    pub height: i64,
    pub width: i64,
    pub channels: i64,
    pub levels: i64,
    pub steps: i64,
    pub hidden: i64,
    pub cond_dim: i64,
    pub bits: i32,
    pub noise: i32,
    pub linear: i32,
    pub dtype: i32,
    pub seed: u64,
    pub alpha: f64,
    pub temperature: *const f64,
    pub n_temperature: i64,
    pub scale: i32,
    pub reserved: i32,
    pub cond_mean: *const f64,
    pub n_cond_mean: i64,
    pub cond_sd: *const f64,
    pub n_cond_sd: i64,
    pub embed_hidden: *const i64,
    pub n_embed_hidden: i64,
    pub embed_dim: i64,
    pub embed_activation: i32,
    pub cond_standardise: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_glow_config"][::core::mem::size_of::<nf_glow_config>() - 184usize];
    ["Alignment of nf_glow_config"][::core::mem::align_of::<nf_glow_config>() - 8usize];
    ["Offset of field: nf_glow_config::struct_size"][::core::mem::offset_of!(nf_glow_config, struct_size) - 0usize];
    ["Offset of field: nf_glow_config::coupling"][::core::mem::offset_of!(nf_glow_config, coupling) - 4usize];
    ["Offset of field: nf_glow_config::height"][::core::mem::offset_of!(nf_glow_config, height) - 8usize];
    ["Offset of field: nf_glow_config::width"][::core::mem::offset_of!(nf_glow_config, width) - 16usize];
    ["Offset of field: nf_glow_config::channels"][::core::mem::offset_of!(nf_glow_config, channels) - 24usize];
    ["Offset of field: nf_glow_config::levels"][::core::mem::offset_of!(nf_glow_config, levels) - 32usize];
    ["Offset of field: nf_glow_config::steps"][::core::mem::offset_of!(nf_glow_config, steps) - 40usize];
    ["Offset of field: nf_glow_config::hidden"][::core::mem::offset_of!(nf_glow_config, hidden) - 48usize];
    ["Offset of field: nf_glow_config::cond_dim"][::core::mem::offset_of!(nf_glow_config, cond_dim) - 56usize];
    ["Offset of field: nf_glow_config::bits"][::core::mem::offset_of!(nf_glow_config, bits) - 64usize];
    ["Offset of field: nf_glow_config::noise"][::core::mem::offset_of!(nf_glow_config, noise) - 68usize];
    ["Offset of field: nf_glow_config::linear"][::core::mem::offset_of!(nf_glow_config, linear) - 72usize];
    ["Offset of field: nf_glow_config::dtype"][::core::mem::offset_of!(nf_glow_config, dtype) - 76usize];
    ["Offset of field: nf_glow_config::seed"][::core::mem::offset_of!(nf_glow_config, seed) - 80usize];
    ["Offset of field: nf_glow_config::alpha"][::core::mem::offset_of!(nf_glow_config, alpha) - 88usize];
    ["Offset of field: nf_glow_config::temperature"][::core::mem::offset_of!(nf_glow_config, temperature) - 96usize];
    ["Offset of field: nf_glow_config::n_temperature"][::core::mem::offset_of!(nf_glow_config, n_temperature) - 104usize];
    ["Offset of field: nf_glow_config::scale"][::core::mem::offset_of!(nf_glow_config, scale) - 112usize];
    ["Offset of field: nf_glow_config::reserved"][::core::mem::offset_of!(nf_glow_config, reserved) - 116usize];
    ["Offset of field: nf_glow_config::cond_mean"][::core::mem::offset_of!(nf_glow_config, cond_mean) - 120usize];
    ["Offset of field: nf_glow_config::n_cond_mean"][::core::mem::offset_of!(nf_glow_config, n_cond_mean) - 128usize];
    ["Offset of field: nf_glow_config::cond_sd"][::core::mem::offset_of!(nf_glow_config, cond_sd) - 136usize];
    ["Offset of field: nf_glow_config::n_cond_sd"][::core::mem::offset_of!(nf_glow_config, n_cond_sd) - 144usize];
    ["Offset of field: nf_glow_config::embed_hidden"][::core::mem::offset_of!(nf_glow_config, embed_hidden) - 152usize];
    ["Offset of field: nf_glow_config::n_embed_hidden"][::core::mem::offset_of!(nf_glow_config, n_embed_hidden) - 160usize];
    ["Offset of field: nf_glow_config::embed_dim"][::core::mem::offset_of!(nf_glow_config, embed_dim) - 168usize];
    ["Offset of field: nf_glow_config::embed_activation"][::core::mem::offset_of!(nf_glow_config, embed_activation) - 176usize];
    ["Offset of field: nf_glow_config::cond_standardise"][::core::mem::offset_of!(nf_glow_config, cond_standardise) - 180usize];
};
impl Default for nf_glow_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub const NF_GLOW_AFFINE: _bindgen_ty_24 = 1;
pub const NF_GLOW_ADDITIVE: _bindgen_ty_24 = 2;
pub type _bindgen_ty_24 = ::core::ffi::c_uint;
pub const NF_GLOW_REAL: _bindgen_ty_25 = 17;
pub type _bindgen_ty_25 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_realnvp_image_config {
    pub struct_size: u32,
    pub dtype: i32,
    pub height: i64,
    pub width: i64,
    pub channels: i64,
    pub levels: i64,
    pub hidden: i64,
    pub blocks: i64,
    pub cond_dim: i64,
    pub bits: i32,
    pub noise: i32,
    pub alpha: f64,
    pub seed: u64,
    pub cond_mean: *const f64,
    pub n_cond_mean: i64,
    pub cond_sd: *const f64,
    pub n_cond_sd: i64,
    pub embed_hidden: *const i64,
    pub n_embed_hidden: i64,
    pub embed_dim: i64,
    pub embed_activation: i32,
    pub cond_standardise: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_realnvp_image_config"][::core::mem::size_of::<nf_realnvp_image_config>() - 152usize];
    ["Alignment of nf_realnvp_image_config"][::core::mem::align_of::<nf_realnvp_image_config>() - 8usize];
    ["Offset of field: nf_realnvp_image_config::struct_size"]
        [::core::mem::offset_of!(nf_realnvp_image_config, struct_size) - 0usize];
    ["Offset of field: nf_realnvp_image_config::dtype"][::core::mem::offset_of!(nf_realnvp_image_config, dtype) - 4usize];
    ["Offset of field: nf_realnvp_image_config::height"][::core::mem::offset_of!(nf_realnvp_image_config, height) - 8usize];
    ["Offset of field: nf_realnvp_image_config::width"][::core::mem::offset_of!(nf_realnvp_image_config, width) - 16usize];
    ["Offset of field: nf_realnvp_image_config::channels"][::core::mem::offset_of!(nf_realnvp_image_config, channels) - 24usize];
    ["Offset of field: nf_realnvp_image_config::levels"][::core::mem::offset_of!(nf_realnvp_image_config, levels) - 32usize];
    ["Offset of field: nf_realnvp_image_config::hidden"][::core::mem::offset_of!(nf_realnvp_image_config, hidden) - 40usize];
    ["Offset of field: nf_realnvp_image_config::blocks"][::core::mem::offset_of!(nf_realnvp_image_config, blocks) - 48usize];
    ["Offset of field: nf_realnvp_image_config::cond_dim"][::core::mem::offset_of!(nf_realnvp_image_config, cond_dim) - 56usize];
    ["Offset of field: nf_realnvp_image_config::bits"][::core::mem::offset_of!(nf_realnvp_image_config, bits) - 64usize];
    ["Offset of field: nf_realnvp_image_config::noise"][::core::mem::offset_of!(nf_realnvp_image_config, noise) - 68usize];
    ["Offset of field: nf_realnvp_image_config::alpha"][::core::mem::offset_of!(nf_realnvp_image_config, alpha) - 72usize];
    ["Offset of field: nf_realnvp_image_config::seed"][::core::mem::offset_of!(nf_realnvp_image_config, seed) - 80usize];
    ["Offset of field: nf_realnvp_image_config::cond_mean"]
        [::core::mem::offset_of!(nf_realnvp_image_config, cond_mean) - 88usize];
    ["Offset of field: nf_realnvp_image_config::n_cond_mean"]
        [::core::mem::offset_of!(nf_realnvp_image_config, n_cond_mean) - 96usize];
    ["Offset of field: nf_realnvp_image_config::cond_sd"][::core::mem::offset_of!(nf_realnvp_image_config, cond_sd) - 104usize];
    ["Offset of field: nf_realnvp_image_config::n_cond_sd"]
        [::core::mem::offset_of!(nf_realnvp_image_config, n_cond_sd) - 112usize];
    ["Offset of field: nf_realnvp_image_config::embed_hidden"]
        [::core::mem::offset_of!(nf_realnvp_image_config, embed_hidden) - 120usize];
    ["Offset of field: nf_realnvp_image_config::n_embed_hidden"]
        [::core::mem::offset_of!(nf_realnvp_image_config, n_embed_hidden) - 128usize];
    ["Offset of field: nf_realnvp_image_config::embed_dim"]
        [::core::mem::offset_of!(nf_realnvp_image_config, embed_dim) - 136usize];
    ["Offset of field: nf_realnvp_image_config::embed_activation"]
        [::core::mem::offset_of!(nf_realnvp_image_config, embed_activation) - 144usize];
    ["Offset of field: nf_realnvp_image_config::cond_standardise"]
        [::core::mem::offset_of!(nf_realnvp_image_config, cond_standardise) - 148usize];
};
impl Default for nf_realnvp_image_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_param_view {
    pub struct_size: u32,
    pub properties: i32,
    pub name: [::core::ffi::c_char; 96usize],
    pub offset: i64,
    pub count: i64,
    pub rank: i32,
    pub reserved: i32,
    pub shape: [i64; 4usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_param_view"][::core::mem::size_of::<nf_param_view>() - 160usize];
    ["Alignment of nf_param_view"][::core::mem::align_of::<nf_param_view>() - 8usize];
    ["Offset of field: nf_param_view::struct_size"][::core::mem::offset_of!(nf_param_view, struct_size) - 0usize];
    ["Offset of field: nf_param_view::properties"][::core::mem::offset_of!(nf_param_view, properties) - 4usize];
    ["Offset of field: nf_param_view::name"][::core::mem::offset_of!(nf_param_view, name) - 8usize];
    ["Offset of field: nf_param_view::offset"][::core::mem::offset_of!(nf_param_view, offset) - 104usize];
    ["Offset of field: nf_param_view::count"][::core::mem::offset_of!(nf_param_view, count) - 112usize];
    ["Offset of field: nf_param_view::rank"][::core::mem::offset_of!(nf_param_view, rank) - 120usize];
    ["Offset of field: nf_param_view::reserved"][::core::mem::offset_of!(nf_param_view, reserved) - 124usize];
    ["Offset of field: nf_param_view::shape"][::core::mem::offset_of!(nf_param_view, shape) - 128usize];
};
impl Default for nf_param_view {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_flow_info_report {
    pub struct_size: u32,
    pub dtype: i32,
    pub dim: i64,
    pub cond_dim: i64,
    pub layers: i64,
    pub params: i64,
    pub trainable: i64,
    pub bytes_params: i64,
    pub bytes_packed: i64,
    pub saved_bytes_row: i64,
    pub gflop_row: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_flow_info_report"][::core::mem::size_of::<nf_flow_info_report>() - 80usize];
    ["Alignment of nf_flow_info_report"][::core::mem::align_of::<nf_flow_info_report>() - 8usize];
    ["Offset of field: nf_flow_info_report::struct_size"][::core::mem::offset_of!(nf_flow_info_report, struct_size) - 0usize];
    ["Offset of field: nf_flow_info_report::dtype"][::core::mem::offset_of!(nf_flow_info_report, dtype) - 4usize];
    ["Offset of field: nf_flow_info_report::dim"][::core::mem::offset_of!(nf_flow_info_report, dim) - 8usize];
    ["Offset of field: nf_flow_info_report::cond_dim"][::core::mem::offset_of!(nf_flow_info_report, cond_dim) - 16usize];
    ["Offset of field: nf_flow_info_report::layers"][::core::mem::offset_of!(nf_flow_info_report, layers) - 24usize];
    ["Offset of field: nf_flow_info_report::params"][::core::mem::offset_of!(nf_flow_info_report, params) - 32usize];
    ["Offset of field: nf_flow_info_report::trainable"][::core::mem::offset_of!(nf_flow_info_report, trainable) - 40usize];
    ["Offset of field: nf_flow_info_report::bytes_params"][::core::mem::offset_of!(nf_flow_info_report, bytes_params) - 48usize];
    ["Offset of field: nf_flow_info_report::bytes_packed"][::core::mem::offset_of!(nf_flow_info_report, bytes_packed) - 56usize];
    ["Offset of field: nf_flow_info_report::saved_bytes_row"]
        [::core::mem::offset_of!(nf_flow_info_report, saved_bytes_row) - 64usize];
    ["Offset of field: nf_flow_info_report::gflop_row"][::core::mem::offset_of!(nf_flow_info_report, gflop_row) - 72usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_step_memory_report {
    pub struct_size: u32,
    pub recompute: i32,
    pub workers: i64,
    pub block_rows: i64,
    pub params: i64,
    pub gradients: i64,
    pub inputs: i64,
    pub hidden: i64,
    pub scratch: i64,
    pub total: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_step_memory_report"][::core::mem::size_of::<nf_step_memory_report>() - 72usize];
    ["Alignment of nf_step_memory_report"][::core::mem::align_of::<nf_step_memory_report>() - 8usize];
    ["Offset of field: nf_step_memory_report::struct_size"][::core::mem::offset_of!(nf_step_memory_report, struct_size) - 0usize];
    ["Offset of field: nf_step_memory_report::recompute"][::core::mem::offset_of!(nf_step_memory_report, recompute) - 4usize];
    ["Offset of field: nf_step_memory_report::workers"][::core::mem::offset_of!(nf_step_memory_report, workers) - 8usize];
    ["Offset of field: nf_step_memory_report::block_rows"][::core::mem::offset_of!(nf_step_memory_report, block_rows) - 16usize];
    ["Offset of field: nf_step_memory_report::params"][::core::mem::offset_of!(nf_step_memory_report, params) - 24usize];
    ["Offset of field: nf_step_memory_report::gradients"][::core::mem::offset_of!(nf_step_memory_report, gradients) - 32usize];
    ["Offset of field: nf_step_memory_report::inputs"][::core::mem::offset_of!(nf_step_memory_report, inputs) - 40usize];
    ["Offset of field: nf_step_memory_report::hidden"][::core::mem::offset_of!(nf_step_memory_report, hidden) - 48usize];
    ["Offset of field: nf_step_memory_report::scratch"][::core::mem::offset_of!(nf_step_memory_report, scratch) - 56usize];
    ["Offset of field: nf_step_memory_report::total"][::core::mem::offset_of!(nf_step_memory_report, total) - 64usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_check_report {
    pub struct_size: u32,
    pub passed: i32,
    pub round_trip_max: f64,
    pub round_trip_p99: f64,
    pub log_det_sum_max: f64,
    pub log_det_error_max: f64,
    pub grad_x_error_max: f64,
    pub grad_theta_error_max: f64,
    pub worst_layer: i64,
    pub rows_nonfinite: i64,
    pub not_invertible: i32,
    pub reserved: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_check_report"][::core::mem::size_of::<nf_check_report>() - 80usize];
    ["Alignment of nf_check_report"][::core::mem::align_of::<nf_check_report>() - 8usize];
    ["Offset of field: nf_check_report::struct_size"][::core::mem::offset_of!(nf_check_report, struct_size) - 0usize];
    ["Offset of field: nf_check_report::passed"][::core::mem::offset_of!(nf_check_report, passed) - 4usize];
    ["Offset of field: nf_check_report::round_trip_max"][::core::mem::offset_of!(nf_check_report, round_trip_max) - 8usize];
    ["Offset of field: nf_check_report::round_trip_p99"][::core::mem::offset_of!(nf_check_report, round_trip_p99) - 16usize];
    ["Offset of field: nf_check_report::log_det_sum_max"][::core::mem::offset_of!(nf_check_report, log_det_sum_max) - 24usize];
    ["Offset of field: nf_check_report::log_det_error_max"]
        [::core::mem::offset_of!(nf_check_report, log_det_error_max) - 32usize];
    ["Offset of field: nf_check_report::grad_x_error_max"][::core::mem::offset_of!(nf_check_report, grad_x_error_max) - 40usize];
    ["Offset of field: nf_check_report::grad_theta_error_max"]
        [::core::mem::offset_of!(nf_check_report, grad_theta_error_max) - 48usize];
    ["Offset of field: nf_check_report::worst_layer"][::core::mem::offset_of!(nf_check_report, worst_layer) - 56usize];
    ["Offset of field: nf_check_report::rows_nonfinite"][::core::mem::offset_of!(nf_check_report, rows_nonfinite) - 64usize];
    ["Offset of field: nf_check_report::not_invertible"][::core::mem::offset_of!(nf_check_report, not_invertible) - 72usize];
    ["Offset of field: nf_check_report::reserved"][::core::mem::offset_of!(nf_check_report, reserved) - 76usize];
};
pub const NF_ODE_DOPRI5: _bindgen_ty_26 = 1;
pub const NF_ODE_TSIT5: _bindgen_ty_26 = 2;
pub const NF_ODE_BOSH3: _bindgen_ty_26 = 3;
pub const NF_ODE_RK4: _bindgen_ty_26 = 4;
pub const NF_ODE_MIDPOINT: _bindgen_ty_26 = 5;
pub const NF_ODE_EULER: _bindgen_ty_26 = 6;
pub type _bindgen_ty_26 = ::core::ffi::c_uint;
pub const NF_TIME_IGNORE: _bindgen_ty_27 = 1;
pub const NF_TIME_CONCAT: _bindgen_ty_27 = 2;
pub const NF_TIME_SQUASH: _bindgen_ty_27 = 3;
pub type _bindgen_ty_27 = ::core::ffi::c_uint;
pub const NF_TRACE_AUTO: _bindgen_ty_28 = 1;
pub const NF_TRACE_EXACT: _bindgen_ty_28 = 2;
pub const NF_TRACE_HUTCHINSON: _bindgen_ty_28 = 3;
pub const NF_TRACE_HUTCHINSON_TRAIN: _bindgen_ty_28 = 4;
pub type _bindgen_ty_28 = ::core::ffi::c_uint;
pub const NF_PROBE_RADEMACHER: _bindgen_ty_29 = 1;
pub const NF_PROBE_GAUSSIAN: _bindgen_ty_29 = 2;
pub type _bindgen_ty_29 = ::core::ffi::c_uint;
pub const NF_GRADIENT_DISCRETE: _bindgen_ty_30 = 1;
pub const NF_GRADIENT_ADJOINT: _bindgen_ty_30 = 2;
pub type _bindgen_ty_30 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_cnf_config {
    pub struct_size: u32,
    pub solver: i32,
    pub dim: i64,
    pub cond_dim: i64,
    pub activation: i32,
    pub time: i32,
    pub trace: i32,
    pub probe: i32,
    pub probes: i64,
    pub end_time_fixed: i32,
    pub gradient: i32,
    pub end_time: f64,
    pub rtol: f64,
    pub atol: f64,
    pub step: f64,
    pub max_steps: i64,
    pub kinetic: f64,
    pub jacobian: f64,
    pub hidden: *const i64,
    pub n_hidden: i64,
    pub height: i64,
    pub width: i64,
    pub channels: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_cnf_config"][::core::mem::size_of::<nf_cnf_config>() - 152usize];
    ["Alignment of nf_cnf_config"][::core::mem::align_of::<nf_cnf_config>() - 8usize];
    ["Offset of field: nf_cnf_config::struct_size"][::core::mem::offset_of!(nf_cnf_config, struct_size) - 0usize];
    ["Offset of field: nf_cnf_config::solver"][::core::mem::offset_of!(nf_cnf_config, solver) - 4usize];
    ["Offset of field: nf_cnf_config::dim"][::core::mem::offset_of!(nf_cnf_config, dim) - 8usize];
    ["Offset of field: nf_cnf_config::cond_dim"][::core::mem::offset_of!(nf_cnf_config, cond_dim) - 16usize];
    ["Offset of field: nf_cnf_config::activation"][::core::mem::offset_of!(nf_cnf_config, activation) - 24usize];
    ["Offset of field: nf_cnf_config::time"][::core::mem::offset_of!(nf_cnf_config, time) - 28usize];
    ["Offset of field: nf_cnf_config::trace"][::core::mem::offset_of!(nf_cnf_config, trace) - 32usize];
    ["Offset of field: nf_cnf_config::probe"][::core::mem::offset_of!(nf_cnf_config, probe) - 36usize];
    ["Offset of field: nf_cnf_config::probes"][::core::mem::offset_of!(nf_cnf_config, probes) - 40usize];
    ["Offset of field: nf_cnf_config::end_time_fixed"][::core::mem::offset_of!(nf_cnf_config, end_time_fixed) - 48usize];
    ["Offset of field: nf_cnf_config::gradient"][::core::mem::offset_of!(nf_cnf_config, gradient) - 52usize];
    ["Offset of field: nf_cnf_config::end_time"][::core::mem::offset_of!(nf_cnf_config, end_time) - 56usize];
    ["Offset of field: nf_cnf_config::rtol"][::core::mem::offset_of!(nf_cnf_config, rtol) - 64usize];
    ["Offset of field: nf_cnf_config::atol"][::core::mem::offset_of!(nf_cnf_config, atol) - 72usize];
    ["Offset of field: nf_cnf_config::step"][::core::mem::offset_of!(nf_cnf_config, step) - 80usize];
    ["Offset of field: nf_cnf_config::max_steps"][::core::mem::offset_of!(nf_cnf_config, max_steps) - 88usize];
    ["Offset of field: nf_cnf_config::kinetic"][::core::mem::offset_of!(nf_cnf_config, kinetic) - 96usize];
    ["Offset of field: nf_cnf_config::jacobian"][::core::mem::offset_of!(nf_cnf_config, jacobian) - 104usize];
    ["Offset of field: nf_cnf_config::hidden"][::core::mem::offset_of!(nf_cnf_config, hidden) - 112usize];
    ["Offset of field: nf_cnf_config::n_hidden"][::core::mem::offset_of!(nf_cnf_config, n_hidden) - 120usize];
    ["Offset of field: nf_cnf_config::height"][::core::mem::offset_of!(nf_cnf_config, height) - 128usize];
    ["Offset of field: nf_cnf_config::width"][::core::mem::offset_of!(nf_cnf_config, width) - 136usize];
    ["Offset of field: nf_cnf_config::channels"][::core::mem::offset_of!(nf_cnf_config, channels) - 144usize];
};
impl Default for nf_cnf_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub const NF_FFJORD_TOY: _bindgen_ty_31 = 1;
pub const NF_FFJORD_TABULAR: _bindgen_ty_31 = 2;
pub const NF_FFJORD_IMAGES: _bindgen_ty_31 = 3;
pub type _bindgen_ty_31 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_ffjord_config {
    pub struct_size: u32,
    pub preset: i32,
    pub dim: i64,
    pub cond_dim: i64,
    pub blocks: i64,
    pub hidden: *const i64,
    pub n_hidden: i64,
    pub activation: i32,
    pub time: i32,
    pub solver: i32,
    pub trace: i32,
    pub probe: i32,
    pub end_time_fixed: i32,
    pub probes: i64,
    pub max_steps: i64,
    pub end_time: f64,
    pub rtol: f64,
    pub atol: f64,
    pub step: f64,
    pub kinetic: f64,
    pub jacobian: f64,
    pub dtype: i32,
    pub gradient: i32,
    pub seed: u64,
    pub mean: *const f64,
    pub n_mean: i64,
    pub sd: *const f64,
    pub n_sd: i64,
    pub height: i64,
    pub width: i64,
    pub channels: i64,
    pub levels: i64,
    pub bits: i32,
    pub noise: i32,
    pub alpha: f64,
    pub cond_mean: *const f64,
    pub n_cond_mean: i64,
    pub cond_sd: *const f64,
    pub n_cond_sd: i64,
    pub embed_hidden: *const i64,
    pub n_embed_hidden: i64,
    pub embed_dim: i64,
    pub embed_activation: i32,
    pub cond_standardise: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_ffjord_config"][::core::mem::size_of::<nf_ffjord_config>() - 296usize];
    ["Alignment of nf_ffjord_config"][::core::mem::align_of::<nf_ffjord_config>() - 8usize];
    ["Offset of field: nf_ffjord_config::struct_size"][::core::mem::offset_of!(nf_ffjord_config, struct_size) - 0usize];
    ["Offset of field: nf_ffjord_config::preset"][::core::mem::offset_of!(nf_ffjord_config, preset) - 4usize];
    ["Offset of field: nf_ffjord_config::dim"][::core::mem::offset_of!(nf_ffjord_config, dim) - 8usize];
    ["Offset of field: nf_ffjord_config::cond_dim"][::core::mem::offset_of!(nf_ffjord_config, cond_dim) - 16usize];
    ["Offset of field: nf_ffjord_config::blocks"][::core::mem::offset_of!(nf_ffjord_config, blocks) - 24usize];
    ["Offset of field: nf_ffjord_config::hidden"][::core::mem::offset_of!(nf_ffjord_config, hidden) - 32usize];
    ["Offset of field: nf_ffjord_config::n_hidden"][::core::mem::offset_of!(nf_ffjord_config, n_hidden) - 40usize];
    ["Offset of field: nf_ffjord_config::activation"][::core::mem::offset_of!(nf_ffjord_config, activation) - 48usize];
    ["Offset of field: nf_ffjord_config::time"][::core::mem::offset_of!(nf_ffjord_config, time) - 52usize];
    ["Offset of field: nf_ffjord_config::solver"][::core::mem::offset_of!(nf_ffjord_config, solver) - 56usize];
    ["Offset of field: nf_ffjord_config::trace"][::core::mem::offset_of!(nf_ffjord_config, trace) - 60usize];
    ["Offset of field: nf_ffjord_config::probe"][::core::mem::offset_of!(nf_ffjord_config, probe) - 64usize];
    ["Offset of field: nf_ffjord_config::end_time_fixed"][::core::mem::offset_of!(nf_ffjord_config, end_time_fixed) - 68usize];
    ["Offset of field: nf_ffjord_config::probes"][::core::mem::offset_of!(nf_ffjord_config, probes) - 72usize];
    ["Offset of field: nf_ffjord_config::max_steps"][::core::mem::offset_of!(nf_ffjord_config, max_steps) - 80usize];
    ["Offset of field: nf_ffjord_config::end_time"][::core::mem::offset_of!(nf_ffjord_config, end_time) - 88usize];
    ["Offset of field: nf_ffjord_config::rtol"][::core::mem::offset_of!(nf_ffjord_config, rtol) - 96usize];
    ["Offset of field: nf_ffjord_config::atol"][::core::mem::offset_of!(nf_ffjord_config, atol) - 104usize];
    ["Offset of field: nf_ffjord_config::step"][::core::mem::offset_of!(nf_ffjord_config, step) - 112usize];
    ["Offset of field: nf_ffjord_config::kinetic"][::core::mem::offset_of!(nf_ffjord_config, kinetic) - 120usize];
    ["Offset of field: nf_ffjord_config::jacobian"][::core::mem::offset_of!(nf_ffjord_config, jacobian) - 128usize];
    ["Offset of field: nf_ffjord_config::dtype"][::core::mem::offset_of!(nf_ffjord_config, dtype) - 136usize];
    ["Offset of field: nf_ffjord_config::gradient"][::core::mem::offset_of!(nf_ffjord_config, gradient) - 140usize];
    ["Offset of field: nf_ffjord_config::seed"][::core::mem::offset_of!(nf_ffjord_config, seed) - 144usize];
    ["Offset of field: nf_ffjord_config::mean"][::core::mem::offset_of!(nf_ffjord_config, mean) - 152usize];
    ["Offset of field: nf_ffjord_config::n_mean"][::core::mem::offset_of!(nf_ffjord_config, n_mean) - 160usize];
    ["Offset of field: nf_ffjord_config::sd"][::core::mem::offset_of!(nf_ffjord_config, sd) - 168usize];
    ["Offset of field: nf_ffjord_config::n_sd"][::core::mem::offset_of!(nf_ffjord_config, n_sd) - 176usize];
    ["Offset of field: nf_ffjord_config::height"][::core::mem::offset_of!(nf_ffjord_config, height) - 184usize];
    ["Offset of field: nf_ffjord_config::width"][::core::mem::offset_of!(nf_ffjord_config, width) - 192usize];
    ["Offset of field: nf_ffjord_config::channels"][::core::mem::offset_of!(nf_ffjord_config, channels) - 200usize];
    ["Offset of field: nf_ffjord_config::levels"][::core::mem::offset_of!(nf_ffjord_config, levels) - 208usize];
    ["Offset of field: nf_ffjord_config::bits"][::core::mem::offset_of!(nf_ffjord_config, bits) - 216usize];
    ["Offset of field: nf_ffjord_config::noise"][::core::mem::offset_of!(nf_ffjord_config, noise) - 220usize];
    ["Offset of field: nf_ffjord_config::alpha"][::core::mem::offset_of!(nf_ffjord_config, alpha) - 224usize];
    ["Offset of field: nf_ffjord_config::cond_mean"][::core::mem::offset_of!(nf_ffjord_config, cond_mean) - 232usize];
    ["Offset of field: nf_ffjord_config::n_cond_mean"][::core::mem::offset_of!(nf_ffjord_config, n_cond_mean) - 240usize];
    ["Offset of field: nf_ffjord_config::cond_sd"][::core::mem::offset_of!(nf_ffjord_config, cond_sd) - 248usize];
    ["Offset of field: nf_ffjord_config::n_cond_sd"][::core::mem::offset_of!(nf_ffjord_config, n_cond_sd) - 256usize];
    ["Offset of field: nf_ffjord_config::embed_hidden"][::core::mem::offset_of!(nf_ffjord_config, embed_hidden) - 264usize];
    ["Offset of field: nf_ffjord_config::n_embed_hidden"][::core::mem::offset_of!(nf_ffjord_config, n_embed_hidden) - 272usize];
    ["Offset of field: nf_ffjord_config::embed_dim"][::core::mem::offset_of!(nf_ffjord_config, embed_dim) - 280usize];
    ["Offset of field: nf_ffjord_config::embed_activation"]
        [::core::mem::offset_of!(nf_ffjord_config, embed_activation) - 288usize];
    ["Offset of field: nf_ffjord_config::cond_standardise"]
        [::core::mem::offset_of!(nf_ffjord_config, cond_standardise) - 292usize];
};
impl Default for nf_ffjord_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_solver_report {
    pub struct_size: u32,
    pub reserved: i32,
    pub solves: i64,
    pub failed: i64,
    pub accepted_mean: f64,
    pub rejected_mean: f64,
    pub evaluations_mean: f64,
    pub accepted_max: i64,
    pub rejected_max: i64,
    pub evaluations_max: i64,
    pub trace_error_mean: f64,
    pub trace_error_max: f64,
    pub trace_error: *mut f64,
    pub trace_error_capacity: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_solver_report"][::core::mem::size_of::<nf_solver_report>() - 104usize];
    ["Alignment of nf_solver_report"][::core::mem::align_of::<nf_solver_report>() - 8usize];
    ["Offset of field: nf_solver_report::struct_size"][::core::mem::offset_of!(nf_solver_report, struct_size) - 0usize];
    ["Offset of field: nf_solver_report::reserved"][::core::mem::offset_of!(nf_solver_report, reserved) - 4usize];
    ["Offset of field: nf_solver_report::solves"][::core::mem::offset_of!(nf_solver_report, solves) - 8usize];
    ["Offset of field: nf_solver_report::failed"][::core::mem::offset_of!(nf_solver_report, failed) - 16usize];
    ["Offset of field: nf_solver_report::accepted_mean"][::core::mem::offset_of!(nf_solver_report, accepted_mean) - 24usize];
    ["Offset of field: nf_solver_report::rejected_mean"][::core::mem::offset_of!(nf_solver_report, rejected_mean) - 32usize];
    ["Offset of field: nf_solver_report::evaluations_mean"]
        [::core::mem::offset_of!(nf_solver_report, evaluations_mean) - 40usize];
    ["Offset of field: nf_solver_report::accepted_max"][::core::mem::offset_of!(nf_solver_report, accepted_max) - 48usize];
    ["Offset of field: nf_solver_report::rejected_max"][::core::mem::offset_of!(nf_solver_report, rejected_max) - 56usize];
    ["Offset of field: nf_solver_report::evaluations_max"][::core::mem::offset_of!(nf_solver_report, evaluations_max) - 64usize];
    ["Offset of field: nf_solver_report::trace_error_mean"]
        [::core::mem::offset_of!(nf_solver_report, trace_error_mean) - 72usize];
    ["Offset of field: nf_solver_report::trace_error_max"][::core::mem::offset_of!(nf_solver_report, trace_error_max) - 80usize];
    ["Offset of field: nf_solver_report::trace_error"][::core::mem::offset_of!(nf_solver_report, trace_error) - 88usize];
    ["Offset of field: nf_solver_report::trace_error_capacity"]
        [::core::mem::offset_of!(nf_solver_report, trace_error_capacity) - 96usize];
};
impl Default for nf_solver_report {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_dataset {
    _unused: [u8; 0],
}
pub const NF_FORMAT_CSV: _bindgen_ty_32 = 1;
pub const NF_FORMAT_NPY: _bindgen_ty_32 = 2;
pub const NF_FORMAT_IDX: _bindgen_ty_32 = 3;
pub const NF_FORMAT_CIFAR10: _bindgen_ty_32 = 4;
pub const NF_FORMAT_PNG: _bindgen_ty_32 = 5;
pub type _bindgen_ty_32 = ::core::ffi::c_uint;
pub const NF_HEADER_YES: _bindgen_ty_33 = 1;
pub const NF_HEADER_NO: _bindgen_ty_33 = 2;
pub type _bindgen_ty_33 = ::core::ffi::c_uint;
pub const NF_LABEL_ONE_HOT: _bindgen_ty_34 = 1;
pub const NF_LABEL_NUMBER: _bindgen_ty_34 = 2;
pub type _bindgen_ty_34 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_read_config {
    pub struct_size: u32,
    pub format: i32,
    pub header: i32,
    pub dtype: i32,
    pub separator: *const ::core::ffi::c_char,
    pub skip_lines: i64,
    pub columns: *const i64,
    pub n_columns: i64,
    pub cond_columns: *const i64,
    pub n_cond_columns: i64,
    pub drop_columns: *const i64,
    pub n_drop_columns: i64,
    pub labels: *const ::core::ffi::c_char,
    pub label_classes: i64,
    pub max_rows: i64,
    pub label_kind: i32,
    pub reserved: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_read_config"][::core::mem::size_of::<nf_read_config>() - 112usize];
    ["Alignment of nf_read_config"][::core::mem::align_of::<nf_read_config>() - 8usize];
    ["Offset of field: nf_read_config::struct_size"][::core::mem::offset_of!(nf_read_config, struct_size) - 0usize];
    ["Offset of field: nf_read_config::format"][::core::mem::offset_of!(nf_read_config, format) - 4usize];
    ["Offset of field: nf_read_config::header"][::core::mem::offset_of!(nf_read_config, header) - 8usize];
    ["Offset of field: nf_read_config::dtype"][::core::mem::offset_of!(nf_read_config, dtype) - 12usize];
    ["Offset of field: nf_read_config::separator"][::core::mem::offset_of!(nf_read_config, separator) - 16usize];
    ["Offset of field: nf_read_config::skip_lines"][::core::mem::offset_of!(nf_read_config, skip_lines) - 24usize];
    ["Offset of field: nf_read_config::columns"][::core::mem::offset_of!(nf_read_config, columns) - 32usize];
    ["Offset of field: nf_read_config::n_columns"][::core::mem::offset_of!(nf_read_config, n_columns) - 40usize];
    ["Offset of field: nf_read_config::cond_columns"][::core::mem::offset_of!(nf_read_config, cond_columns) - 48usize];
    ["Offset of field: nf_read_config::n_cond_columns"][::core::mem::offset_of!(nf_read_config, n_cond_columns) - 56usize];
    ["Offset of field: nf_read_config::drop_columns"][::core::mem::offset_of!(nf_read_config, drop_columns) - 64usize];
    ["Offset of field: nf_read_config::n_drop_columns"][::core::mem::offset_of!(nf_read_config, n_drop_columns) - 72usize];
    ["Offset of field: nf_read_config::labels"][::core::mem::offset_of!(nf_read_config, labels) - 80usize];
    ["Offset of field: nf_read_config::label_classes"][::core::mem::offset_of!(nf_read_config, label_classes) - 88usize];
    ["Offset of field: nf_read_config::max_rows"][::core::mem::offset_of!(nf_read_config, max_rows) - 96usize];
    ["Offset of field: nf_read_config::label_kind"][::core::mem::offset_of!(nf_read_config, label_kind) - 104usize];
    ["Offset of field: nf_read_config::reserved"][::core::mem::offset_of!(nf_read_config, reserved) - 108usize];
};
impl Default for nf_read_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_column_report {
    pub struct_size: u32,
    pub is_constant: i32,
    pub n_nonfinite: i64,
    pub first_nonfinite: i64,
    pub n_distinct: i64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    pub sd: f64,
    pub median: f64,
    pub mad: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_column_report"][::core::mem::size_of::<nf_column_report>() - 80usize];
    ["Alignment of nf_column_report"][::core::mem::align_of::<nf_column_report>() - 8usize];
    ["Offset of field: nf_column_report::struct_size"][::core::mem::offset_of!(nf_column_report, struct_size) - 0usize];
    ["Offset of field: nf_column_report::is_constant"][::core::mem::offset_of!(nf_column_report, is_constant) - 4usize];
    ["Offset of field: nf_column_report::n_nonfinite"][::core::mem::offset_of!(nf_column_report, n_nonfinite) - 8usize];
    ["Offset of field: nf_column_report::first_nonfinite"][::core::mem::offset_of!(nf_column_report, first_nonfinite) - 16usize];
    ["Offset of field: nf_column_report::n_distinct"][::core::mem::offset_of!(nf_column_report, n_distinct) - 24usize];
    ["Offset of field: nf_column_report::min"][::core::mem::offset_of!(nf_column_report, min) - 32usize];
    ["Offset of field: nf_column_report::max"][::core::mem::offset_of!(nf_column_report, max) - 40usize];
    ["Offset of field: nf_column_report::mean"][::core::mem::offset_of!(nf_column_report, mean) - 48usize];
    ["Offset of field: nf_column_report::sd"][::core::mem::offset_of!(nf_column_report, sd) - 56usize];
    ["Offset of field: nf_column_report::median"][::core::mem::offset_of!(nf_column_report, median) - 64usize];
    ["Offset of field: nf_column_report::mad"][::core::mem::offset_of!(nf_column_report, mad) - 72usize];
};
pub const NF_PATH_LINEAR: _bindgen_ty_35 = 1;
pub const NF_PATH_SPHERICAL: _bindgen_ty_35 = 2;
pub type _bindgen_ty_35 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_optimizer {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_adam_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    pub weight_decay: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_adam_config"][::core::mem::size_of::<nf_adam_config>() - 48usize];
    ["Alignment of nf_adam_config"][::core::mem::align_of::<nf_adam_config>() - 8usize];
    ["Offset of field: nf_adam_config::struct_size"][::core::mem::offset_of!(nf_adam_config, struct_size) - 0usize];
    ["Offset of field: nf_adam_config::reserved"][::core::mem::offset_of!(nf_adam_config, reserved) - 4usize];
    ["Offset of field: nf_adam_config::lr"][::core::mem::offset_of!(nf_adam_config, lr) - 8usize];
    ["Offset of field: nf_adam_config::beta1"][::core::mem::offset_of!(nf_adam_config, beta1) - 16usize];
    ["Offset of field: nf_adam_config::beta2"][::core::mem::offset_of!(nf_adam_config, beta2) - 24usize];
    ["Offset of field: nf_adam_config::eps"][::core::mem::offset_of!(nf_adam_config, eps) - 32usize];
    ["Offset of field: nf_adam_config::weight_decay"][::core::mem::offset_of!(nf_adam_config, weight_decay) - 40usize];
};
pub type nf_adamw_config = nf_adam_config;
pub type nf_adamax_config = nf_adam_config;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_sgd_config {
    pub struct_size: u32,
    pub nesterov: i32,
    pub lr: f64,
    pub momentum: f64,
    pub weight_decay: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_sgd_config"][::core::mem::size_of::<nf_sgd_config>() - 32usize];
    ["Alignment of nf_sgd_config"][::core::mem::align_of::<nf_sgd_config>() - 8usize];
    ["Offset of field: nf_sgd_config::struct_size"][::core::mem::offset_of!(nf_sgd_config, struct_size) - 0usize];
    ["Offset of field: nf_sgd_config::nesterov"][::core::mem::offset_of!(nf_sgd_config, nesterov) - 4usize];
    ["Offset of field: nf_sgd_config::lr"][::core::mem::offset_of!(nf_sgd_config, lr) - 8usize];
    ["Offset of field: nf_sgd_config::momentum"][::core::mem::offset_of!(nf_sgd_config, momentum) - 16usize];
    ["Offset of field: nf_sgd_config::weight_decay"][::core::mem::offset_of!(nf_sgd_config, weight_decay) - 24usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_planar_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_planar_config"][::core::mem::size_of::<nf_planar_config>() - 16usize];
    ["Alignment of nf_planar_config"][::core::mem::align_of::<nf_planar_config>() - 8usize];
    ["Offset of field: nf_planar_config::struct_size"][::core::mem::offset_of!(nf_planar_config, struct_size) - 0usize];
    ["Offset of field: nf_planar_config::reserved"][::core::mem::offset_of!(nf_planar_config, reserved) - 4usize];
    ["Offset of field: nf_planar_config::dim"][::core::mem::offset_of!(nf_planar_config, dim) - 8usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_radial_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_radial_config"][::core::mem::size_of::<nf_radial_config>() - 16usize];
    ["Alignment of nf_radial_config"][::core::mem::align_of::<nf_radial_config>() - 8usize];
    ["Offset of field: nf_radial_config::struct_size"][::core::mem::offset_of!(nf_radial_config, struct_size) - 0usize];
    ["Offset of field: nf_radial_config::reserved"][::core::mem::offset_of!(nf_radial_config, reserved) - 4usize];
    ["Offset of field: nf_radial_config::dim"][::core::mem::offset_of!(nf_radial_config, dim) - 8usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_sylvester_config {
    pub struct_size: u32,
    pub reserved: u32,
    pub dim: i64,
    pub rank: i64,
    pub reflections: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_sylvester_config"][::core::mem::size_of::<nf_sylvester_config>() - 32usize];
    ["Alignment of nf_sylvester_config"][::core::mem::align_of::<nf_sylvester_config>() - 8usize];
    ["Offset of field: nf_sylvester_config::struct_size"][::core::mem::offset_of!(nf_sylvester_config, struct_size) - 0usize];
    ["Offset of field: nf_sylvester_config::reserved"][::core::mem::offset_of!(nf_sylvester_config, reserved) - 4usize];
    ["Offset of field: nf_sylvester_config::dim"][::core::mem::offset_of!(nf_sylvester_config, dim) - 8usize];
    ["Offset of field: nf_sylvester_config::rank"][::core::mem::offset_of!(nf_sylvester_config, rank) - 16usize];
    ["Offset of field: nf_sylvester_config::reflections"][::core::mem::offset_of!(nf_sylvester_config, reflections) - 24usize];
};
pub const NF_MIX_LINEAR: _bindgen_ty_36 = 1;
pub const NF_MIX_RANDOM: _bindgen_ty_36 = 2;
pub const NF_MIX_REVERSE: _bindgen_ty_36 = 3;
pub const NF_MIX_NONE: _bindgen_ty_36 = 4;
pub type _bindgen_ty_36 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_table_config {
    pub struct_size: u32,
    pub dtype: i32,
    pub dim: i64,
    pub cond_dim: i64,
    pub layers: i64,
    pub hidden: *const i64,
    pub n_hidden: i64,
    pub activation: i32,
    pub mix: i32,
    pub transform: i32,
    pub bins: i32,
    pub bound: f64,
    pub seed: u64,
    pub mean: *const f64,
    pub n_mean: i64,
    pub sd: *const f64,
    pub n_sd: i64,
    pub kind: *const i64,
    pub n_kind: i64,
    pub low: *const f64,
    pub n_low: i64,
    pub high: *const f64,
    pub n_high: i64,
    pub alpha: f64,
    pub noise: i32,
    pub reserved: i32,
    pub cond_mean: *const f64,
    pub n_cond_mean: i64,
    pub cond_sd: *const f64,
    pub n_cond_sd: i64,
    pub embed_hidden: *const i64,
    pub n_embed_hidden: i64,
    pub embed_dim: i64,
    pub embed_activation: i32,
    pub cond_standardise: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_table_config"][::core::mem::size_of::<nf_table_config>() - 240usize];
    ["Alignment of nf_table_config"][::core::mem::align_of::<nf_table_config>() - 8usize];
    ["Offset of field: nf_table_config::struct_size"][::core::mem::offset_of!(nf_table_config, struct_size) - 0usize];
    ["Offset of field: nf_table_config::dtype"][::core::mem::offset_of!(nf_table_config, dtype) - 4usize];
    ["Offset of field: nf_table_config::dim"][::core::mem::offset_of!(nf_table_config, dim) - 8usize];
    ["Offset of field: nf_table_config::cond_dim"][::core::mem::offset_of!(nf_table_config, cond_dim) - 16usize];
    ["Offset of field: nf_table_config::layers"][::core::mem::offset_of!(nf_table_config, layers) - 24usize];
    ["Offset of field: nf_table_config::hidden"][::core::mem::offset_of!(nf_table_config, hidden) - 32usize];
    ["Offset of field: nf_table_config::n_hidden"][::core::mem::offset_of!(nf_table_config, n_hidden) - 40usize];
    ["Offset of field: nf_table_config::activation"][::core::mem::offset_of!(nf_table_config, activation) - 48usize];
    ["Offset of field: nf_table_config::mix"][::core::mem::offset_of!(nf_table_config, mix) - 52usize];
    ["Offset of field: nf_table_config::transform"][::core::mem::offset_of!(nf_table_config, transform) - 56usize];
    ["Offset of field: nf_table_config::bins"][::core::mem::offset_of!(nf_table_config, bins) - 60usize];
    ["Offset of field: nf_table_config::bound"][::core::mem::offset_of!(nf_table_config, bound) - 64usize];
    ["Offset of field: nf_table_config::seed"][::core::mem::offset_of!(nf_table_config, seed) - 72usize];
    ["Offset of field: nf_table_config::mean"][::core::mem::offset_of!(nf_table_config, mean) - 80usize];
    ["Offset of field: nf_table_config::n_mean"][::core::mem::offset_of!(nf_table_config, n_mean) - 88usize];
    ["Offset of field: nf_table_config::sd"][::core::mem::offset_of!(nf_table_config, sd) - 96usize];
    ["Offset of field: nf_table_config::n_sd"][::core::mem::offset_of!(nf_table_config, n_sd) - 104usize];
    ["Offset of field: nf_table_config::kind"][::core::mem::offset_of!(nf_table_config, kind) - 112usize];
    ["Offset of field: nf_table_config::n_kind"][::core::mem::offset_of!(nf_table_config, n_kind) - 120usize];
    ["Offset of field: nf_table_config::low"][::core::mem::offset_of!(nf_table_config, low) - 128usize];
    ["Offset of field: nf_table_config::n_low"][::core::mem::offset_of!(nf_table_config, n_low) - 136usize];
    ["Offset of field: nf_table_config::high"][::core::mem::offset_of!(nf_table_config, high) - 144usize];
    ["Offset of field: nf_table_config::n_high"][::core::mem::offset_of!(nf_table_config, n_high) - 152usize];
    ["Offset of field: nf_table_config::alpha"][::core::mem::offset_of!(nf_table_config, alpha) - 160usize];
    ["Offset of field: nf_table_config::noise"][::core::mem::offset_of!(nf_table_config, noise) - 168usize];
    ["Offset of field: nf_table_config::reserved"][::core::mem::offset_of!(nf_table_config, reserved) - 172usize];
    ["Offset of field: nf_table_config::cond_mean"][::core::mem::offset_of!(nf_table_config, cond_mean) - 176usize];
    ["Offset of field: nf_table_config::n_cond_mean"][::core::mem::offset_of!(nf_table_config, n_cond_mean) - 184usize];
    ["Offset of field: nf_table_config::cond_sd"][::core::mem::offset_of!(nf_table_config, cond_sd) - 192usize];
    ["Offset of field: nf_table_config::n_cond_sd"][::core::mem::offset_of!(nf_table_config, n_cond_sd) - 200usize];
    ["Offset of field: nf_table_config::embed_hidden"][::core::mem::offset_of!(nf_table_config, embed_hidden) - 208usize];
    ["Offset of field: nf_table_config::n_embed_hidden"][::core::mem::offset_of!(nf_table_config, n_embed_hidden) - 216usize];
    ["Offset of field: nf_table_config::embed_dim"][::core::mem::offset_of!(nf_table_config, embed_dim) - 224usize];
    ["Offset of field: nf_table_config::embed_activation"][::core::mem::offset_of!(nf_table_config, embed_activation) - 232usize];
    ["Offset of field: nf_table_config::cond_standardise"][::core::mem::offset_of!(nf_table_config, cond_standardise) - 236usize];
};
impl Default for nf_table_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub const NF_SCHEDULE_CONSTANT: _bindgen_ty_37 = 1;
pub const NF_SCHEDULE_COSINE: _bindgen_ty_37 = 2;
pub const NF_SCHEDULE_STEP: _bindgen_ty_37 = 3;
pub const NF_SCHEDULE_PLATEAU: _bindgen_ty_37 = 4;
pub type _bindgen_ty_37 = ::core::ffi::c_uint;
pub const NF_OBJECTIVE_LIKELIHOOD: _bindgen_ty_38 = 1;
pub const NF_OBJECTIVE_FLOW_MATCHING: _bindgen_ty_38 = 2;
pub type _bindgen_ty_38 = ::core::ffi::c_uint;
pub const NF_PAIRING_STRAIGHT: _bindgen_ty_39 = 1;
pub const NF_PAIRING_TRANSPORT: _bindgen_ty_39 = 2;
pub type _bindgen_ty_39 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_fit_progress {
    pub struct_size: u32,
    pub end_of_epoch: i32,
    pub epoch: i64,
    pub epochs: i64,
    pub step: i64,
    pub steps_per_epoch: i64,
    pub train_nll: f64,
    pub valid_nll: f64,
    pub best_nll: f64,
    pub lr: f64,
    pub grad_norm: f64,
    pub seconds: f64,
    pub eta_seconds: f64,
    pub skipped: i64,
    pub train_bits: f64,
    pub valid_bits: f64,
    pub best_bits: f64,
    pub objective: i32,
    pub reserved: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_fit_progress"][::core::mem::size_of::<nf_fit_progress>() - 136usize];
    ["Alignment of nf_fit_progress"][::core::mem::align_of::<nf_fit_progress>() - 8usize];
    ["Offset of field: nf_fit_progress::struct_size"][::core::mem::offset_of!(nf_fit_progress, struct_size) - 0usize];
    ["Offset of field: nf_fit_progress::end_of_epoch"][::core::mem::offset_of!(nf_fit_progress, end_of_epoch) - 4usize];
    ["Offset of field: nf_fit_progress::epoch"][::core::mem::offset_of!(nf_fit_progress, epoch) - 8usize];
    ["Offset of field: nf_fit_progress::epochs"][::core::mem::offset_of!(nf_fit_progress, epochs) - 16usize];
    ["Offset of field: nf_fit_progress::step"][::core::mem::offset_of!(nf_fit_progress, step) - 24usize];
    ["Offset of field: nf_fit_progress::steps_per_epoch"][::core::mem::offset_of!(nf_fit_progress, steps_per_epoch) - 32usize];
    ["Offset of field: nf_fit_progress::train_nll"][::core::mem::offset_of!(nf_fit_progress, train_nll) - 40usize];
    ["Offset of field: nf_fit_progress::valid_nll"][::core::mem::offset_of!(nf_fit_progress, valid_nll) - 48usize];
    ["Offset of field: nf_fit_progress::best_nll"][::core::mem::offset_of!(nf_fit_progress, best_nll) - 56usize];
    ["Offset of field: nf_fit_progress::lr"][::core::mem::offset_of!(nf_fit_progress, lr) - 64usize];
    ["Offset of field: nf_fit_progress::grad_norm"][::core::mem::offset_of!(nf_fit_progress, grad_norm) - 72usize];
    ["Offset of field: nf_fit_progress::seconds"][::core::mem::offset_of!(nf_fit_progress, seconds) - 80usize];
    ["Offset of field: nf_fit_progress::eta_seconds"][::core::mem::offset_of!(nf_fit_progress, eta_seconds) - 88usize];
    ["Offset of field: nf_fit_progress::skipped"][::core::mem::offset_of!(nf_fit_progress, skipped) - 96usize];
    ["Offset of field: nf_fit_progress::train_bits"][::core::mem::offset_of!(nf_fit_progress, train_bits) - 104usize];
    ["Offset of field: nf_fit_progress::valid_bits"][::core::mem::offset_of!(nf_fit_progress, valid_bits) - 112usize];
    ["Offset of field: nf_fit_progress::best_bits"][::core::mem::offset_of!(nf_fit_progress, best_bits) - 120usize];
    ["Offset of field: nf_fit_progress::objective"][::core::mem::offset_of!(nf_fit_progress, objective) - 128usize];
    ["Offset of field: nf_fit_progress::reserved"][::core::mem::offset_of!(nf_fit_progress, reserved) - 132usize];
};
pub type nf_progress_fn =
    ::core::option::Option<unsafe extern "C" fn(user: *mut ::core::ffi::c_void, progress: *const nf_fit_progress) -> i32>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_fit_config {
    pub struct_size: u32,
    pub schedule: i32,
    pub epochs: i64,
    pub batch: i64,
    pub seed: u64,
    pub patience: i64,
    pub clip_norm: f64,
    pub l2: f64,
    pub ema_decay: f64,
    pub warmup_steps: i64,
    pub final_lr_factor: f64,
    pub factor: f64,
    pub step_epochs: i64,
    pub plateau_epochs: i64,
    pub keep_last: i32,
    pub no_init: i32,
    pub progress_steps: i64,
    pub progress: nf_progress_fn,
    pub progress_user: *mut ::core::ffi::c_void,
    pub checkpoint: *const ::core::ffi::c_char,
    pub checkpoint_epochs: i64,
    pub resume: *const ::core::ffi::c_char,
    pub objective: i32,
    pub pairing: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_fit_config"][::core::mem::size_of::<nf_fit_config>() - 168usize];
    ["Alignment of nf_fit_config"][::core::mem::align_of::<nf_fit_config>() - 8usize];
    ["Offset of field: nf_fit_config::struct_size"][::core::mem::offset_of!(nf_fit_config, struct_size) - 0usize];
    ["Offset of field: nf_fit_config::schedule"][::core::mem::offset_of!(nf_fit_config, schedule) - 4usize];
    ["Offset of field: nf_fit_config::epochs"][::core::mem::offset_of!(nf_fit_config, epochs) - 8usize];
    ["Offset of field: nf_fit_config::batch"][::core::mem::offset_of!(nf_fit_config, batch) - 16usize];
    ["Offset of field: nf_fit_config::seed"][::core::mem::offset_of!(nf_fit_config, seed) - 24usize];
    ["Offset of field: nf_fit_config::patience"][::core::mem::offset_of!(nf_fit_config, patience) - 32usize];
    ["Offset of field: nf_fit_config::clip_norm"][::core::mem::offset_of!(nf_fit_config, clip_norm) - 40usize];
    ["Offset of field: nf_fit_config::l2"][::core::mem::offset_of!(nf_fit_config, l2) - 48usize];
    ["Offset of field: nf_fit_config::ema_decay"][::core::mem::offset_of!(nf_fit_config, ema_decay) - 56usize];
    ["Offset of field: nf_fit_config::warmup_steps"][::core::mem::offset_of!(nf_fit_config, warmup_steps) - 64usize];
    ["Offset of field: nf_fit_config::final_lr_factor"][::core::mem::offset_of!(nf_fit_config, final_lr_factor) - 72usize];
    ["Offset of field: nf_fit_config::factor"][::core::mem::offset_of!(nf_fit_config, factor) - 80usize];
    ["Offset of field: nf_fit_config::step_epochs"][::core::mem::offset_of!(nf_fit_config, step_epochs) - 88usize];
    ["Offset of field: nf_fit_config::plateau_epochs"][::core::mem::offset_of!(nf_fit_config, plateau_epochs) - 96usize];
    ["Offset of field: nf_fit_config::keep_last"][::core::mem::offset_of!(nf_fit_config, keep_last) - 104usize];
    ["Offset of field: nf_fit_config::no_init"][::core::mem::offset_of!(nf_fit_config, no_init) - 108usize];
    ["Offset of field: nf_fit_config::progress_steps"][::core::mem::offset_of!(nf_fit_config, progress_steps) - 112usize];
    ["Offset of field: nf_fit_config::progress"][::core::mem::offset_of!(nf_fit_config, progress) - 120usize];
    ["Offset of field: nf_fit_config::progress_user"][::core::mem::offset_of!(nf_fit_config, progress_user) - 128usize];
    ["Offset of field: nf_fit_config::checkpoint"][::core::mem::offset_of!(nf_fit_config, checkpoint) - 136usize];
    ["Offset of field: nf_fit_config::checkpoint_epochs"][::core::mem::offset_of!(nf_fit_config, checkpoint_epochs) - 144usize];
    ["Offset of field: nf_fit_config::resume"][::core::mem::offset_of!(nf_fit_config, resume) - 152usize];
    ["Offset of field: nf_fit_config::objective"][::core::mem::offset_of!(nf_fit_config, objective) - 160usize];
    ["Offset of field: nf_fit_config::pairing"][::core::mem::offset_of!(nf_fit_config, pairing) - 164usize];
};
impl Default for nf_fit_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_fit_report {
    pub struct_size: u32,
    pub stopped: i32,
    pub epochs: i64,
    pub steps: i64,
    pub skipped: i64,
    pub rollbacks: i64,
    pub best_epoch: i64,
    pub train_nll: f64,
    pub valid_nll: f64,
    pub seconds: f64,
    pub curve_train: *mut f64,
    pub curve_valid: *mut f64,
    pub curve_capacity: i64,
    pub curve_count: i64,
    pub train_bits: f64,
    pub valid_bits: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_fit_report"][::core::mem::size_of::<nf_fit_report>() - 120usize];
    ["Alignment of nf_fit_report"][::core::mem::align_of::<nf_fit_report>() - 8usize];
    ["Offset of field: nf_fit_report::struct_size"][::core::mem::offset_of!(nf_fit_report, struct_size) - 0usize];
    ["Offset of field: nf_fit_report::stopped"][::core::mem::offset_of!(nf_fit_report, stopped) - 4usize];
    ["Offset of field: nf_fit_report::epochs"][::core::mem::offset_of!(nf_fit_report, epochs) - 8usize];
    ["Offset of field: nf_fit_report::steps"][::core::mem::offset_of!(nf_fit_report, steps) - 16usize];
    ["Offset of field: nf_fit_report::skipped"][::core::mem::offset_of!(nf_fit_report, skipped) - 24usize];
    ["Offset of field: nf_fit_report::rollbacks"][::core::mem::offset_of!(nf_fit_report, rollbacks) - 32usize];
    ["Offset of field: nf_fit_report::best_epoch"][::core::mem::offset_of!(nf_fit_report, best_epoch) - 40usize];
    ["Offset of field: nf_fit_report::train_nll"][::core::mem::offset_of!(nf_fit_report, train_nll) - 48usize];
    ["Offset of field: nf_fit_report::valid_nll"][::core::mem::offset_of!(nf_fit_report, valid_nll) - 56usize];
    ["Offset of field: nf_fit_report::seconds"][::core::mem::offset_of!(nf_fit_report, seconds) - 64usize];
    ["Offset of field: nf_fit_report::curve_train"][::core::mem::offset_of!(nf_fit_report, curve_train) - 72usize];
    ["Offset of field: nf_fit_report::curve_valid"][::core::mem::offset_of!(nf_fit_report, curve_valid) - 80usize];
    ["Offset of field: nf_fit_report::curve_capacity"][::core::mem::offset_of!(nf_fit_report, curve_capacity) - 88usize];
    ["Offset of field: nf_fit_report::curve_count"][::core::mem::offset_of!(nf_fit_report, curve_count) - 96usize];
    ["Offset of field: nf_fit_report::train_bits"][::core::mem::offset_of!(nf_fit_report, train_bits) - 104usize];
    ["Offset of field: nf_fit_report::valid_bits"][::core::mem::offset_of!(nf_fit_report, valid_bits) - 112usize];
};
impl Default for nf_fit_report {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub type nf_log_density_fn = ::core::option::Option<
    unsafe extern "C" fn(
        user: *mut ::core::ffi::c_void,
        n: i64,
        dim: i64,
        x: *const f64,
        cond: *const f64,
        log_p: *mut f64,
        grad: *mut f64,
    ) -> nf_status,
>;
pub const NF_ESTIMATOR_PATH: _bindgen_ty_40 = 1;
pub const NF_ESTIMATOR_TOTAL: _bindgen_ty_40 = 2;
pub type _bindgen_ty_40 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_target_progress {
    pub struct_size: u32,
    pub reserved: i32,
    pub step: i64,
    pub steps: i64,
    pub loss: f64,
    pub elbo: f64,
    pub beta: f64,
    pub lr: f64,
    pub grad_norm: f64,
    pub seconds: f64,
    pub eta_seconds: f64,
    pub skipped: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_target_progress"][::core::mem::size_of::<nf_target_progress>() - 88usize];
    ["Alignment of nf_target_progress"][::core::mem::align_of::<nf_target_progress>() - 8usize];
    ["Offset of field: nf_target_progress::struct_size"][::core::mem::offset_of!(nf_target_progress, struct_size) - 0usize];
    ["Offset of field: nf_target_progress::reserved"][::core::mem::offset_of!(nf_target_progress, reserved) - 4usize];
    ["Offset of field: nf_target_progress::step"][::core::mem::offset_of!(nf_target_progress, step) - 8usize];
    ["Offset of field: nf_target_progress::steps"][::core::mem::offset_of!(nf_target_progress, steps) - 16usize];
    ["Offset of field: nf_target_progress::loss"][::core::mem::offset_of!(nf_target_progress, loss) - 24usize];
    ["Offset of field: nf_target_progress::elbo"][::core::mem::offset_of!(nf_target_progress, elbo) - 32usize];
    ["Offset of field: nf_target_progress::beta"][::core::mem::offset_of!(nf_target_progress, beta) - 40usize];
    ["Offset of field: nf_target_progress::lr"][::core::mem::offset_of!(nf_target_progress, lr) - 48usize];
    ["Offset of field: nf_target_progress::grad_norm"][::core::mem::offset_of!(nf_target_progress, grad_norm) - 56usize];
    ["Offset of field: nf_target_progress::seconds"][::core::mem::offset_of!(nf_target_progress, seconds) - 64usize];
    ["Offset of field: nf_target_progress::eta_seconds"][::core::mem::offset_of!(nf_target_progress, eta_seconds) - 72usize];
    ["Offset of field: nf_target_progress::skipped"][::core::mem::offset_of!(nf_target_progress, skipped) - 80usize];
};
pub type nf_target_progress_fn =
    ::core::option::Option<unsafe extern "C" fn(user: *mut ::core::ffi::c_void, progress: *const nf_target_progress) -> i32>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_target_config {
    pub struct_size: u32,
    pub estimator: i32,
    pub steps: i64,
    pub batch: i64,
    pub seed: u64,
    pub beta_start: f64,
    pub beta_steps: i64,
    pub data_weight: f64,
    pub clip_norm: f64,
    pub ema_decay: f64,
    pub schedule: i32,
    pub no_init: i32,
    pub warmup_steps: i64,
    pub final_lr_factor: f64,
    pub round_steps: i64,
    pub report_draws: i64,
    pub progress: nf_target_progress_fn,
    pub progress_user: *mut ::core::ffi::c_void,
    pub checkpoint: *const ::core::ffi::c_char,
    pub checkpoint_rounds: i64,
    pub resume: *const ::core::ffi::c_char,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_target_config"][::core::mem::size_of::<nf_target_config>() - 152usize];
    ["Alignment of nf_target_config"][::core::mem::align_of::<nf_target_config>() - 8usize];
    ["Offset of field: nf_target_config::struct_size"][::core::mem::offset_of!(nf_target_config, struct_size) - 0usize];
    ["Offset of field: nf_target_config::estimator"][::core::mem::offset_of!(nf_target_config, estimator) - 4usize];
    ["Offset of field: nf_target_config::steps"][::core::mem::offset_of!(nf_target_config, steps) - 8usize];
    ["Offset of field: nf_target_config::batch"][::core::mem::offset_of!(nf_target_config, batch) - 16usize];
    ["Offset of field: nf_target_config::seed"][::core::mem::offset_of!(nf_target_config, seed) - 24usize];
    ["Offset of field: nf_target_config::beta_start"][::core::mem::offset_of!(nf_target_config, beta_start) - 32usize];
    ["Offset of field: nf_target_config::beta_steps"][::core::mem::offset_of!(nf_target_config, beta_steps) - 40usize];
    ["Offset of field: nf_target_config::data_weight"][::core::mem::offset_of!(nf_target_config, data_weight) - 48usize];
    ["Offset of field: nf_target_config::clip_norm"][::core::mem::offset_of!(nf_target_config, clip_norm) - 56usize];
    ["Offset of field: nf_target_config::ema_decay"][::core::mem::offset_of!(nf_target_config, ema_decay) - 64usize];
    ["Offset of field: nf_target_config::schedule"][::core::mem::offset_of!(nf_target_config, schedule) - 72usize];
    ["Offset of field: nf_target_config::no_init"][::core::mem::offset_of!(nf_target_config, no_init) - 76usize];
    ["Offset of field: nf_target_config::warmup_steps"][::core::mem::offset_of!(nf_target_config, warmup_steps) - 80usize];
    ["Offset of field: nf_target_config::final_lr_factor"][::core::mem::offset_of!(nf_target_config, final_lr_factor) - 88usize];
    ["Offset of field: nf_target_config::round_steps"][::core::mem::offset_of!(nf_target_config, round_steps) - 96usize];
    ["Offset of field: nf_target_config::report_draws"][::core::mem::offset_of!(nf_target_config, report_draws) - 104usize];
    ["Offset of field: nf_target_config::progress"][::core::mem::offset_of!(nf_target_config, progress) - 112usize];
    ["Offset of field: nf_target_config::progress_user"][::core::mem::offset_of!(nf_target_config, progress_user) - 120usize];
    ["Offset of field: nf_target_config::checkpoint"][::core::mem::offset_of!(nf_target_config, checkpoint) - 128usize];
    ["Offset of field: nf_target_config::checkpoint_rounds"]
        [::core::mem::offset_of!(nf_target_config, checkpoint_rounds) - 136usize];
    ["Offset of field: nf_target_config::resume"][::core::mem::offset_of!(nf_target_config, resume) - 144usize];
};
impl Default for nf_target_config {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_importance_report {
    pub struct_size: u32,
    pub reserved: i32,
    pub n: i64,
    pub elbo: f64,
    pub elbo_se: f64,
    pub log_z: f64,
    pub log_z_se: f64,
    pub ess: f64,
    pub pareto_k: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_importance_report"][::core::mem::size_of::<nf_importance_report>() - 64usize];
    ["Alignment of nf_importance_report"][::core::mem::align_of::<nf_importance_report>() - 8usize];
    ["Offset of field: nf_importance_report::struct_size"][::core::mem::offset_of!(nf_importance_report, struct_size) - 0usize];
    ["Offset of field: nf_importance_report::reserved"][::core::mem::offset_of!(nf_importance_report, reserved) - 4usize];
    ["Offset of field: nf_importance_report::n"][::core::mem::offset_of!(nf_importance_report, n) - 8usize];
    ["Offset of field: nf_importance_report::elbo"][::core::mem::offset_of!(nf_importance_report, elbo) - 16usize];
    ["Offset of field: nf_importance_report::elbo_se"][::core::mem::offset_of!(nf_importance_report, elbo_se) - 24usize];
    ["Offset of field: nf_importance_report::log_z"][::core::mem::offset_of!(nf_importance_report, log_z) - 32usize];
    ["Offset of field: nf_importance_report::log_z_se"][::core::mem::offset_of!(nf_importance_report, log_z_se) - 40usize];
    ["Offset of field: nf_importance_report::ess"][::core::mem::offset_of!(nf_importance_report, ess) - 48usize];
    ["Offset of field: nf_importance_report::pareto_k"][::core::mem::offset_of!(nf_importance_report, pareto_k) - 56usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_target_report {
    pub struct_size: u32,
    pub stopped: i32,
    pub steps: i64,
    pub skipped: i64,
    pub rollbacks: i64,
    pub seconds: f64,
    pub draws: i64,
    pub elbo: f64,
    pub elbo_se: f64,
    pub log_z: f64,
    pub log_z_se: f64,
    pub ess: f64,
    pub pareto_k: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_target_report"][::core::mem::size_of::<nf_target_report>() - 96usize];
    ["Alignment of nf_target_report"][::core::mem::align_of::<nf_target_report>() - 8usize];
    ["Offset of field: nf_target_report::struct_size"][::core::mem::offset_of!(nf_target_report, struct_size) - 0usize];
    ["Offset of field: nf_target_report::stopped"][::core::mem::offset_of!(nf_target_report, stopped) - 4usize];
    ["Offset of field: nf_target_report::steps"][::core::mem::offset_of!(nf_target_report, steps) - 8usize];
    ["Offset of field: nf_target_report::skipped"][::core::mem::offset_of!(nf_target_report, skipped) - 16usize];
    ["Offset of field: nf_target_report::rollbacks"][::core::mem::offset_of!(nf_target_report, rollbacks) - 24usize];
    ["Offset of field: nf_target_report::seconds"][::core::mem::offset_of!(nf_target_report, seconds) - 32usize];
    ["Offset of field: nf_target_report::draws"][::core::mem::offset_of!(nf_target_report, draws) - 40usize];
    ["Offset of field: nf_target_report::elbo"][::core::mem::offset_of!(nf_target_report, elbo) - 48usize];
    ["Offset of field: nf_target_report::elbo_se"][::core::mem::offset_of!(nf_target_report, elbo_se) - 56usize];
    ["Offset of field: nf_target_report::log_z"][::core::mem::offset_of!(nf_target_report, log_z) - 64usize];
    ["Offset of field: nf_target_report::log_z_se"][::core::mem::offset_of!(nf_target_report, log_z_se) - 72usize];
    ["Offset of field: nf_target_report::ess"][::core::mem::offset_of!(nf_target_report, ess) - 80usize];
    ["Offset of field: nf_target_report::pareto_k"][::core::mem::offset_of!(nf_target_report, pareto_k) - 88usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_maker {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_tile {
    pub struct_size: u32,
    pub dtype: i32,
    pub n: i64,
    pub row: i64,
    pub theta: *const ::core::ffi::c_void,
    pub packed: *const ::core::ffi::c_void,
    pub packed_backward: *const ::core::ffi::c_void,
    pub grad: *mut ::core::ffi::c_void,
    pub cond: *const ::core::ffi::c_void,
    pub cond_dim: i64,
    pub grad_cond: *mut ::core::ffi::c_void,
    pub scratch: *mut ::core::ffi::c_void,
    pub log_det: *mut f64,
    pub row_key: *const u64,
    pub seed: u64,
    pub epoch: u64,
    pub stream: u32,
    pub training: i32,
    pub pass: i32,
    pub likelihood: i32,
    pub precise: i32,
    pub reserved: i32,
    pub failures: *mut ::core::ffi::c_void,
    pub kernels: *const ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_tile"][::core::mem::size_of::<nf_tile>() - 160usize];
    ["Alignment of nf_tile"][::core::mem::align_of::<nf_tile>() - 8usize];
    ["Offset of field: nf_tile::struct_size"][::core::mem::offset_of!(nf_tile, struct_size) - 0usize];
    ["Offset of field: nf_tile::dtype"][::core::mem::offset_of!(nf_tile, dtype) - 4usize];
    ["Offset of field: nf_tile::n"][::core::mem::offset_of!(nf_tile, n) - 8usize];
    ["Offset of field: nf_tile::row"][::core::mem::offset_of!(nf_tile, row) - 16usize];
    ["Offset of field: nf_tile::theta"][::core::mem::offset_of!(nf_tile, theta) - 24usize];
    ["Offset of field: nf_tile::packed"][::core::mem::offset_of!(nf_tile, packed) - 32usize];
    ["Offset of field: nf_tile::packed_backward"][::core::mem::offset_of!(nf_tile, packed_backward) - 40usize];
    ["Offset of field: nf_tile::grad"][::core::mem::offset_of!(nf_tile, grad) - 48usize];
    ["Offset of field: nf_tile::cond"][::core::mem::offset_of!(nf_tile, cond) - 56usize];
    ["Offset of field: nf_tile::cond_dim"][::core::mem::offset_of!(nf_tile, cond_dim) - 64usize];
    ["Offset of field: nf_tile::grad_cond"][::core::mem::offset_of!(nf_tile, grad_cond) - 72usize];
    ["Offset of field: nf_tile::scratch"][::core::mem::offset_of!(nf_tile, scratch) - 80usize];
    ["Offset of field: nf_tile::log_det"][::core::mem::offset_of!(nf_tile, log_det) - 88usize];
    ["Offset of field: nf_tile::row_key"][::core::mem::offset_of!(nf_tile, row_key) - 96usize];
    ["Offset of field: nf_tile::seed"][::core::mem::offset_of!(nf_tile, seed) - 104usize];
    ["Offset of field: nf_tile::epoch"][::core::mem::offset_of!(nf_tile, epoch) - 112usize];
    ["Offset of field: nf_tile::stream"][::core::mem::offset_of!(nf_tile, stream) - 120usize];
    ["Offset of field: nf_tile::training"][::core::mem::offset_of!(nf_tile, training) - 124usize];
    ["Offset of field: nf_tile::pass"][::core::mem::offset_of!(nf_tile, pass) - 128usize];
    ["Offset of field: nf_tile::likelihood"][::core::mem::offset_of!(nf_tile, likelihood) - 132usize];
    ["Offset of field: nf_tile::precise"][::core::mem::offset_of!(nf_tile, precise) - 136usize];
    ["Offset of field: nf_tile::reserved"][::core::mem::offset_of!(nf_tile, reserved) - 140usize];
    ["Offset of field: nf_tile::failures"][::core::mem::offset_of!(nf_tile, failures) - 144usize];
    ["Offset of field: nf_tile::kernels"][::core::mem::offset_of!(nf_tile, kernels) - 152usize];
};
impl Default for nf_tile {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_layer_info {
    pub struct_size: u32,
    pub dtype: i32,
    pub kernels: *const ::core::ffi::c_void,
    pub dim: i64,
    pub dim_out: i64,
    pub cond_dim: i64,
    pub tile_rows: i64,
    pub saved_row: i64,
    pub scratch_row: i64,
    pub scratch_fixed: i64,
    pub packed: i64,
    pub packed_backward: i64,
    pub packed_parts: i64,
    pub needs_init: i32,
    pub inverse_is_iterative: i32,
    pub init_passes: i32,
    pub discrete: i32,
    pub flop_row: f64,
    pub wraps: i32,
    pub reserved: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_layer_info"][::core::mem::size_of::<nf_layer_info>() - 128usize];
    ["Alignment of nf_layer_info"][::core::mem::align_of::<nf_layer_info>() - 8usize];
    ["Offset of field: nf_layer_info::struct_size"][::core::mem::offset_of!(nf_layer_info, struct_size) - 0usize];
    ["Offset of field: nf_layer_info::dtype"][::core::mem::offset_of!(nf_layer_info, dtype) - 4usize];
    ["Offset of field: nf_layer_info::kernels"][::core::mem::offset_of!(nf_layer_info, kernels) - 8usize];
    ["Offset of field: nf_layer_info::dim"][::core::mem::offset_of!(nf_layer_info, dim) - 16usize];
    ["Offset of field: nf_layer_info::dim_out"][::core::mem::offset_of!(nf_layer_info, dim_out) - 24usize];
    ["Offset of field: nf_layer_info::cond_dim"][::core::mem::offset_of!(nf_layer_info, cond_dim) - 32usize];
    ["Offset of field: nf_layer_info::tile_rows"][::core::mem::offset_of!(nf_layer_info, tile_rows) - 40usize];
    ["Offset of field: nf_layer_info::saved_row"][::core::mem::offset_of!(nf_layer_info, saved_row) - 48usize];
    ["Offset of field: nf_layer_info::scratch_row"][::core::mem::offset_of!(nf_layer_info, scratch_row) - 56usize];
    ["Offset of field: nf_layer_info::scratch_fixed"][::core::mem::offset_of!(nf_layer_info, scratch_fixed) - 64usize];
    ["Offset of field: nf_layer_info::packed"][::core::mem::offset_of!(nf_layer_info, packed) - 72usize];
    ["Offset of field: nf_layer_info::packed_backward"][::core::mem::offset_of!(nf_layer_info, packed_backward) - 80usize];
    ["Offset of field: nf_layer_info::packed_parts"][::core::mem::offset_of!(nf_layer_info, packed_parts) - 88usize];
    ["Offset of field: nf_layer_info::needs_init"][::core::mem::offset_of!(nf_layer_info, needs_init) - 96usize];
    ["Offset of field: nf_layer_info::inverse_is_iterative"]
        [::core::mem::offset_of!(nf_layer_info, inverse_is_iterative) - 100usize];
    ["Offset of field: nf_layer_info::init_passes"][::core::mem::offset_of!(nf_layer_info, init_passes) - 104usize];
    ["Offset of field: nf_layer_info::discrete"][::core::mem::offset_of!(nf_layer_info, discrete) - 108usize];
    ["Offset of field: nf_layer_info::flop_row"][::core::mem::offset_of!(nf_layer_info, flop_row) - 112usize];
    ["Offset of field: nf_layer_info::wraps"][::core::mem::offset_of!(nf_layer_info, wraps) - 120usize];
    ["Offset of field: nf_layer_info::reserved"][::core::mem::offset_of!(nf_layer_info, reserved) - 124usize];
};
impl Default for nf_layer_info {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub const NF_PARAM_FROZEN: _bindgen_ty_41 = 1;
pub const NF_PARAM_NO_DECAY: _bindgen_ty_41 = 2;
pub const NF_PARAM_NO_MATCH: _bindgen_ty_41 = 4;
pub type _bindgen_ty_41 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_param {
    pub struct_size: u32,
    pub properties: i32,
    pub name: [::core::ffi::c_char; 64usize],
    pub offset: i64,
    pub rank: i32,
    pub reserved: i32,
    pub shape: [i64; 4usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_param"][::core::mem::size_of::<nf_param>() - 120usize];
    ["Alignment of nf_param"][::core::mem::align_of::<nf_param>() - 8usize];
    ["Offset of field: nf_param::struct_size"][::core::mem::offset_of!(nf_param, struct_size) - 0usize];
    ["Offset of field: nf_param::properties"][::core::mem::offset_of!(nf_param, properties) - 4usize];
    ["Offset of field: nf_param::name"][::core::mem::offset_of!(nf_param, name) - 8usize];
    ["Offset of field: nf_param::offset"][::core::mem::offset_of!(nf_param, offset) - 72usize];
    ["Offset of field: nf_param::rank"][::core::mem::offset_of!(nf_param, rank) - 80usize];
    ["Offset of field: nf_param::reserved"][::core::mem::offset_of!(nf_param, reserved) - 84usize];
    ["Offset of field: nf_param::shape"][::core::mem::offset_of!(nf_param, shape) - 88usize];
};
impl Default for nf_param {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct nf_layer_ops {
    pub struct_size: u32,
    pub reserved: u32,
    pub reset: ::core::option::Option<
        unsafe extern "C" fn(
            self_: *const ::core::ffi::c_void,
            seed: u64,
            stream: u32,
            theta: *mut ::core::ffi::c_void,
        ) -> nf_status,
    >,
    pub init: ::core::option::Option<
        unsafe extern "C" fn(
            self_: *const ::core::ffi::c_void,
            tile: *const nf_tile,
            x: *const ::core::ffi::c_void,
            theta: *mut ::core::ffi::c_void,
        ) -> nf_status,
    >,
    pub pack: ::core::option::Option<
        unsafe extern "C" fn(
            self_: *const ::core::ffi::c_void,
            kernels: *const ::core::ffi::c_void,
            theta: *const ::core::ffi::c_void,
            packed: *mut ::core::ffi::c_void,
            packed_backward: *mut ::core::ffi::c_void,
            part: i64,
        ),
    >,
    pub forward: ::core::option::Option<
        unsafe extern "C" fn(
            self_: *const ::core::ffi::c_void,
            tile: *const nf_tile,
            in_: *const ::core::ffi::c_void,
            out: *mut ::core::ffi::c_void,
            saved: *mut ::core::ffi::c_void,
        ) -> nf_status,
    >,
    pub inverse: ::core::option::Option<
        unsafe extern "C" fn(
            self_: *const ::core::ffi::c_void,
            tile: *const nf_tile,
            out: *const ::core::ffi::c_void,
            in_: *mut ::core::ffi::c_void,
        ) -> nf_status,
    >,
    pub backward: ::core::option::Option<
        unsafe extern "C" fn(
            self_: *const ::core::ffi::c_void,
            tile: *const nf_tile,
            in_: *const ::core::ffi::c_void,
            out: *const ::core::ffi::c_void,
            saved: *const ::core::ffi::c_void,
            g: *mut ::core::ffi::c_void,
            g_log_det: *const f64,
        ) -> nf_status,
    >,
    pub jvp: ::core::option::Option<
        unsafe extern "C" fn(
            self_: *const ::core::ffi::c_void,
            tile: *const nf_tile,
            in_: *const ::core::ffi::c_void,
            d_in: *const ::core::ffi::c_void,
            out: *mut ::core::ffi::c_void,
            d_out: *mut ::core::ffi::c_void,
            d_log_det: *mut f64,
        ) -> nf_status,
    >,
    pub check: ::core::option::Option<
        unsafe extern "C" fn(self_: *const ::core::ffi::c_void, theta: *const ::core::ffi::c_void) -> nf_status,
    >,
    pub match_: ::core::option::Option<
        unsafe extern "C" fn(
            self_: *const ::core::ffi::c_void,
            tile: *const nf_tile,
            in_: *const ::core::ffi::c_void,
            out: *const ::core::ffi::c_void,
            h: *const f64,
            loss: *mut f64,
        ) -> nf_status,
    >,
    pub inverse_backward: ::core::option::Option<
        unsafe extern "C" fn(
            self_: *const ::core::ffi::c_void,
            tile: *const nf_tile,
            in_: *const ::core::ffi::c_void,
            out: *const ::core::ffi::c_void,
            saved: *const ::core::ffi::c_void,
            g: *mut ::core::ffi::c_void,
        ) -> nf_status,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_layer_ops"][::core::mem::size_of::<nf_layer_ops>() - 88usize];
    ["Alignment of nf_layer_ops"][::core::mem::align_of::<nf_layer_ops>() - 8usize];
    ["Offset of field: nf_layer_ops::struct_size"][::core::mem::offset_of!(nf_layer_ops, struct_size) - 0usize];
    ["Offset of field: nf_layer_ops::reserved"][::core::mem::offset_of!(nf_layer_ops, reserved) - 4usize];
    ["Offset of field: nf_layer_ops::reset"][::core::mem::offset_of!(nf_layer_ops, reset) - 8usize];
    ["Offset of field: nf_layer_ops::init"][::core::mem::offset_of!(nf_layer_ops, init) - 16usize];
    ["Offset of field: nf_layer_ops::pack"][::core::mem::offset_of!(nf_layer_ops, pack) - 24usize];
    ["Offset of field: nf_layer_ops::forward"][::core::mem::offset_of!(nf_layer_ops, forward) - 32usize];
    ["Offset of field: nf_layer_ops::inverse"][::core::mem::offset_of!(nf_layer_ops, inverse) - 40usize];
    ["Offset of field: nf_layer_ops::backward"][::core::mem::offset_of!(nf_layer_ops, backward) - 48usize];
    ["Offset of field: nf_layer_ops::jvp"][::core::mem::offset_of!(nf_layer_ops, jvp) - 56usize];
    ["Offset of field: nf_layer_ops::check"][::core::mem::offset_of!(nf_layer_ops, check) - 64usize];
    ["Offset of field: nf_layer_ops::match_"][::core::mem::offset_of!(nf_layer_ops, match_) - 72usize];
    ["Offset of field: nf_layer_ops::inverse_backward"][::core::mem::offset_of!(nf_layer_ops, inverse_backward) - 80usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct nf_layer_type {
    pub struct_size: u32,
    pub version: u32,
    pub name: *const ::core::ffi::c_char,
    pub config_size: u32,
    pub config_first_size: u32,
    pub fields: *const nf_field,
    pub n_fields: i32,
    pub reserved: i32,
    pub create: ::core::option::Option<
        unsafe extern "C" fn(
            maker: *mut nf_maker,
            config: *mut ::core::ffi::c_void,
            self_: *mut *mut ::core::ffi::c_void,
        ) -> nf_status,
    >,
    pub destroy: ::core::option::Option<unsafe extern "C" fn(self_: *mut ::core::ffi::c_void)>,
    pub describe:
        ::core::option::Option<unsafe extern "C" fn(self_: *const ::core::ffi::c_void, info: *mut nf_layer_info) -> nf_status>,
    pub param: ::core::option::Option<
        unsafe extern "C" fn(self_: *const ::core::ffi::c_void, i: i32, param: *mut nf_param) -> nf_status,
    >,
    pub f32_: *const nf_layer_ops,
    pub f64_: *const nf_layer_ops,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of nf_layer_type"][::core::mem::size_of::<nf_layer_type>() - 88usize];
    ["Alignment of nf_layer_type"][::core::mem::align_of::<nf_layer_type>() - 8usize];
    ["Offset of field: nf_layer_type::struct_size"][::core::mem::offset_of!(nf_layer_type, struct_size) - 0usize];
    ["Offset of field: nf_layer_type::version"][::core::mem::offset_of!(nf_layer_type, version) - 4usize];
    ["Offset of field: nf_layer_type::name"][::core::mem::offset_of!(nf_layer_type, name) - 8usize];
    ["Offset of field: nf_layer_type::config_size"][::core::mem::offset_of!(nf_layer_type, config_size) - 16usize];
    ["Offset of field: nf_layer_type::config_first_size"][::core::mem::offset_of!(nf_layer_type, config_first_size) - 20usize];
    ["Offset of field: nf_layer_type::fields"][::core::mem::offset_of!(nf_layer_type, fields) - 24usize];
    ["Offset of field: nf_layer_type::n_fields"][::core::mem::offset_of!(nf_layer_type, n_fields) - 32usize];
    ["Offset of field: nf_layer_type::reserved"][::core::mem::offset_of!(nf_layer_type, reserved) - 36usize];
    ["Offset of field: nf_layer_type::create"][::core::mem::offset_of!(nf_layer_type, create) - 40usize];
    ["Offset of field: nf_layer_type::destroy"][::core::mem::offset_of!(nf_layer_type, destroy) - 48usize];
    ["Offset of field: nf_layer_type::describe"][::core::mem::offset_of!(nf_layer_type, describe) - 56usize];
    ["Offset of field: nf_layer_type::param"][::core::mem::offset_of!(nf_layer_type, param) - 64usize];
    ["Offset of field: nf_layer_type::f32_"][::core::mem::offset_of!(nf_layer_type, f32_) - 72usize];
    ["Offset of field: nf_layer_type::f64_"][::core::mem::offset_of!(nf_layer_type, f64_) - 80usize];
};
impl Default for nf_layer_type {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
extern "C" {
    pub fn nf_status_name(status: nf_status) -> *const ::core::ffi::c_char;
    pub fn nf_status_text(status: nf_status) -> *const ::core::ffi::c_char;
    pub fn nf_last_error() -> *const ::core::ffi::c_char;
    pub fn nf_version() -> *const ::core::ffi::c_char;
    pub fn nf_version_number() -> i32;
    pub fn nf_config_field(config: *const ::core::ffi::c_char, index: i32, out: *mut nf_field) -> nf_status;
    pub fn nf_context_config_init(config: *mut nf_context_config);
    pub fn nf_context_create(out: *mut *mut nf_context, config: *const nf_context_config) -> nf_status;
    pub fn nf_context_ref(context: *mut nf_context) -> *mut nf_context;
    pub fn nf_context_unref(context: *mut nf_context);
    pub fn nf_context_cancel(context: *mut nf_context);
    pub fn nf_context_resume(context: *mut nf_context);
    pub fn nf_context_threads(context: *const nf_context) -> i32;
    pub fn nf_context_isa(context: *const nf_context) -> *const ::core::ffi::c_char;
    pub fn nf_context_backend(context: *const nf_context) -> *const ::core::ffi::c_char;
    pub fn nf_blas_description() -> *const ::core::ffi::c_char;
    pub fn nf_layer_ref(layer: *mut nf_layer) -> *mut nf_layer;
    pub fn nf_layer_unref(layer: *mut nf_layer);
    pub fn nf_layer_dim(layer: *const nf_layer) -> i64;
    pub fn nf_layer_cond_dim(layer: *const nf_layer) -> i64;
    pub fn nf_layer_type_name(layer: *const nf_layer) -> *const ::core::ffi::c_char;
    pub fn nf_layer_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        type_: *const ::core::ffi::c_char,
        config: *const ::core::ffi::c_void,
    ) -> nf_status;
    pub fn nf_layer_type_at(index: i32) -> *const ::core::ffi::c_char;
    pub fn nf_coupling_conv_config_init(config: *mut nf_coupling_conv_config);
    pub fn nf_coupling_conv_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        config: *const nf_coupling_conv_config,
    ) -> nf_status;
    pub fn nf_split_config_init(config: *mut nf_split_config);
    pub fn nf_split_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_split_config) -> nf_status;
    pub fn nf_permutation_config_init(config: *mut nf_permutation_config);
    pub fn nf_permutation_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        config: *const nf_permutation_config,
    ) -> nf_status;
    pub fn nf_actnorm_config_init(config: *mut nf_actnorm_config);
    pub fn nf_actnorm_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_actnorm_config) -> nf_status;
    pub fn nf_affine_config_init(config: *mut nf_affine_config);
    pub fn nf_affine_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_affine_config) -> nf_status;
    pub fn nf_standardise_config_init(config: *mut nf_standardise_config);
    pub fn nf_standardise_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        config: *const nf_standardise_config,
    ) -> nf_status;
    pub fn nf_logit_config_init(config: *mut nf_logit_config);
    pub fn nf_logit_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_logit_config) -> nf_status;
    pub fn nf_linear_config_init(config: *mut nf_linear_config);
    pub fn nf_linear_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_linear_config) -> nf_status;
    pub fn nf_householder_config_init(config: *mut nf_householder_config);
    pub fn nf_householder_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        config: *const nf_householder_config,
    ) -> nf_status;
    pub fn nf_invconv_config_init(config: *mut nf_invconv_config);
    pub fn nf_invconv_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_invconv_config) -> nf_status;
    pub fn nf_squeeze_config_init(config: *mut nf_squeeze_config);
    pub fn nf_squeeze_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_squeeze_config) -> nf_status;
    pub fn nf_dequantise_config_init(config: *mut nf_dequantise_config);
    pub fn nf_dequantise_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        config: *const nf_dequantise_config,
    ) -> nf_status;
    pub fn nf_columns_config_init(config: *mut nf_columns_config);
    pub fn nf_columns_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_columns_config) -> nf_status;
    pub fn nf_autoregressive_config_init(config: *mut nf_autoregressive_config);
    pub fn nf_autoregressive_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        config: *const nf_autoregressive_config,
    ) -> nf_status;
    pub fn nf_base_ref(base: *mut nf_base) -> *mut nf_base;
    pub fn nf_base_unref(base: *mut nf_base);
    pub fn nf_base_dim(base: *const nf_base) -> i64;
    pub fn nf_base_cond_dim(base: *const nf_base) -> i64;
    pub fn nf_base_type_name(base: *const nf_base) -> *const ::core::ffi::c_char;
    pub fn nf_base_type_at(index: i32) -> *const ::core::ffi::c_char;
    pub fn nf_base_create(
        out: *mut *mut nf_base,
        context: *mut nf_context,
        type_: *const ::core::ffi::c_char,
        config: *const ::core::ffi::c_void,
    ) -> nf_status;
    pub fn nf_base_normal_config_init(config: *mut nf_base_normal_config);
    pub fn nf_base_normal_create(out: *mut *mut nf_base, context: *mut nf_context, dim: i64) -> nf_status;
    pub fn nf_base_diagonal_config_init(config: *mut nf_base_diagonal_config);
    pub fn nf_base_diagonal_create(out: *mut *mut nf_base, context: *mut nf_context, dim: i64) -> nf_status;
    pub fn nf_base_uniform_config_init(config: *mut nf_base_uniform_config);
    pub fn nf_base_uniform_create(out: *mut *mut nf_base, context: *mut nf_context, dim: i64, low: f64, high: f64) -> nf_status;
    pub fn nf_base_box_config_init(config: *mut nf_base_box_config);
    pub fn nf_base_box_create(out: *mut *mut nf_base, context: *mut nf_context, config: *const nf_base_box_config) -> nf_status;
    pub fn nf_base_normal_full_config_init(config: *mut nf_base_normal_full_config);
    pub fn nf_base_normal_full_create(
        out: *mut *mut nf_base,
        context: *mut nf_context,
        config: *const nf_base_normal_full_config,
    ) -> nf_status;
    pub fn nf_base_mixture_config_init(config: *mut nf_base_mixture_config);
    pub fn nf_base_mixture_create(
        out: *mut *mut nf_base,
        context: *mut nf_context,
        config: *const nf_base_mixture_config,
    ) -> nf_status;
    pub fn nf_base_student_config_init(config: *mut nf_base_student_config);
    pub fn nf_base_student_create(
        out: *mut *mut nf_base,
        context: *mut nf_context,
        config: *const nf_base_student_config,
    ) -> nf_status;
    pub fn nf_base_laplace_config_init(config: *mut nf_base_laplace_config);
    pub fn nf_base_laplace_create(out: *mut *mut nf_base, context: *mut nf_context, dim: i64) -> nf_status;
    pub fn nf_base_logistic_config_init(config: *mut nf_base_logistic_config);
    pub fn nf_base_logistic_create(out: *mut *mut nf_base, context: *mut nf_context, dim: i64) -> nf_status;
    pub fn nf_base_normal_conditional_config_init(config: *mut nf_base_normal_conditional_config);
    pub fn nf_base_normal_conditional_create(
        out: *mut *mut nf_base,
        context: *mut nf_context,
        config: *const nf_base_normal_conditional_config,
    ) -> nf_status;
    pub fn nf_coupling_affine_config_init(config: *mut nf_coupling_affine_config);
    pub fn nf_coupling_affine_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        config: *const nf_coupling_affine_config,
    ) -> nf_status;
    pub fn nf_coupling_spline_config_init(config: *mut nf_coupling_spline_config);
    pub fn nf_coupling_spline_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        config: *const nf_coupling_spline_config,
    ) -> nf_status;
    pub fn nf_flow_config_init(config: *mut nf_flow_config);
    pub fn nf_flow_create(
        out: *mut *mut nf_flow,
        context: *mut nf_context,
        config: *const nf_flow_config,
        base: *mut nf_base,
        layers: *const *mut nf_layer,
        n_layers: i64,
    ) -> nf_status;
    pub fn nf_realnvp_config_init(config: *mut nf_realnvp_config);
    pub fn nf_flow_create_realnvp(
        out: *mut *mut nf_flow,
        context: *mut nf_context,
        config: *const nf_realnvp_config,
    ) -> nf_status;
    pub fn nf_glow_config_init(config: *mut nf_glow_config);
    pub fn nf_flow_create_glow(out: *mut *mut nf_flow, context: *mut nf_context, config: *const nf_glow_config) -> nf_status;
    pub fn nf_realnvp_image_config_init(config: *mut nf_realnvp_image_config);
    pub fn nf_flow_create_realnvp_image(
        out: *mut *mut nf_flow,
        context: *mut nf_context,
        config: *const nf_realnvp_image_config,
    ) -> nf_status;
    pub fn nf_flow_ref(flow: *mut nf_flow) -> *mut nf_flow;
    pub fn nf_flow_unref(flow: *mut nf_flow);
    pub fn nf_flow_dim(flow: *const nf_flow) -> i64;
    pub fn nf_flow_cond_dim(flow: *const nf_flow) -> i64;
    pub fn nf_flow_dtype(flow: *const nf_flow) -> i32;
    pub fn nf_flow_layers(flow: *const nf_flow) -> i64;
    pub fn nf_flow_layer(flow: *const nf_flow, index: i64) -> *mut nf_layer;
    pub fn nf_flow_base(flow: *const nf_flow) -> *mut nf_base;
    pub fn nf_flow_param_count(flow: *const nf_flow) -> i64;
    pub fn nf_flow_log_prob(flow: *const nf_flow, n: i64, x: *const f32, cond: *const f32, log_prob: *mut f64) -> nf_status;
    pub fn nf_flow_log_prob_f64(flow: *const nf_flow, n: i64, x: *const f64, cond: *const f64, log_prob: *mut f64) -> nf_status;
    pub fn nf_flow_sample(
        flow: *const nf_flow,
        seed: u64,
        first: i64,
        n: i64,
        cond: *const f32,
        temperature: f64,
        x: *mut f32,
        log_prob: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_sample_f64(
        flow: *const nf_flow,
        seed: u64,
        first: i64,
        n: i64,
        cond: *const f64,
        temperature: f64,
        x: *mut f64,
        log_prob: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_forward(
        flow: *const nf_flow,
        n: i64,
        x: *const f32,
        cond: *const f32,
        z: *mut f32,
        log_det: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_forward_f64(
        flow: *const nf_flow,
        n: i64,
        x: *const f64,
        cond: *const f64,
        z: *mut f64,
        log_det: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_inverse(
        flow: *const nf_flow,
        n: i64,
        z: *const f32,
        cond: *const f32,
        x: *mut f32,
        log_det: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_inverse_f64(
        flow: *const nf_flow,
        n: i64,
        z: *const f64,
        cond: *const f64,
        x: *mut f64,
        log_det: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_score(
        flow: *const nf_flow,
        n: i64,
        x: *const f32,
        cond: *const f32,
        log_prob: *mut f64,
        grad_x: *mut f32,
    ) -> nf_status;
    pub fn nf_flow_score_f64(
        flow: *const nf_flow,
        n: i64,
        x: *const f64,
        cond: *const f64,
        log_prob: *mut f64,
        grad_x: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_nll_grad(flow: *mut nf_flow, n: i64, x: *const f32, cond: *const f32, mean_nll: *mut f64) -> nf_status;
    pub fn nf_flow_nll_grad_f64(flow: *mut nf_flow, n: i64, x: *const f64, cond: *const f64, mean_nll: *mut f64) -> nf_status;
    pub fn nf_flow_nll_grad_weighted(
        flow: *mut nf_flow,
        n: i64,
        x: *const f32,
        cond: *const f32,
        weights: *const f64,
        mean_nll: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_nll_grad_weighted_f64(
        flow: *mut nf_flow,
        n: i64,
        x: *const f64,
        cond: *const f64,
        weights: *const f64,
        mean_nll: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_params(flow: *mut nf_flow, theta: *mut *mut f32, grad: *mut *mut f32, count: *mut i64) -> nf_status;
    pub fn nf_flow_params_f64(flow: *mut nf_flow, theta: *mut *mut f64, grad: *mut *mut f64, count: *mut i64) -> nf_status;
    pub fn nf_flow_update(flow: *mut nf_flow) -> nf_status;
    pub fn nf_flow_zero_grad(flow: *mut nf_flow) -> nf_status;
    pub fn nf_flow_get_params(flow: *const nf_flow, count: i64, theta: *mut f64) -> nf_status;
    pub fn nf_flow_set_params(flow: *mut nf_flow, count: i64, theta: *const f64) -> nf_status;
    pub fn nf_flow_param(flow: *const nf_flow, index: i64, out: *mut nf_param_view) -> nf_status;
    pub fn nf_flow_init_data(flow: *mut nf_flow, n: i64, x: *const f32, cond: *const f32) -> nf_status;
    pub fn nf_flow_init_data_f64(flow: *mut nf_flow, n: i64, x: *const f64, cond: *const f64) -> nf_status;
    pub fn nf_flow_reserve(flow: *const nf_flow, n: i64, gradient: i32) -> nf_status;
    pub fn nf_flow_convert(out: *mut *mut nf_flow, flow: *const nf_flow, dtype: i32) -> nf_status;
    pub fn nf_flow_info(flow: *const nf_flow, report: *mut nf_flow_info_report) -> nf_status;
    pub fn nf_flow_step_memory(flow: *const nf_flow, n: i64, report: *mut nf_step_memory_report) -> nf_status;
    pub fn nf_flow_image_shape(flow: *const nf_flow, height: *mut i64, width: *mut i64, channels: *mut i64) -> nf_status;
    pub fn nf_flow_check(
        flow: *const nf_flow,
        n: i64,
        x: *const f32,
        cond: *const f32,
        report: *mut nf_check_report,
    ) -> nf_status;
    pub fn nf_flow_check_f64(
        flow: *const nf_flow,
        n: i64,
        x: *const f64,
        cond: *const f64,
        report: *mut nf_check_report,
    ) -> nf_status;
    pub fn nf_cnf_config_init(config: *mut nf_cnf_config);
    pub fn nf_cnf_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_cnf_config) -> nf_status;
    pub fn nf_ffjord_config_init(config: *mut nf_ffjord_config);
    pub fn nf_flow_create_ffjord(out: *mut *mut nf_flow, context: *mut nf_context, config: *const nf_ffjord_config) -> nf_status;
    pub fn nf_flow_solver_report(
        flow: *const nf_flow,
        n: i64,
        x: *const f32,
        cond: *const f32,
        report: *mut nf_solver_report,
    ) -> nf_status;
    pub fn nf_flow_solver_report_f64(
        flow: *const nf_flow,
        n: i64,
        x: *const f64,
        cond: *const f64,
        report: *mut nf_solver_report,
    ) -> nf_status;
    pub fn nf_dataset_ref(dataset: *mut nf_dataset) -> *mut nf_dataset;
    pub fn nf_dataset_unref(dataset: *mut nf_dataset);
    pub fn nf_dataset_from_array(
        out: *mut *mut nf_dataset,
        context: *mut nf_context,
        n: i64,
        dim: i64,
        x: *const f32,
    ) -> nf_status;
    pub fn nf_dataset_from_array_f64(
        out: *mut *mut nf_dataset,
        context: *mut nf_context,
        n: i64,
        dim: i64,
        x: *const f64,
    ) -> nf_status;
    pub fn nf_dataset_set_cond(dataset: *mut nf_dataset, cond_dim: i64, cond: *const f32) -> nf_status;
    pub fn nf_dataset_set_cond_f64(dataset: *mut nf_dataset, cond_dim: i64, cond: *const f64) -> nf_status;
    pub fn nf_dataset_set_weights(dataset: *mut nf_dataset, weights: *const f64) -> nf_status;
    pub fn nf_read_config_init(config: *mut nf_read_config);
    pub fn nf_dataset_load(
        out: *mut *mut nf_dataset,
        context: *mut nf_context,
        path: *const ::core::ffi::c_char,
        config: *const nf_read_config,
    ) -> nf_status;
    pub fn nf_dataset_load_memory(
        out: *mut *mut nf_dataset,
        context: *mut nf_context,
        bytes: *const ::core::ffi::c_void,
        size: i64,
        config: *const nf_read_config,
    ) -> nf_status;
    pub fn nf_dataset_synthetic(
        out: *mut *mut nf_dataset,
        context: *mut nf_context,
        name: *const ::core::ffi::c_char,
        n: i64,
        noise: f64,
        seed: u64,
    ) -> nf_status;
    pub fn nf_dataset_synthetic_at(index: i32) -> *const ::core::ffi::c_char;
    pub fn nf_dataset_synthetic_entropy(name: *const ::core::ffi::c_char, noise: f64) -> f64;
    pub fn nf_dataset_split(
        dataset: *const nf_dataset,
        fraction: f64,
        seed: u64,
        first: *mut *mut nf_dataset,
        second: *mut *mut nf_dataset,
    ) -> nf_status;
    pub fn nf_dataset_rows(dataset: *const nf_dataset) -> i64;
    pub fn nf_dataset_dim(dataset: *const nf_dataset) -> i64;
    pub fn nf_dataset_cond_dim(dataset: *const nf_dataset) -> i64;
    pub fn nf_dataset_image_shape(dataset: *const nf_dataset, height: *mut i64, width: *mut i64, channels: *mut i64)
        -> nf_status;
    pub fn nf_dataset_set_image_shape(dataset: *mut nf_dataset, height: i64, width: i64, channels: i64) -> nf_status;
    pub fn nf_dataset_copy(dataset: *const nf_dataset, first: i64, n: i64, x: *mut f32, cond: *mut f32) -> nf_status;
    pub fn nf_dataset_copy_f64(dataset: *const nf_dataset, first: i64, n: i64, x: *mut f64, cond: *mut f64) -> nf_status;
    pub fn nf_dataset_column_name(dataset: *const nf_dataset, column: i64) -> *const ::core::ffi::c_char;
    pub fn nf_dataset_check(dataset: *const nf_dataset, column: i64, report: *mut nf_column_report) -> nf_status;
    pub fn nf_standardise_from_dataset(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        dataset: *const nf_dataset,
        robust: i32,
    ) -> nf_status;
    pub fn nf_flow_interpolate(
        flow: *const nf_flow,
        path: i32,
        steps: i64,
        x0: *const f32,
        x1: *const f32,
        cond: *const f32,
        x: *mut f32,
    ) -> nf_status;
    pub fn nf_flow_interpolate_f64(
        flow: *const nf_flow,
        path: i32,
        steps: i64,
        x0: *const f64,
        x1: *const f64,
        cond: *const f64,
        x: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_direction(
        flow: *const nf_flow,
        n_with: i64,
        x_with: *const f32,
        cond_with: *const f32,
        n_without: i64,
        x_without: *const f32,
        cond_without: *const f32,
        direction: *mut f32,
    ) -> nf_status;
    pub fn nf_flow_direction_f64(
        flow: *const nf_flow,
        n_with: i64,
        x_with: *const f64,
        cond_with: *const f64,
        n_without: i64,
        x_without: *const f64,
        cond_without: *const f64,
        direction: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_move(
        flow: *const nf_flow,
        n: i64,
        x: *const f32,
        cond: *const f32,
        direction: *const f32,
        amount: f64,
        out: *mut f32,
    ) -> nf_status;
    pub fn nf_flow_move_f64(
        flow: *const nf_flow,
        n: i64,
        x: *const f64,
        cond: *const f64,
        direction: *const f64,
        amount: f64,
        out: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_sample_temperatures(
        flow: *const nf_flow,
        seed: u64,
        first: i64,
        n: i64,
        cond: *const f32,
        n_temperatures: i64,
        temperatures: *const f64,
        x: *mut f32,
    ) -> nf_status;
    pub fn nf_flow_sample_temperatures_f64(
        flow: *const nf_flow,
        seed: u64,
        first: i64,
        n: i64,
        cond: *const f64,
        n_temperatures: i64,
        temperatures: *const f64,
        x: *mut f64,
    ) -> nf_status;
    pub fn nf_flow_save(flow: *const nf_flow, path: *const ::core::ffi::c_char) -> nf_status;
    pub fn nf_flow_save_memory(
        flow: *const nf_flow,
        buffer: *mut ::core::ffi::c_void,
        capacity: i64,
        size: *mut i64,
    ) -> nf_status;
    pub fn nf_flow_load(out: *mut *mut nf_flow, context: *mut nf_context, path: *const ::core::ffi::c_char) -> nf_status;
    pub fn nf_flow_load_memory(
        out: *mut *mut nf_flow,
        context: *mut nf_context,
        bytes: *const ::core::ffi::c_void,
        size: i64,
    ) -> nf_status;
    pub fn nf_flow_verify(
        context: *mut nf_context,
        path: *const ::core::ffi::c_char,
        max_error: *mut f64,
        rows: *mut i64,
    ) -> nf_status;
    pub fn nf_flow_from_json(
        out: *mut *mut nf_flow,
        context: *mut nf_context,
        description: *const ::core::ffi::c_char,
    ) -> nf_status;
    pub fn nf_flow_to_json(flow: *const nf_flow, buffer: *mut ::core::ffi::c_char, capacity: i64, size: *mut i64) -> nf_status;
    pub fn nf_optimizer_ref(optimizer: *mut nf_optimizer) -> *mut nf_optimizer;
    pub fn nf_optimizer_unref(optimizer: *mut nf_optimizer);
    pub fn nf_optimizer_type_name(optimizer: *const nf_optimizer) -> *const ::core::ffi::c_char;
    pub fn nf_optimizer_type_at(index: i32) -> *const ::core::ffi::c_char;
    pub fn nf_optimizer_create(
        out: *mut *mut nf_optimizer,
        context: *mut nf_context,
        type_: *const ::core::ffi::c_char,
        config: *const ::core::ffi::c_void,
    ) -> nf_status;
    pub fn nf_adam_config_init(config: *mut nf_adam_config);
    pub fn nf_sgd_config_init(config: *mut nf_sgd_config);
    pub fn nf_optimizer_adam_create(
        out: *mut *mut nf_optimizer,
        context: *mut nf_context,
        config: *const nf_adam_config,
    ) -> nf_status;
    pub fn nf_optimizer_adamw_create(
        out: *mut *mut nf_optimizer,
        context: *mut nf_context,
        config: *const nf_adamw_config,
    ) -> nf_status;
    pub fn nf_optimizer_adamax_create(
        out: *mut *mut nf_optimizer,
        context: *mut nf_context,
        config: *const nf_adamax_config,
    ) -> nf_status;
    pub fn nf_optimizer_sgd_create(
        out: *mut *mut nf_optimizer,
        context: *mut nf_context,
        config: *const nf_sgd_config,
    ) -> nf_status;
    pub fn nf_optimizer_step(optimizer: *mut nf_optimizer, flow: *mut nf_flow) -> nf_status;
    pub fn nf_optimizer_step_clipped(
        optimizer: *mut nf_optimizer,
        flow: *mut nf_flow,
        max_norm: f64,
        norm: *mut f64,
    ) -> nf_status;
    pub fn nf_optimizer_lr(optimizer: *const nf_optimizer) -> f64;
    pub fn nf_optimizer_set_lr(optimizer: *mut nf_optimizer, lr: f64) -> nf_status;
    pub fn nf_optimizer_steps(optimizer: *const nf_optimizer) -> i64;
    pub fn nf_optimizer_reset(optimizer: *mut nf_optimizer) -> nf_status;
    pub fn nf_planar_config_init(config: *mut nf_planar_config);
    pub fn nf_planar_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_planar_config) -> nf_status;
    pub fn nf_radial_config_init(config: *mut nf_radial_config);
    pub fn nf_radial_create(out: *mut *mut nf_layer, context: *mut nf_context, config: *const nf_radial_config) -> nf_status;
    pub fn nf_sylvester_config_init(config: *mut nf_sylvester_config);
    pub fn nf_sylvester_create(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        config: *const nf_sylvester_config,
    ) -> nf_status;
    pub fn nf_table_config_init(config: *mut nf_table_config);
    pub fn nf_flow_create_nsf(out: *mut *mut nf_flow, context: *mut nf_context, config: *const nf_table_config) -> nf_status;
    pub fn nf_flow_create_maf(out: *mut *mut nf_flow, context: *mut nf_context, config: *const nf_table_config) -> nf_status;
    pub fn nf_flow_create_iaf(out: *mut *mut nf_flow, context: *mut nf_context, config: *const nf_table_config) -> nf_status;
    pub fn nf_flow_create_nice(out: *mut *mut nf_flow, context: *mut nf_context, config: *const nf_table_config) -> nf_status;
    pub fn nf_fit_config_init(config: *mut nf_fit_config);
    pub fn nf_flow_fit(
        flow: *mut nf_flow,
        optimizer: *mut nf_optimizer,
        train: *const nf_dataset,
        valid: *const nf_dataset,
        config: *const nf_fit_config,
        report: *mut nf_fit_report,
    ) -> nf_status;
    pub fn nf_flow_mean_nll(flow: *const nf_flow, data: *const nf_dataset, mean_nll: *mut f64) -> nf_status;
    pub fn nf_target_config_init(config: *mut nf_target_config);
    pub fn nf_flow_fit_target(
        flow: *mut nf_flow,
        optimizer: *mut nf_optimizer,
        log_density: nf_log_density_fn,
        user: *mut ::core::ffi::c_void,
        data: *const nf_dataset,
        config: *const nf_target_config,
        report: *mut nf_target_report,
    ) -> nf_status;
    pub fn nf_flow_importance(
        flow: *const nf_flow,
        log_density: nf_log_density_fn,
        user: *mut ::core::ffi::c_void,
        seed: u64,
        first: i64,
        n: i64,
        cond: *const f64,
        x: *mut f64,
        log_weight: *mut f64,
        report: *mut nf_importance_report,
    ) -> nf_status;
    pub fn nf_maker_alloc(maker: *mut nf_maker, bytes: i64) -> *mut ::core::ffi::c_void;
    pub fn nf_fail(status: nf_status, line: *const ::core::ffi::c_char) -> nf_status;
    pub fn nf_fail_row(tile: *const nf_tile, i: i64, status: nf_status, line: *const ::core::ffi::c_char);
    pub fn nf_context_register_layer(context: *mut nf_context, type_: *const nf_layer_type) -> nf_status;
    pub fn nf_layer_create_custom(
        out: *mut *mut nf_layer,
        context: *mut nf_context,
        type_: *const nf_layer_type,
        config: *const ::core::ffi::c_void,
    ) -> nf_status;
}
