//! Strangers: connections over which no authorised call came yet.
//!
//! A new connection is always let in; where there are too many strangers, the one that had the longest chance is closed
//! instead: the oldest of the address that has the most. One address that opens connections without end closes its own,
//! and a worker or a probe that comes meanwhile has its moment to say who it is.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// The connections that are strangers now.
#[derive(Clone)]
pub(super) struct Strangers {
    most: usize,
    most_of_address: usize,
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    next: u64,
    total: usize,
    /// By address (`None`: it has none), then in the order in which they came.
    open: BTreeMap<Option<IpAddr>, BTreeMap<u64, CancellationToken>>,
}

/// The other end of a connection: a stranger until [`Peer::introduce`].
#[derive(Clone)]
pub(super) struct Peer(Arc<Entry>);

struct Entry {
    strangers: Strangers,
    address: Option<IpAddr>,
    number: u64,
    known: AtomicBool,
    crowded_out: CancellationToken,
}

impl Strangers {
    /// At most so many at a time, and so many of one address.
    pub(super) fn new(most: usize, most_of_address: usize) -> Self {
        Self {
            most: most.max(1),
            most_of_address: most_of_address.max(1),
            table: Arc::default(),
        }
    }

    /// One more. Says whether another was told to go for it.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> (Peer, bool) {
        let address = address.map(counted_as);
        let crowded_out = CancellationToken::new();
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = table.open.get(&address).map_or(0, BTreeMap::len);
        let evicted = if of_address >= self.most_of_address {
            table.evict(address)
        } else if table.total >= self.most {
            let crowded = table.open.iter().max_by_key(|(_, open)| open.len());
            crowded
                .map(|(address, _)| *address)
                .is_some_and(|address| table.evict(address))
        } else {
            false
        };
        let number = table.next;
        table.next += 1;
        table.total += 1;
        let open = table.open.entry(address).or_default();
        open.insert(number, crowded_out.clone());
        drop(table);
        let entry = Entry {
            strangers: self.clone(),
            address,
            number,
            known: AtomicBool::new(false),
            crowded_out,
        };
        (Peer(Arc::new(entry)), evicted)
    }

    fn leave(&self, entry: &Entry) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(entry.address, entry.number);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(
            table.total,
            table.open.values().map(BTreeMap::len).sum::<usize>()
        );
        table.total
    }
}

impl Table {
    fn evict(&mut self, address: Option<IpAddr>) -> bool {
        let open = self.open.get(&address);
        let Some((number, token)) = open.and_then(BTreeMap::first_key_value) else {
            return false;
        };
        let number = *number;
        token.cancel();
        self.remove(address, number);
        true
    }

    fn remove(&mut self, address: Option<IpAddr>, number: u64) {
        let Some(open) = self.open.get_mut(&address) else {
            return;
        };
        if open.remove(&number).is_some() {
            self.total -= 1;
        }
        if open.is_empty() {
            self.open.remove(&address);
        }
    }
}

impl Peer {
    /// An authorised call came over its connection.
    pub(super) fn introduce(&self) {
        if !self.0.known.swap(true, Ordering::AcqRel) {
            self.0.strangers.leave(&self.0);
        }
    }

    /// Whether [`Self::introduce`] was called.
    pub(super) fn is_known(&self) -> bool {
        self.0.known.load(Ordering::Acquire)
    }

    /// Cancelled when the connection has to make room for another.
    pub(super) fn crowded_out(&self) -> &CancellationToken {
        &self.0.crowded_out
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.known.load(Ordering::Acquire) {
            self.strangers.leave(self);
        }
    }
}

/// Who has one address of IPv6 usually has 64 bits of them.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(strangers: &Strangers, address: &str) -> (Peer, bool) {
        strangers.enter(Some(address.parse().unwrap()))
    }

    #[test]
    fn a_crowd_of_one_address_closes_its_own_oldest() {
        let strangers = Strangers::new(10, 4);
        let crowd: Vec<Peer> = (0..100).map(|_| enter(&strangers, "10.0.0.1").0).collect();
        let gone = |peer: &Peer| peer.crowded_out().is_cancelled();
        assert_eq!(crowd.iter().filter(|peer| gone(peer)).count(), 96);
        assert!(crowd[96..].iter().all(|peer| !gone(peer)));
        // Others come in all the same.
        let (probe, evicted) = enter(&strangers, "10.0.0.2");
        assert!(!evicted && !gone(&probe));
        assert_eq!(strangers.len(), 5);
        drop((crowd, probe));
        assert_eq!(strangers.len(), 0);
    }

    #[test]
    fn a_crowd_of_many_addresses_gives_way_to_who_comes() {
        let strangers = Strangers::new(10, 4);
        let mut crowd = Vec::new();
        for host in 0..100 {
            let address = format!("10.0.{host}.1");
            crowd.push(enter(&strangers, &address).0);
            crowd.push(enter(&strangers, &address).0);
        }
        let (worker, evicted) = enter(&strangers, "10.1.0.1");
        assert!(evicted && !worker.crowded_out().is_cancelled());
        assert_eq!(strangers.len(), 10);
        // Who is known counts no more, and is told to go no more.
        worker.introduce();
        worker.introduce();
        assert_eq!(strangers.len(), 9);
        for host in 0..100 {
            crowd.push(enter(&strangers, &format!("10.2.{host}.1")).0);
        }
        assert!(worker.is_known() && !worker.crowded_out().is_cancelled());
        drop(worker);
        assert_eq!(strangers.len(), 10);
    }
}
