//! Data sets on disk: reading, checks, digests, synthetic data
