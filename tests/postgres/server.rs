//! A PostgreSQL of our own in a temporary folder, on a free port; one that ends with this process, whatever becomes of it.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgPool;

/// The owner's password, which no message may show.
pub const PASSWORD: &str = "s3cret-and-long";

/// A server.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    /// Stops the server when its input is closed.
    keeper: Option<Child>,
}

/// Where the server's programs are.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let is_there = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    folders.into_iter().find(is_there)
}

fn said(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output().ok().filter(|output| output.status.success());
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// The server refuses to run as root: what stands before its commands then, and whom its folder belongs to.
fn other_user() -> Option<(&'static str, Vec<&'static str>)> {
    if said("id", &["-u"]) != "0" {
        return Some(("", Vec::new()));
    }
    let user = ["postgres", "nobody"].into_iter().find(|user| !said("id", &["-u", user]).is_empty())?;
    let (uid, gid) = (said("id", &["-u", user]), said("id", &["-g", user]));
    let setpriv = format!("--reuid={uid} --regid={gid} --clear-groups");
    let words = match Command::new("setpriv").arg("--version").output() {
        Ok(_) => std::iter::once("setpriv").chain(setpriv.leak().split(' ')).collect(),
        Err(_) => vec!["runuser", "-u", user, "--"],
    };
    Some((user, words))
}

impl Postgres {
    /// Starts one; none where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let Some((programs, (user, prefix))) = programs().zip(other_user()) else {
            eprintln!("skipped: PostgreSQL's server (initdb, postgres) is not installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("jingwen-pg-").tempdir().unwrap().keep();
        fs::write(folder.join("password"), PASSWORD).unwrap();
        if !user.is_empty() {
            assert!(Command::new("chown").args(["-R", user]).arg(&folder).status().unwrap().success());
        }
        let initdb = programs.join("initdb").display().to_string();
        let at = |name: &str| folder.join(name).display().to_string();
        let (data, password) = (at("data"), format!("--pwfile={}", at("password")));
        let arguments =
            ["-D", &data, "-U", "owner", "-A", "scram-sha-256", "-N", "--locale=C", "-E", "UTF8", &password];
        let words: Vec<&str> = prefix.iter().copied().chain([initdb.as_str()]).chain(arguments).collect();
        let output = Command::new(words[0]).args(&words[1..]).current_dir("/").output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, port, keeper: None };
        server.up();
        Some(server)
    }

    /// The one that all tests share which do not stop it.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// Starts the server, and waits until it answers.
    pub fn up(&mut self) {
        let (programs, (_, prefix)) = programs().zip(other_user()).unwrap();
        let (folder, port) = (self.folder.display(), self.port);
        let server = format!(
            "{} {}/postgres -D {folder}/data -k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off \
             -c max_connections=200 -c shared_buffers=64MB -c autovacuum_naptime=5s",
            prefix.join(" "),
            programs.display()
        );
        // Whoever holds our end of its input keeps the server alive; with this process it ends in any case.
        let script = format!(
            "cd /; {server} >>{folder}/log 2>&1 & pid=$!; cat >/dev/null; kill -QUIT $pid 2>/dev/null; wait $pid; \
             [ -e {folder}/stay ] || rm -rf {folder}"
        );
        let mut keeper = Command::new("sh");
        keeper.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.keeper = Some(keeper.spawn().unwrap());
        let begun = Instant::now();
        while run(async { PgPool::connect(&self.url("postgres")).await.map(drop) }).is_err() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server at once, as a crash would; its data stay.
    pub fn down(&mut self) {
        fs::write(self.folder.join("stay"), "").unwrap();
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
        fs::remove_file(self.folder.join("stay")).unwrap();
    }

    /// Its address, with the password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://owner:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// A new database; its address.
    pub fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let text = format!("CREATE DATABASE {name}");
        run(async {
            let pool = PgPool::connect(&self.url("postgres")).await.unwrap();
            sqlx::query(sqlx::AssertSqlSafe(text)).execute(&pool).await.unwrap();
            pool.close().await;
        });
        self.url(&name)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// Runs something to its end.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Numbers out of a database.
pub fn numbers(url: &str, sql: &'static str) -> Vec<i64> {
    run(async {
        let pool = PgPool::connect(url).await.unwrap();
        let rows = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
        pool.close().await;
        rows
    })
}
