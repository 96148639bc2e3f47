//! The connection is cut at a commit: before the database has it, and after. Nobody can tell the two apart from the error,
//! so the worker asks the database what counts.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::config::flat;
use crate::crawls::Site;
use crate::server::Postgres;
use crate::support::stderr;

/// Stands between worker and database.
struct Wire {
    port: u16,
    /// Commits that are let through before the next is cut; at most [`usize::MAX`].
    left: Arc<AtomicUsize>,
    /// Whether the database gets the one that is cut.
    arrives: Arc<AtomicBool>,
    /// Nothing is passed on any more, and nobody is told.
    silent: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
}

impl Wire {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Self {
            port: listener.local_addr().unwrap().port(),
            left: Arc::new(AtomicUsize::new(usize::MAX)),
            arrives: Arc::default(),
            silent: Arc::default(),
            cuts: Arc::default(),
        };
        let (left, arrives, cuts) = (wire.left.clone(), wire.arrives.clone(), wire.cuts.clone());
        let silent = wire.silent.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (left, arrives, cuts, silent) = (left.clone(), arrives.clone(), cuts.clone(), silent.clone());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut down, &mut up);
                    let _ = up.shutdown(Shutdown::Both);
                });
                std::thread::spawn(move || pump(client, server, &left, &arrives, &cuts, &silent));
            }
        });
        wire
    }

    fn cut(&self, after: usize, arrives: bool) {
        self.arrives.store(arrives, Ordering::SeqCst);
        self.left.store(after, Ordering::SeqCst);
    }

    fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

fn pump(
    mut client: TcpStream,
    mut server: TcpStream,
    left: &AtomicUsize,
    arrives: &AtomicBool,
    cuts: &AtomicUsize,
    silent: &AtomicBool,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(n) = client.read(&mut buffer) {
        if n == 0 {
            break;
        }
        while silent.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let is_commit = buffer[..n].windows(6).any(|word| word == b"COMMIT");
        let counted = |left: usize| (left != usize::MAX).then(|| left.checked_sub(1).unwrap_or(usize::MAX));
        let cut = is_commit && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, counted) == Ok(0);
        if cut {
            cuts.fetch_add(1, Ordering::SeqCst);
            // The worker hears of it first, and asks what counts while the database is still at it.
            let _ = client.shutdown(Shutdown::Both);
            std::thread::sleep(Duration::from_millis(30));
            if !arrives.load(Ordering::SeqCst) {
                break;
            }
        }
        if server.write_all(&buffer[..n]).is_err() || cut {
            break;
        }
    }
    // What was sent arrives; nothing more does.
    let _ = server.shutdown(Shutdown::Write);
}

const FEW: [&str; 2] = ["a.test", "b.test"];

#[test]
fn a_commit_that_was_cut_off_is_done_or_not_done_and_never_half() {
    let Some(postgres) = Postgres::shared() else { return };
    let site = Site::new(&FEW, 60);
    let wire = Wire::to(postgres.port());
    let url = postgres.database().replace(&postgres.port().to_string(), &wire.port.to_string());
    let worker = site.worker(&url, 500, "[output]\nrotate_size = \"20KiB\"\n");
    for n in 0..12 {
        wire.cut(n, n % 2 == 0);
        let output = worker.run(&["crawl"]);
        let said = flat(&stderr(&output));
        let code = output.status.code();
        let is_said = said.contains("crawling has stopped") || said.contains("cannot bring the state");
        assert!(code == Some(0) || code == Some(1) && is_said, "{code:?}: {said}");
    }
    wire.cut(usize::MAX, true);
    worker.crawl();
    assert!(wire.cuts() >= 10);
    site.check_parts(&worker);
    println!("{} commits were cut off, half of them after the database had them: nothing lost or doubled", wire.cuts());
}

/// A machine or a network that is gone closes no connection.
#[test]
fn a_database_that_falls_silent_does_not_hold_the_crawl_for_ever() {
    let Some(postgres) = Postgres::shared() else { return };
    let site = Site::new(&FEW, 60);
    let wire = Wire::to(postgres.port());
    let url = postgres.database().replace(&postgres.port().to_string(), &wire.port.to_string());
    let worker = site.worker(&url, 50, "");
    let child = worker.command(&["crawl"]).spawn().unwrap();
    site.until_asked(30);
    wire.silent.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let output = crate::support::wait(child, Duration::from_secs(60));
    let said = flat(&stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{said}");
    // Whichever waited first: for an answer, or for a connection.
    assert!(said.contains("no answer in 10 s") || said.contains("timed out while waiting"), "{said}");
    println!("silence was noticed after {:?}", begun.elapsed());
    wire.silent.store(false, Ordering::SeqCst);
    worker.crawl();
    assert_eq!(site.check(&[&worker]), [site.articles()]);
}

/// A daemon goes on after a run that failed, and finds out itself.
#[test]
fn a_daemon_goes_on_after_commits_that_were_cut_off() {
    let Some(postgres) = Postgres::shared() else { return };
    let site = Site::new(&FEW, 60);
    let wire = Wire::to(postgres.port());
    let url = postgres.database().replace(&postgres.port().to_string(), &wire.port.to_string());
    let more = "[output]\nrotate_size = \"20KiB\"\n[daemon]\njitter = \"0s\"\nlisten = \"127.0.0.1:0\"\n";
    let worker = site.worker(&url, 100, more);
    let text = fs::read_to_string(worker.path("jingwen.toml")).unwrap();
    worker.write("jingwen.toml", &format!("schedule = \"every 1s\"\n{text}"));
    let log = fs::File::create(worker.path("log")).unwrap();
    let mut daemon = worker.command(&["daemon"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let log = || fs::read_to_string(worker.path("log")).unwrap();
    let begun = Instant::now();
    let mut cuts = 0;
    while site.written(&worker) < site.articles() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} articles\n{}", site.written(&worker), log());
        if wire.left.load(Ordering::SeqCst) == usize::MAX {
            cuts += 1;
            // Now at the beginning of a run, now in the middle.
            wire.cut(cuts * 7 % 13, cuts % 2 == 0);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    wire.cut(usize::MAX, true);
    std::thread::sleep(Duration::from_millis(1500));
    assert!(std::process::Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap().success());
    assert_eq!(crate::support::wait_plain(&mut daemon, Duration::from_secs(30)), Some(0), "{}", log());
    assert!(wire.cuts() >= 3, "{} cuts\n{}", wire.cuts(), log());
    site.check_parts(&worker);
    println!("a daemon: {} commits were cut off, nothing lost or doubled", wire.cuts());
}
