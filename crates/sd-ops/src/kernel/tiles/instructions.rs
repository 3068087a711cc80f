#![expect(unsafe_code, reason = "loads and stores whose bounds are the caller's promise")]

/// Eight tiles, numbered from 0.
pub(crate) trait Tiles {
    /// Sets all lanes to zero.
    fn zero<const TILE: usize>(&mut self);

    /// Loads rows that are `apart` lanes apart.
    ///
    /// # Safety
    ///
    /// Sixteen lanes of each row can be read.
    unsafe fn load<const TILE: usize>(&mut self, from: *const f32, apart: usize);

    /// Stores rows, `apart` lanes apart.
    ///
    /// # Safety
    ///
    /// Sixteen lanes of each row can be written.
    unsafe fn store<const TILE: usize>(&self, to: *mut f32, apart: usize);

    /// Adds the product of two tiles in bf16 to one in single precision.
    fn dot<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self);
}
