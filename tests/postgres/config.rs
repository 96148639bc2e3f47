//! Where the frontier is: what can be wrong with it is said, with exit code 2 and without the password.

use crate::server::{PASSWORD, Postgres};
use crate::support::{Bench, Server, article, list, page, stderr};

fn site() -> Server {
    Server::start(|hit, _| match hit.path.as_str() {
        "/" => page(200, list(["/a_1.htm".into(), "/a_2.htm".into()])),
        "/a_1.htm" => page(200, article(1)),
        "/a_2.htm" => page(503, ""),
        _ => page(404, ""),
    })
}

fn bench(server: &Server, state: &str) -> Bench {
    Bench::new(
        server,
        &["a.test"],
        "schedule = \"every 1h\"",
        &format!("[politeness]\nrate = \"100/s\"\npatience = \"1ms\"\n[state]\n{state}\n"),
    )
}

/// Without the line breaks and marks that it has for the terminal.
pub fn flat(said: &str) -> String {
    said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// Fails before anything is fetched, says what is wrong, and keeps the password for itself.
fn refused(state: &str, words: &str, code: i32) {
    let server = site();
    let bench = bench(&server, state);
    for command in [&["crawl"][..], &["daemon", "--listen", "127.0.0.1:0"], &["state"]] {
        let output = bench.run(command);
        let said = stderr(&output);
        let code = if command == ["state"] { 2 } else { code };
        assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
        assert!(flat(&said).contains(words), "{command:?}: {said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
    assert!(server.hits().is_empty());
}

#[test]
fn addresses_that_cannot_be_used_are_refused_without_their_password() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.url("postgres");
    refused(&format!("postgres = \"{}\"", url.replace("postgres://", "mysql://")), "begins with `mysql:`", 2);
    refused(&format!("postgres = \"{}\"", url.replace("/postgres", "/nowhere")), "does not exist", 2);
    refused(&format!("postgres = \"{}\"", url.replace(PASSWORD, "wrong")), "check the user and the password", 2);
    refused(&format!("postgres = \"{}\"", url.replace("owner", "nobody")), "check the user and the password", 2);
    refused(&format!("postgres = \"{url}\"\npassword_file = \"nowhere\""), "cannot read the password", 2);
    // Another key is wrong, and the place is shown with its surroundings.
    refused(&format!("postgres = \"{url}\"\nleese = \"3s\""), "did you mean `lease`", 2);
}

/// Nobody there may be there later: no mistake of the caller's.
#[test]
fn a_server_that_does_not_answer_is_no_mistake() {
    let server = site();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bench = bench(&server, &format!("postgres = \"postgres://owner:{PASSWORD}@127.0.0.1:{port}/news\""));
    let output = bench.run(&["crawl"]);
    let said = flat(&stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nobody answers there") && said.contains(&format!("owner@127.0.0.1:{port}")), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}

#[test]
fn the_environment_and_a_file_keep_the_password_out_of_the_configuration() {
    let Some(postgres) = Postgres::shared() else { return };
    let server = site();
    let url = postgres.database();
    let bare = url.replace(&format!(":{PASSWORD}"), "");
    let with_file = bench(&server, &format!("postgres = \"{bare}\"\npassword_file = \"secret\""));
    with_file.write("secret", &format!("{PASSWORD}\n"));
    let output = with_file.run(&["crawl"]);
    // One page asks to wait.
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(with_file.urls(), ["http://a.test/a_1.htm"]);

    // The environment wins over the file.
    let by_environment = bench(&server, "postgres = \"postgres://x@127.0.0.1:1/y\"");
    let run = |arguments: &[&str]| {
        let output = by_environment.command(arguments).env("JINGWEN_POSTGRES", &url).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!format!("{said}{}", stderr(&output)).contains(PASSWORD));
        (output.status.code(), said + &stderr(&output))
    };
    let (code, said) = run(&["state"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("hosts      1") && said.contains(":") && said.contains("/out/articles.jsonl:"), "{said}");
    let (_, said) = run(&["state", "hosts"]);
    assert!(said.contains("http://a.test"), "{said}");
    let (_, said) = run(&["state", "retries"]);
    assert!(said.contains("http://a.test/a_2.htm"), "{said}");
    let (code, said) = run(&["state", "vacuum"]);
    assert!(code == Some(2) && said.contains("autovacuum"), "{said}");
    let (code, said) = run(&["state", "unblock", "a.test"]);
    assert!(code == Some(0) && said.contains("may be asked again"), "{said}");
    let (code, said) = run(&["state", "forget", "http://a.test/a_1.htm"]);
    assert!(code == Some(0) && said.contains("is forgotten"), "{said}");
    let (code, said) = run(&["state", "forget", "a.test"]);
    assert!(code == Some(0) && said.contains("is forgotten"), "{said}");
    let (code, said) = run(&["state", "forget", "a.test"]);
    assert!(code == Some(2) && said.contains("knows no host"), "{said}");
    // A second worker with folders of its own starts from nothing.
    let (code, said) = run(&["crawl"]);
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(by_environment.urls(), ["http://a.test/a_1.htm"]);
}
