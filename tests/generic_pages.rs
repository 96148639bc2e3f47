//! The generic extractor on pages whose class names say nothing: what is body must show from the lines alone.

use jingwen::clean::{Body, Options, Page, clean};
use jingwen::record::Record;
use jingwen::sites::Sites;

const TITLE: &str = "盐田海边图书馆六月一日起延长开放";
const BODY: [&str; 3] = [
    "盐田区图书馆昨日宣布，海边分馆自六月一日起延长开放至晚上十点，周末不休息。",
    "馆长李晓雯说，去年夏天的读者比前年多了三成，夜里亮着灯的阅览室成了附近居民散步的终点。",
    "记者在现场看到，新添的八十个座位靠着海一侧的长窗，窗外就是栈道，孩子们的绘本区搬到了二楼。",
];

/// A page with a headline, a date, paragraphs, and what stands below them.
fn page(paragraphs: &[&str], below: &str) -> String {
    let body: String = paragraphs.iter().map(|p| format!("<div>{p}</div>")).collect();
    format!(
        "<html><head><title>{TITLE}_海边新闻</title></head><body><div><a href=/>首页</a> <a href=/a>要闻</a></div>\
         <div><div>{TITLE}</div><div>2026-05-20 10:30 来源：海边日报</div><div>{body}</div></div>{below}</body></html>"
    )
}

fn article(html: &str) -> Box<Record> {
    let body = Body::Html(html.as_bytes());
    let page = Page { url: None, body, content_type: None, fetched_at: None };
    let options = Options { generic_only: true, ..Options::default() };
    clean(&page, &Sites::builtin(), &options).article.unwrap_or_else(|e| panic!("{e:?}"))
}

fn paragraphs(html: &str) -> Vec<String> {
    article(html).text.lines().map(str::to_owned).collect()
}

#[test]
fn comments_are_no_part_of_the_body() {
    let comment =
        |who: &str, text: &str| format!("<div><div>{who} 5小时前</div><div>{text}</div><div>回复 · 12</div></div>");
    let below = [
        comment("海风", "这个消息太好了，我家就住在旁边，以后下班可以去坐一会儿，希望多添一些插座。"),
        comment("栈道跑者", "早就应该这样，夜里的图书馆比商场有意思，建议把饮水机也修一修，谢谢。"),
        comment("一只鸥", "请问停车怎么办？周末那条路一直堵到山脚，公交又少，开放时间长了也去不了。"),
    ]
    .concat();
    assert_eq!(paragraphs(&page(&BODY, &below)), BODY);
    // Without a mark of each comment's own, their heading is enough.
    let headed =
        format!("<div>网友评论 3条</div><div>{}</div>", below.replace(" 5小时前", "").replace("回复 · 12", ""));
    let text = paragraphs(&page(&BODY, &headed));
    assert_eq!(text, BODY);
}

#[test]
fn teasers_with_a_sentence_each_are_no_part_of_the_body() {
    let titles = [
        "沙头角老街改造完成首段铺装",
        "大鹏半岛增开三条夜间公交线路",
        "坝光湿地今年来了九百只黑脸琵鹭",
        "梅沙栈道下月分段封闭检修",
    ];
    let below: String = titles
        .iter()
        .map(|t| {
            format!("<div><div><a href=/x>{t}</a></div><div>{t}，有关部门昨天介绍了情况，市民可以在现场查看公示，也可以来电咨询。</div></div>")
        })
        .collect();
    assert_eq!(paragraphs(&page(&BODY, &format!("<div>{below}</div>"))), BODY);
    let dated = titles
        .iter()
        .map(|t| format!("<div><div>{t}</div><div>{t}，昨天下午在现场公布，细节仍在讨论。</div><div>2026-05-19 21:38:04</div></div>"))
        .collect::<String>();
    // In the very container.
    let html = page(&BODY, "").replace("</div></div></body>", &format!("{dated}</div></div></body>"));
    assert_eq!(paragraphs(&html), BODY);
}

#[test]
fn one_paragraph_wins_over_a_longer_list_of_pictures_below() {
    let links: String =
        (0..14).map(|n| format!("<div><a href=/p{n}>海边一日游的第{n}个去处在这里</a></div>")).collect();
    let pictures: String = (1..12)
        .map(|n| format!("<div>5月{n}日，摄影爱好者在海边栈道拍下日出，潮水退去后礁石上满是青苔，游人不少。</div>"))
        .collect();
    let html = page(&BODY[..1], &format!("<div>{links}</div><div>{pictures}</div>"));
    assert_eq!(paragraphs(&html), BODY[..1]);
}

#[test]
fn a_name_of_a_frame_around_the_headline_is_not_believed() {
    let html =
        page(&BODY[..2], "<div><a href=/1>更多</a></div>").replacen("<body>", "<body><div class=related-news>", 1);
    assert_eq!(paragraphs(&html), BODY[..2]);
}

#[test]
fn a_headline_behind_the_name_of_its_site() {
    let html = page(&BODY, "").replace(&format!("<title>{TITLE}_海边新闻"), &format!("<title>海边新闻--{TITLE}"));
    assert_eq!(article(&html).title.as_deref(), Some(TITLE));
}

#[test]
fn paragraphs_and_link_lists_in_one_element() {
    // No element holds the body and nothing else, and all together is worth less than nothing.
    let links: String =
        (0..30).map(|n| format!("<p><a href=/z{n}>海边一日游的第{n}个去处就在这条路的尽头</a></p>")).collect();
    let box_in_text =
        "<table><tr><td><a href=/ad1>夏装上新三折起</a></td><td><a href=/ad2>海景房首付两成</a></td></tr></table>";
    for count in [2, 3] {
        let body: String = BODY[..count].iter().map(|p| format!("<p>{p}</p>{box_in_text}")).collect();
        let html = format!(
            "<html><head><title>{TITLE}_海边新闻</title></head><body><table><tr><td><b>{TITLE}</b><p>2026-05-20 10:30 \
             来源：海边日报</p>{body}{links}</td></tr></table></body></html>"
        );
        assert_eq!(paragraphs(&html), BODY[..count]);
    }
}

#[test]
fn the_text_goes_on_below_a_box_of_links() {
    let links: String = (0..4).map(|n| format!("<p><a href=/z{n}>老街改造的第{n}篇报道</a></p>")).collect();
    let more = [
        "居民陈阿姨每天傍晚来这里看报，她说，回家的路上还能吹一会儿海风。",
        "图书馆提醒读者，八点以后从东门进出，单车请停在栈道外侧的车棚。",
    ];
    let html = page(&BODY, "").replace(
        "</div></body>",
        &format!("<p>推荐阅读</p>{links}<div><p>{}</p><p>{}</p></div></div></body>", more[0], more[1]),
    );
    let inside = page(&BODY, "").replace(
        &format!("<div>{}</div></div>", BODY[2]),
        &format!(
            "<div>{}</div><div>推荐阅读</div>{}<div>{}</div><div>{}</div></div>",
            BODY[2],
            links.replace("<p>", "<div>").replace("</p>", "</div>"),
            more[0],
            more[1]
        ),
    );
    assert_eq!(paragraphs(&inside), [BODY.as_slice(), more.as_slice()].concat());
    // In another element it is another text.
    assert_eq!(paragraphs(&html), BODY);
}

#[test]
fn what_lawyers_say_is_no_part_of_the_body() {
    let below = "<div>反侵权公告：</div><div>根据《中华人民共和国著作权法》等规定，未经书面许可擅自转载本报社作品的，将涉嫌侵犯合法权益。\
                 现公告如下：</div><div>一、任何单位或个人使用本报社原创内容的，应当事先取得授权，注明出处并支付报酬。</div>\
                 <div>二、对侵犯本报社版权的行为，将追究法律责任。</div><div>版权合作 0755-00000000</div>";
    let html = page(&BODY, "").replace(&format!("{}</div></div>", BODY[2]), &format!("{}</div>{below}</div>", BODY[2]));
    assert_eq!(paragraphs(&html), BODY);
    // An article on the subject keeps its own sentences.
    let subject = [
        "深圳中院昨日宣判一起著作权案，法院认定被告擅自转载的行为构成侵权，应当赔礼道歉。",
        "法官说，获得授权和许可是使用他人作品的前提，标明出处不能代替授权。",
        "原告律师表示，判决提醒平台，未经许可的转载要承担法律责任，权利人可以追究。",
    ];
    assert_eq!(paragraphs(&page(&subject, "")), subject);
}

#[test]
fn flattened_text_of_a_short_article_above_a_longer_one() {
    let below: String = (0..8)
        .map(|n| format!("更早的第{n}次改造花了三年时间，居民说，那几年里路灯常常不亮，要绕很远才能到海边。\n"))
        .collect();
    let links = "海边一日游的去处\n老街改造完成首段铺装\n新增三条夜间公交线路\n".repeat(4);
    let text = format!(
        "首页\n要闻\n{TITLE}\n2026-05-20 10:30 海边日报\n{}\n分享到\n{links}沙头角老街的改造史\n2023-02-01 08:00\n{below}关于我们\n",
        BODY.join("\n")
    );
    let page = Page { url: None, body: Body::Text(&text), content_type: None, fetched_at: None };
    let record = clean(&page, &Sites::builtin(), &Options::default()).article.unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(record.text.lines().collect::<Vec<_>>(), BODY);
    assert_eq!(record.title.as_deref(), Some(TITLE));
}

#[test]
fn a_forums_portal_has_articles() {
    let generator = "<meta name=generator content='Discuz! X3.4'></head>";
    let html = page(&BODY, "").replace("</head>", generator);
    assert_eq!(paragraphs(&html.replace("<body>", "<body id=nv_portal>")), BODY);
    let thread = html.replace("<body>", "<body id=nv_forum>");
    let page = Page { url: None, body: Body::Html(thread.as_bytes()), content_type: None, fetched_at: None };
    let options = Options { generic_only: true, ..Options::default() };
    assert!(clean(&page, &Sites::builtin(), &options).article.is_err());
}

#[test]
fn a_short_note_without_a_date_is_believed_if_the_page_says_that_it_is_an_article() {
    let links: String =
        (0..70).map(|n| format!("<div><a href=/p{n}>海边一日游的第{n}个去处就在这里</a></div>")).collect();
    let pictures: String = (1..12)
        .map(|n| format!("<div>5月{n}日，摄影爱好者在海边栈道拍下日出，潮水退去后礁石上满是青苔，游人不少。</div>"))
        .collect();
    let below = format!("<div>{links}</div><div>{pictures}</div>");
    let note = page(&BODY[..1], &below).replace("2026-05-20 10:30 来源：海边日报", "海边日报");
    let rejected = |html: &str| {
        let page = Page { url: None, body: Body::Html(html.as_bytes()), content_type: None, fetched_at: None };
        let options = Options { generic_only: true, ..Options::default() };
        clean(&page, &Sites::builtin(), &options).article.is_err()
    };
    assert!(rejected(&note));
    let typed = note.replace("</head>", "<meta property=og:type content=article></head>");
    assert_eq!(paragraphs(&typed), BODY[..1]);
    // A list stays one.
    let list = format!(
        "<html><head><title>海边新闻_要闻</title><meta property=og:type content=article></head><body><h1>要闻</h1>{links}\
         <p>本频道每天更新，欢迎读者来电提供线索。</p></body></html>"
    );
    assert!(rejected(&list));
}

#[test]
fn the_text_that_goes_on_below_a_box_may_be_nested_deeper() {
    let links: String =
        (0..8).map(|n| format!("<p><a href=/p{n}>海边一日游的第{n}个去处就在这条路的尽头</a></p>")).collect();
    let long = |n: usize| format!("{n}、{}{}", BODY[n % 3], BODY[(n + 1) % 3]);
    let nested: String = (2..5).map(|n| format!("<div><section><p>{}</p></section></div>", long(n))).collect();
    let html = format!(
        "<html><head><title>{TITLE}_海边新闻</title></head><body><div><h1>{TITLE}</h1><p>2026-05-20 10:30 来源：海边日报</p>\
         <div><p>{}</p>{links}<p>{}</p><div>{nested}</div></div></div></body></html>",
        long(0),
        long(1),
    );
    assert_eq!(paragraphs(&html), (0..5).map(long).collect::<Vec<_>>());
}

const STONES: [&str; 3] = [
    "The wall around the old harbour was repaired stone by stone, and the masons worked from the first light until the tide came back.",
    "Nobody in the village had seen the foundations before, which were laid on oak trunks that are as hard as three hundred years ago.",
    "The council says that the path on top opens again in the spring, when the railings have been painted and the lamps are tested.",
];

fn english(head: &str, body: &str, below: &str) -> String {
    let text: String = STONES.iter().map(|p| format!("<p>{p}</p>")).collect();
    format!(
        "<html lang=en><head><title>Six tools that every mason needs</title>{head}</head><body><main><h1>Six tools that every mason needs</h1>\
         <div>{text}{body}</div></main>{below}</body></html>"
    )
}

#[test]
fn a_list_of_recommended_things_is_text() {
    let item = |n: usize| {
        format!(
            "<section><h3><a href=/shop/{n}>Trowel number {n}</a></h3><p>It lies in the hand like no other, number {n} of the six, and the \
             blade has been ground so thin that it bends before the mortar does. We have used it on two walls and one chimney.</p>\
             <ul><li>Ash handle</li><li>Steel blade</li><li>Made by hand</li></ul></section>"
        )
    };
    let items: String = (1..=6).map(item).collect();
    let text = article(&english("", &items, "")).text;
    assert!(text.contains("number 6 of the six"), "{text}");
    assert!(text.contains("Steel blade"), "{text}");
}

#[test]
fn short_sentences_above_hundreds_of_comments_are_an_article() {
    let sentence = |n: usize| {
        format!("<p>On day {n} the masons laid forty stones and went home before the rain began to fall.</p>")
    };
    let body: String = (1..=30).map(sentence).collect();
    let comment = |n: usize| {
        format!(
            "<li><a href=/u/{n}>Reader {n}</a> <a href=#c{n}>March {}, 2026 at 3:53 pm</a><p>What a lovely wall, number {n}. Thank you.</p></li>",
            n % 28 + 1
        )
    };
    let comments: String = (1..=120).map(comment).collect();
    let below = format!("<div class=comments><h2>120 comments</h2><ol>{comments}</ol></div>");
    let head = "<meta property=og:type content=article>";
    let text = article(&english(head, &body, &below)).text;
    assert!(text.contains("On day 30") && !text.contains("Reader 7"), "{text}");
}
