//! Pages spoilt in ways that pages get spoilt, the same for the same seed.

#![allow(dead_code, reason = "each test file uses a part of it")]

/// A small generator of numbers (SplitMix64): enough for choosing, and the same everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 if there is none.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// Tags that parsers treat each in its own way.
pub const TAGS: &[&str] = &[
    "<div>",
    "</div>",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<a href='/x'>",
    "</a>",
    "<span>",
    "</span>",
    "<li>",
    "</li>",
    "<ul>",
    "</ul>",
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "</td>",
    "<tbody>",
    "<br>",
    "</br>",
    "<br/>",
    "<div/>",
    "<h1>",
    "</h1>",
    "<h2>",
    "</h3>",
    "<dl>",
    "<dt>",
    "<dd>",
    "</dl>",
    "<form>",
    "</form>",
    "<button>",
    "</button>",
    "<select><option>一",
    "</select>",
    "<textarea>",
    "</textarea>",
    "<title>",
    "</title>",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<noscript>",
    "</noscript>",
    "<iframe>",
    "</iframe>",
    "<svg>",
    "<path/>",
    "</svg>",
    "<math>",
    "</math>",
    "<template>",
    "</template>",
    "<body class=a>",
    "</body>",
    "<html lang=zh>",
    "</html>",
    "<head>",
    "</head>",
    "<meta name=a content=b>",
    "<base href='/b/'>",
    "<img src=a.jpg>",
    "<image>",
    "<hr>",
    "<pre>\n",
    "</pre>",
    "<object>",
    "</object>",
    "<center>",
    "<font color=red>",
    "</font>",
    "<em>",
    "</em>",
    "<nobr>",
    "<ruby>",
    "<rt>",
    "<caption>",
    "<col>",
    "<plaintext>",
    "<xmp>",
    "</xmp>",
    "<section>",
    "</article>",
    "<video>",
    "</video>",
    "<audio>",
    "<address>",
    "<x-y>",
    "</x-y>",
    "<o:p>",
    "</o:p>",
    "<!-- 注 -->",
    "<!doctype html>",
    "<![CDATA[一]]>",
    "<?xml?>",
    "<p style='display:none'>",
    "<div hidden>",
];

/// Pieces that tokenizers treat each in its own way.
pub const PIECES: &[&str] = &[
    "<",
    ">",
    "&",
    "&amp",
    "&nbsp;",
    "&#20013;",
    "&#x4e2d;",
    "&#0;",
    "&#xD800;",
    "&notin",
    "&copy2024",
    "</",
    "<!--",
    "-->",
    "--!>",
    "<!",
    "<?",
    "]]>",
    "\"",
    "'",
    "=",
    "/",
    "/>",
    "\u{0}",
    "\u{1}",
    "\r\n",
    "\u{c}",
    "\u{feff}",
    "\u{200b}",
    "\u{3000}",
    "\u{2028}",
    "。",
    "<!-->",
    "<a b='",
    "<a b=\"x\"c>",
    "<a =b>",
    "<a b = c/d>",
    "< p>",
    "</ p>",
    "<中>",
];

/// Where the tags of a text begin and end (roughly: from `<` to the next `>`).
fn tags(text: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(n) = text[at..].find('<') {
        let open = at + n;
        let Some(close) = text[open..].find('>') else { break };
        out.push((open, open + close + 1));
        at = open + close + 1;
    }
    out
}

/// The nearest character boundary at or before an offset.
fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// One small change to markup; what comes out is text, and mostly still a page.
pub fn markup(text: &str, dice: &mut Dice) -> String {
    let tags = tags(text);
    let tag = |dice: &mut Dice| if tags.is_empty() { (0, 0) } else { dice.of(&tags) };
    let put = |at: usize, what: &str| format!("{}{what}{}", &text[..at], &text[at..]);
    match dice.below(12) {
        0 | 1 => {
            let (from, to) = tag(dice);
            format!("{}{}", &text[..from], &text[to..])
        }
        2 => {
            let (from, to) = tag(dice);
            put(to, &text[from..to])
        }
        3 | 4 => {
            let (_, to) = tag(dice);
            put(to, dice.of(TAGS))
        }
        5 => {
            let (from, to) = tag(dice);
            let (at, _) = tag(dice);
            put(at, &text[from..to])
        }
        6 => {
            let (from, to) = tag(dice);
            format!("{}{}{}", &text[..from], text[from..to].to_ascii_uppercase(), &text[to..])
        }
        7 | 8 => put(floor(text, dice.below(text.len() + 1)), dice.of(PIECES)),
        9 => {
            let from = floor(text, dice.below(text.len() + 1));
            let to = floor(text, from + dice.below(40)).max(from);
            format!("{}{}", &text[..from], &text[to..])
        }
        10 => {
            // Inside a tag.
            let (from, to) = tag(dice);
            put(floor(text, from + dice.below(to - from + 1)), dice.of(PIECES))
        }
        _ => {
            let (from, to) = tag(dice);
            let (from2, to2) = tag(dice);
            if to > from2 {
                return put(from, dice.of(TAGS));
            }
            format!("{}{}{}{}{}", &text[..from], &text[from2..to2], &text[to..from2], &text[from..to], &text[to2..])
        }
    }
}

/// Damage to bytes: what comes out need not be text any more.
pub fn bytes(page: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = page.to_vec();
    let at = dice.below(out.len());
    match dice.below(9) {
        0 => out.truncate(at),
        1 => {
            for _ in 0..1 + out.len() / 500 {
                let at = dice.below(out.len());
                if let Some(byte) = out.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
        2 => drop(out.splice(at..at, std::iter::repeat_n(0, 1 + dice.below(5000)))),
        3 => {
            let storm: String = (0..dice.below(3000)).map(|_| dice.of(TAGS)).collect();
            drop(out.splice(at..at, storm.into_bytes()));
        }
        4 => {
            let open =
                dice.of(&["<div>", "<b>", "<table><tr><td>", "<ul><li>", "<a href=x>", "<font>", "<svg>", "<button>"]);
            drop(out.splice(at..at, open.repeat(dice.below(3000)).into_bytes()));
        }
        5 => {
            let wide: String = (0..dice.below(5000)).map(|n| format!(" a{n}=\"{n}\"")).collect();
            drop(out.splice(at..at, format!("<p{wide}>").into_bytes()));
        }
        6 => {
            let noise: Vec<u8> = (0..dice.below(2000)).map(|_| dice.next() as u8).collect();
            drop(out.splice(at..at, noise));
        }
        7 => {
            let pieces: String = (0..dice.below(400)).map(|_| dice.of(PIECES)).collect();
            drop(out.splice(at..at, pieces.into_bytes()));
        }
        _ => {
            let until = (at + dice.below(20_000)).min(out.len());
            let part = out[at..until].to_vec();
            let times = 1 + dice.below(4);
            drop(out.splice(at..at, part.repeat(times)));
        }
    }
    out
}
