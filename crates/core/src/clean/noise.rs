//! What newsrooms leave inside the container: staff lines, sources, captions, notices, prompts, teasers.
//!
//! Everything here looks at one finished line. Where in the text a line of a class may be cut is `tidy`'s business.

use std::sync::LazyLock;

use super::byline;
use super::marker::{Marker, opened};
use super::western;
use crate::pattern::Pattern;

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Nothing speaks against body.
    Plain,
    /// Roles and names only.
    Staff(Box<byline::Staff>),
    /// 原标题, 原题为.
    OriginalTitle,
    /// A date, source, counter or tool line as it stands under a headline.
    Meta,
    /// Caption or picture credit.
    Caption,
    /// Disclaimer, copyright or reprint notice.
    Notice,
    /// Follow, scan, download, share, comment, page and print prompts.
    Prompt,
    /// Heads a list of other articles: all that follows is not this article.
    RelatedHead,
    /// Heads readers' comments.
    CommentHead,
    /// Stands beside a reader's comment: who wrote it how long ago, how many answered.
    Reply,
    /// Newspaper page: `《人民日报》（2024年05月10日 04版）`.
    PaperPage,
    /// Summary box above the text: 核心提示, 摘要.
    Summary,
    /// Punctuation, numerals of a pager, rules.
    Debris,
}

impl Class {
    /// No class of noise.
    pub fn is_plain(&self) -> bool {
        matches!(self, Class::Plain)
    }
}

static ORIGINAL: LazyLock<Marker> =
    LazyLock::new(|| Marker::new(r#"(?:本文)?(?:原标题|原题目?为?|原文标题|原文题目|原题)[ ]*[:：为《“"]"#));

static META: LazyLock<Marker> = LazyLock::new(|| {
    Marker::new(
        r"(?:(?:来源|稿源|稿件来源|素材来源|图文来源|内容来源|资料来源|综合自|消息来源|文章来源|信息来源|新闻来源|转自|出处|时间|日期|发布时间|发布日期|发表时间|发稿时间|更新时间|最后更新|责任编辑|责编|作者|原创|编辑|浏览|浏览次数|浏览量|阅读|阅读量|点击|点击数|人气|热度|评论|字号|字体|字体大小|分享到?|分享至|打印|收藏|语音播报|当前位置|您(?:现在|当前)?的?(?:当前)?位置|现在位置|首页|正文)[ \u{3000}]*(?:[:：|｜\]】>]|于[:：])|来源[ \u{3000}]|综合[:：][^。]{2,30}(?:报|网|社|闻|视|刊)$|(?:19|20)\d\d[-/.年 ]\d{1,2}[-/.月]\d{1,2}日?[ \u{3000}]*(?:\d{1,2}[:：]\d\d|$|来源))",
    )
});

static CAPTION: LazyLock<Marker> = LazyLock::new(|| {
    Marker::new(
        r"(?:[◎▲△▼▽↑↓←→◀▶◆]\s*\S|(?:上|下|左|右|题|本|附|资料|配)图[为是：:（(，]?|图[\s]?[一二三四五六七八九十\d]{0,3}\s*(?:[:：/／|｜丨]|为|\s)|图注|图说|(?:题图|图源|封面图)[:：]|题图来源|图片(?:说明|来源|描述|由|均|为)|(?:视频|网页|微博|微信|网络|朋友圈|聊天|页面|现场|报道|官网)?截图[:：。]?$|资料图|资料照片|制图[:：/]|海报[:：/]|供图[:：/]|摄影[:：/]|(?:【|\[)?图[/／]|来源[:：]视觉中国|视觉中国|东方IC|新华社(?:记者|发|照片)|Photo\b)|[（(](?:图片?|图/|视频)[^（()）]{0,30}[）)]$",
    )
});

/// A picture credit, whatever it begins with.
static CREDIT: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(
        r"(?:本报|本网|通讯员|记者|社|网|摄影师?)?[^，。；]{0,16}(?:摄|供图|制图|资料图片?|资料照片|截图|图源网络|图片来源网络)[）)】\]。]?$|[（(【\[](?:[^（()）]{0,24}(?:摄|供图|资料图|资料图片|资料照片|图源|来源|截图|效果图|示意图|制图|视频截图)[^（()）]{0,14})[）)】\]][。]?$|[。 ](?:视觉中国|东方IC|人民视觉)[ \u{3000}]*(?:资料|供图|图)?$",
    )
});

static NOTICE: LazyLock<Marker> = LazyLock::new(|| {
    Marker::new(
        r"(?:Notice: The content above|(?:特别|免责|版权|郑重|法律|侵权|转载|重要)?(?:声明|聲明|提示|提醒|说明)[:：]|(?:反侵权|版权|维权|侵权)(?:公告|启事|声明)[:：]?$|免责(?:声明|条款)|版权(?:声明|所有|归)|特别(?:声明|提醒|提示)[ :：】]|风险提示|©|Copyright|本文(?:为|系)[^。]{2,40}(?:上传并发布|授权发布)|以上内容[^。]{0,40}(?:AI|算法|人工智能|公开信息整理)|本文(?:仅|为?(?:转载|原创|CSDN|作者)|系|版权|转(?:载)?自|来源(?:于|自)|首发|内容(?:仅|来)|由[^，。]{2,14}(?:原创|发布|授权)|只代表|不代表|不构成|已获)|本(?:站|网|平台|刊|稿件?)(?:所|未|转|登|发|仅|系)|以上(?:内容|文章|信息|观点|图片)?(?:[（(][^）)]*[）)])?(?:内容)?(?:为|由|仅|来|系|均|只|不)[^，。]{0,10}(?:平台|作者|上传|参考|代表|网络|个人|转载|创作者)|以上(?:内容|图片)?仅(?:供|代表)|图片?(?:文)?(?:均)?(?:来自|来源于?|源自|源于)(?:网络|互联网)|(?:部分)?(?:图片|图文|素材|内容|文章|文字|资料|视频)[^，。]{0,10}(?:来(?:自|源于?))(?:网络|互联网)|如有侵权|若有侵权|如(?:涉及|存在|有)?(?:侵权|侵犯|版权)|侵权(?:请|必|联系|删)|未经[^，。]{0,12}(?:授权|许可|允许|书面|同意)|(?:严禁|禁止|请勿|谢绝|不得)(?:擅自)?转载|转载(?:请|须|需|时|务必|或)|[（(]?(?:本文|以上)?(?:观点|内容|文章)?仅?(?:代表|为)(?:作者)?(?:个人|本人)?(?:观点|立场)|文中(?:观点|图片|配图|内容)|(?:欢迎|如需)(?:转载|投稿|爆料)|内容(?:及|由|来源)|网友评论仅供|凡(?:本网|注明|来源)|(?:[（(【])?(?:未经|请勿)|经授权(?:转载|发布)|[（(]?(?:原载|原文刊载|原刊|本文来自|本文原载|本文刊|文章来自)|市场有风险|投资(?:有风险|需谨慎)|(?:以上|该)?(?:内容|文章|数据)?(?:不构成|仅供)[^。]{0,16}(?:参考|建议)|感谢(?:阅读|您的阅读|观看)|广告通知|(?:本|该)?(?:文|内容|摘要|总结|解读)由AI|(?:以下|以上)内容由(?:AI|人工智能)|海量资讯、精准解读)",
    )
});

/// An outlet's notice about its own work, the outlet first.
static OWN_NOTICE: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::later(r"^[^，。]{2,24}(?:原创|专稿)(?:内容|文章|作品|稿件)?[，,]"));

static PROMPT: LazyLock<Marker> = LazyLock::new(|| {
    Marker::new(
        r"(?:(?:[【\[>]?)?(?:返回|回到)(?:[^，。；]{0,10})(?:首页|列表|顶部|查看更多|搜狐|网易|新浪|腾讯|凤凰|频道)|(?:点击|点此|戳)(?:进入|查看|这里|阅读|此处|下方|图片|观看|上方|蓝字|加载|右上角|展开|关注|收听)|(?:查看|阅读|展开|显示|点击|余下|剩余|加载|还有)(?:更多|全文|原文|剩余|余下|全部|完整)|(?:余下|剩余)全文|阅读原文|全文阅读|更多(?:精彩|内容|资讯|猛料|详情|新闻|信息|报道|热点|粉丝|优质|相关|请|>|》|$)|(?:分享|转发)(?:到|至|让|给|本文)|(?:举报|纠错|打印|收藏|关闭|点赞|推荐|评论|分享|微信|微博|QQ|QQ空间|朋友圈|赞|踩|喜欢|回复|登录|注册|顶部|TOP|更多|复制链接|上一[篇页条]|下一[篇页条]|首页|尾页|末页|打赏|赞赏|在看|关注|已关注|订阅|搜索|原创|听新闻|语音朗读|我要(?:评论|留言|纠错|分享)|发表评论|跟贴|参与讨论|写评论|暂无评论|视频加载中[.…。]*|加载中[.…。]*|播放|重播|广告|AD|推广|展开|收起|关闭窗口|打印本页|加入收藏|返回|目录|正文|字号|大|中|小|A\+|A-|T\|T|PDF版?|【纠错】|赏)[\s\u{3000}|｜/>》】\]）)\d]*$|[\[【]?(?:打印本页|关闭窗口|发表评论|加入收藏|我要纠错|纠错|打印|关闭|收藏|返回|推荐朋友|保存)[\]】](?:.{0,40})$|(?:上一篇|下一篇|上一条|下一条|上一页|下一页|上一版|下一版)[ :：\]】]?|(?:正文|全文|文章)?(?:已结束|完毕)[，,]?您可以|相关资讯请关注|(?:欢迎|敬请|请)?(?:持续)?关注(?:我们|本[报网]|[^，。]{0,20}(?:公众号|微信|微博|专区|频道|官方|账号|头条号))|(?:喜欢|觉得)[^。]{0,16}(?:请|记得|点赞|转发|收藏)|(?:新闻线索|新闻热线|报料|爆料|投稿|商务合作|联系电话|联系邮箱|举报电话|违法和不良信息|澎湃新闻报料|读者热线)[^。]{0,6}[:：热电邮]|您的(?:浏览器|IE)|Play Video|(?:请)?(?:先)?登录后|(?:当前)?您?(?:处于|尚?未登录)|(?:网易|搜狐|新浪|腾讯|凤凰)?跟帖|文明上网|(?:已有)?\d+(?:人|条)(?:参与|评论|跟贴|阅读|赞|回复|喜欢|收藏)|(?:阅读|评论|点赞|转发|收藏|浏览|播放|分享)[ ]?[(（:：]?\d+[万+]?[)）]?$|\d+$|打开[^，。]{2,12}(?:查看|阅读|APP|App)|用手机[^。]{0,10}(?:扫|看)|举报[/／]?反馈$|关注[^。]{2,30}(?:获取|查看|看)更多[^。]{0,10}$|关注[^。]{2,30}(?:[（(][^）)]{1,20}[）)]|公众号)[^。]{0,4}(?:获取|了解)更多|(?:打开)?(?:微信|手机)?[“「]?扫一扫[”」]?[，,]?(?:分享|关注|下载|转发|打开)|(?:请您?继续|继续往下)(?:往下)?阅读|加入[^。]{0,6}LINE|(?:点我|马上|现在)下载|不用抽[ \u{3000}]|看更多(?:新闻|文章|内容|报导|报道|相关|[>》]|$)|(?:收藏|打印|转发)(?:本文|本页)$|(?:打印本页|关闭窗口|加入收藏|返回顶部|返回首页|打印|关闭|收藏)(?:[ \u{3000}|｜]+(?:打印本页|关闭窗口|加入收藏|返回顶部|返回首页|打印|关闭|收藏))+$|(?:本文)?(?:阅读|浏览|点击|播放)(?:量|数|次数)[ ]?[:：]?[ ]?\d+|(?:当前|你的)?浏览器(?:不支持|版本)|(?:全文|本文|正文)完[）)]?$|(?:本文)?(?:关键词|关键字|标签|Tags?|TAGS?)[:：][^。]{0,40}[^。 ,，、;；\u{3000}][ ,，、;；\u{3000}]|我要反馈|分享让更多人看到|责任编辑[:：]?$|(?:编辑|责编|作者|来源|记者)[:：]?$)",
    )
});

/// Invites to scan, follow or install, whatever it begins with.
static SCAN: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(
        r"^(?:(?:点击|点此|点這|长按|扫描|扫一扫|扫码|扫二维码|识别|微信扫|手机扫|打开|下载|立即|欢迎|敬请|请|快来|赶快)?(?:[^，。！？；]{0,12})?(?:二维码|扫一扫|扫码|微信号|公众号|客户端|小程序|(?:APP|App|app)(?:$|[^a-z，。]{0,8}$))[^，。；]{0,24}[。！>》】]?$)",
    )
});

static RELATED: LazyLock<Marker> = LazyLock::new(|| {
    Marker::new(
        r"(?:(?:相关|延伸|拓展|扩展|推荐|更多|热门|精彩|关联|往期|深度|猜你喜欢|为你|为您|你可能|您可能|大家都在|看了|看过|热点|今日|本周|24小时|48小时|一周|月度|编辑|频道|图文|图片|视频|精选|头条|焦点|最新|要闻|滚动|特别|独家|栏目)[ ·・]?(?:相关)?(?:阅读|新闻|报道|报导|链接|推荐|文章|专题|内容|热点|资讯|回顾|喜欢|感兴趣|关注|在看|推送|推薦|精选|热文|热榜|热闻|图片|视频|热词|搜索|标签|话题|稿件|排行|热门|热点|头条|动态|点击|信息|评论|搜|此文){0,2}(?:[榜单]|排行榜?)?|(?:大家|网友|他们)(?:都|还|也)?在?[看搜读]|延伸[ ·・]*推荐|图片动态|热榜|读特热榜|点击排行|阅读排行|热门排行|新闻排行|(?:作者|该作者|TA|Ta|他|她)(?:的)?(?:最新|最近|其他|其它|更多|热门)(?:的)?(?:文章|作品|新闻|报道)|最新文章|友情链接|更多文章|往期(?:回顾|推荐|精选)|猜你喜欢|(?:相关|热门)(?:标签|搜索|关键词))[ \u{3000}]*[:：>》】\]）)\-—…]*$",
    )
});

static PAPER: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(
        r"^[\s（(【]*《[^》]{2,14}》[\s（(]*[（(【]?\s*(?:19|20)\d\d\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日[^。]{0,16}版?[^。]{0,8}[）)】\s]*$",
    )
});

static SUMMARY: LazyLock<Marker> = LazyLock::new(|| {
    Marker::new(
        r"(?:核心提示|内容摘要|文章摘要|摘要|导读|导语|内容提要|要点速览|本文导读|AI摘要|智能摘要)[\]】 ]*[:：】\]]",
    )
});

static COMMENTS: LazyLock<Marker> = LazyLock::new(|| {
    Marker::new(
        r"(?:热门|最新|精彩|全部|网友|所有|精选|读者|用户|热点)(?:评论|评价|跟贴|跟帖|留言|回复|讨论|点评)[ \u{3000}]*[(（\[]?[ ]*\d*[ ]?[条个+]?[ ]*[)）\]]?[:：]?$",
    )
});

/// A name of a few characters at most before, a place or a number behind.
static REPLY: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(
        r"^(?:[^，。！？：]{0,20}[ \u{3000}·|])?\d{1,3} ?(?:秒|秒钟|分钟|小时|天|周|个月|年)前(?:[ \u{3000}·|(（][^，。！？]{0,14})?$|^(?:[^，。！？]{0,12}[ \u{3000}·⋅|])?\d+ ?条回复(?:[ \u{3000}\d·⋅|]*|[ ].{0,8})$|^(?:回复|举报)[ \u{3000}·⋅|/]+(?:\d+[ \u{3000}]*条?|赞|顶|踩|回复|举报|分享)|^[^，。！？]{0,24}(?:发表于|回复于|发布时间|发表时间|张贴于|(?i:posted (?:at|on|by)))[ :：]{0,3}(?:19|20)\d\d[-/.年][^，。！？]{6,34}$|^(?:第 ?)?\d{1,5} ?楼(?:$|[ :：·|#][^，。！？]{0,30}$)|^(?:沙发|板凳|地板|楼主)$",
    )
});

/// Characters by which a line in another script is known.
const MAX_LOOK: usize = 40;

/// Most characters of a line that a marker at its beginning can condemn.
const MAX_MARKED: u32 = 140;

/// Most characters of an outlet's invitation to its pages in social networks.
const MAX_SOCIAL: u32 = 240;

/// … and of any that is more than a sentence of the article.
const MAX_NOTICE: u32 = 400;

/// Says what a line is. `chars` are its characters without white space.
pub fn classify(text: &str, chars: u32) -> Class {
    if is_debris(text) {
        return Class::Debris;
    }
    if chars >= MAX_NOTICE {
        return Class::Plain;
    }
    if !text.chars().take(MAX_LOOK).any(byline::is_han) {
        return western::classify(text, chars).unwrap_or(Class::Plain);
    }
    let staff = || if chars <= 90 { byline::staff_line(text) } else { None };
    let simple = super::script::simplified(text);
    let text = simple.as_ref();
    let open = opened(text);
    if chars <= MAX_SOCIAL && is_social(text) && has_any(text, &["我们", "我們"]) {
        return Class::Prompt;
    }
    if chars > MAX_MARKED {
        return if NOTICE.matches(open) && is_strong_notice(text) { Class::Notice } else { Class::Plain };
    }
    if let Some(staff) = staff() {
        return Class::Staff(Box::new(staff));
    }
    if ORIGINAL.matches(open) {
        return Class::OriginalTitle;
    }
    if PAPER.is_match(text) {
        return Class::PaperPage;
    }
    if chars <= 30 && RELATED.matches(open) {
        return Class::RelatedHead;
    }
    if chars <= 20 && COMMENTS.matches(open) {
        return Class::CommentHead;
    }
    if chars <= 40 && REPLY.is_match(text) {
        return Class::Reply;
    }
    if chars <= 100 && (is_social(text) || is_subscription(text)) {
        return Class::Prompt;
    }
    if chars <= 20 && is_fold(text) {
        return Class::Prompt;
    }
    if chars <= 60 && (PROMPT.matches(open) || SCAN.is_match(open)) {
        return Class::Prompt;
    }
    if NOTICE.matches(open) || is_own_notice(open) {
        return Class::Notice;
    }
    if chars <= 60 && META.matches(open) {
        return Class::Meta;
    }
    if chars <= 80 && (CAPTION.matches(text) || CREDIT.is_match(text)) && !is_signed_day(text) {
        return Class::Caption;
    }
    if SUMMARY.matches(open) {
        return Class::Summary;
    }
    Class::Plain
}

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|w| text.contains(w))
}

/// `某某网专稿，未经授权请勿转载`: the outlet speaks of its own work, or forbids to copy it.
fn is_own_notice(open: &str) -> bool {
    // 某某社声明：…
    let declares = || open.char_indices().nth(14).map_or(open, |(at, _)| &open[..at]).contains("声明：");
    OWN_NOTICE.is_match(open)
        || declares() && is_strong_notice(open)
        || open.contains("未经") && has_any(open, &["不得转载", "请勿转载", "禁止转载", "严禁转载", "违者必究"])
}

/// Stands in brackets: `（本报记者 王小明）`.
pub fn is_bracketed(text: &str) -> bool {
    text.starts_with(['（', '(', '【', '[', '〔'])
        && text.trim_end_matches('。').ends_with(['）', ')', '】', ']', '〕'])
}

/// A caption or credit that is worded as no sentence is: marked as one, or ending with who took the picture.
pub fn is_credit(text: &str) -> bool {
    static CREDITED: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"^(?:[▲△▼▽◎◀▶↑↓←→]|图[为源]|图片(?:来源|说明)|图[/／]|题图|资料图|新华社(?:记者|发)|视觉中国|东方IC)|^[（(【\[](?:图片?|图/|视频)|(?:[摄攝]|供图|制图|资料图片?|资料照片|视频截图|图源网络|图片来源网络)[）)】\]]*$|[（(【\[][^（()）]{0,24}(?:摄|供图|资料图|图源|截图)[^（()）]{0,14}[）)】\]]。?$",
        )
    });
    !text.ends_with(['？', '！']) && CREDITED.is_match(text)
}

/// A notice that speaks of copying this text or of whose opinion it is, rather than of something that the text is about.
pub fn is_reprint_notice(text: &str) -> bool {
    let simple = super::script::simplified(text);
    let text = simple.as_ref();
    let said = [
        "版权",
        "侵权",
        "转载",
        "免责",
        "立场",
        "不构成",
        "仅供参考",
        "个人观点",
        "著作权",
        "投资建议",
        "本文",
        "本网",
        "本站",
        "本报",
    ];
    is_first_printed(text)
        || is_own_notice(opened(text))
        || is_rights(text)
        || said.iter().filter(|w| text.contains(**w)).count() >= 2
}

/// Where the text came out first: `本文首发于…`
pub fn is_first_printed(text: &str) -> bool {
    const WORDS: [&str; 6] = ["本文首发", "本文原载", "本文转载自", "本文来源", "原文刊载", "本文刊于"];
    WORDS.iter().any(|w| opened(text).starts_with(w))
}

/// A label of a page's own controls, which no sentence is made of.
pub fn is_widget(text: &str) -> bool {
    static WIDGET: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"^[\[【（(>》|·\s]*(?:分享(?:让更多人看到|到[:：]?.{0,12}|至.{0,12})?|【?纠错】?|举报(?:[/／ ]?反馈)?|收藏(?:本文)?|点赞|展开(?:全文|阅读)?|阅读(?:全文|原文|更多)|查看(?:原文|全文|更多)|全文完|视频加载中.{0,6}|正在加载.{0,6}|加载中.{0,6}|您的浏览器.{0,30}|当前浏览器.{0,40}|返回(?:首页|顶部|列表|搜狐.{0,10}|腾讯网首页.{0,4})|点[击我](?:下载APP|进入专题|查看更多|加载更多|播放|展开).{0,6}|长按.{0,8}二维码.{0,10}|微信扫一扫.{0,14}|打开微信.{0,20}|请(?:您)?繼?继?[续續](?:往下)?[阅閱]读?讀?.{0,4}|关闭窗口|打印(?:本页)?.{0,6}|上一[篇页].{0,40}|下一[篇页][:：].{0,40}|更多(?:精彩|猛料).{0,30}|剩余\d{1,3}%.{0,10}|点击展开.{0,6}|展开.{0,4}|余下全文.{0,6}|继续阅读.{0,4}|显示全部.{0,4}|广告|Advertisement|ADVERTISEMENT)[\]】）)>》|·\s]*$",
        )
    });
    WIDGET.is_match(text) || western::is_widget(text)
}

/// `订某某手机报，移动发…到10658…`
pub fn is_subscription(text: &str) -> bool {
    text.contains("手机报")
        && text.contains('发')
        && text.contains('到')
        && text.bytes().filter(u8::is_ascii_digit).count() >= 5
}

/// An address and a telephone number: whom to ask, rather than a sentence.
pub fn is_contact(text: &str) -> bool {
    text.contains('@')
        && text.chars().count() <= 80
        && !text.contains(['。', '，'])
        && has_any(text, &["电话", "電話", "热线", "熱線", "传真", "傳真", "Tel"])
}

/// The outlet's own pages in social networks, and where to follow it.
fn is_social(text: &str) -> bool {
    const NETWORKS: [&str; 9] =
        ["acebook", "Google plus", "Google+", "臉書", "脸书", "Twitter", "Plurk", "噗浪", "LINE@"];
    const PAGES: [&str; 9] = ["專頁", "专页", "粉絲", "粉丝", "follow", "Follow", "追蹤", "加入我", "好友"];
    has_any(text, &NETWORKS) && has_any(text, &PAGES)
}

/// A button that shows the rest of the text.
pub fn is_fold(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "展开全文",
        "展开阅读",
        "点击展开",
        "阅读全文",
        "查看全文",
        "余下全文",
        "剩余全文",
        "显示全部",
        "继续阅读",
        "阅读剩余",
        "Read more",
        "Show more",
    ];
    text.chars().count() <= 20 && !text.contains(['。', '：']) && WORDS.iter().any(|w| text.contains(w))
}

/// Date and source on one line, as it stands under a headline.
pub fn is_info_line(text: &str) -> bool {
    let dated = text.bytes().filter(u8::is_ascii_digit).count() >= 6;
    let sourced =
        ["来源", "來源", "责任编辑", "责编", "浏览", "字号", "点击数"].iter().filter(|w| text.contains(**w)).count();
    dated && sourced >= 1 || sourced >= 2
}

/// `2026年3月2日`, `二〇二六年三月二日` and nothing else.
pub fn is_day(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let numeral = |c: char| c.is_ascii_digit() || "〇○零一二三四五六七八九十廿元".contains(c);
    let day = text.ends_with(['日', '号']) || text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | '/'));
    day && text.chars().count() <= 12
        && text.chars().filter(|c| numeral(*c)).count() >= 4
        && text.chars().all(|c| numeral(c) || matches!(c, '年' | '月' | '日' | '号' | '-' | '.' | '/'))
}

/// A day with its source behind it, as it stands below a notice: `2026年3月2日（来源：海边日报）`.
fn is_signed_day(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['）', ')', '】'])
        && is_day(&text[..glued_tail(text).0])
}

/// `06:40`: when it was, in a live report; how long a video is, beside a picture.
pub fn is_minute(text: &str) -> bool {
    is_duration(text)
}

/// What right under a picture is its caption, and elsewhere a sentence like others: a scene with its day and place, a few
/// words with a full stop, a line in brackets.
pub fn is_under_picture(text: &str, chars: u32) -> bool {
    if chars > 60 {
        return false;
    }
    let inner = text.strip_suffix('。');
    let one_stop = inner.is_some_and(|t| !t.contains(['。', '！', '？', '“']));
    let scene = || {
        let day = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '年' | '月'));
        day.len() < text.len() && day.starts_with("日，在")
    };
    let few = chars <= 16 && inner.is_some_and(|t| !t.contains(['，', '：', '；', '？']));
    let bracketed = chars <= 30 && text.starts_with(['（', '(']) && text.ends_with(['）', ')']);
    one_stop && (few || scene()) || bracketed
}

/// A long line that begins like a notice is one only if it speaks of rights and responsibilities.
fn is_strong_notice(text: &str) -> bool {
    [
        "版权",
        "侵权",
        "转载",
        "免责",
        "立场",
        "不构成",
        "仅供参考",
        "个人观点",
        "著作权",
        "上传并发布",
        "负责",
        "真实性",
        "投资建议",
        "本人观点",
        "The content above",
    ]
    .iter()
    .filter(|w| text.contains(*w))
    .count()
        >= 1
}

/// A paragraph by lawyers: whose rights the text is under, and what happens to who copies it.
pub fn is_rights(text: &str) -> bool {
    const WORDS: [&str; 15] = [
        "著作权",
        "侵权",
        "侵犯",
        "转载",
        "授权",
        "许可",
        "版权",
        "法律责任",
        "追究",
        "擅自",
        "合法权益",
        "摘编",
        "镜像",
        "书面",
        "原创",
    ];
    const OURS: [&str; 9] = ["本网", "本报", "本站", "本社", "本公司", "本平台", "报社", "公众号", "客户端"];
    let said = WORDS.iter().filter(|w| text.contains(**w)).count();
    said >= 4 || said >= 2 && has_any(text, &OURS)
}

/// No letter and no digit in it, or a pager's numerals.
fn is_debris(text: &str) -> bool {
    let mut letters = 0;
    for c in text.chars() {
        if c.is_alphabetic() || c.is_numeric() {
            letters += 1;
            if letters > 2 {
                break;
            }
        }
    }
    letters == 0 || is_pager(text) || is_counter(text) || is_duration(text)
}

/// `3/8`: which of a gallery's pictures is shown.
pub fn is_counter(text: &str) -> bool {
    let number = |t: &str| (1..=3).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
    let text = text.trim();
    // Most lines are told by where they begin.
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.split_once('/').is_some_and(|(n, of)| number(n.trim()) && number(of.trim()))
}

/// `00:35`: how long a video is.
fn is_duration(text: &str) -> bool {
    let two = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
    text.trim().split_once(':').is_some_and(|(minutes, seconds)| two(minutes) && two(seconds))
}

fn is_pager(text: &str) -> bool {
    static PAGER: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"^(?:[\s|<>《》«»\[\]【】()（）]*(?:\d{1,3}|上一页|下一页|首页|尾页|末页|共\d+页|第\d+页|\d+/\d+)[\s|<>《》«»\[\]【】()（）]*){2,}$",
        )
    });
    text.len() < 200 && (text.contains('页') || text.contains('【') || text.contains('[')) && PAGER.is_match(text)
}

/// Cuts what is glued to the end of a body paragraph: reporters in brackets, links back, source in brackets.
///
/// Gives the length to keep and what was said in the part cut off.
pub fn glued_tail(text: &str) -> (usize, byline::Staff) {
    static TAIL: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"(?:(?P<bracket>[（(【\[]\s*(?:[^（()）【】\[\]。，]{0,22}(?:记者|通讯员|作者|编辑|责编|来源|原标题|原题|编译|采写|撰文|文[/／]|摄影|校对|审核)[^（()）【】\[\]]{0,60}|来自[^（()）]{2,20})[）)】\]])|(?P<link>(?:返回|回到)[^，。]{0,10}首页[>》]*|(?:点击)?(?:详情|更多|阅读全文|查看全文|查看原文|详细)\s*[>》]{1,3}|\[?(?:详细|更多)\]))[\s。]*$",
        )
    });
    let mut staff = byline::Staff::default();
    let mut keep = text.trim_end().len();
    // At most two pieces: a reporter and a link.
    for _ in 0..2 {
        let end = text[..keep].trim_end_matches(|c: char| c == '。' || c.is_whitespace());
        if !end.ends_with(['）', ')', '】', ']', '>', '》', '页']) {
            break;
        }
        let Some(c) = TAIL.captures(&text[..keep]) else { break };
        let Some(whole) = c.get(0).filter(|m| m.start() > 0) else { break };
        if let Some(bracket) = c.name("bracket") {
            let said = byline::staff_line(bracket.as_str()).unwrap_or_default();
            let mut authors = byline::authors_in(bracket.as_str());
            if authors.is_empty() {
                authors.clone_from(&said.authors);
            }
            staff.merge(byline::Staff { authors, editors: said.editors, source: said.source });
        }
        keep = text[..whole.start()].trim_end().len();
    }
    (keep, staff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> Class {
        classify(text, super::super::blocks::visible(text))
    }

    #[test]
    fn captions_under_pictures() {
        for text in ["搜救现场。", "5月13日，在某市一家庭农场，无人驾驶农机在播种玉米。", "（某公司的部分报价单）"]
        {
            assert!(is_under_picture(text, text.chars().count() as u32), "{text}");
        }
        for text in ["关于未来，她选择一如既往", "他说：“可以。”", "5月13日，他走了。他没有回来。", "真的吗？"]
        {
            assert!(!is_under_picture(text, text.chars().count() as u32), "{text}");
        }
    }

    #[test]
    fn most_lines_are_not_searched() {
        for marker in [&ORIGINAL, &META, &CAPTION, &NOTICE, &PROMPT, &RELATED, &SUMMARY] {
            assert!(marker.is_quick(), "{marker:?}");
        }
    }

    #[test]
    fn noise_lines() {
        assert!(matches!(class("编辑 张克 审读 张蕾 二审 郑蔚珩 三审 张颖"), Class::Staff(_)));
        for (text, want) in [
            ("（原标题：新年第一天）", Class::OriginalTitle),
            ("《 人民日报 》（ 2024年05月10日 04 版）", Class::PaperPage),
            ("读特热榜", Class::RelatedHead),
            ("延伸 · 推荐", Class::RelatedHead),
            ("【图片动态】", Class::RelatedHead),
            ("作者最近文章", Class::RelatedHead),
            ("热门评论 7条", Class::CommentHead),
            ("网友评论（12）", Class::CommentHead),
            ("13小时前", Class::Reply),
            ("风里的沙 5小时前", Class::Reply),
            ("回复  ⋅ 254条回复 8421", Class::Reply),
            ("风里的沙 发表于 2005-12-27 12:46:31", Class::Reply),
            ("第 12 楼 风里的沙", Class::Reply),
            ("反侵权公告：", Class::Notice),
            ("相关阅读：", Class::RelatedHead),
            ("更多猛料！欢迎扫描左方二维码关注", Class::Prompt),
            ("分享让更多人看到", Class::Prompt),
            ("返回搜狐，查看更多", Class::Prompt),
            ("【纠错】", Class::Prompt),
            ("图片来自网络，如有侵权，请联系删除。", Class::Notice),
            ("未经书面授权请勿转载。", Class::Notice),
            ("某某健康网（www.example.com）专稿，未经书面授权请勿转载。", Class::Notice),
            ("街角的充电宝。视觉中国 资料", Class::Caption),
            ("来源：新华社", Class::Staff(Box::default())),
            ("◎贾玲在电影中的形象", Class::Caption),
            ("新华社发（刘满仓摄）", Class::Caption),
            ("姚明场边支招周琦。视频截图", Class::Caption),
            ("【1】【2】【3】【4】", Class::Debris),
            ("* * *", Class::Debris),
            ("3/8", Class::Debris),
            ("00:35", Class::Debris),
            ("核心提示：腊八节要吃腊八粥", Class::Summary),
        ] {
            let got = class(text);
            if matches!(want, Class::Staff(_)) {
                assert!(matches!(got, Class::Staff(_) | Class::Meta), "{text}: {got:?}");
            } else {
                assert_eq!(got, want, "{text}");
            }
        }
    }

    #[test]
    fn noise_of_many_newsrooms() {
        let mut plain = Vec::new();
        for text in NOISE.lines().map(str::trim).filter(|l| !l.is_empty()) {
            if class(text).is_plain() {
                plain.push(text);
            }
        }
        assert_eq!(plain, Vec::<&str>::new());
    }

    const NOISE: &str = "
        精彩视频推荐
        热点新闻推荐
        监制丨王小明
        制片人丨王小明 李小红
        主编丨王小明
        视觉丨王小明
        栏目主编：王小明 文字编辑：李小红 题图来源：视觉中国 图片编辑：张大海
        编辑：王小明 校对：李小红 审核：张大海
        来源丨央视新闻客户端
        来源/某某社
        稿件来源：某某日报
        素材来源：某某日报、某某新闻
        综合自：某某社、某某新闻
        综合：某某社、某某日报
        （来源：某某新闻）
        转自：某某日报
        （文章来源：某某时报）
        （本文来源：某某周刊）
        文｜王小明
        图｜王小明 摄
        编辑｜李小红
        记者｜王小明
        举报/反馈
        举报反馈
        关注某某财经（abc518），获取更多机会
        打开微信“扫一扫”，分享给好友
        微信扫一扫分享
        微信扫一扫，分享到朋友圈
        长按二维码关注我们
        点击进入专题
        更多精彩请看
        更多内容请下载某某财经APP
        本文为某某号作者或机构在某某新闻上传并发布，仅代表该作者或机构观点，不代表某某新闻的观点或立场
        本文为转载内容，授权事宜请联系原著作权人
        以上内容为某某之星据公开信息整理，由AI算法生成，不构成投资建议。
        郑重声明：某某发布此内容旨在传播更多信息，与本站立场无关，不构成投资建议，据此操作风险自担。
        某某社声明：文章内容仅供参考，不构成投资建议。
        【免责声明】本文仅代表作者本人观点，与本网无关。
        免责声明：本文仅供参考。
        请您继续阅读
        延伸閱讀
        延伸閱讀：
        相關新聞
        相關報導
        更多新聞
        看更多
        看更多新聞
        責任編輯：王小明
        編輯：王小明
        請繼續往下閱讀
        請繼續往下閱讀...
        點我下載APP
        不用抽 不用搶 現在用APP看新聞 保證天天中獎　點我下載APP　按我看活動辦法
        加入LINE好友
        ▲王小明在現場。（圖／記者李小紅攝）
        （圖／翻攝自臉書）
        圖／記者李小紅攝
        撰文：王小明
        版權所有，未經許可，請勿轉載
        猜你喜欢
        大家都在看
        网友评论
        热门评论
        上一篇：图书馆延长开放
        下一篇：栈道封闭检修
        已有12人参与
        本文关键词：图书馆 深圳
        关键词：图书馆 深圳
        标签：图书馆 深圳
        收藏本文
        分享到：
        字号：大 中 小
        打印本页 关闭窗口
        本文阅读量：1234
        [责任编辑：王小明]
        （责任编辑：王小明 HN012）
        初审：王小明 复审：李小红 终审：张大海
        一审：王小明 二审：李小红 三审：张大海
        一审一校：王小明
        撰稿：王小明
        实习生 王小明
        见习记者 王小明 通讯员 李小红
        图文：王小明
        通讯员供图
        图为活动现场。
        图片来源：某某社
        图源：网络
        题图来源：视觉中国
        视频加载中...
        当前浏览器不支持播放音乐或语音，请在微信或其他浏览器中播放
        您的浏览器不支持video标签
        展开全文
        阅读全文
        全文完
        （全文完）
        原标题：盐田海边图书馆延长开放
        新闻热线：0755-00000000
        投稿邮箱：a@b.example
    ";

    #[test]
    fn body_lines() {
        for text in [
            "编辑部的灯亮到凌晨两点，三审三校的规矩一天也没有断过。",
            "记者从现场获悉，图书馆将于下周开放。",
            "来源广泛的资金支持了这个项目。",
            "声明发表后，双方恢复了谈判。",
            "一、总体要求",
            "（一）加强组织领导",
            "1",
            "点评：",
            "图书馆里坐满了人。",
            "更多的投资并不等于更多的创新。",
            "相关部门表示，将继续推进。",
            "打开窗户，能看见整个海湾。",
            "网友评论说，这才是图书馆的样子。",
            "3天前，他还在山里。",
            "不用抽血，也能测出血糖。",
            "看更多的孩子走进图书馆，他很高兴。",
            "关键词：稳",
            "扫一扫门前的雪，是他每天的第一件事。",
            "大家看到的是结果。",
            "综合：三天来的第一场雨",
            "记者：您怎么看？",
            "制片人王小明说，这部片子拍了三年。",
            "视觉上的冲击还在其次。",
            "继续阅读这份名单，会看到更多熟悉的名字。",
            "关注民生，了解更多群众的难处，是他的习惯。",
            "12楼的住户最早闻到烟味。",
        ] {
            assert!(matches!(class(text), Class::Plain) || text == "1", "{text}: {:?}", class(text));
        }
    }

    #[test]
    fn glued_tails() {
        let cut = |t: &str| t[..glued_tail(t).0].to_owned();
        assert_eq!(cut("仍将持续。返回腾讯网首页>>"), "仍将持续。");
        assert_eq!(cut("一切顺利。（记者 王小明）"), "一切顺利。");
        assert_eq!(cut("扩大影响力（见图二）。"), "扩大影响力（见图二）。");
        assert_eq!(glued_tail("庭审。（总台央视记者 奚丹霓 张赛）").1.authors, ["奚丹霓", "张赛"]);
    }
}
