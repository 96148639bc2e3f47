//! What is sent: the address, the headers and the body of each service's form, and what its answer means. Pure.
//!
//! An event's texts come from pages and servers, that is from strangers, so nothing in them may work as markup: no
//! mention of everyone, no link with another face, no picture that calls home.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::hook::{Format, Hook, Secret};
use super::template::Place;
use super::{Event, EventKind, sign};

/// An event on its way to somebody.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// How often the same happened since it was last told, and was not told then.
    #[serde(skip_serializing_if = "is_zero")]
    pub repeated: u32,
    /// The hook's template, filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A request that is ready to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Where to.
    pub url: Url,
    /// Headers besides the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

/// The event as JSON, with the hook's template filled where it has one.
pub fn plain(hook: &Hook, event: &Event, repeated: u32) -> String {
    let text = hook.template.as_ref().map(|template| template.fill(|place| value(place, event, repeated, &JSON)));
    let message = Message { event: event.clone(), repeated, text };
    // Strings, numbers and string-keyed maps always serialise.
    serde_json::to_string(&message).unwrap_or_default()
}

/// The request that tells a hook of an event. `delivery` is the same for every try.
pub fn outgoing(
    hook: &Hook,
    url: &Url,
    secret: Option<&Secret>,
    event: &Event,
    repeated: u32,
    delivery: i64,
    now: Timestamp,
) -> Outgoing {
    let mut url = url.clone();
    let mut headers = vec![("X-Jingwen-Kind", event.kind.to_string()), ("X-Jingwen-Delivery", delivery.to_string())];
    let text = |style: &Style| match &hook.template {
        Some(template) => cut(template.fill(|place| value(place, event, repeated, style)), style.most),
        None => style.text(event, repeated),
    };
    let body = match hook.format {
        Format::Json => {
            let body = plain(hook, event, repeated);
            if let Some(secret) = secret {
                let seconds = now.as_second();
                headers.push(("X-Jingwen-Timestamp", seconds.to_string()));
                headers.push(("X-Jingwen-Signature", sign::ours(secret.reveal(), seconds, &body)));
            }
            return Outgoing { url, headers, body };
        }
        Format::Wecom => json!({ "msgtype": "markdown", "markdown": { "content": text(&WECOM) } }),
        Format::Dingtalk => {
            if let Some(secret) = secret {
                let millis = now.as_millisecond();
                url.query_pairs_mut()
                    .append_pair("timestamp", &millis.to_string())
                    .append_pair("sign", &sign::dingtalk(secret.reveal(), millis));
            }
            let title = clip(&DINGTALK.inline(&event.title), TITLE);
            json!({ "msgtype": "markdown", "markdown": { "title": title, "text": text(&DINGTALK) } })
        }
        Format::Feishu => {
            let lines: Vec<Value> =
                text(&FEISHU).lines().map(|line| json!([{ "tag": "text", "text": line }])).collect();
            let title = clip(&FEISHU.inline(&event.title), TITLE);
            let mut body = json!({
                "msg_type": "post",
                "content": { "post": { "zh_cn": { "title": title, "content": lines } } }
            });
            if let Some(secret) = secret {
                let seconds = now.as_second();
                body["timestamp"] = seconds.to_string().into();
                body["sign"] = sign::feishu(secret.reveal(), seconds).into();
            }
            body
        }
        Format::Slack => json!({ "text": text(&SLACK) }),
    };
    Outgoing { url, headers, body: body.to_string() }
}

/// What an answer means: what to record, or why the message did not arrive. The chat services say 200 to everything and
/// put the truth into the body.
pub fn verdict(format: Format, status: u16, body: &str) -> Result<String, String> {
    let start = || clip(&one_line(body), 200);
    if !(200..300).contains(&status) {
        return Err(match start().as_str() {
            "" => format!("answered {status}"),
            text => format!("answered {status}: {text}"),
        });
    }
    let answer: Option<Value> = serde_json::from_str(body).ok();
    let names: &[&str] = match format {
        Format::Json => return Ok(format!("answered {status}")),
        Format::Slack => {
            let refused = ["ok", "success"].iter().any(|key| answer.as_ref().is_some_and(|a| a[*key] == json!(false)));
            return if refused {
                Err(format!("answered {status}: {}", start()))
            } else {
                Ok(format!("answered {status}"))
            };
        }
        Format::Wecom | Format::Dingtalk => &["errcode"],
        Format::Feishu => &["code", "StatusCode"],
    };
    let code = names.iter().find_map(|name| Some((*name, answer.as_ref()?.get(name)?.as_i64()?)));
    match code {
        Some((_, 0)) => Ok(format!("answered {status}, {} 0", names[0])),
        Some((name, code)) => {
            let said = ["errmsg", "msg", "StatusMessage"].iter().find_map(|key| answer.as_ref()?.get(key)?.as_str());
            Err(match said {
                Some(said) => format!("answered {name} {code}: {}", clip(&one_line(said), 200)),
                None => format!("answered {name} {code}"),
            })
        }
        None => Err(format!(
            "answered {status} without `{}`, so it is not the service that `format = \"{}\"` means: {}",
            names[0],
            format.as_str(),
            start()
        )),
    }
}

/// Longest title in bytes.
const TITLE: usize = 240;
/// Evidence shown.
const EVIDENCE: usize = 12;

/// How a service writes.
struct Style {
    /// Longest text in bytes.
    most: usize,
    chinese: bool,
    /// What makes strangers' text harmless.
    tame: fn(&str) -> Cow<'_, str>,
    /// Around the title; none where the service has a field for it.
    title: Option<(&'static str, &'static str)>,
    /// Between lines.
    joint: &'static str,
    /// Before a line of evidence.
    item: &'static str,
}

const JSON: Style =
    Style { most: usize::MAX, chinese: false, tame: |text| text.into(), title: None, joint: "\n", item: "- " };
/// `markdown.content` is at most 4,096 bytes.
const WECOM: Style =
    Style { most: 4_096, chinese: true, tame: markdown, title: Some(("**", "**")), joint: "\n", item: "> " };
/// The whole body is at most 20,000 bytes, and a single line break is none.
const DINGTALK: Style =
    Style { most: 16_000, chinese: true, tame: markdown, title: Some(("#### ", "")), joint: "\n\n", item: "- " };
/// The whole body is at most 20 KiB, and each line is wrapped.
const FEISHU: Style =
    Style { most: 12_000, chinese: true, tame: |text| text.into(), title: None, joint: "\n", item: "· " };
/// Longer texts are cut at 40,000 characters.
const SLACK: Style =
    Style { most: 12_000, chinese: false, tame: mrkdwn, title: Some(("*", "*")), joint: "\n", item: "• " };

/// Markdown has no escapes there: a full-width sign is no tag, and a parenthesis apart from its bracket is no link.
fn markdown(text: &str) -> Cow<'_, str> {
    match text.contains('<') || text.contains("](") {
        true => text.replace('<', "＜").replace("](", "] (").into(),
        false => text.into(),
    }
}

/// Slack's own three escapes; `<!channel>` and links are written with the signs they take away.
fn mrkdwn(text: &str) -> Cow<'_, str> {
    match text.contains(['&', '<', '>']) {
        true => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").into(),
        false => text.into(),
    }
}

impl Style {
    fn inline(&self, text: &str) -> String {
        (self.tame)(&one_line(text)).into_owned()
    }

    fn label(&self, chinese: &'static str, english: &'static str, value: &str, most: usize) -> Option<String> {
        let value = clip(&self.inline(value), most);
        let (label, colon) = if self.chinese { (chinese, "：") } else { (english, ": ") };
        (!value.is_empty()).then(|| format!("{label}{colon}{value}"))
    }

    /// Everything, with as much of the evidence as there is room for.
    fn text(&self, event: &Event, repeated: u32) -> String {
        let share = |n: usize| (self.most / n).min(2_000);
        let mut lines: Vec<String> = Vec::new();
        if let Some((before, after)) = self.title {
            lines.push(format!("{before}{}{after}", clip(&self.inline(&event.title), TITLE)));
        }
        let kind =
            if self.chinese { format!("{}（{}）", chinese(event.kind), event.kind) } else { event.kind.to_string() };
        let mut known = vec![kind];
        known.extend(event.site.as_ref().map(|site| clip(&self.inline(site), 100)));
        known.push(time(event.at));
        lines.push(known.join(" · "));
        let detail = (self.tame)(&event.detail);
        let detail: Vec<&str> = detail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let detail = clip(&detail.join(self.joint), share(5));
        lines.extend(Some(detail).filter(|detail| !detail.is_empty()));
        let looked_for = event.looked_for.as_deref().unwrap_or_default();
        lines.extend(self.label("查找", "Looked for", looked_for, share(8)));
        lines.extend(self.label("始于", "Since", event.since.as_deref().unwrap_or_default(), 200));
        let mut end = Vec::new();
        if repeated > 0 {
            end.push(match self.chinese {
                true => format!("此前一小时内又发生 {repeated} 次，未另行通知"),
                false => format!("Happened {repeated} more times since it was last told"),
            });
        }
        end.extend(self.label("如需静默", "To silence", &event.silence, share(8)));
        let size = |lines: &[String]| lines.iter().map(|line| line.len() + self.joint.len()).sum::<usize>();
        let mut room = self.most.saturating_sub(size(&lines) + size(&end) + 60);
        let mut shown = 0;
        for item in event.evidence.iter().take(EVIDENCE) {
            let line = format!("{}{}", self.item, clip(&self.inline(item), share(12)));
            if line.len() + self.joint.len() > room {
                break;
            }
            room -= line.len() + self.joint.len();
            lines.push(line);
            shown += 1;
        }
        let left = event.evidence.len() - shown;
        if left > 0 {
            lines.push(if self.chinese {
                format!("{}另有 {left} 条", self.item)
            } else {
                format!("{}{left} more", self.item)
            });
        }
        lines.extend(end);
        cut(lines.join(self.joint), self.most)
    }
}

/// What a place of a template stands for.
fn value(place: Place, event: &Event, repeated: u32, style: &Style) -> String {
    match place {
        Place::Title => style.inline(&event.title),
        Place::Site => style.inline(event.site.as_deref().unwrap_or_default()),
        Place::Kind => event.kind.to_string(),
        Place::At => time(event.at),
        Place::Detail => (style.tame)(event.detail.trim()).into_owned(),
        Place::LookedFor => style.inline(event.looked_for.as_deref().unwrap_or_default()),
        Place::Since => style.inline(event.since.as_deref().unwrap_or_default()),
        Place::Evidence => {
            let items =
                event.evidence.iter().take(EVIDENCE).map(|item| format!("{}{}", style.item, style.inline(item)));
            items.collect::<Vec<_>>().join(style.joint)
        }
        Place::Silence => style.inline(&event.silence),
        Place::Repeated => repeated.to_string(),
    }
}

fn chinese(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Run => "运行完成",
        EventKind::Part => "分卷完成",
        EventKind::Drift => "页面变样",
        EventKind::Silent => "站点沉默",
        EventKind::Recovered => "已恢复",
        EventKind::Blocked => "主机受阻",
        EventKind::Missed => "错过运行",
        EventKind::BadReload => "重载失败",
        EventKind::Reloaded => "已重载",
        EventKind::Failed => "运行失败",
        EventKind::ListFailed => "列表失败",
        EventKind::ListEmpty => "列表为空",
        EventKind::ListRecovered => "列表恢复",
        EventKind::OutputTouched => "输出被改动",
    }
}

/// In the zone of the machine (`TZ`), with its offset.
fn time(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// Without line breaks, runs of blanks and control characters.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// At most so many bytes, cut between characters.
fn clip(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most.saturating_sub('…'.len_utf8())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

fn cut(text: String, most: usize) -> String {
    if text.len() <= most { text } else { clip(&text, most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(rest: &str) -> Hook {
        toml::from_str(&format!("name = 'ops'\nurl = 'https://hooks.example/send?key=k'\n{rest}")).unwrap()
    }

    fn event() -> Event {
        Event {
            at: "2025-11-25T23:00:00.123Z".parse().unwrap(),
            kind: EventKind::Silent,
            site: Some("sznews".into()),
            title: "深圳新闻网 has been silent for 9 h".into(),
            detail: "It usually has 31 articles in that time.\nThe lists were read 54 times.".into(),
            looked_for: Some("articles = ['/content/\\d+']".into()),
            since: Some("2025-11-25T14:00:00Z".into()),
            evidence: vec!["https://www.sznews.com/ <@all> [click](http://evil.example/)".into()],
            silence: "jingwen drift --forget sznews".into(),
            data: json!({ "expected": 31 }),
        }
    }

    fn out(hook: &Hook, event: &Event, repeated: u32) -> (Outgoing, Value) {
        let to = match &hook.to {
            super::super::hook::To::Url(address) => address.url().clone(),
            super::super::hook::To::Command(_) => unreachable!(),
        };
        let secret = hook.read_secret().unwrap();
        let out = outgoing(hook, &to, secret.as_ref(), event, repeated, 7, event.at);
        let body = serde_json::from_str(&out.body).unwrap();
        (out, body)
    }

    #[test]
    fn json_is_the_event_and_signed() {
        let (out, body) = out(&hook("secret = 's3cret'"), &event(), 0);
        assert_eq!(body, serde_json::to_value(event()).unwrap());
        assert_eq!(serde_json::from_str::<Event>(&out.body).unwrap(), event());
        let header = |name: &str| &out.headers.iter().find(|(n, _)| *n == name).unwrap().1;
        assert_eq!(header("X-Jingwen-Timestamp"), "1764111600");
        assert_eq!(*header("X-Jingwen-Signature"), sign::ours("s3cret", 1_764_111_600, &out.body));
        assert_eq!(header("X-Jingwen-Delivery"), "7");
        let (_, body) = super::tests::out(&hook("template = '{kind} {site}'"), &event(), 3);
        assert_eq!((&body["text"], &body["repeated"]), (&json!("silent sznews"), &json!(3)));
    }

    #[test]
    fn wecom_is_short_markdown_in_which_strangers_can_do_nothing() {
        let mut event = event();
        let (_, body) = out(&hook("format = 'wecom'"), &event, 2);
        let text = body["markdown"]["content"].as_str().unwrap();
        for part in [
            "**深圳新闻网 has been silent for 9 h**",
            "站点沉默（silent） · sznews",
            "查找：articles",
            "又发生 2 次",
            "如需静默：jingwen drift --forget sznews",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("＜@all>") && text.contains("[click] (http://evil.example/)"), "{text}");
        event.evidence = (0..200).map(|n| format!("第{n}页：{}", "证据".repeat(300))).collect();
        event.detail = "说明".repeat(3_000);
        let (_, body) = out(&hook("format = 'wecom'"), &event, 0);
        let text = body["markdown"]["content"].as_str().unwrap();
        assert!(text.len() <= 4_096 && text.ends_with("jingwen drift --forget sznews"), "{} {text}", text.len());
        assert!(text.contains("另有"), "{text}");
    }

    #[test]
    fn dingtalk_is_signed_in_its_query() {
        let (out, body) = out(&hook("format = 'dingtalk'\nsecret = 'SEC1'"), &event(), 0);
        let query: Vec<(String, String)> = out.url.query_pairs().into_owned().collect();
        assert_eq!(query[0], ("key".into(), "k".into()));
        assert_eq!(query[1], ("timestamp".into(), "1764111600123".into()));
        assert_eq!(query[2], ("sign".into(), sign::dingtalk("SEC1", 1_764_111_600_123)));
        // Base64's signs would mean something else in a query.
        assert!(!out.url.query().unwrap().split("sign=").nth(1).unwrap().contains(['+', '/', '=']));
        assert_eq!(body["msgtype"], "markdown");
        assert_eq!(body["markdown"]["title"], "深圳新闻网 has been silent for 9 h");
        assert!(body["markdown"]["text"].as_str().unwrap().starts_with("#### 深圳新闻网 has"));
    }

    #[test]
    fn feishu_is_signed_in_its_body() {
        let (out, body) = out(&hook("format = 'feishu'\nsecret = 'CST1'"), &event(), 0);
        assert_eq!(out.url.query(), Some("key=k"));
        assert_eq!(body["timestamp"], "1764111600");
        assert_eq!(body["sign"], sign::feishu("CST1", 1_764_111_600));
        let post = &body["content"]["post"]["zh_cn"];
        assert_eq!(post["title"], "深圳新闻网 has been silent for 9 h");
        assert!(post["content"].as_array().unwrap().iter().all(|line| line[0]["tag"] == "text"), "{post}");
    }

    #[test]
    fn slack_is_escaped() {
        let (_, body) = out(&hook("format = 'slack'"), &event(), 1);
        let text = body["text"].as_str().unwrap();
        assert!(text.contains("&lt;@all&gt;") && text.starts_with("*深圳新闻网"), "{text}");
        assert!(text.contains("To silence: jingwen drift --forget sznews") && text.contains("1 more times"), "{text}");
        let (_, body) = out(&hook("format = 'slack'\ntemplate = '<!here> {title}: {evidence}'"), &event(), 1);
        assert!(body["text"].as_str().unwrap().starts_with("<!here> 深圳"), "the operator's own markup stays");
    }

    #[test]
    fn answers_mean_what_their_services_say() {
        for (format, status, body, good) in [
            (Format::Json, 204, "", true),
            (Format::Json, 302, "", false),
            (Format::Json, 500, "<h1>Oops</h1>", false),
            (Format::Wecom, 200, r#"{"errcode":0,"errmsg":"ok"}"#, true),
            (Format::Wecom, 200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#, false),
            (Format::Dingtalk, 200, r#"{"errcode":310000,"errmsg":"sign not match"}"#, false),
            (Format::Dingtalk, 200, "<html>log in</html>", false),
            (Format::Feishu, 200, r#"{"code":0,"msg":"success","data":{}}"#, true),
            (Format::Feishu, 200, r#"{"StatusCode":0,"StatusMessage":"success"}"#, true),
            (Format::Feishu, 200, r#"{"code":19021,"msg":"sign match fail","data":{}}"#, false),
            (Format::Slack, 200, "ok", true),
            (Format::Slack, 200, r#"{"ok":false}"#, false),
            (Format::Slack, 404, "no_service", false),
        ] {
            let verdict = verdict(format, status, body);
            assert_eq!(verdict.is_ok(), good, "{format:?} {body}: {verdict:?}");
        }
        let said = verdict(Format::Dingtalk, 200, r#"{"errcode":310000,"errmsg":"sign not match"}"#).unwrap_err();
        assert_eq!(said, "answered errcode 310000: sign not match");
        assert!(verdict(Format::Wecom, 200, "<html>").unwrap_err().contains("format = \"wecom\""));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(clip("沉默", 6), "沉默");
        assert_eq!(clip("沉默了", 8), "沉…");
        assert_eq!(clip("沉默", 1), "…");
    }
}
