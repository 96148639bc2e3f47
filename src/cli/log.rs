//! Where log lines go, and which.

use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use miette::miette;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::Failure;

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Options for log lines.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LogArgs {
    /// How log lines are written to stderr.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// File that log lines are appended to instead of stderr.
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Say less: only warnings and errors, no progress, no report of a run that went well; twice: only errors.
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    pub quiet: u8,
    /// Say more: each request; twice: everything, also of the libraries.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl LogArgs {
    /// Starts to write log lines.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened.
    pub fn start(&self) -> Result<(), Failure> {
        let (writer, is_colored) = match &self.log_file {
            None => (BoxMakeWriter::new(std::io::stderr), std::io::stderr().is_terminal()),
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
                    Failure::usage(miette!(
                        help = "name a file in a folder that is there and can be written to",
                        "cannot open the log file {}: {error}",
                        path.display()
                    ))
                })?;
                (BoxMakeWriter::new(Arc::new(file)), false)
            }
        };
        let builder = tracing_subscriber::fmt().with_env_filter(self.filter()).with_writer(writer).with_target(false);
        // A second subscriber is refused; the first one serves as well.
        let _ = match self.is_json() {
            true => builder.json().try_init(),
            false => builder.with_ansi(is_colored).compact().try_init(),
        };
        Ok(())
    }

    /// True where log lines and the report are JSON.
    pub fn is_json(&self) -> bool {
        self.log_format == LogFormat::Json
    }

    /// What the flags say; without any `JINGWEN_LOG`, in the words of `tracing`.
    fn filter(&self) -> EnvFilter {
        let usual = match (self.quiet, self.verbose) {
            (0, 0) => {
                return EnvFilter::try_from_env("JINGWEN_LOG").unwrap_or_else(|_| EnvFilter::new("warn,jingwen=info"));
            }
            (1, _) => "warn",
            (2.., _) => "error",
            (0, 1) => "warn,jingwen=debug",
            (0, _) => "debug,jingwen=trace",
        };
        EnvFilter::new(usual)
    }
}
