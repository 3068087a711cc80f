//! The schedules against the reference.

mod schedules;
