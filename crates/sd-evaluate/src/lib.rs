//! How well a model of the scenes draws what it is asked for.
