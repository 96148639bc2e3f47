//! `[[notify]]`: whom to tell of what.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use url::Url;

use super::template::Template;
use super::{Event, EventKind};
use crate::units::Span;

/// How long one delivery may take where the hook does not say.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that it may say: what hangs must not hold up the next message for long.
const TIMEOUT_MOST: Duration = Duration::from_secs(600);

/// Someone to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct Hook {
    /// Its name, unique.
    pub name: String,
    /// Where messages go.
    pub to: To,
    /// What it hears of.
    pub kinds: Vec<EventKind>,
    /// The sites it hears of; empty: all.
    pub sites: Vec<String>,
    /// The form of messages.
    pub format: Format,
    /// Where the secret is that messages are signed with.
    pub secret: SecretIn,
    /// How long one delivery may take.
    pub timeout: Span,
    /// A text of the operator's own.
    pub template: Option<Template>,
    /// Variables of the environment that its program gets beside the usual ones.
    pub env: Vec<String>,
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// POST to this address.
    Url(Address),
    /// A program with its arguments.
    Command(Vec<String>),
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretIn {
    /// There is none.
    Nowhere,
    /// In the configuration.
    Config(Secret),
    /// In a file.
    File(PathBuf),
    /// In a variable of the environment.
    Env(String),
}

/// The form of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The event itself, signed by `X-Jingwen-Timestamp` and `X-Jingwen-Signature`.
    #[default]
    Json,
    /// 企业微信, a group's robot.
    Wecom,
    /// 钉钉, a group's robot; signed where it has a secret (加签).
    Dingtalk,
    /// 飞书, a group's robot; signed where it has a secret (签名校验).
    Feishu,
    /// Slack, and what takes its incoming webhooks (Mattermost).
    Slack,
}

impl Format {
    /// As configuration writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Wecom => "wecom",
            Format::Dingtalk => "dingtalk",
            Format::Feishu => "feishu",
            Format::Slack => "slack",
        }
    }

    /// The shortest time between two messages that its service does not punish: 企业微信 and 钉钉 take 20 a minute,
    /// and 钉钉 hears nothing for ten minutes after that.
    pub fn gap(self) -> Duration {
        match self {
            Format::Json => Duration::ZERO,
            Format::Wecom | Format::Dingtalk => Duration::from_millis(3_100),
            Format::Feishu | Format::Slack => Duration::from_secs(1),
        }
    }
}

/// Why a hook cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[[notify]] `{hook}`: {problem}")]
pub struct HookError {
    /// Its name.
    pub hook: String,
    /// What is wrong, and the way out.
    pub problem: String,
}

impl Hook {
    /// True where it wants to hear of an event. What is about no site goes to hooks that name none.
    pub fn wants(&self, event: &Event) -> bool {
        let site = || event.site.as_ref().is_some_and(|site| self.sites.contains(site));
        self.kinds.contains(&event.kind) && (self.sites.is_empty() || site())
    }

    /// Reads the secret; anew each time, so that one that is replaced (as by Kubernetes) is used from then on.
    pub fn read_secret(&self) -> Result<Option<Secret>, HookError> {
        let wrong = |problem: String| HookError { hook: self.name.clone(), problem };
        let text = match &self.secret {
            SecretIn::Nowhere => return Ok(None),
            SecretIn::Config(secret) => return Ok(Some(secret.clone())),
            SecretIn::File(path) => std::fs::read_to_string(path)
                .map_err(|e| wrong(format!("cannot read its `secret_file` {}: {e}", path.display())))?,
            SecretIn::Env(name) => std::env::var(name).map_err(|e| {
                wrong(format!(
                    "its `secret_env` names {name}, and that cannot be read: {e}; set it where jingwen is started"
                ))
            })?,
        };
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(wrong("its secret is empty; leave out `secret_file` and `secret_env` to send unsigned".into())),
            text => Ok(Some(Secret(text.to_owned()))),
        }
    }

    /// Makes relative paths relative to the folder of the configuration.
    pub fn rebase(&mut self, base: &Path) {
        if let SecretIn::File(path) = &mut self.secret {
            *path = base.join(&*path);
        }
        // A name without a slash is looked for on the path, as in a shell.
        if let To::Command(command) = &mut self.to
            && let Some(program) = command.first_mut()
            && program.contains('/')
        {
            *program = base.join(&*program).to_string_lossy().into_owned();
        }
    }

    /// Where it leads, without what must stay secret.
    pub fn shown(&self) -> String {
        match &self.to {
            To::Url(address) => address.to_string(),
            To::Command(command) => command.first().cloned().unwrap_or_default(),
        }
    }
}

/// Checks hooks together: no two of one name, every secret readable.
pub fn check(hooks: &[Hook]) -> Result<(), HookError> {
    for (n, hook) in hooks.iter().enumerate() {
        if hooks[..n].iter().any(|other| other.name == hook.name) {
            let problem = "there are two of this name; deliveries are kept by name, so give each its own".into();
            return Err(HookError { hook: hook.name.clone(), problem });
        }
        hook.read_secret()?;
    }
    Ok(())
}

/// An http or https address. What its path and query say is often a key, so it is shown without them.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// The address.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl std::str::FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Url::parse(text.trim()) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => Ok(Self(url)),
            _ => Err("its `url` is no http or https address; write \"https://host/path\"".into()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        write!(f, "{}://{}{port}/…", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What it is.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// `[[notify]]`: someone to tell when something happens.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// A name of its own: deliveries are kept by it, metrics and the status page show it.
    name: String,
    /// Where messages are POSTed to. Either this or `command`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// A program and its arguments, run for each event: it gets the event as JSON on standard input and `JINGWEN_KIND`,
    /// `JINGWEN_SITE` and `JINGWEN_TITLE` in its environment, and is killed after `timeout`. An exit code other than 0
    /// is a failure and tried again. No shell is between: `["sh", "-c", "…"]` if you want one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    /// What it hears of. Absent: all but `run`, `part` and `reloaded`, which happen when all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kinds: Option<Vec<EventKind>>,
    /// Ids of the sites it hears of. Absent: all, and what is about no site (a bad reload).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sites: Vec<String>,
    /// The form of messages: that of `url`'s service.
    #[serde(default)]
    format: Format,
    /// What messages are signed with (`json`, `dingtalk`, `feishu`). Better in a file or in the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// A file with the secret, read for each message; relative to this configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_file: Option<PathBuf>,
    /// The variable of the environment that holds the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_env: Option<String>,
    /// How long one delivery may take, 10s if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Span>,
    /// The text of messages, with places `{title} {site} {kind} {at} {detail} {looked_for} {since} {evidence} {silence}
    /// {repeated}`. Absent: all of them, in the service's own form. With `json` and `command` it becomes the event's
    /// `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    /// Variables of the environment that `command` gets beside `PATH`, `HOME`, `USER`, `LANG`, `LC_…`, `TZ` and the like:
    /// `["SMTP_PASSWORD"]`. No others are passed on, so that secrets of this process stay with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    env: Vec<String>,
}

impl TryFrom<Table> for Hook {
    type Error = HookError;

    fn try_from(table: Table) -> Result<Self, HookError> {
        let name = table.name.trim().to_owned();
        let wrong = |problem: String| HookError { hook: name.clone(), problem };
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(wrong("a hook has a name of 1 to 64 characters: name = \"ops\"".into()));
        }
        let to = match (table.url, table.command) {
            (Some(url), None) => To::Url(url.parse().map_err(wrong)?),
            (None, Some(command)) if command.first().is_some_and(|program| !program.is_empty()) => To::Command(command),
            (None, Some(_)) => {
                return Err(wrong(
                    "its `command` names no program; write [\"/usr/local/bin/tell\", \"argument\"]".into(),
                ));
            }
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "it has both `url` and `command`; keep one, and write a second [[notify]] for the other".into(),
                ));
            }
            (None, None) => {
                return Err(wrong(
                    "it says nowhere to send to; give it `url = \"https://…\"` or `command = [\"program\", \"argument\"]`"
                        .into(),
                ));
            }
        };
        let secret = match (table.secret, table.secret_file, table.secret_env) {
            (None, None, None) => SecretIn::Nowhere,
            (Some(text), None, None) if text.is_empty() => {
                return Err(wrong("its `secret` is empty; leave it out to send unsigned".into()));
            }
            (Some(text), None, None) => SecretIn::Config(Secret(text)),
            (None, Some(path), None) => SecretIn::File(path),
            (None, None, Some(variable)) => SecretIn::Env(variable),
            _ => return Err(wrong("it has more than one of `secret`, `secret_file`, `secret_env`; keep one".into())),
        };
        if let To::Command(_) = to {
            if table.format != Format::Json {
                let format = table.format.as_str();
                return Err(wrong(format!(
                    "a command gets JSON on its standard input; leave out `format = \"{format}\"`, or give a `url`"
                )));
            }
            if secret != SecretIn::Nowhere {
                return Err(wrong("a command's input is not signed; leave the secret out".into()));
            }
        } else if !table.env.is_empty() {
            return Err(wrong("`env` is for the program of `command`; leave it out beside `url`".into()));
        }
        if matches!(table.format, Format::Wecom | Format::Slack) && secret != SecretIn::Nowhere {
            let format = table.format.as_str();
            return Err(wrong(format!(
                "`{format}` has no signatures, the key is in its address; leave the secret out"
            )));
        }
        let kinds = match table.kinds {
            None => EventKind::ALL.into_iter().filter(|kind| kind.is_loud()).collect(),
            Some(kinds) if kinds.is_empty() => {
                return Err(wrong(
                    "with `kinds = []` it would hear of nothing; leave `kinds` out for the usual ones".into(),
                ));
            }
            Some(kinds) => kinds,
        };
        let timeout = table.timeout.unwrap_or(Span(TIMEOUT));
        if timeout.0 < Duration::from_millis(100) || timeout.0 > TIMEOUT_MOST {
            return Err(wrong(format!("`timeout` is 100ms to {}, not {timeout}", Span(TIMEOUT_MOST))));
        }
        let template = table.template.map(Template::try_from).transpose().map_err(wrong)?;
        let (sites, format, env) = (table.sites, table.format, table.env);
        Ok(Self { to, kinds, sites, format, secret, timeout, template, env, name })
    }
}

impl From<Hook> for Table {
    fn from(hook: Hook) -> Table {
        let (url, command) = match hook.to {
            To::Url(address) => (Some(address.0.into()), None),
            To::Command(command) => (None, Some(command)),
        };
        let (mut secret, mut secret_file, mut secret_env) = (None, None, None);
        match hook.secret {
            SecretIn::Nowhere => {}
            SecretIn::Config(text) => secret = Some(text.0),
            SecretIn::File(path) => secret_file = Some(path),
            SecretIn::Env(name) => secret_env = Some(name),
        }
        Table {
            name: hook.name,
            url,
            command,
            kinds: Some(hook.kinds),
            sites: hook.sites,
            format: hook.format,
            secret,
            secret_file,
            secret_env,
            timeout: Some(hook.timeout),
            template: hook.template.map(Into::into),
            env: hook.env,
        }
    }
}

impl JsonSchema for Hook {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hook".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Table::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(text: &str) -> Result<Hook, String> {
        toml::from_str(text).map_err(|e: toml::de::Error| e.message().to_owned())
    }

    #[test]
    fn a_hook_reads_and_writes() {
        let text = r#"
            name = "ops"
            url = "https://oapi.dingtalk.com/robot/send?access_token=t0ken"
            kinds = ["drift", "bad-reload"]
            sites = ["sznews"]
            format = "dingtalk"
            secret = "SECabc"
            timeout = "5s"
            template = "{site}: {title}"
        "#;
        let read = hook(text).unwrap();
        assert_eq!(read.kinds, [EventKind::Drift, EventKind::BadReload]);
        let again: Hook = toml::from_str(&toml::to_string(&read).unwrap()).unwrap();
        assert_eq!(again, read);
        let shown = format!("{read:?} {}", read.shown());
        assert!(
            shown.contains("oapi.dingtalk.com") && !shown.contains("t0ken") && !shown.contains("SECabc"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_the_way_out() {
        let url = "url = 'https://a.example/'\n";
        for (text, says) in [
            (String::new(), "`command = [\"program\", \"argument\"]`"),
            (format!("{url}command = ['a']"), "both `url` and `command`"),
            ("command = []".into(), "names no program"),
            ("url = 'ftp://a.example/'".into(), "\"https://host/path\""),
            (format!("{url}secret = 'a'\nsecret_env = 'B'"), "keep one"),
            (format!("{url}secret = ''"), "leave it out"),
            (format!("{url}secret = 'a'\nformat = 'wecom'"), "no signatures"),
            ("command = ['a']\nformat = 'slack'".into(), "leave out `format = \"slack\"`"),
            ("command = ['a']\nsecret = 'b'".into(), "not signed"),
            (format!("{url}kinds = []"), "leave `kinds` out"),
            (format!("{url}kinds = ['drfit']"), "unknown variant `drfit`"),
            (format!("{url}timeout = '1h'"), "100ms to 10m"),
            (format!("{url}template = '{{tittle}}'"), "did you mean `{title}`?"),
            (format!("{url}sites = ['a']\nsite = 'b'"), "unknown field `site`"),
        ] {
            let error = hook(&format!("name = 'ops'\n{text}")).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(hook(&format!("name = ' '\n{url}")).unwrap_err().contains("name = \"ops\""));
    }

    #[test]
    fn it_hears_of_what_it_asks_for() {
        let event = |kind, site: Option<&str>| Event { site: site.map(Into::into), ..Event::new(kind, "t") };
        let all = hook("name = 'a'\nurl = 'https://a.example/'").unwrap();
        assert!(all.wants(&event(EventKind::Drift, Some("x"))) && all.wants(&event(EventKind::BadReload, None)));
        assert!(!all.wants(&event(EventKind::Run, Some("x"))));
        let one = hook("name = 'a'\nurl = 'https://a.example/'\nsites = ['x']\nkinds = ['run']").unwrap();
        assert!(one.wants(&event(EventKind::Run, Some("x"))));
        assert!(!one.wants(&event(EventKind::Run, Some("y"))) && !one.wants(&event(EventKind::Run, None)));
    }

    #[test]
    fn secrets_come_from_files_and_names_are_unique() {
        let dir = tempfile::tempdir().unwrap();
        let mut one = hook("name = 'a'\nurl = 'https://a.example/'\nsecret_file = 'key'").unwrap();
        one.rebase(dir.path());
        let error = check(std::slice::from_ref(&one)).unwrap_err().to_string();
        assert!(error.contains("`a`") && error.contains("cannot read its `secret_file`"), "{error}");
        std::fs::write(dir.path().join("key"), "s3cret\n").unwrap();
        assert_eq!(one.read_secret().unwrap(), Some(Secret("s3cret".into())));
        std::fs::write(dir.path().join("key"), "\n").unwrap();
        assert!(one.read_secret().unwrap_err().to_string().contains("empty"));
        let env = hook("name = 'a'\nurl = 'https://a.example/'\nsecret_env = 'JINGWEN_NO_SUCH_THING'").unwrap();
        assert!(env.read_secret().unwrap_err().to_string().contains("set it where jingwen is started"));
        let plain = hook("name = 'a'\nurl = 'https://a.example/'").unwrap();
        assert!(check(&[plain.clone(), plain]).unwrap_err().to_string().contains("two of this name"));
    }

    #[test]
    fn only_programs_with_a_folder_are_relative_to_the_configuration() {
        let mut one = hook("name = 'a'\ncommand = ['./tell.sh', './x']").unwrap();
        one.rebase(Path::new("/config"));
        assert_eq!(one.to, To::Command(vec!["/config/./tell.sh".into(), "./x".into()]));
        let mut two = hook("name = 'a'\ncommand = ['mail', 'ops']").unwrap();
        two.rebase(Path::new("/config"));
        assert_eq!(two.to, To::Command(vec!["mail".into(), "ops".into()]));
    }
}
