//! Scheduler, engine, journal, index and services of the coordinator
