//! What the HTTP client takes and sends: answers as servers really give them, cookies, headers of a site's own, a proxy,
//! connections that end.

mod support;

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::{Answer, Bench, Hit, Server, article, list, page, path_of, redirect, selectors, stderr, with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const FAST: &str = "[politeness]\nrate = \"200/s\"\npatience = \"1s\"\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn home(n: usize) -> Answer {
    page(200, list((1..=n).map(|n| format!("/a_{n}.htm"))))
}

fn raw(head: &str, body: &[u8]) -> Answer {
    Answer::Raw([head.as_bytes(), b"\r\n", body].concat())
}

fn packed(n: usize) -> Answer {
    let plain = article(n).into_bytes();
    let gzip = |plain: &[u8]| {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(plain).unwrap();
        out.finish().unwrap()
    };
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&plain).unwrap();
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(&plain).unwrap();
    let (body, encoding) = match n {
        1 => (plain, "gzip"),
        2 => (gzip(&plain), "UTF-8"),
        3 => (zlib.finish().unwrap(), "deflate"),
        4 => (deflate.finish().unwrap(), "deflate"),
        5 => (zstd::encode_all(&plain[..], 0).unwrap(), "zstd"),
        6 => ([gzip(&plain), b"\0\0junk".to_vec()].concat(), "gzip"),
        _ => {
            let whole = gzip(&plain);
            (whole[..whole.len() - 8].to_vec(), "gzip")
        }
    };
    with(page(200, body), "Content-Encoding", encoding)
}

#[test]
fn bodies_are_read_whatever_their_encoding_is_called() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => home(7),
        path if path.starts_with("/a_") => packed(number(path)),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    let articles = bench.articles();
    assert_eq!(articles.len(), 7, "{:?}", bench.rejected());
    for article in articles {
        let (url, text) = (article["url"].as_str().unwrap(), article["text"].as_str().unwrap());
        assert!(text.contains(&format!("第{}篇测试稿件的第3段", number(&path_of(url)))), "{url}: {text}");
    }
}

#[test]
fn a_header_line_that_cannot_be_read_costs_that_line() {
    const LINES: [&str; 5] =
        ["X-Frame-Options : DENY", "X Cache Hit: 1", "PHP Warning:  in Unknown on line 0", "foo", "服务器: 1"];
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => home(LINES.len()),
        path if path.starts_with("/a_") => {
            let (n, body) = (number(path), article(number(path)));
            let head = format!("HTTP/1.1 200 OK\r\n{}\r\nContent-Length: {}\r\n", LINES[n - 1], body.len());
            raw(&head, body.as_bytes())
        }
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    assert_eq!(bench.articles().len(), LINES.len(), "{:?}", bench.rejected());
}

#[test]
fn a_body_that_ends_early_is_used_only_where_the_document_is_whole() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => home(2),
        path if path.starts_with("/a_") => {
            let n = number(path);
            let body = article(n);
            let end = if n == 1 { body.len() } else { body.find("</p>").unwrap() + 4 };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len() + 500);
            raw(&head, &body.as_bytes()[..end])
        }
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.run(&["crawl"]);
    assert_eq!(bench.urls(), ["http://a.test/a_1.htm"]);
}

#[test]
fn a_part_that_nobody_asked_for_is_not_the_page() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => home(3),
        path if path.starts_with("/a_") => {
            let (n, body) = (number(path), article(number(path)));
            let answer = page(206, body.clone());
            match n {
                1 => with(answer, "Content-Range", &format!("bytes 0-{}/{}", body.len() - 1, body.len())),
                2 => answer,
                _ => with(answer, "Content-Range", &format!("bytes 0-{}/{}", body.len() - 1, body.len() * 2)),
            }
        }
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.run(&["crawl"]);
    assert_eq!(bench.urls(), ["http://a.test/a_1.htm", "http://a.test/a_2.htm"]);
}

#[test]
fn cookies_that_the_server_finds_too_large_are_forgotten() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => with(home(3), "Set-Cookie", &format!("basket={}; path=/", "x".repeat(3000))),
        path if path.starts_with("/a_") => match hit.headers.get("cookie") {
            Some(_) => page(400, "Request Header Or Cookie Too Large"),
            None => page(200, article(number(path))),
        },
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    assert_eq!(bench.articles().len(), 3, "{:?}", bench.rejected());
    assert_eq!(server.paths().iter().filter(|path| path.starts_with("/a_")).count(), 4);
}

#[test]
fn a_connection_that_was_closed_meanwhile_costs_no_try() {
    // Closes after each answer without saying so.
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let server = Server::start(move |hit, _| match hit.path.as_str() {
        "/" => home(6),
        path if path.starts_with("/a_") => {
            count.fetch_add(1, Ordering::Relaxed);
            let body = article(number(path));
            raw(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len()), body.as_bytes())
        }
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let output = bench.crawl();
    assert_eq!(bench.articles().len(), 6, "{}", stderr(&output));
    assert!(bench.rejected().is_empty());
}

/// Cookies that a request has.
fn has(hit: &Hit, cookie: &str) -> bool {
    hit.headers.get("cookie").is_some_and(|all| all.split("; ").any(|one| one == cookie))
}

#[test]
fn a_site_that_wants_its_cookie_is_read() {
    for kind in ["self", "home"] {
        let server = Server::start(move |hit, _| match hit.path.as_str() {
            "/" if kind == "home" => with(home(4), "Set-Cookie", "ok=1; path=/; HttpOnly"),
            "/" => home(4),
            path if path.starts_with("/a_") && !has(hit, "ok=1") => match kind {
                "self" => with(redirect(path), "Set-Cookie", "ok=1; path=/"),
                _ => redirect("/"),
            },
            path if path.starts_with("/a_") => page(200, article(number(path))),
            _ => page(404, ""),
        });
        let bench = Bench::new(&server, &["a.test"], "", FAST);
        bench.crawl();
        assert_eq!(bench.articles().len(), 4, "{kind}: {:?}", bench.rejected());
        let asked = server.paths().iter().filter(|path| path.contains("/a_")).count();
        assert!(asked <= 6, "{kind}: the detour is made once, not for each page: {asked}");
        // A later run has a jar of its own.
        assert!(!server.hits()[0].headers.contains_key("cookie"));
    }
}

/// A wall at `www.a.test`: without `ok=1` every page leads to a door, which is at `door`, sets it for all of `a.test` and
/// leads back.
fn wall(door: &'static str, sets: &'static str) -> Server {
    Server::start(move |hit, _| {
        let back = hit.path.split_once("back=").map(|(_, path)| path.to_owned());
        match hit.path.as_str() {
            "/robots.txt" => page(200, ""),
            _ if hit.host.starts_with(door) => match back {
                Some(path) => with(redirect(&format!("http://www.a.test{path}")), "Set-Cookie", sets),
                None => page(404, ""),
            },
            path if !has(hit, "ok=1") => redirect(&format!("http://{door}/?back={path}")),
            "/" => home(4),
            path if path.starts_with("/a_") => page(200, article(number(path))),
            _ => page(404, ""),
        }
    })
}

#[test]
fn a_cookie_that_another_host_of_the_site_sets_opens_it() {
    // The door is a host of the selector file, or only one of the same owner.
    for hosts in [&["www.a.test", "passport.a.test"][..], &["www.a.test"][..]] {
        let server = wall("passport.a.test", "ok=1; Domain=a.test; Path=/");
        let bench = Bench::empty();
        bench.write("selectors/local.toml", &selectors(hosts, "").replace(", \"http://passport.a.test/\"]", "]"));
        bench.configure(&server, &["www.a.test", "passport.a.test"], FAST);
        let output = bench.crawl();
        assert_eq!(bench.articles().len(), 4, "{hosts:?}: {:?} {}", bench.rejected(), stderr(&output));
        let at = |host: &str| server.hits().iter().filter(|hit| hit.host.starts_with(host)).count();
        assert!(server.hits().iter().any(|hit| hit.host.starts_with("passport") && hit.path == "/robots.txt"));
        assert_eq!(at("passport"), 2, "robots.txt, and the door once: {:?}", server.paths());
        assert_eq!(at("www"), 7, "robots.txt, the list twice, and each article: {:?}", server.paths());
    }
}

#[test]
fn a_door_may_lead_back_by_a_page_of_the_site() {
    // Over https in place of the port: the seed leads to the home page, that to the door, and the door to a page with a ticket.
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, ""),
        "/start" => redirect("/"),
        path if hit.host.starts_with("passport") => match path.split_once("back=") {
            Some((_, back)) => redirect(&format!("http://www.a.test/ticket?t=7&to={back}")),
            None => page(404, ""),
        },
        path if path.starts_with("/ticket") => {
            with(redirect(path.split_once("to=").unwrap().1), "Set-Cookie", "ok=1; Path=/")
        }
        path if !has(hit, "ok=1") => redirect(&format!("http://passport.a.test/?back={path}")),
        "/" => home(3),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    let bench = Bench::empty();
    let file = selectors(&["www.a.test"], "")
        .replace("seeds = [\"http://www.a.test/\"]", "seeds = [\"http://www.a.test/start\"]");
    bench.write("selectors/local.toml", &file);
    bench.configure(&server, &["www.a.test", "passport.a.test"], FAST);
    let output = bench.crawl();
    assert_eq!(bench.articles().len(), 3, "{} {:?}", stderr(&output), server.paths());
    assert_eq!(bench.rejected().len() + bench.failing().len(), 0, "{:?}", bench.failing());
    let asked = server.paths();
    bench.crawl();
    assert_eq!(bench.articles().len(), 3);
    assert!(server.paths().len() <= 2 * asked.len(), "{:?}", server.paths());
}

#[test]
fn a_door_that_is_never_content_or_of_another_owner_is_left_with_its_reason() {
    // The cookie is not the one that the pages want.
    let server = wall("passport.a.test", "other=1; Domain=a.test; Path=/");
    let bench = Bench::new(&server, &["www.a.test", "passport.a.test"], "", FAST);
    bench.write("selectors/local.toml", &selectors(&["www.a.test"], ""));
    let output = bench.run(&["crawl"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output)
            .contains("list http://www.a.test/ failed: leads to http://passport.a.test/?back=/, which is not of"),
        "{}",
        stderr(&output)
    );
    assert!(server.hits().len() <= 8, "{:?}", server.paths());

    let server = wall("passport.b.test", "ok=1; Domain=b.test; Path=/");
    let bench = Bench::new(&server, &["www.a.test"], "", FAST);
    bench.run(&["crawl"]);
    assert!(server.hits().iter().all(|hit| hit.host.starts_with("www.a.test")), "{:?}", server.hits());
}

#[test]
fn a_page_that_a_door_ends_on_is_not_an_article() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, ""),
        _ if hit.host.starts_with("passport") => page(200, article(9)),
        "/" => home(2),
        "/a_1.htm" => redirect("http://passport.a.test/login?back=/a_1.htm"),
        _ => page(200, article(2)),
    });
    let bench = Bench::new(&server, &["www.a.test"], "", FAST);
    bench.configure(&server, &["www.a.test", "passport.a.test"], FAST);
    bench.crawl();
    assert_eq!(bench.urls(), ["http://www.a.test/a_2.htm"]);
    let why = &bench.failing()["/a_1.htm"];
    assert!(
        why.contains("leads to http://passport.a.test/login?back=/a_1.htm, which is not of the sites crawled"),
        "{why}"
    );
    // Asked again it is as before, until that is confirmed.
    bench.later(5);
    bench.crawl();
    bench.later(40);
    bench.crawl();
    assert_eq!(bench.rejected()["/a_1.htm"], "redirect");
    assert_eq!(bench.urls().len(), 1);
}

#[test]
fn a_wall_that_never_ends_is_left_with_its_reason_and_others_are_read() {
    let server = Server::start(|hit, before| match hit.path.as_str() {
        "/" => home(2),
        "/a_1.htm" => with(redirect("/a_1.htm"), "Set-Cookie", &format!("t={before}; path=/")),
        "/a_2.htm" => page(200, article(2)),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.run(&["crawl"]);
    assert_eq!(bench.urls(), ["http://a.test/a_2.htm"]);
    assert!(server.paths().iter().filter(|path| *path == "/a_1.htm").count() <= 25);
}

#[test]
fn cookies_and_headers_go_to_their_own_site_only() {
    let server = Server::start(|hit, _| match (hit.host.as_str(), hit.path.as_str()) {
        ("a.test", "/") => {
            let links = ["/a_1.htm".to_owned(), "http://b.test/a_2.htm".to_owned()];
            with(with(page(200, list(links)), "Set-Cookie", "own=1"), "Set-Cookie", "wide=1; Domain=b.test")
        }
        (_, path) if path.starts_with("/a_") => page(200, article(number(path))),
        (_, "/") => home(3),
        _ => page(404, ""),
    });
    let own = "headers = { Referer = \"http://a.test/\", X-Mine = \"1\" }\ncookies = { age = \"ok\" }\nuser_agent = \"own/2.0 (+https://a.test)\"\n\
               auth = { user = \"me\", password_env = \"JINGWEN_AUTH_A\" }";
    let bench = Bench::new(&server, &["a.test"], own, FAST);
    bench.write("selectors/other.toml", &support::selectors(&["b.test"], ""));
    bench.configure(&server, &["a.test", "b.test"], FAST);
    let output = support::wait(
        bench.command(&["crawl", "local", "other"]).env("JINGWEN_AUTH_A", "s3cret").spawn().unwrap(),
        std::time::Duration::from_secs(60),
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (mine, others): (Vec<Hit>, Vec<Hit>) = server.hits().into_iter().partition(|hit| hit.host == "a.test");
    assert!(mine.len() >= 3 && others.len() >= 3, "{mine:?} {others:?}");
    for hit in &mine {
        assert_eq!(hit.headers["x-mine"], "1");
        assert_eq!(hit.headers["user-agent"], "own/2.0 (+https://a.test)");
        assert_eq!(hit.headers["authorization"], "Basic bWU6czNjcmV0");
        assert!(has(hit, "age=ok"), "{hit:?}");
    }
    assert!(mine.iter().any(|hit| has(hit, "own=1")));
    for hit in &others {
        for name in ["referer", "x-mine", "cookie", "authorization"] {
            assert!(!hit.headers.contains_key(name), "{name} went to {hit:?}");
        }
        assert!(hit.headers["user-agent"].starts_with("jingwen-test"));
    }
    // Without the secret nothing is asked.
    server.clear();
    let output = bench.run(&["crawl"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("JINGWEN_AUTH_A"), "{}", stderr(&output));
    assert!(server.hits().is_empty());
}

#[test]
fn keys_that_cannot_be_sent_are_refused_with_their_place() {
    let server = Server::start(|_, _| page(404, ""));
    for (line, words) in [
        ("headers = { \"Bad Name\" = \"x\" }", "Bad Name"),
        ("headers = { Cookie = \"a=b\" }", "cookies"),
        ("headers = { Authorization = \"Basic x\" }", "auth"),
        ("headers = { Host = \"b.test\" }", "address"),
        ("cookies = \"a=b c\"", "cookie `a`"),
        ("user_agent = \"(x)\"", "name"),
        ("auth = { user = \"me\" }", "password_env"),
        ("auth = { user = \"me\", password = \"x\" }", "password"),
        ("auth = { user = \"me\", password_env = \"AWS_SECRET\" }", "JINGWEN_AUTH_"),
        ("auth = { user = \"me\", password_file = \"/etc/shadow\" }", "folder"),
        ("auth = { user = \"me\", password_file = \"../x\" }", "folder"),
        ("recheck = \"90d\"", "31d"),
        ("limit = 0", "never"),
    ] {
        let bench = Bench::new(&server, &["a.test"], line, "");
        let output = bench.run(&["check"]);
        assert!(output.status.code() == Some(2) && stderr(&output).contains(words), "{line}: {}", stderr(&output));
        assert!(stderr(&output).contains("local.toml:7:"), "{line}: {}", stderr(&output));
    }
}

#[test]
fn everything_goes_by_the_proxy_and_a_refusal_is_said() {
    let direct = Server::start(|_, _| page(403, "direct"));
    for refuses in [false, true] {
        let proxy = Server::start(move |hit, _| match hit.path.as_str() {
            _ if refuses => page(407, ""),
            "http://a.test/" => home(2),
            path if path.starts_with("http://a.test/a_") => page(200, article(number(&path_of(path)))),
            _ => page(404, ""),
        });
        let bench = Bench::new(&direct, &["a.test"], "", "");
        let http = format!("proxy = \"http://me:s3cret@localhost:{}\"\n---\n{FAST}", proxy.addr.port());
        bench.configure(&direct, &["a.test"], &http);
        let output = bench.run(&["crawl"]);
        let said = stderr(&output);
        assert!(direct.hits().is_empty() && !said.contains("s3cret"), "{said}");
        assert!(proxy.paths().contains(&"http://a.test/robots.txt".to_owned()));
        assert_eq!(proxy.hits()[0].headers["proxy-authorization"], "Basic bWU6czNjcmV0");
        let expected = if refuses { (Some(3), 0) } else { (Some(0), 2) };
        assert_eq!((output.status.code(), bench.articles().len()), expected, "{said}");
        assert!(!refuses || said.contains("407"), "{said}");
    }
}

/// Requests over HTTP/2 and over HTTP/1.1 that [`http1_only`] got.
static ASKED: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// A server that offers HTTP/2 and then wants HTTP/1.1 for every request (RFC 9113, 7, `HTTP_1_1_REQUIRED`).
async fn http1_only(listener: tokio::net::TcpListener, tls: std::sync::Arc<rustls::ServerConfig>) {
    let acceptor = tokio_rustls::TlsAcceptor::from(tls);
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let stream = acceptor.accept(stream).await.ok()?;
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => refuse_http2(stream).await,
                _ => answer_http1(stream).await,
            }
        });
    }
}

type TlsStream = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;

async fn refuse_http2(stream: TlsStream) -> Option<()> {
    let mut connection = h2::server::handshake(stream).await.ok()?;
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        ASKED[0].fetch_add(1, Ordering::Relaxed);
        respond.send_reset(h2::Reason::HTTP_1_1_REQUIRED);
    }
    Some(())
}

async fn answer_http1(mut stream: TlsStream) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    ASKED[1].fetch_add(1, Ordering::Relaxed);
    let head = String::from_utf8_lossy(&head).into_owned();
    let body = match head.split(' ').nth(1).unwrap_or_default() {
        "/" => list(["/a_1.htm".to_owned(), "/a_2.htm".to_owned()]),
        path if path.starts_with("/a_") => article(number(path)),
        _ => String::new(),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n");
    stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

#[test]
fn a_server_that_wants_http1_is_asked_so_at_once() {
    let bench = Bench::empty();
    let openssl = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a.test"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(bench.dir.path())
        .output();
    let Ok(made) = openssl else { return println!("skipped: openssl is not here") };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let certificate = CertificateDer::from_pem_file(bench.path("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(bench.path("key.pem")).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut tls = tls.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(http1_only(listener, std::sync::Arc::new(tls)));

    // With a port of its own the host is spoken to over TLS.
    let home = format!("https://a.test:{}/", address.port());
    let file = selectors(&["a.test"], "accept_invalid_certs = true").replace("http://a.test/", &home);
    bench.write("selectors/local.toml", &file);
    let config = format!("{FAST}\n[http]\nresolve = {{ \"a.test\" = \"127.0.0.1\" }}\n");
    bench.write("jingwen.toml", &format!("selectors = \"selectors\"\nsites = [\"local\"]\n{config}"));
    let output = bench.crawl();
    assert_eq!(bench.urls(), [format!("{home}a_1.htm"), format!("{home}a_2.htm")], "{}", stderr(&output));
    let [http2, http1] = ASKED.each_ref().map(|asked| asked.load(Ordering::Relaxed));
    assert_eq!((http2, http1), (1, 4), "over HTTP/2 once, then robots.txt, the list and two articles");
    runtime.shutdown_background();
}
