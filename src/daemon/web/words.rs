//! The page's words, in Chinese and English, by `Accept-Language`.

use axum::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use jiff::Timestamp;
use jiff::tz::TimeZone;

macro_rules! words {
    ($($name:ident: $zh:literal, $en:literal;)*) => {
        /// Everything the page says.
        #[derive(Debug)]
        pub struct Words {
            /// BCP 47.
            pub lang: &'static str,
            $(#[allow(missing_docs)] pub $name: &'static str,)*
        }

        static ZH: Words = Words { lang: "zh-CN", $($name: $zh,)* };
        static EN: Words = Words { lang: "en", $($name: $en,)* };
    };
}

words! {
    sites: "站点", "Sites";
    site: "站点", "Site";
    health: "状态", "Health";
    last_run: "上次运行", "Last run";
    next_run: "下次运行", "Next run";
    today: "今日文章", "Articles today";
    usual: "平常", "usual";
    two_days: "近 48 小时", "Last 48 hours";
    warnings: "警告", "Warnings";
    search: "搜索", "Search";
    search_recent: "搜索近期文章", "Search recent articles";
    title: "标题", "Title";
    written: "写入", "Written";
    published: "发布", "Published";
    template: "模板", "Template";
    chars: "字数", "Characters";
    reason: "原因", "Reason";
    detail: "详情", "Detail";
    address: "地址", "Address";
    count: "数量", "Count";
    share: "比例", "Share";
    when: "时间", "When";
    ok: "正常", "ok";
    running: "运行中", "running";
    paused: "已暂停", "paused";
    failed: "失败", "failed";
    silent: "沉默", "silent";
    drifted: "改版", "changed";
    held_back: "退避", "held back";
    lists_fail: "列表异常", "lists fail";
    lists: "列表", "Lists";
    what: "情况", "What";
    list_failed: "取不到或读不懂", "failed";
    list_empty: "没有给出任何链接", "gave nothing";
    list_redirected: "转到已知的列表", "leads to a known list";
    list_partial: "只能读出一部分", "not all could be used";
    starting_point: "起点", "starting point";
    all_lists_well: "所有列表都正常。", "All lists give something.";
    retries: "等待重试", "Waiting for another try";
    retried: "失败后将重试", "failed, tried again later";
    postponed: "因主机拒绝或断网而推迟", "postponed: their host refuses us, or nothing can be reached";
    revisited: "重新查看的未成文页面", "rejected pages looked at again";
    left_out: "未跟进的链接", "links not followed";
    resting: "按计划休息的主机", "hosts that rest as planned";
    last_run_counts: "上次运行的其他情况", "The last run, further";
    unchecked_certs: "未校验证书：读到的内容可能在途中被改动。由此文件的 accept_invalid_certs 设定：",
        "Certificates are not checked, so what is read may be changed on the way, as accept_invalid_certs asks in";
    output_touched: "输出文件被其他程序改动：", "Another program touched the output files:";
    waiting: "等待首次运行", "not run yet";
    log_in: "登录", "Log in";
    log_out: "退出", "Log out";
    token: "令牌", "Token";
    wrong_token: "令牌不对。", "That is not the token.";
    no_token_set: "没有设置令牌，本页只供查看。在 [daemon] 下设 token_file，或设环境变量 JINGWEN_TOKEN。",
        "No token is set, so this page only shows. Set token_file under [daemon], or JINGWEN_TOKEN in the environment.";
    log_in_first: "请先登录。", "Log in first.";
    form_too_old: "表单已过期，请返回上页刷新后再试。", "The form is too old: go back, load the page anew, try again.";
    not_allowed: "未获准许", "Not allowed";
    no_such_page: "没有这个页面", "No such page";
    no_such_site: "没有这个站点", "No such site";
    run_now: "立即运行", "Run now";
    pause: "暂停", "Pause";
    resume: "恢复", "Resume";
    reload: "重新读取文件", "Read files anew";
    bad_files: "文件有改动但不能使用，仍按原来的运行：", "The files have changed and cannot be used; what was in force stays:";
    since: "自", "since";
    recent_articles: "近期文章", "Recent articles";
    recent_rejects: "近期未成文页面", "Recent pages without an article";
    reasons: "未成文原因（四周）", "Why pages gave no article (four weeks)";
    templates: "模板命中（四周）", "Articles by template (four weeks)";
    runs: "运行记录", "Runs";
    began: "开始", "Began";
    took: "用时", "Took";
    outcome: "结果", "Outcome";
    articles: "文章", "Articles";
    fetched: "抓取", "Fetched";
    confidence: "把握", "Confidence since the start";
    rejected: "未成文", "Rejected";
    hosts: "主机", "Hosts";
    queue: "待抓取", "Queued";
    robots: "robots.txt 取不到的主机", "Hosts whose robots.txt cannot be had";
    rate: "速率", "Rate";
    next_try: "下次尝试", "Next try";
    none_held: "没有被暂缓的主机。", "No host is held back.";
    drift: "改版迹象", "Changes noticed";
    looked_for: "查找的内容", "Looked for";
    evidence: "例证", "Evidence";
    last_page: "最近一页：成文与原页对照", "Last page: the record beside its source";
    record: "成文", "Record";
    source: "原页（保留与删去）", "Source (kept and cut)";
    nothing_yet: "还没有。", "Nothing yet.";
    notices: "通知", "Notifications";
    deliveries: "送达", "Deliveries";
    missed: "错过", "missed";
    overlapped: "重叠", "overlapped";
    no_results: "没有找到。", "Nothing found.";
    expected_since: "按往常此间应有文章", "articles usual in the time since";
    silence_how: "如何消除", "How to silence it";
    skip: "跳到正文", "Skip to content";
}

impl Words {
    /// In the language that a browser asks for first, of the two.
    pub fn of(headers: &HeaderMap) -> &'static Self {
        let asked = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match first(asked) {
            Some("zh") => &ZH,
            _ => &EN,
        }
    }

    /// How long ago, or how long from now, in a few characters.
    pub fn span(&self, from: Timestamp, to: Timestamp) -> String {
        let seconds = to.as_second().abs_diff(from.as_second());
        let (n, zh, en) = match seconds {
            0..60 => (seconds, "秒", "s"),
            60..3600 => (seconds / 60, "分钟", "min"),
            3600..172_800 => (seconds / 3600, "小时", "h"),
            _ => (seconds / 86_400, "天", "d"),
        };
        match self.lang {
            "en" => format!("{n} {en}"),
            _ => format!("{n} {zh}"),
        }
    }

    /// `3 分钟前`.
    pub fn ago(&self, at: Timestamp, now: Timestamp) -> String {
        match self.lang {
            "en" => format!("{} ago", self.span(at, now)),
            _ => format!("{}前", self.span(at, now)),
        }
    }

    /// `3 分钟后`.
    pub fn until(&self, at: Timestamp, now: Timestamp) -> String {
        match (at <= now, self.lang) {
            (true, "en") => "now".to_owned(),
            (true, _) => "即将".to_owned(),
            (false, "en") => format!("in {}", self.span(now, at)),
            (false, _) => format!("{}后", self.span(now, at)),
        }
    }
}

/// A time as it is shown, to the minute.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The language that is wanted most, of those spoken here.
fn first(header: &str) -> Option<&str> {
    let entry = |part: &'_ str| -> Option<(usize, String)> {
        let mut fields = part.trim().split(';');
        let tag = fields.next()?.trim().to_ascii_lowercase();
        let weight = fields.find_map(|f| f.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        (weight > 0.0).then_some(((weight * 1000.0) as usize, tag))
    };
    let mut best: Option<(usize, &str)> = None;
    for (weight, tag) in header.split(',').filter_map(entry) {
        let language = match tag.split('-').next() {
            Some("zh") => "zh",
            Some("en") => "en",
            _ => continue,
        };
        if best.is_none_or(|(before, _)| weight > before) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_wanted_most_is_taken() {
        assert_eq!(first("zh-CN,zh;q=0.9,en;q=0.8"), Some("zh"));
        assert_eq!(first("en-GB,en;q=0.9,zh;q=0.8"), Some("en"));
        assert_eq!(first("de, en;q=0.5, zh;q=0.7"), Some("zh"));
        assert_eq!(first("zh;q=0, en;q=0.1"), Some("en"));
        assert_eq!(first("fr"), None);
    }
}
