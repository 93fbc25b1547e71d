//! A worker: leases jobs, trains them, reports
