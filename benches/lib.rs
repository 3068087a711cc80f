//! Empty. The benchmarks are the files beside this one.
