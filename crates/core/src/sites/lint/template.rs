//! Templates and line rules: what can never win, what takes itself away, what is said for nothing.

use std::collections::BTreeSet;

use super::Lint;
use super::css::{branches, last_says_all_of};
use super::regexes::{Against, example};
use crate::sites::at::{At, Many, StrOr};
use crate::sites::model::{self, HasFields, StepTable};
use crate::sites::problem::Problem;
use crate::sites::{LineAction, TemplateKind};

/// Editorial roles as pages write them; and what else a named group may be kept as.
const ROLES: &str = " 责任编辑 责编 编辑 校对 责任校对 审读 审核 一审 二审 三审 初审 复审 终审 监制 总监制 值班编委 值班主编 值班总编 主编 副主编 \
    总编辑 执行主编 编审 统筹 策划 总策划 制作 制图 美编 美术编辑 视觉 设计 版式 版面 海报 摄影 摄像 剪辑 视频 图片 图片编辑 视频编辑 新媒体编辑 \
    实习编辑 见习编辑 实习生 出品 出品人 签发 签审 审稿 审校 校审 校核 编校 编辑部 撰文 文字 文案 整理 翻译 配音 主播 主持 主持人 录入 组版 \
    審稿 責任編輯 編輯 核稿 審核 攝影 签审 审签 核发 值班编辑 见习记者 实习记者 记者 通讯员 作者 文 图 文图 来源 流程编辑 编委 总值班 执行 执行编辑 执行策划 运营 技术 后期 导演 编导 \
    source author authors ";

impl Lint<'_> {
    pub(super) fn templates(&mut self) {
        let model = &self.parsed.model;
        for (i, template) in model.template.iter().enumerate() {
            self.shadowed(&model.template[..i], template);
            self.contradiction(template);
            self.removed(template);
            self.unused(template);
            self.regexes("when.url", &template.when.url, Against::Address);
            self.regexes("require.forbid", &template.require.forbid, Against::Line);
            for (key, list) in [
                ("when.has", &template.when.has),
                ("when.lacks", &template.when.lacks),
                ("remove", &template.remove),
                ("keep", &template.keep),
                ("captions", &template.captions),
            ] {
                self.tags(key, list);
                self.duplicates(key, list);
            }
            self.steps(&template.value);
            self.lines(&template.line);
        }
        self.steps(&model.fields);
        self.tags("remove", &model.remove);
    }

    /// A template that can never win, because an earlier one wins wherever it could.
    fn shadowed(&mut self, earlier: &[At<model::Template>], later: &At<model::Template>) {
        let Some(winner) = earlier.iter().find(|e| always_first(e, later)) else { return };
        let name = |t: &model::Template| {
            t.name.as_ref().map_or_else(|| "without a name".to_owned(), |n| format!("`{}`", n.value))
        };
        let problem = Problem::error(
            self.source(),
            later.span.clone(),
            "shadowed-template",
            format!("template {} can never win: {} comes first and asks for no more", name(later), name(winner)),
        );
        let help = "swap the two, or say in the earlier one's `when` what only its pages have";
        self.problems
            .push(problem.label("never tried with success").also(winner.span.clone(), "always wins first").help(help));
    }

    fn contradiction(&mut self, template: &model::Template) {
        for has in &template.when.has {
            if let Some(lacks) = template.when.lacks.iter().find(|l| l.trim() == has.trim()) {
                let problem = Problem::error(
                    self.source(),
                    lacks.span.clone(),
                    "when-contradicts",
                    format!("`{}` must be there and must not: the template never applies", has.value),
                );
                self.problems
                    .push(problem.also(has.span.clone(), "must be there").help("take it out of `has` or of `lacks`"));
            }
        }
    }

    /// A body that `remove` takes away. (Captions may stand in what is removed: they are read before. And the container may
    /// well stand inside an element that is removed elsewhere; being one itself is the mistake.)
    fn removed(&mut self, template: &model::Template) {
        let outer = template.remove.iter().chain(&self.parsed.model.remove);
        let outer: Vec<&At<String>> = outer.filter(|r| !template.keep.iter().any(|k| k.trim() == r.trim())).collect();
        for css in template.body.iter().filter_map(step_css) {
            let by = outer.iter().find(|remove| {
                let removed = branches(remove);
                branches(&css).iter().all(|body| removed.iter().any(|r| last_says_all_of(body, r)))
            });
            let Some(by) = by else { continue };
            let problem = Problem::error(
                self.source(),
                css.span.clone(),
                "removed-by-remove",
                format!("`{}` in `body` can match only what `remove` removes", css.value),
            );
            let help = "take one of the two out, or name the part to stay in `keep`";
            self.problems.push(problem.also(by.span.clone(), "removed by this").help(help));
        }
        for remove in &template.remove {
            if let Some(keep) = template.keep.iter().find(|k| k.trim() == remove.trim()) {
                let problem = Problem::warning(
                    self.source(),
                    remove.span.clone(),
                    "remove-and-keep",
                    format!("`{}` is in `remove` and in `keep`, so it stays", remove.value),
                );
                self.problems.push(problem.also(keep.span.clone(), "kept by this").help("take it out of both"));
            }
        }
    }

    /// What says nothing in a template of its kind.
    fn unused(&mut self, template: &At<model::Template>) {
        if matches!(template.kind, TemplateKind::List | TemplateKind::Skip) {
            for (name, steps) in template.fields() {
                if let Some(step) = steps.first() {
                    let message = format!("nothing is read from pages of this kind, so `{name}` says nothing");
                    self.warn(&step.span, "unused-field", message, "take it out, or change `kind`");
                }
            }
        }
    }

    fn steps(&mut self, fields: &impl HasFields) {
        for (name, steps) in fields.fields() {
            let mut seen: Vec<String> = Vec::new();
            for (i, step) in steps.iter().enumerate() {
                if let Some(css) = step_css(step) {
                    self.tag(name, &css);
                }
                match &step.value {
                    StrOr::Str(css) if seen.contains(css) => {
                        let message = format!("`{css}` is twice in `{name}`");
                        self.warn(&step.span, "duplicate", message, "take one of them out");
                    }
                    StrOr::Str(css) => seen.push(css.clone()),
                    StrOr::Table(table) => self.step_table(name, table, steps.get(i + 1)),
                }
            }
        }
    }

    fn step_table(&mut self, field: &str, table: &StepTable, following: Option<&At<model::Step>>) {
        if let (Some(_), Some(next)) = (&table.value, following) {
            let message = format!("`{field}`: this step is never tried, the constant before it always gives a value");
            self.warn(&next.span, "never-tried", message, "put the constant last");
        }
        for strip in &table.strip {
            let slashes = strip.len() > 2 && strip.starts_with('/') && strip.ends_with('/');
            let like_regex =
                [r"\s", r"\d", ".*", ".+", "[:：]", "[："].iter().any(|s| strip.contains(s)) || strip.starts_with('^');
            if !slashes && like_regex {
                let message = format!("`{}` is taken out as it stands here, sign by sign", strip.value);
                self.warn(&strip.span, "strip-literal", message, format!("for a regex write '/{}/'", strip.value));
            }
        }
        if let Some(url) = &table.url {
            self.regex(field, url, Against::Address);
        }
        if let Some(capture) = &table.capture {
            if field == "editors"
                && self.compiled(capture).is_some_and(|r| r.capture_names().flatten().next().is_none())
            {
                let help = "name the role: '责任编辑[:：]\\s*(?P<责任编辑>\\S+)'";
                self.warn(
                    &capture.span,
                    "capture-without-role",
                    "`editors` keeps named groups, and there is none",
                    help,
                );
            }
            self.roles(capture);
        }
    }

    /// Named groups that are no roles: a slip, or a role that should be added here.
    fn roles(&mut self, capture: &At<String>) {
        let Some(regex) = self.compiled(capture) else { return };
        for name in regex.capture_names().flatten() {
            if !ROLES.contains(&format!(" {name} ")) {
                let at = capture.find(&format!("<{name}>")).map_or(0, |i| i + 1);
                let span = super::super::pattern::inside(self.source(), &capture.span, capture, at..at + name.len());
                let help =
                    "roles are written as on the page (责任编辑, 审读, …); `source` and `author` go to those fields";
                self.warn(&span, "unknown-role", format!("`{name}` is no editorial role that is known"), help);
            }
        }
    }

    pub(super) fn lines(&mut self, lines: &[At<model::Line>]) {
        let mut seen: BTreeSet<(&str, [Option<u32>; 3])> = BTreeSet::new();
        for line in lines {
            if let Some(capture) = &line.capture {
                self.roles(capture);
            }
            let Some(pattern) = &line.pattern else { continue };
            let limited = line.within_last.is_some() || line.within_first.is_some() || line.max_chars.is_some();
            if !limited {
                self.regex("match", pattern, Against::Line);
            }
            let limits = [&line.within_last, &line.within_first, &line.max_chars].map(|n| n.as_ref().map(|n| n.value));
            if !seen.insert((pattern.as_str(), limits)) {
                self.warn(
                    &pattern.span,
                    "duplicate",
                    format!("there is another rule for `{}`", pattern.value),
                    "take one of them out",
                );
            }
            // A phrase of some length begins no ordinary sentence.
            let phrase = pattern.starts_with('^') && example(pattern).is_some_and(|e| e.trim().chars().count() >= 6);
            if !limited && !phrase && line.action.as_ref().is_some_and(|a| a.value == LineAction::Cut) {
                let help = "add within_last = 6 or max_chars = 60: such words also begin ordinary sentences";
                self.warn(&pattern.span, "cut-without-limit", "this rule may cut an article at its first line", help);
            }
        }
    }
}

/// The selector of a step that reads by CSS.
fn step_css(step: &At<model::Step>) -> Option<At<String>> {
    match &step.value {
        StrOr::Str(css) => Some(At { value: css.clone(), span: step.span.clone() }),
        StrOr::Table(table) => table.css.clone().filter(|_| table.json.is_none()),
    }
}

/// Whether the earlier template wins on every page on which the later one could.
fn always_first(earlier: &model::Template, later: &model::Template) -> bool {
    let subset = |a: &Many<String>, b: &Many<String>| a.iter().all(|x| b.iter().any(|y| x.trim() == y.trim()));
    let (e, l) = (&earlier.when, &later.when);
    // Any of the addresses is enough, so the earlier one asks no more if it lists all of the later one's.
    let url = e.url.is_empty() || (!l.url.is_empty() && subset(&l.url, &e.url));
    if !(url && subset(&e.has, &l.has) && subset(&e.lacks, &l.lacks)) {
        return false;
    }
    if matches!(earlier.kind, TemplateKind::List | TemplateKind::Skip) {
        return true;
    }
    // Content wins only where its body is found and its `require` holds.
    let css = |t: &model::Template| t.body.iter().map(|s| step_css(s).map(|c| c.value)).collect::<Option<Vec<_>>>();
    let (Some(first), Some(second)) = (css(earlier), css(later)) else { return false };
    let body = !second.is_empty() && second.iter().all(|s| first.contains(s));
    let (e, l) = (&earlier.require, &later.require);
    let number = |n: &Option<At<u32>>| n.as_ref().map_or(0, |n| n.value);
    let density = |d: &Option<At<f64>>| d.as_ref().map_or(1.0, |d| d.value);
    body && number(&e.min_chars) <= number(&l.min_chars)
        && subset(&e.fields, &l.fields)
        && subset(&e.forbid, &l.forbid)
        && density(&e.max_link_density) >= density(&l.max_link_density)
}
