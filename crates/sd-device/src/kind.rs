/// What a device computes on, the slowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DeviceKind {
    /// The processor, also where a driver has it act as a GPU.
    Processor,
    /// Graphics within the processor, which share its memory.
    Integrated,
    /// A GPU.
    Discrete,
}
