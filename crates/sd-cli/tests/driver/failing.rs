//! A Vulkan driver that forwards all calls to another driver, until one function fails. Four environment variables control it:
//! once the file FAILING_WHEN exists, the function FAILING_FUNCTION returns FAILING_RESULT; FAILING_DRIVER is the library of
//! the other driver.
//!
//! The loader calls the two functions exported here (Vulkan's "loader and driver interface", version 5). All other functions
//! are the other driver's, except the three that can fail and those that return them.

#![allow(non_snake_case)]

use std::env;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::sync::OnceLock;

type Function = *const c_void;
type Handle = *const c_void;

unsafe extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> Handle;
    fn dlsym(library: Handle, name: *const c_char) -> Function;
}

/// A function of the other driver's library.
fn exported(name: &CStr) -> Function {
    const NOW: c_int = 2;
    static LIBRARY: OnceLock<usize> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let file = CString::new(env::var("FAILING_DRIVER").unwrap()).unwrap();
        unsafe { dlopen(file.as_ptr(), NOW) as usize }
    });
    let function = unsafe { dlsym(*library as Handle, name.as_ptr()) };
    assert!(!function.is_null(), "{name:?}");
    function
}

#[unsafe(no_mangle)]
extern "system" fn vk_icdNegotiateLoaderICDInterfaceVersion(version: *mut u32) -> c_int {
    let other: extern "system" fn(*mut u32) -> c_int =
        unsafe { std::mem::transmute(exported(c"vk_icdNegotiateLoaderICDInterfaceVersion")) };
    other(version)
}

#[unsafe(no_mangle)]
extern "system" fn vk_icdGetInstanceProcAddr(instance: Handle, name: *const c_char) -> Function {
    let other: extern "system" fn(Handle, *const c_char) -> Function =
        unsafe { std::mem::transmute(exported(c"vk_icdGetInstanceProcAddr")) };
    replaced(other(instance, name), name)
}

static DEVICE_FUNCTIONS: OnceLock<usize> = OnceLock::new();

extern "system" fn device_function(device: Handle, name: *const c_char) -> Function {
    let other: extern "system" fn(Handle, *const c_char) -> Function =
        unsafe { std::mem::transmute(*DEVICE_FUNCTIONS.get().unwrap()) };
    replaced(other(device, name), name)
}

/// The result of this function if it fails now.
fn failure(function: &str) -> Option<c_int> {
    let is_meant = env::var("FAILING_FUNCTION").unwrap() == function;
    let is_time = || Path::new(&env::var("FAILING_WHEN").unwrap()).exists();
    (is_meant && is_time()).then(|| env::var("FAILING_RESULT").unwrap().parse().unwrap())
}

/// Functions that call the other driver's unless they fail.
macro_rules! failing {
    ($($name:ident $others:ident ($($argument:ident: $kind:ty),*);)*) => {
        $(
            static $others: OnceLock<usize> = OnceLock::new();

            extern "system" fn $name($($argument: $kind),*) -> c_int {
                if let Some(result) = failure(stringify!($name)) {
                    return result;
                }
                let other: extern "system" fn($($kind),*) -> c_int =
                    unsafe { std::mem::transmute(*$others.get().unwrap()) };
                other($($argument),*)
            }
        )*

        /// Replaces a function of the other driver by ours, if we have one of this name.
        fn replaced(other: Function, name: *const c_char) -> Function {
            if other.is_null() {
                return other;
            }
            match unsafe { CStr::from_ptr(name) }.to_str().unwrap() {
                "vkGetDeviceProcAddr" => {
                    DEVICE_FUNCTIONS.get_or_init(|| other as usize);
                    device_function as Function
                }
                $(stringify!($name) => {
                    $others.get_or_init(|| other as usize);
                    $name as Function
                })*
                _ => other,
            }
        }
    };
}

failing! {
    vkQueueSubmit SUBMIT (queue: Handle, count: u32, submits: Handle, fence: u64);
    vkAllocateMemory ALLOCATE (device: Handle, wanted: Handle, allocator: Handle, memory: *mut u64);
    vkCreateComputePipelines COMPILE
        (device: Handle, cache: u64, count: u32, wanted: Handle, allocator: Handle, pipelines: *mut u64);
}
