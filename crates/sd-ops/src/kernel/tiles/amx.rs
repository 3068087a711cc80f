//! Intel's Advanced Matrix Extensions (Architecture Instruction Set Extensions Programming Reference, chapter 3).

#![expect(unsafe_code, reason = "instructions that have no stable intrinsics")]

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::{EDGE, Tiles};

/// Proof that this process may use AMX's tiles for bf16, and that the processor has AVX-512 F, DQ, BW and BF16.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasTiles(());

impl HasTiles {
    /// Looks for the instructions, and asks the system for the permission to use them, once.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<bool> = OnceLock::new();
        FOUND.get_or_init(|| has_vectors() && has_instructions() && is_permitted()).then_some(Self(()))
    }
}

fn has_vectors() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512bf16")
}

/// Returns whether the processor has tiles for bf16, and the system saves their state. AVX-512 was found before, so that the
/// leaves below and `xgetbv` are there.
fn has_instructions() -> bool {
    // AMX-BF16 and AMX-TILE; the configuration and the data of tiles.
    const FEATURES: u32 = 1 << 22 | 1 << 24;
    const STATES: u32 = 1 << 17 | 1 << 18;
    if __cpuid(0).eax < 0x1d || __cpuid_count(7, 0).edx & FEATURES != FEATURES {
        return false;
    }
    let states: u32;
    // SAFETY: the system has enabled `xgetbv`, without which it could not have enabled AVX-512.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") states, out("edx") _, options(nomem, nostack, preserves_flags)) };
    // Palette 1: the bytes of a row, the number of tiles, and their rows.
    let palette = __cpuid_count(0x1d, 1);
    let sizes = [palette.ebx & 0xffff, palette.ebx >> 16, palette.ecx & 0xffff];
    states & STATES == STATES && sizes == [64, 8, 16]
}

/// Asks for the permission to use tiles, which Linux gives to a process for all its threads. Their state takes 8 KB.
#[cfg(target_os = "linux")]
fn is_permitted() -> bool {
    const ARCH_PRCTL: u64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const XFEATURE_XTILEDATA: u64 = 18;
    let result: u64;
    // SAFETY: a system call that changes nothing but this permission.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// Other systems either lack this permission or were not tried.
#[cfg(not(target_os = "linux"))]
fn is_permitted() -> bool {
    false
}

/// The tiles of the current thread, all sixteen rows high, until they are dropped.
pub(crate) struct Amx(PhantomData<*mut ()>);

/// The operand of `ldtilecfg`.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    first_row: u8,
    reserved: [u8; 14],
    /// The bytes of each tile's rows.
    bytes: [u16; 16],
    rows: [u8; 16],
}

/// Instructions that change tiles. Compilers keep nothing in tiles, so that these keep their values from one to the next.
macro_rules! tile_asm {
    ($($operand:tt)*) => {
        asm!(
            $($operand)*,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
        )
    };
}

impl Amx {
    pub fn configure(_: HasTiles) -> Self {
        const ALL: [usize; 16] = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let (bytes, rows) = (ALL.map(|used| 4 * (EDGE * used) as u16), ALL.map(|used| (EDGE * used) as u8));
        let config = Config { palette: 1, first_row: 0, reserved: [0; 14], bytes, rows };
        // SAFETY: `HasTiles` proves that the instruction is there, and the operand has 64 bytes.
        unsafe { tile_asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack, readonly, preserves_flags)) };
        Self(PhantomData)
    }
}

impl Drop for Amx {
    fn drop(&mut self) {
        // SAFETY: this value was made where the instruction is there. The system saves the state of tiles in use at each
        // switch of threads.
        unsafe { tile_asm!("tilerelease", options(nomem, nostack, preserves_flags)) };
    }
}

// SAFETY of every block: this value was made where the processor has the instructions, and tiles 0 to 7 are configured.
// Loads and stores also rely on their callers' promises.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason, given above, holds for all of them")]
impl Tiles for Amx {
    #[inline(always)]
    fn zero<const TILE: usize>(&mut self) {
        unsafe { tile_asm!("tilezero tmm{tile}", tile = const TILE, options(nomem, nostack, preserves_flags)) };
    }

    #[inline(always)]
    unsafe fn load<const TILE: usize>(&mut self, from: *const f32, apart: usize) {
        unsafe {
            tile_asm!(
                "tileloadd tmm{tile}, [{from} + {bytes}*1]",
                tile = const TILE,
                from = in(reg) from,
                bytes = in(reg) 4 * apart,
                options(nostack, readonly, preserves_flags)
            );
        }
    }

    #[inline(always)]
    unsafe fn store<const TILE: usize>(&self, to: *mut f32, apart: usize) {
        unsafe {
            tile_asm!(
                "tilestored [{to} + {bytes}*1], tmm{tile}",
                tile = const TILE,
                to = in(reg) to,
                bytes = in(reg) 4 * apart,
                options(nostack, preserves_flags)
            );
        }
    }

    #[inline(always)]
    fn dot<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self) {
        unsafe {
            tile_asm!(
                "tdpbf16ps tmm{sum}, tmm{left}, tmm{right}",
                sum = const SUM,
                left = const LEFT,
                right = const RIGHT,
                options(nomem, nostack, preserves_flags)
            );
        }
    }
}
