//! `jingwen daemon`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use miette::miette;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use super::crawl::{slot, targets};
use super::log::LogArgs;
use super::{Failure, Outcome, exit};
use crate::config::{self, Cidr, Config};
use crate::crawl::setup::{Overrides, Setup};
use crate::daemon::live::{Live, Loader};
use crate::daemon::{Daemon, DaemonError, Mode};
use crate::sites::Sites;

/// Crawl every site on its schedule, until it is stopped; with a status page, health checks and metrics.
///
/// Files are read anew when they change. SIGTERM or Ctrl-C once: what is under way is finished and saved; twice: at once.
/// SIGHUP: files are read anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  jingwen daemon --config jingwen.toml\n  \
                        jingwen daemon --config jingwen.toml --listen 0.0.0.0:8080\n  \
                        jingwen daemon --config jingwen.toml --once   # what is due, for a scheduler outside")]
pub struct Args {
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = "jingwen.toml")]
    config: PathBuf,
    /// Where the status page, health checks and metrics are [default: 127.0.0.1:8080, or the configuration's].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Run what is due, sites that never ran included, then end.
    #[arg(long, conflicts_with = "listen")]
    once: bool,
    /// Folder for the output files.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder for the memory.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// For several workers with one volume: keep state and output in the first of the folders DIR/1, DIR/2, … that no
    /// other process has (DIR/1/state, DIR/1/out).
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "state"])]
    slots: Option<PathBuf>,
    /// Folder or file with selector files that add to and override the built-in ones.
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// Range of private addresses that may be connected to.
    #[arg(long, value_name = "CIDR")]
    allow_private: Vec<Cidr>,
    #[command(flatten)]
    log: LogArgs,
}

impl Args {
    pub fn run(mut self) -> Outcome {
        self.log.start()?;
        let _slot = slot(self.slots.as_deref(), &mut self.state, &mut self.out)?;
        let mode = Mode { once: self.once };
        let load: Loader = Arc::new(move || self.load());
        let live = load().map_err(|report| Failure { code: exit::USAGE, report })?;
        let user_agent = &live.config.http.user_agent.0;
        if user_agent.contains(config::EXAMPLE_CONTACT) {
            tracing::warn!(
                "the user agent names no contact of yours; set `user_agent` under [http] so that sites can reach you"
            );
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::unexpected(miette!("cannot start: {e}")))?;
        runtime.block_on(daemon(live, load, mode))
    }

    /// Reads everything that comes from files; the command line wins over them each time.
    fn load(&self) -> Result<Live, miette::Report> {
        let (mut config, source) = Config::load(&self.config)?;
        let mut folders: Vec<PathBuf> = config.selectors.iter().cloned().collect();
        folders.extend(self.selectors.iter().cloned());
        let sites = Arc::new(Sites::load(&folders)?);
        let (chosen, _) = targets(&[], &config, Some(&source), &sites).map_err(|failure| failure.report)?;
        if chosen.is_empty() {
            return Err(miette!(
                help = "set `sites = [\"sznews\"]` in it, or a folder of `selectors`; `jingwen sites` lists them",
                "{}: there are no sites to crawl",
                self.config.display()
            ));
        }
        if let Some(listen) = self.listen {
            config.daemon.listen = listen;
        }
        for (given, dir) in [(&self.out, &mut config.output.dir), (&self.state, &mut config.state.dir)] {
            if let Some(given) = given {
                dir.clone_from(given);
            }
        }
        let overrides =
            Overrides { allow_private: self.allow_private.iter().map(|c| c.0).collect(), ..Overrides::default() };
        let setup = Setup::new(&config, sites, &overrides).map_err(|error| miette!("{error}"))?;
        let files = std::iter::once(&self.config).chain(&folders).chain(&config.daemon.token_file).cloned().collect();
        Live::new(config, Some(&source), setup, chosen, folders, files)
    }
}

async fn daemon(live: Live, load: Loader, mode: Mode) -> Outcome {
    let daemon = Daemon::open(live, load, mode).await.map_err(failure)?;
    let watching = tokio::spawn(signals(daemon.clone()));
    let beating = tokio::spawn(watchdog(daemon.clone()));
    let ready = |address: SocketAddr| {
        tracing::info!("the status page is at http://{address}/");
        say(&[NotifyState::Ready, NotifyState::Status(&format!("http://{address}/"))]);
    };
    let result = daemon.run(mode, ready).await;
    watching.abort();
    beating.abort();
    result.map_err(failure)?;
    Ok(exit::DONE)
}

fn failure(error: DaemonError) -> Failure {
    match error.is_usage() {
        true => Failure::usage(miette!("{error}")),
        false => Failure::unexpected(miette!("{error}")),
    }
}

/// Tells the service manager, if there is one.
fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

/// Tells the service manager twice in its interval that all is well, as long as it is.
async fn watchdog(daemon: Arc<Daemon>) {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    let mut tick = tokio::time::interval((interval / 2).max(Duration::from_millis(100)));
    loop {
        tick.tick().await;
        if daemon.is_alive() {
            say(&[NotifyState::Watchdog]);
        }
    }
}

async fn signals(daemon: Arc<Daemon>) {
    let streams = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    let (Ok(mut term), Ok(mut int), Ok(mut hangup)) = streams else {
        return tracing::warn!("signals are not watched");
    };
    let mut asked = false;
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                tracing::info!("files are read anew");
                daemon.reload();
                continue;
            }
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        if asked {
            std::process::exit(exit::INTERRUPTED.into());
        }
        asked = true;
        tracing::info!("stopping; once more to stop at once");
        say(&[NotifyState::Stopping]);
        daemon.close();
    }
}
