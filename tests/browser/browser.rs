//! A Chromium with a profile of its own. It ends with the test, also with one that fails.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
    sync::Once,
};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::{PATIENCE, machine, program::Listener};

/// A browser.
pub struct Browser {
    driver: Option<WebDriver>,
    /// Ends after the session that it serves.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux lists the processes of a page"))]
    process: Driver,
    _profile: tempfile::TempDir,
}

/// A running chromedriver, and the browser that it started.
struct Driver {
    process: Child,
    browser: Option<i32>,
}

/// Counts what a page reports: errors of scripts, and what the content security policy refused.
const RECORDER: &str = "
    globalThis.problems = [];
    addEventListener('securitypolicyviolation', (event) => problems.push(`refused ${event.violatedDirective} ${event.blockedURI}`));
    addEventListener('error', (event) => problems.push(`error ${event.message}`));
    addEventListener('unhandledrejection', (event) => problems.push(`rejection ${event.reason}`));
";

impl Browser {
    /// Starts one; `None`, with a message, where there is no Chromium.
    pub async fn start() -> Option<Self> {
        Self::with(&[]).await
    }

    /// Starts one with these arguments.
    pub async fn with(arguments: &[&str]) -> Option<Self> {
        static TLS: Once = Once::new();
        // The client of the test needs one, although it never uses it.
        TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        if !machine::can("chromium", &["--version"]) || !machine::can("chromedriver", &["--version"]) {
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        let (mut process, port) = Driver::start(profile.path());
        let mut capabilities = DesiredCapabilities::chrome();
        let profile_argument = format!("--user-data-dir={}", profile.path().display());
        let fixed = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", &profile_argument];
        for argument in fixed.iter().chain(arguments) {
            capabilities.add_arg(argument).unwrap();
        }
        capabilities.set("goog:loggingPrefs", json!({"browser": "ALL"})).unwrap();
        // A script that ends at its own time limit says more than a request that does.
        let driver = WebDriver::builder(format!("http://127.0.0.1:{port}"), capabilities).request_timeout(2 * PATIENCE);
        let driver = driver.await.expect("a session");
        driver.set_script_timeout(PATIENCE).await.unwrap();
        process.browser = driver
            .handle()
            .capabilities()
            .get("goog:processID")
            .and_then(Value::as_i64)
            .map(|id| i32::try_from(id).unwrap());
        let browser = Self { driver: Some(driver), process, _profile: profile };
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": RECORDER})).await;
        browser.size(1600, 900).await;
        Some(browser)
    }

    /// Stops the processes of its pages until the result is dropped.
    #[cfg(target_os = "linux")]
    pub fn stop_pages(&self) -> Stopped {
        let browser = self.process.browser.expect("the browser's process");
        let pages = Stopped(pages_of(browser));
        assert!(!pages.0.is_empty(), "no page below process {browser}");
        pages.signal(rustix::process::Signal::STOP);
        pages
    }

    pub fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("a session until the end")
    }

    /// Opens the inspector of a listener, and waits until it is live.
    pub async fn open(&self, listener: &Listener) {
        self.driver().goto(listener.inspector()).await.unwrap();
        self.wait_for("document.querySelector('.connection')?.textContent.trim() === 'live'").await;
    }

    /// The same, and waits until it lists these deliveries.
    pub async fn open_with(&self, listener: &Listener, seqs: &str) {
        self.open(listener).await;
        self.lists(seqs).await;
    }

    /// Waits until the rows in view are those of these deliveries, such as `3,2,1`.
    pub async fn lists(&self, seqs: &str) {
        let rows = "[...document.querySelectorAll('.list-rows [data-seq]')].map((row) => row.dataset.seq)";
        self.wait_for(&format!("{rows}.join() === '{seqs}'")).await;
    }

    /// Waits until an expression of JavaScript is truthy in the page, and returns its value.
    pub async fn wait_for(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const check = () => {{
                 let value;
                 try {{ value = ({expression}); }} catch {{ value = null; }}
                 if (value) done(value);
                 else setTimeout(check, 10);
             }};
             check();"
        );
        match self.driver().execute_async(&script, Vec::new()).await {
            Ok(value) => value.json().clone(),
            Err(error) => {
                let page = self.driver().execute("return document.body.innerText;", Vec::new()).await;
                let page = page.map_or_else(|error| error.to_string(), |text| text.json().to_string());
                panic!("`{expression}` never held: {error}\nThe page: {page}")
            }
        }
    }

    /// The value of an expression.
    pub async fn value(&self, expression: &str) -> Value {
        self.driver().execute(format!("return ({expression});"), Vec::new()).await.unwrap().json().clone()
    }

    /// The text of an expression.
    pub async fn text(&self, expression: &str) -> String {
        self.value(expression).await.as_str().unwrap_or_default().to_owned()
    }

    /// The value that a promise resolves to, or `{"rejected": MESSAGE}`.
    pub async fn promise(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             Promise.resolve().then(() => ({expression})).then(done, (error) => done({{rejected: String(error)}}));"
        );
        self.driver().execute_async(&script, Vec::new()).await.unwrap().json().clone()
    }

    /// Types into whatever has the focus.
    pub async fn press(&self, keys: impl AsRef<str>) {
        self.driver().action_chain().send_keys(keys.as_ref()).perform().await.unwrap();
    }

    /// Presses a key while Control is down.
    pub async fn press_with_control(&self, key: char) {
        self.press_with(Key::Control, key).await;
    }

    /// Presses a key while Shift is down.
    pub async fn press_with_shift(&self, key: char) {
        self.press_with(Key::Shift, key).await;
    }

    async fn press_with(&self, modifier: Key, key: char) {
        let chain = self.driver().action_chain().key_down(modifier.clone()).key_down(key);
        chain.key_up(modifier).perform().await.unwrap();
        self.driver().action_chain().reset_actions().await.unwrap();
    }

    pub async fn click(&self, selector: &str) {
        self.wait_for(&format!("document.querySelector({})", json!(selector))).await;
        self.driver().find(By::Css(selector)).await.unwrap().click().await.unwrap();
    }

    /// Clicks the button with this text.
    pub async fn click_button(&self, text: &str) {
        let path = format!("//button[starts-with(normalize-space(.), '{text}')]");
        self.driver().find(By::XPath(path)).await.unwrap().click().await.unwrap();
    }

    /// Makes the page this large.
    pub async fn size(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Shows the page as to someone who prefers `light` or `dark`.
    pub async fn scheme(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    pub async fn devtools(&self, method: &str, parameters: Value) {
        self.driver().cdp().send_raw(method, parameters).await.unwrap();
    }

    /// Checks that nothing was reported: no error, no warning, nothing refused. Then ends the browser.
    pub async fn finish(self) {
        self.finish_but(&[]).await;
    }

    /// The same, for a test that causes reports with these texts.
    pub async fn finish_but(mut self, expected: &[&str]) {
        let problems = self.value("globalThis.problems ?? []").await;
        assert_eq!(problems, json!([]));
        let log = self.driver().browser_log().await.unwrap();
        let unexpected = log.iter().map(|entry| format!("{entry:?}"));
        let unexpected: Vec<_> = unexpected.filter(|text| !expected.iter().any(|part| text.contains(part))).collect();
        assert!(unexpected.is_empty(), "the console has {unexpected:#?}");
        self.driver.take().unwrap().quit().await.unwrap();
    }
}

/// Processes of pages that are stopped.
#[cfg(target_os = "linux")]
pub struct Stopped(Vec<rustix::process::Pid>);

#[cfg(target_os = "linux")]
impl Stopped {
    fn signal(&self, signal: rustix::process::Signal) {
        for page in &self.0 {
            // One may have ended meanwhile.
            let _ = rustix::process::kill_process(*page, signal);
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Stopped {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::CONT);
    }
}

/// The descendants of a browser that run pages.
#[cfg(target_os = "linux")]
fn pages_of(browser: i32) -> Vec<rustix::process::Pid> {
    let mut family = vec![browser];
    let mut pages = Vec::new();
    let mut next = 0;
    while let Some(process) = family.get(next).copied() {
        next += 1;
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().map_while(Result::ok);
        let children =
            threads.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default());
        family.extend(children.flat_map(|ids| ids.split(' ').filter_map(|id| id.parse().ok()).collect::<Vec<i32>>()));
        let command = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains("--type=renderer") {
            pages.extend(rustix::process::Pid::from_raw(process));
        }
    }
    pages
}

impl Driver {
    fn start(profile: &Path) -> (Self, u16) {
        // It takes a free port of IPv4, and ends if another program has the same one of IPv6.
        (0..20).find_map(|_| Self::try_start(profile)).expect("the port of chromedriver")
    }

    fn try_start(profile: &Path) -> Option<(Self, u16)> {
        let mut command = machine::command("chromedriver");
        // Chromium writes to its home, too.
        command.arg("--port=0").env("HOME", profile).stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let driver = Self { process, browser: None };
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        Some((driver, port?))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(browser) = self.browser.and_then(rustix::process::Pid::from_raw) {
            // It has ended unless its session could not be closed.
            let _ = rustix::process::kill_process(browser, rustix::process::Signal::KILL);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
