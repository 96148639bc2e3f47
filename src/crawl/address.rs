//! Hosts at one address: a limit that they share, where the operator wants to spare the machine and not only the name.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lock::lock;

/// The limits of a run, by address.
#[derive(Debug, Default)]
pub struct Addresses(Mutex<HashMap<IpAddr, Arc<Address>>>);

impl Addresses {
    /// The limit of an address; the first of its hosts says how many requests may be under way.
    pub fn of(&self, ip: IpAddr, concurrency: u32) -> Arc<Address> {
        let make = || {
            let permits = Arc::new(Semaphore::new(concurrency.max(1) as usize));
            Arc::new(Address { permits, next: Mutex::new(Instant::now()) })
        };
        lock(&self.0).entry(ip).or_insert_with(make).clone()
    }
}

/// One address.
#[derive(Debug)]
pub struct Address {
    permits: Arc<Semaphore>,
    /// No request to any of its hosts before.
    next: Mutex<Instant>,
}

impl Address {
    /// Waits for a place among the requests under way.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.permits.clone().acquire_owned().await.ok()
    }

    /// No request before.
    pub fn next(&self) -> Instant {
        *lock(&self.next)
    }

    /// No request to any of its hosts before this.
    pub fn hold(&self, until: Instant) {
        let mut next = lock(&self.next);
        *next = (*next).max(until);
    }

    /// Takes the turn if nobody else did meanwhile; the next is at `then`.
    pub fn take(&self, here: Instant, then: Instant) -> bool {
        let mut next = lock(&self.next);
        let free = *next <= here;
        if free {
            *next = then;
        }
        free
    }
}
