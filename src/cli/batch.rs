//! A batch on several threads: inputs are taken in their order, and what became of them is settled in that order.
//!
//! A thread reads its next page itself, cleans it and writes the answer out, so that a page's hundred kilobytes stay where
//! one processor has them at hand. Whoever is free takes the next one, so that a slow page holds up nobody else.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use super::Failure;
use crate::clean::frames::{InOrder, Known, Outline};
use crate::lock::lock;

struct Inputs<I> {
    /// None after the last one.
    rest: Option<I>,
    taken: usize,
}

/// What is settled, and what waits for those before it.
struct Order<A, S> {
    frames: InOrder,
    early: BTreeMap<usize, (A, Option<Outline>)>,
    settled: usize,
    settle: S,
    failed: Option<Failure>,
    /// Nothing more is settled.
    over: bool,
}

struct Shared<I, A, C, S> {
    clean: C,
    inputs: Mutex<Inputs<I>>,
    order: Mutex<Order<A, S>>,
    moved: Condvar,
}

/// Answers all inputs, on so many threads; this one is among them. `clean` is told what is known of frames before an input,
/// `settle` the answers, in order.
///
/// # Errors
///
/// The first input that cannot be read, after all those before it are settled; or what settling one said, at once.
pub fn run<I, J, A, C, S>(threads: usize, inputs: I, clean: C, settle: S) -> Result<(), Failure>
where
    I: Iterator<Item = Result<J, Failure>> + Send,
    A: Send,
    C: Fn(J, Known) -> (A, Option<Outline>) + Sync,
    S: FnMut(A) -> Result<(), Failure> + Send,
{
    let shared = Shared {
        clean,
        inputs: Mutex::new(Inputs { rest: Some(inputs), taken: 0 }),
        order: Mutex::new(Order {
            frames: InOrder::default(),
            early: BTreeMap::new(),
            settled: 0,
            settle,
            failed: None,
            over: false,
        }),
        moved: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| {
                #[cfg(not(fuzzing))]
                crate::memory::own_heap();
                shared.work();
            });
        }
        shared.work();
    });
    let order = shared.order.into_inner().unwrap_or_else(PoisonError::into_inner);
    order.failed.map_or(Ok(()), Err)
}

impl<I, J, A, C, S> Shared<I, A, C, S>
where
    I: Iterator<Item = Result<J, Failure>>,
    C: Fn(J, Known) -> (A, Option<Outline>),
    S: FnMut(A) -> Result<(), Failure>,
{
    fn work(&self) {
        let _leave = Leave(self);
        while let Some((n, input, known)) = self.next() {
            let (answer, outline) = (self.clean)(input, known);
            self.settle(n, answer, outline);
        }
    }

    /// The next input, once what it must know is known.
    fn next(&self) -> Option<(usize, J, Known)> {
        let mut inputs = lock(&self.inputs);
        let n = inputs.taken;
        let input = inputs.rest.as_mut().and_then(Iterator::next);
        let mut order = lock(&self.order);
        while !order.over && n - order.settled >= InOrder::LAG {
            order = self.moved.wait(order).unwrap_or_else(PoisonError::into_inner);
        }
        match input {
            Some(Ok(input)) if !order.over => {
                inputs.taken += 1;
                Some((n, input, order.frames.for_page(n)))
            }
            other => {
                inputs.rest = None;
                if let Some(Err(failure)) = other {
                    order.failed.get_or_insert(failure);
                }
                None
            }
        }
    }

    fn settle(&self, n: usize, answer: A, outline: Option<Outline>) {
        let mut order = lock(&self.order);
        order.early.insert(n, (answer, outline));
        loop {
            let next = order.settled;
            let Some((answer, outline)) = order.early.remove(&next).filter(|_| !order.over) else { break };
            order.frames.learn(outline.as_ref());
            order.settled += 1;
            if let Err(failure) = (order.settle)(answer) {
                order.failed = Some(failure);
                order.over = true;
            }
        }
        drop(order);
        self.moved.notify_all();
    }
}

/// A thread that panics must not leave the others waiting for what it had taken.
struct Leave<'s, I, A, C, S>(&'s Shared<I, A, C, S>);

impl<I, A, C, S> Drop for Leave<'_, I, A, C, S> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(&self.0.order).over = true;
            self.0.moved.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(threads: usize, inputs: Vec<Result<usize, Failure>>, last: usize) -> (Vec<usize>, Option<String>) {
        let mut settled = Vec::new();
        let clean = |n: usize, _| {
            thread::sleep(std::time::Duration::from_micros((n as u64 * 7919) % 97));
            (n, None)
        };
        let settle = |n| {
            settled.push(n);
            if n == last { Err(Failure::unexpected(miette::miette!("the disk is full"))) } else { Ok(()) }
        };
        let out = super::run(threads, inputs.into_iter(), clean, settle);
        (settled, out.err().map(|failure| failure.report.to_string()))
    }

    #[test]
    fn all_are_settled_in_order() {
        for threads in [1, 2, 5] {
            let (settled, failed) = run(threads, (0..500).map(Ok).collect(), usize::MAX);
            assert!(settled.into_iter().eq(0..500) && failed.is_none());
        }
        assert_eq!(run(2, Vec::new(), 0), (Vec::new(), None));
    }

    #[test]
    fn what_was_read_before_an_error_is_settled() {
        for threads in [1, 3] {
            let bad = || Err(Failure::unexpected(miette::miette!("cannot read")));
            let inputs = (0..100).map(Ok).chain([bad()]).chain((200..300).map(Ok)).collect();
            let (settled, failed) = run(threads, inputs, usize::MAX);
            assert!(settled.into_iter().eq(0..100));
            assert_eq!(failed.unwrap(), "cannot read");
        }
    }

    #[test]
    fn nothing_is_settled_after_a_failure() {
        for threads in [1, 3] {
            let (settled, failed) = run(threads, (0..500).map(Ok).collect(), 77);
            assert!(settled.into_iter().eq(0..78));
            assert_eq!(failed.unwrap(), "the disk is full");
        }
    }

    #[test]
    fn a_panic_ends_it() {
        let clean = |n: usize, _| {
            assert!(n != 50, "on purpose");
            (n, None)
        };
        let run = std::panic::AssertUnwindSafe(|| super::run(3, (0..500).map(Ok), clean, |_| Ok(())));
        assert!(std::panic::catch_unwind(run).is_err());
    }
}
