//! `/readyz`, which names failing background tasks, and still reports the server as ready.

use std::future::pending;

use crate::harness::both;

#[test]
fn readyz_names_a_task_that_panics_until_it_runs_again() {
    both(|server| {
        let ready = || {
            let page = server.send("GET", "/readyz", &[], None);
            (page.status, page.body)
        };
        assert_eq!(ready(), (200, "ready\n".into()), "the tasks of the server are well");
        let app = &server.app;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let keep = |fails: bool| {
            let task = move || async move {
                assert!(!fails, "a test");
                pending::<()>().await;
            };
            let task = app.supervisor.keep("example", task, async |_| pending().await);
            runtime.block_on(async {
                tokio::select! { biased; () = task => unreachable!(), () = tokio::task::yield_now() => {} }
            });
        };
        keep(true);
        assert_eq!(ready(), (200, "ready\nexample is down, failures: 1\n".into()));
        keep(false);
        assert_eq!(ready(), (200, "ready\nexample was restarted, failures: 1\n".into()));
        server.advance(60);
        assert_eq!(ready(), (200, "ready\n".into()));
    });
}
