//! How many connections each address has.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::service::strangers::counted_as;

/// How many connections each address has.
#[derive(Clone)]
pub(super) struct Addresses {
    most: usize,
    open: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// A connection's share of its address, until it is dropped.
pub(super) struct OfAddress(Option<(Addresses, IpAddr)>);

impl Addresses {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            open: Arc::default(),
        }
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<IpAddr, usize>) -> T) -> T {
        work(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// `None`: it has as many as it may have.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Option<OfAddress> {
        let Some(address) = address.map(counted_as) else {
            return Some(OfAddress(None));
        };
        self.with(|open| {
            let count = open.entry(address).or_default();
            (*count < self.most).then(|| {
                *count += 1;
                OfAddress(Some((self.clone(), address)))
            })
        })
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let Some((addresses, address)) = self.0.take() else {
            return;
        };
        addresses.with(|open| {
            if let Some(count) = open.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    open.remove(&address);
                }
            }
        });
    }
}
