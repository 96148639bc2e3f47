//! What stands between two paragraphs of a body is text, whatever its words suggest; structure stays readable.

use jingwen::clean::{Body, Options, Page, Rejection, clean};
use jingwen::record::{Reason, Record};
use jingwen::sites::Sites;
use url::Url;

const TITLE: &str = "青石镇三座木桥修好通车";
const ABOVE: [&str; 3] = [
    "青石镇的三座木桥上月全部修好，最长的一座四十二米，能走拖拉机，也能走校车，镇里为此筹了两年的钱。",
    "桥面用的是后山的老杉木，木匠师傅说，刷两遍桐油能用三十年，每年汛期前还要再查一遍榫头。",
    "上游的村子有九十户人家，从前去镇上要绕七里路，现在走过桥就是集市，卖菜的老人不用再起早。",
];
const BELOW: [&str; 3] = [
    "镇里还在桥头装了水位尺，水到红线就拉闸，守桥的两个人轮流值夜，雨天每小时记一次数。",
    "小学的校车从九月起改走新桥，路上少用二十分钟，司机说孩子们过桥的时候总要数一遍桥墩。",
    "下一步要修的是下游的一段石阶，石料已经运到河边，工匠等着水退，预计十月里可以完工。",
];

fn markup(title: &str, head: &str, body: &str) -> String {
    format!(
        "<html lang=zh-CN><head><meta charset=utf-8><title>{title}_青石新闻</title>{head}</head><body>\
         <div class=top><a href=/>首页</a><a href=/a>要闻</a></div><div class=main><h1>{TITLE}</h1>\
         <div class=info>2026-03-02 08:15 来源：青石日报</div><div class=article>{body}</div>\
         <div class=share>分享到：<a href=#>微信</a></div>\
         <div class=hot><h3>热点</h3><ul><li><a href=/1>河堤公园本周末试开放</a></li><li><a href=/2>镇医院新添两台救护车</a></li></ul></div></div>\
         <div class=footer><p>青石新闻版权所有 未经授权不得转载</p></div></body></html>"
    )
}

fn around(middle: &str) -> String {
    let p = |lines: &[&str]| lines.iter().map(|l| format!("<p>{l}</p>")).collect::<String>();
    markup(TITLE, "", &format!("{}{middle}{}", p(&ABOVE), p(&BELOW)))
}

fn read(html: &str, sites: &Sites, generic_only: bool) -> Result<Box<Record>, Rejection> {
    let url = Url::parse("https://news.qingshi.example/2026-03/02/content_7.htm").ok();
    let page = Page { url: url.as_ref(), body: Body::Html(html.as_bytes()), content_type: None, fetched_at: None };
    clean(&page, sites, &Options { generic_only, ..Options::default() }).article
}

fn article(html: &str) -> Box<Record> {
    read(html, &Sites::builtin(), true).unwrap_or_else(|e| panic!("{e:?}"))
}

/// The lines that stand between the paragraphs.
fn middle(html: &str) -> Vec<String> {
    let text = article(html).text;
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(
        (&lines[..3], &lines[lines.len() - 3..]),
        (&ABOVE.map(String::from)[..], &BELOW.map(String::from)[..]),
        "{text}"
    );
    lines[3..lines.len() - 3].to_vec()
}

#[test]
fn a_line_between_two_paragraphs_is_text() {
    for line in [
        "记者：修桥最难的是哪一步？",
        "作者：我写的都是村里的事。",
        "编辑：这一段读来最慢。",
        "图：墨色太淡。",
        "时间：2026年4月6日 9:00",
        "报名：关注“青石文化站”公众号",
        "下载“青石办”客户端",
        "点击首页“桥梁”，选择“预约”",
        "扫描桥头的二维码留言",
        "特别提醒：汛期请勿在桥下停留。",
        "未经批准，车辆不得上桥。",
        "以上内容由镇交通站解释。",
        "2026年2月27日21:40，守桥人发现水位上涨。",
        "出处：《青石镇志》卷二",
        "没有人说话。",
        "特此通告。",
    ] {
        let html = around(&format!("<p>{line}</p>"));
        let record = article(&html);
        assert_eq!(middle(&html), [line]);
        assert_eq!((record.authors.len(), record.editors.len()), (0, 0), "{line}");
        assert_eq!(record.published_at.as_deref(), Some("2026-03-02T08:15:00+08:00"), "{line}");
    }
}

#[test]
fn what_is_marked_as_noise_goes_there_too() {
    for line in [
        "<p><img src=/a.jpg></p><p>图为修好的木桥。</p>",
        "<p>（青石日报记者 王小明 摄）</p>",
        "<p>【纠错】</p>",
        "<p>本文系青石日报原创，未经授权不得转载。</p>",
        "<p>相关阅读</p><ul><li><a href=/3>河堤公园本周末试开放</a></li><li><a href=/4>镇医院新添两台救护车</a></li></ul>",
    ] {
        assert_eq!(middle(&around(line)), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn common_rules_leave_running_text_alone() {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let file = folder.path().join("qingshi.toml");
    let text = "name=\"青石新闻\"\nhosts=[\"news.qingshi.example\"]\n[[template]]\nname=\"t\"\ntitle=\"h1\"\nbody=\".article\"\npublished={css=\".info\"}\n";
    std::fs::write(&file, text).unwrap_or_else(|e| panic!("{e}"));
    let sites = Sites::load(&[file]).unwrap_or_else(|e| panic!("{e:?}"));
    let html = around("<p>责编：这一版最满意。</p><p>打开“青石办”APP，进入首页</p>");
    let record = read(&html, &sites, false).unwrap_or_else(|e| panic!("{e:?}"));
    assert!(record.text.contains("责编：这一版最满意。\n打开“青石办”APP，进入首页"), "{}", record.text);
    let missing = markup(TITLE, "", "<p>抱歉，您访问的页面不存在或已被删除。</p>");
    assert_eq!(read(&missing, &sites, false).map_err(|e| e.reason).err(), Some(Reason::SoftNotFound));
}

#[test]
fn structure_stays_readable() {
    let table = "<table><tr><th>桥名<th>长度<tr><td>上桥<td>42<tr><td>中桥<td>36</table>";
    assert_eq!(middle(&around(table)), ["桥名\t长度", "上桥\t42", "中桥\t36"]);
    let list = "<ul><li>刷桐油</li><li>查榫头</li><li>换栏杆</li></ul>";
    assert_eq!(middle(&around(list)), ["刷桐油", "查榫头", "换栏杆"]);
    let code = "<pre><code>bridge {\n    length 42;\n}</code></pre>";
    assert_eq!(middle(&around(code)), ["bridge {", "    length 42;", "}"]);
    let verse = "<p style='white-space: pre-line'>桥上有风\n桥下有水</p>";
    assert_eq!(middle(&around(verse)), ["桥上有风", "桥下有水"]);
    let inline = "<p>面积约10<sup>9</sup>平方米，<ruby>埕<rt>chéng</rt></ruby>头原定<del>四月</del>五月<span style='display:none'>禁止复制</span>开工。</p>";
    assert_eq!(middle(&around(inline)), ["面积约10⁹平方米，埕头原定五月开工。"]);
    let formula = "<p>应力为<math><mi>F</mi><mo>/</mo><mi>A</mi></math>，由检测站计算。</p>";
    assert_eq!(middle(&around(formula)), ["应力为F/A，由检测站计算。"]);
    let listed = "<p>三座桥依次是：</p><ul><li><a href=/b1>上桥</a></li><li><a href=/b2>中桥</a></li></ul>";
    assert_eq!(middle(&around(listed)), ["三座桥依次是：", "上桥", "中桥"]);
}

#[test]
fn a_folded_rest_is_text() {
    let folded = format!(
        "<p>{}</p><p>{}</p><div class=more><a href='javascript:;'>展开全文</a></div><div style='display:none'><p>{}</p><p>{}</p></div>",
        ABOVE[0], ABOVE[1], BELOW[0], BELOW[1]
    );
    assert_eq!(article(&markup(TITLE, "", &folded)).text.lines().count(), 4);
}

#[test]
fn names_of_elements_are_disbelieved_where_text_stands() {
    let boxes: String =
        ABOVE.iter().chain(&BELOW).map(|p| format!("<div class='el-widget tag-box'><p>{p}</p></div>")).collect();
    assert_eq!(article(&markup(TITLE, "", &boxes)).text.lines().count(), 6);
    let opinion: String = ABOVE.iter().map(|p| format!("<p>{p}</p>")).collect();
    let html = markup(TITLE, "", &format!("<div class=comment-content>{opinion}</div>"));
    assert_eq!(article(&html).text.lines().count(), 3);
}

#[test]
fn texts_without_a_full_stop() {
    let verse: String =
        ["桥", "木头记得雨", "雨记得山", "我们走过去", "水声留在原地"].map(|l| format!("<p>{l}</p>")).concat();
    assert_eq!(article(&markup(TITLE, "", &verse)).text.lines().count(), 5);
    let flash = article(&markup(TITLE, "", "<p>中桥今天14时恢复通车。</p>"));
    assert_eq!(flash.text, "中桥今天14时恢复通车。");
}

#[test]
fn a_shell_is_no_article() {
    let rejected = |body: &str| {
        let html = markup(TITLE, "", body).replace("版权所有", "版权所有，");
        read(&html, &Sites::builtin(), true).map(|r| r.text).map_err(|e| e.reason)
    };
    assert_eq!(rejected("<div id=app></div>"), Err(Reason::NoBody));
    assert_eq!(
        rejected("<div class=loading>内容正在加载，请稍候，若长时间没有显示请刷新页面。</div>"),
        Err(Reason::NoBody)
    );
}

#[test]
fn fields_of_pages_that_declare_little() {
    let body: String = ABOVE.iter().map(|p| format!("<p>{p}</p>")).collect();
    for title in ["新闻详情", "青石网", "青石日报数字报"] {
        let html = markup(TITLE, "", &body).replace(&format!("{TITLE}_青石新闻"), title);
        assert_eq!(article(&html).title.as_deref(), Some(TITLE), "{title}");
    }
    let ld = "<script type='application/ld+json'>{\"@graph\":[{\"@type\":\"WebPage\",\"datePublished\":\"2019-01-01T00:00:00Z\"},\
              {\"@type\":\"NewsArticle\",\"headline\":\"青石镇三座木桥修好通车\",\"datePublished\":\"2026-03-02T07:30:00+08:00\",\
              \"dateModified\":\"2026-03-03T10:00:00+08:00\",\"author\":[{\"@type\":\"Person\",\"name\":\"周木桥\"}],}]}</script>";
    let html = markup(TITLE, ld, &body).replace("2026-03-02 08:15 ", "");
    let record = article(&html);
    assert_eq!(record.published_at.as_deref(), Some("2026-03-02T07:30:00+08:00"));
    assert_eq!(record.modified_at.as_deref(), Some("2026-03-03T10:00:00+08:00"));
    assert_eq!(record.authors, ["周木桥"]);
    let event =
        markup(TITLE, "", &format!("<p>比赛时间：2026年9月9日 07:30</p>{body}")).replace("2026-03-02 08:15 ", "");
    assert_eq!(article(&event).published_at.as_deref(), Some("2026-03-02"));
}

#[test]
fn pictures_by_their_real_address_and_own_caption() {
    let html = around(
        "<figure><img src=/blank.gif data-actualsrc=/a.jpg><figcaption>上桥。</figcaption></figure>\
         <figure><img srcset='/b.jpg 1x, /b2.jpg 2x'></figure><img src=/count.gif width=1 height=1>\
         <figure><img src=/c.jpg><figcaption>中桥。</figcaption></figure>",
    );
    let images = article(&html).images;
    let shown: Vec<(&str, Option<&str>)> =
        images.iter().map(|i| (i.src.rsplit('/').next().unwrap_or_default(), i.caption.as_deref())).collect();
    assert_eq!(shown, [("a.jpg", Some("上桥。")), ("b.jpg", None), ("c.jpg", Some("中桥。"))]);
}

#[test]
fn articles_about_errors_are_articles() {
    for (title, text) in [
        ("警方提醒勿透露验证码", "青石警方3月1日提醒，近日有人冒充快递员索要短信验证码，已有三人受骗，请不要理睬。"),
        ("报名系统恢复", "青石招考办3月1日通报，报名系统因服务器错误中断半小时，现已恢复，报名时间顺延一天。"),
        (
            "失联渔船的搜索范围扩大",
            "青石海事站3月1日说，失联渔船的搜索范围扩大到一百海里，夜间也不停，共有四艘船参加。",
        ),
    ] {
        let html = markup(title, "", &format!("<p>{text}</p>")).replace(TITLE, title);
        assert_eq!(article(&html).text, text);
    }
}
