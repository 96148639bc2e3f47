//! The words that newsrooms put before names: 责任编辑, 审读, 记者.

use std::ops::Range;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// Roles of people who did not write the article. Longer names first, so that 责任编辑 is not read as 编辑.
pub const EDITOR_ROLES: &[&str] = &[
    "责任编委",
    "栏目主编",
    "轮值主编",
    "部门主编",
    "制片人",
    "制片",
    "视觉",
    "编委",
    "编导",
    "审片",
    "文案",
    "音频",
    "值班编委",
    "值班编辑",
    "值班主编",
    "值班主任",
    "值班总编",
    "责任编辑",
    "责任校对",
    "责任监制",
    "实习编辑",
    "网络编辑",
    "网站编辑",
    "新媒体编辑",
    "本期编辑",
    "本文编辑",
    "本版编辑",
    "版面编辑",
    "美术编辑",
    "视觉编辑",
    "流程编辑",
    "文字编辑",
    "图片编辑",
    "视频编辑",
    "见习编辑",
    "栏目编辑",
    "首席编辑",
    "执行主编",
    "执行总编",
    "执行编辑",
    "副总编辑",
    "总编辑",
    "总监制",
    "总策划",
    "总统筹",
    "副主编",
    "编辑",
    "责编",
    "编审",
    "审编",
    "校对",
    "校审",
    "审校",
    "审读",
    "审核",
    "审签",
    "签审",
    "审稿",
    "审定",
    "审发",
    "签发",
    "核发",
    "初审",
    "复审",
    "终审",
    "一审",
    "二审",
    "三审",
    "监制",
    "监审",
    "主编",
    "主任",
    "统筹",
    "策划",
    "出品人",
    "出品",
    "选稿",
    "组稿",
    "编发",
    "发稿",
    "一校",
    "二校",
    "三校",
    "初校",
    "复校",
    "终校",
    "值班",
    "排版",
    "制图",
    "制作",
    "设计",
    "美编",
    "剪辑",
    "拍摄",
    "摄像",
    "后期",
    "网编",
    "技术",
    "运营",
    "版式",
    "图编",
];

/// Roles of people who did.
pub const AUTHOR_ROLES: &[&str] = &[
    "实习生",
    "实习记者",
    "见习记者",
    "首席记者",
    "特约记者",
    "特派记者",
    "全媒体记者",
    "融媒记者",
    "特约撰稿",
    "专栏作者",
    "特约评论员",
    "本报评论员",
    "通讯员",
    "摄影记者",
    "文字记者",
    "撰稿人",
    "记者",
    "作者",
    "撰文",
    "撰稿",
    "采写",
    "采访",
    "供稿",
    "文字",
    "文图",
    "图文",
    "文/图",
    "摄影",
    "摄像",
    "摄",
    "编译",
    "翻译",
    "整理",
    "文",
    "图",
];

/// Credits that stand between roles and name no person.
pub const CREDITS: &[&str] = &["题图来源", "图片来源", "题图", "图源"];

/// Words before an outlet's name.
const SOURCES: &[&str] = &["来源于", "来源", "稿源"];

/// All of them by their first character, those of a character in the order in which they are tried.
static BY_FIRST: LazyLock<FxHashMap<char, Vec<&'static str>>> = LazyLock::new(|| {
    let mut all: FxHashMap<char, Vec<&'static str>> = FxHashMap::default();
    for role in [CREDITS, EDITOR_ROLES, AUTHOR_ROLES, SOURCES].into_iter().flatten() {
        all.entry(role.chars().next().unwrap_or_default()).or_default().push(role);
    }
    all
});

/// The first role at or after an offset, with what stands between its characters: `编 辑`.
///
/// Every line of a page is asked for one, so this is no regex, which would try a hundred words at every character.
pub fn find_at(text: &str, at: usize) -> Option<Range<usize>> {
    text[at..].char_indices().find_map(|(n, c)| {
        let start = at + n;
        let len = BY_FIRST.get(&c)?.iter().find_map(|role| length(&text[start..], role))?;
        Some(start..start + len)
    })
}

/// True for the roles of a news desk. Books, films and exhibitions have a 主编, a 监制 and a 策划 as well.
pub fn is_of_the_desk(role: &str) -> bool {
    let simple = super::script::simplified(role);
    [
        "编辑", "责编", "校对", "审核", "审读", "审校", "审签", "签发", "编审", "值班", "一审", "二审", "三审", "初审",
        "复审", "终审", "网编",
    ]
    .iter()
    .any(|r| simple.contains(r))
}

/// Length of the role that a text begins with, in bytes.
pub fn at_start(text: &str) -> Option<usize> {
    BY_FIRST.get(&text.chars().next()?)?.iter().find_map(|role| length(text, role))
}

/// Length of this role, if the text begins with it.
fn length(text: &str, role: &str) -> Option<usize> {
    let mut rest = text;
    for (n, c) in role.chars().enumerate() {
        if n > 0 {
            rest = rest.trim_start_matches([' ', '\u{3000}', '\u{a0}']);
        }
        rest = rest.strip_prefix(c)?;
    }
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_roles_come_first() {
        let found = |text: &str| find_at(text, 0).map(|m| text[m].to_owned());
        assert_eq!(found("本报 责任编辑 甲").as_deref(), Some("责任编辑"));
        assert_eq!(found("编　 辑：甲").as_deref(), Some("编　 辑"));
        assert_eq!(found("图片来源：甲").as_deref(), Some("图片来源"));
        assert_eq!(found("甲乙丙"), None);
        assert_eq!((at_start("编 辑："), at_start("甲编辑")), (Some("编 辑".len()), None));
    }

    proptest::proptest! {
        /// As a regex of all roles would find it.
        #[test]
        fn as_a_regex_finds_it(text in "[责任编辑视觉文图片来源于稿/记者摄影甲 \u{3000}]{0,12}") {
            let spaced = |role: &&str| role.chars().map(String::from).collect::<Vec<_>>().join("[ \u{3000}\u{a0}]*");
            let all: Vec<String> = [CREDITS, EDITOR_ROLES, AUTHOR_ROLES, SOURCES].into_iter().flatten().map(spaced).collect();
            let regex = regex::Regex::new(&all.join("|")).unwrap();
            proptest::prop_assert_eq!(find_at(&text, 0), regex.find(&text).map(|m| m.range()));
        }
    }
}
