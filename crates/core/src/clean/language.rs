//! Language of a text: the page's own word is often `en` on Chinese pages, so the characters decide first.

use std::sync::LazyLock;

use super::byline::is_han;
use super::meta::Meta;
use super::script::Few;

/// Common characters that are written in one of the two scripts only.
const SIMPLIFIED: &str = "们这国会来时说对为学发经过还间长开关门问题与后从业东车书见观记话认让议论设证评识试该详语请读调谁谈负费资质购贸进远连选达边运";
const TRADITIONAL: &str = "們這國會來時說對為學發經過還間長開關門問題與後從業東車書見觀記話認讓議論設證評識試該詳語請讀調誰談負費資質購貿進遠連選達邊運";

/// Those of one script only; true for the traditional ones.
static SCRIPTS: LazyLock<Few<bool>> = LazyLock::new(|| {
    let only = |here: &'static str, there: &'static str, is: bool| {
        here.chars().filter(|c| !there.contains(*c)).map(move |c| (c, is))
    };
    only(SIMPLIFIED, TRADITIONAL, false).chain(only(TRADITIONAL, SIMPLIFIED, true)).collect()
});

/// Characters after which a page in one language is known.
const SURE: usize = 500;

/// BCP 47 tag: `zh-CN`, `zh-Hant`, `ja`, `en`, or what the page declares.
pub fn of(text: &str, meta: &Meta) -> Option<String> {
    let (mut han, mut latin, mut kana, mut simplified, mut traditional) = (0u32, 0u32, 0u32, 0u32, 0u32);
    let scripts = &*SCRIPTS;
    for (n, c) in text.chars().take(4000).enumerate() {
        // What nearly all of so many say, the rest does not turn.
        let of_one_script = || simplified.abs_diff(traditional) * 5 > (simplified + traditional) * 4;
        if n == SURE && han > 300 && kana == 0 && of_one_script() {
            break;
        }
        if is_han(c) {
            han += 1;
            match scripts.get(c) {
                Some(true) => traditional += 1,
                Some(false) => simplified += 1,
                None => {}
            }
        } else if c.is_ascii_alphabetic() {
            latin += 1;
        } else if matches!(c, '\u{3041}'..='\u{30ff}') {
            kana += 1;
        }
    }
    if kana * 5 > han.max(1) && kana > 10 {
        return Some("ja".to_owned());
    }
    if han * 3 > latin && han > 0 {
        return Some(if traditional > simplified { "zh-Hant" } else { "zh-CN" }.to_owned());
    }
    match meta.lang.as_deref().filter(|l| !l.is_empty() && l.len() <= 16 && !l.starts_with("zh")) {
        Some(lang) => Some(lang.to_owned()),
        None if latin > 20 => Some("en".to_owned()),
        None => None,
    }
}
