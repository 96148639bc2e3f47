//! Is it them or us: when many hosts fail at once and none answers, it is the own network that is down.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::frontier::HostId;
use crate::lock::lock;

/// So many different hosts failing with no answer from any in between are an outage of our own.
const HOSTS: usize = 3;
/// An answer this recent shows that names can be looked up; one look-up that fails is then the name's own fault.
const FRESH: Duration = Duration::from_secs(10);

/// What the hosts of all runs of a process have shown of the own network.
#[derive(Debug, Default)]
pub struct Network {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// When some host last answered.
    answered: Option<Instant>,
    /// Hosts that failed since.
    failed: HashSet<HostId>,
}

/// How a host could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// Its name could not be looked up.
    NoName,
    /// No connection, or no answer.
    NoAnswer,
}

impl Network {
    /// A host answered, whatever it said.
    pub fn answered(&self) {
        let mut seen = lock(&self.seen);
        seen.answered = Some(Instant::now());
        seen.failed.clear();
    }

    /// A host could not be reached. True if the own network is to be suspected.
    pub fn failed(&self, host: HostId, how: Unreached) -> bool {
        let mut seen = lock(&self.seen);
        if seen.failed.len() < HOSTS {
            seen.failed.insert(host);
        }
        let is_fresh = seen.answered.is_some_and(|at| at.elapsed() < FRESH);
        seen.failed.len() >= HOSTS || (how == Unreached::NoName && !is_fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(n: u32) -> HostId {
        HostId::new(&format!("http://{n}.example"))
    }

    #[test]
    fn many_hosts_at_once_are_our_own_fault_and_one_is_its_own() {
        let network = Network::default();
        assert!((0..20).all(|_| !network.failed(host(1), Unreached::NoAnswer)));
        assert!((2..HOSTS as u32).all(|n| !network.failed(host(n), Unreached::NoAnswer)));
        assert!(network.failed(host(9), Unreached::NoAnswer));
        network.answered();
        assert!(!network.failed(host(9), Unreached::NoAnswer));
    }

    #[test]
    fn a_name_that_cannot_be_looked_up_is_suspect_until_something_answers() {
        let network = Network::default();
        assert!(network.failed(host(1), Unreached::NoName));
        network.answered();
        assert!(!network.failed(host(1), Unreached::NoName));
    }
}
