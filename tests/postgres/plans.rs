//! "What is next" is a seek in an index, and so is everything else that a crawl repeats; PostgreSQL says so itself.

use jingwen::frontier::postgres::sql;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::rules::worker;
use crate::server::{Postgres, run};

/// The plan that is made without looking at values.
async fn plan(connection: &mut PgConnection, text: &str) -> String {
    let values = (1..20).rev().find(|n| text.contains(&format!("${n}"))).unwrap_or(0);
    let values = vec!["NULL"; values].join(", ");
    connection.execute(AssertSqlSafe(format!("PREPARE p AS {text}"))).await.unwrap();
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE p({values})");
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *connection).await.unwrap();
    connection.execute("DEALLOCATE p").await.unwrap();
    lines.join("\n")
}

#[test]
fn what_is_next_is_one_index_seek() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    run(async {
        worker(&url, 1).await;
        let mut connection = PgConnection::connect(&url).await.unwrap();
        connection.execute(sql::SETTINGS).await.unwrap();
        connection.execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
        // Of full tables PostgreSQL knows nothing at first.
        for fill in [
            "INSERT INTO host (bucket, host, origin, ready_at) SELECT n % 256, n, 'http://' || n, n FROM generate_series(1, 2000) n;
             INSERT INTO member SELECT 1, 1, host, bucket FROM host;
             INSERT INTO url (bucket, host, near, id, due, kind, depth, path)
                 SELECT h % 256, h, n, n, n, n % 5, 1, '/' FROM generate_series(1, 2000) h, generate_series(1, 20) n;
             INSERT INTO seen (bucket, host, near, id) SELECT bucket, host, near, id + 1 FROM url;
             INSERT INTO text SELECT n, 'x' FROM generate_series(1, 20000) n",
            "ANALYZE",
        ] {
            sqlx::raw_sql(fill).execute(&mut connection).await.unwrap();
            for (text, indexes) in [
                (sql::NEXT, vec!["Index Scan using url_due"]),
                (sql::NEXT_RETRY, vec!["url_retry"]),
                (sql::LEASE_OF_FEW, vec!["member_pkey", "host_pkey on host"]),
                (sql::LEASE_OF_MANY, vec!["Index Scan using host_ready on host", "on member"]),
                (sql::HOLD_HOST, vec!["host_pkey"]),
                (sql::RELEASE, vec!["host_pkey", "Index Scan using url_due"]),
                (sql::RENEW, vec!["host_pkey"]),
                (sql::RENEW_RUN, vec!["run_pkey"]),
                (sql::HOLD_WORKER, vec!["worker_pkey"]),
                (sql::HOLD_HOSTS, vec!["host_pkey"]),
                (sql::DONE, vec!["url_pkey"]),
                (sql::SEEN, vec![]),
                (sql::AGAIN, vec!["url_pkey"]),
                (sql::RETRY, vec!["url_pkey"]),
                (sql::LINKS, vec!["seen_pkey"]),
                (sql::KNOWN, vec!["url_pkey", "seen_pkey"]),
                (sql::TEXTS, vec!["text_pkey"]),
                (sql::GONE, vec!["recent_pkey"]),
                (sql::BEGIN, vec!["member_pkey", "host_pkey", "url_due"]),
                (sql::WAKE, vec!["member_pkey", "url_again"]),
                (sql::WAKE_HOSTS, vec!["member_pkey", "host_pkey", "url_again"]),
                (sql::NEXT_WAIT, vec!["member_pkey", "host_pkey"]),
                (sql::RECHECK, vec!["member_pkey", "recent_pkey"]),
            ] {
                let plan = plan(&mut connection, text).await;
                for index in indexes {
                    assert!(plan.contains(index), "{index} is not used for {text}:\n{plan}");
                }
                assert!(!plan.contains("Seq Scan"), "{text}:\n{plan}");
                if text == sql::NEXT || text == sql::LEASE_OF_MANY {
                    assert!(!plan.contains("Sort"), "{text}:\n{plan}");
                }
            }
        }
        let plan = plan(&mut connection, sql::NEXT).await;
        let seek = plan.lines().find(|line| line.contains("Index Cond")).unwrap();
        for part in ["bucket = $1", "host = $2", "ROW(due, (near + 0), (id + 0)) > ROW($3, $4, $5)", "due <= $6"] {
            assert!(seek.contains(part), "{part} is no part of the seek: {seek}");
        }
    });
}
