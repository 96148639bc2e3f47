//! The walk through `selectors/README.md`, done literally: its files are written, its commands run and their output
//! compared, in the order of the text, in a copy of `examples/`. So the tutorial can't go stale.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const FILE: &str = "my-selectors/pengwan.toml";

/// A fenced block: its language and its lines.
struct Block {
    language: String,
    text: String,
}

/// The fenced blocks of a chapter (`## title`), in order.
fn blocks(markdown: &str, title: &str) -> Vec<Block> {
    let start = markdown.find(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no chapter `{title}`")) + 1;
    let chapter = &markdown[start..];
    let chapter = &chapter[..chapter.find("\n## ").unwrap_or(chapter.len())];
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for line in chapter.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(language), None) => open = Some(Block { language: language.to_owned(), text: String::new() }),
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of `{title}` is not closed");
    found
}

/// The commands of a console block, each with the output shown below it.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command.to_owned(), String::new())),
            (None, Some((command, _))) if goes_on => {
                command.push('\n');
                command.push_str(line);
            }
            (None, Some((_, output))) => {
                output.push_str(line);
                output.push('\n');
            }
            (None, None) => panic!("output without a command: {line}"),
        }
        goes_on = line.ends_with('\\');
    }
    found
}

/// Runs a command line as a reader would: in a shell, in the folder, with `jingwen` on the path.
fn shell(dir: &Path, command: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_jingwen")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    Command::new("sh").args(["-c", command]).current_dir(dir).env("PATH", path).output().unwrap()
}

fn run(dir: &Path, command: &str) -> String {
    let out = shell(dir, command);
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "`{command}` ended with {}:\n{stdout}{stderr}", out.status);
    format!("{stdout}{stderr}")
}

/// Times differ from run to run.
fn without_times(text: &str) -> String {
    let time = regex::Regex::new(r"\d+\.\d+ s\b").unwrap();
    time.replace_all(text, "N s").into_owned()
}

/// Writes a block of TOML where the text says: keys into the template, which is last as long as only it is there, and
/// tables at the end.
fn write_down(path: &Path, block: &str) {
    let now = fs::read_to_string(path).unwrap_or_default();
    let tables = block.lines().position(|l| l.starts_with('[')).unwrap_or(usize::MAX);
    let (keys, rest): (Vec<_>, Vec<_>) = block.lines().enumerate().partition(|(at, _)| *at < tables);
    let join = |lines: Vec<(usize, &str)>| lines.into_iter().map(|(_, l)| format!("{l}\n")).collect::<String>();
    fs::write(path, format!("{now}{}\n{}", join(keys), join(rest))).unwrap();
}

/// An empty folder with what the text uses.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let from = Path::new(ROOT).join("examples");
    let done = Command::new("cp").arg("-r").arg(&from).arg(dir.path()).status().unwrap();
    assert!(done.success());
    dir
}

fn walk(dir: &Path, blocks: &[Block]) {
    for block in blocks {
        match block.language.as_str() {
            "toml" => write_down(&dir.join(FILE), &block.text),
            "html" => {
                let page = fs::read_to_string(dir.join("my-selectors/pages/content_1009.html")).unwrap();
                for line in block.text.lines() {
                    assert!(page.contains(line), "the page has no such line: {line}");
                }
            }
            "console" => {
                for (command, expected) in commands(&block.text) {
                    let output = run(dir, &command);
                    for line in without_times(&expected).lines() {
                        assert!(without_times(&output).contains(line), "`{command}` does not say {line}:\n{output}");
                    }
                }
            }
            other => panic!("what is to be done with a block of `{other}`?"),
        }
    }
}

fn readme() -> String {
    fs::read_to_string(Path::new(ROOT).join("selectors/README.md")).unwrap()
}

#[test]
fn a_file_in_ten_minutes() {
    let dir = folder();
    let blocks = blocks(&readme(), "A file in ten minutes");
    assert!(blocks.len() >= 9, "{} blocks", blocks.len());
    walk(dir.path(), &blocks);

    // What the text promises of the finished file.
    let check = run(dir.path(), &format!("jingwen check {FILE}"));
    assert!(check.contains("0 errors, 0 warnings"), "{check}");
    let url = "https://news.pengwan.example/content/2026-02/26/content_1009.htm";
    let page = "my-selectors/pages/content_1009.html";
    let out = shell(dir.path(), &format!("jingwen clean --selectors my-selectors --url {url} {page}"));
    let record: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(record["method"], "selectors");
    assert!(record["editors"]["审读"].is_array(), "{record}");
    assert!(!record["text"].as_str().unwrap().contains("审读"));
    let articles = fs::read_to_string(dir.path().join("out/articles.jsonl")).unwrap();
    assert!(articles.lines().count() >= 4, "{articles}");
    let by_file = articles.lines().filter(|l| l.contains(r#""site":"pengwan""#)).count();
    assert_eq!(by_file, articles.lines().count());
}

#[test]
fn let_the_pages_write_it() {
    let dir = folder();
    let blocks = blocks(&readme(), "Let the pages write it");
    assert!(!blocks.is_empty());
    walk(dir.path(), &blocks);
    let file = fs::read_to_string(dir.path().join("learnt/pengwan.toml")).unwrap();
    assert!(file.contains("[[template]]") && file.contains("[[test]]"), "{file}");
}

#[test]
fn what_the_text_names_is_there() {
    // The files linked to, relative to selectors/.
    let text = readme();
    let link = regex::Regex::new(r"\]\(([^)#]+)\)").unwrap();
    for found in link.captures_iter(&text) {
        if !found[1].contains("://") {
            let path = Path::new(ROOT).join("selectors").join(&found[1]);
            assert!(path.exists(), "{} is linked to and missing", &found[1]);
        }
    }
}
