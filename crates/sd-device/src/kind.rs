/// Kind of hardware, the slowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DeviceKind {
    /// The processor, including a software driver that presents it as a GPU.
    Processor,
    /// Integrated graphics, which share the processor's memory.
    Integrated,
    /// A discrete GPU.
    Discrete,
}
