//! The files of the page, embedded in the program.

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path below `/assets/`.
    pub name: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

/// The document of the page.
pub const INDEX: Asset = Asset { name: "index.html", bytes: include_bytes!("page/index.html") };

/// The files below `/assets/`: every file of `page` but the document.
pub const ASSETS: &[Asset] = &[
    Asset { name: "actions.js", bytes: include_bytes!("page/actions.js") },
    Asset { name: "api.js", bytes: include_bytes!("page/api.js") },
    Asset { name: "app.js", bytes: include_bytes!("page/app.js") },
    Asset { name: "bytes.js", bytes: include_bytes!("page/bytes.js") },
    Asset { name: "chart.js", bytes: include_bytes!("page/chart.js") },
    Asset { name: "compare.js", bytes: include_bytes!("page/compare.js") },
    Asset { name: "copy.js", bytes: include_bytes!("page/copy.js") },
    Asset { name: "delivery.js", bytes: include_bytes!("page/delivery.js") },
    Asset { name: "edit.js", bytes: include_bytes!("page/edit.js") },
    Asset { name: "filter.js", bytes: include_bytes!("page/filter.js") },
    Asset { name: "forwards.js", bytes: include_bytes!("page/forwards.js") },
    Asset { name: "headers.js", bytes: include_bytes!("page/headers.js") },
    Asset { name: "history.js", bytes: include_bytes!("page/history.js") },
    Asset { name: "html.js", bytes: include_bytes!("page/html.js") },
    Asset { name: "icon.svg", bytes: include_bytes!("page/icon.svg") },
    Asset { name: "keys.js", bytes: include_bytes!("page/keys.js") },
    Asset { name: "layout.js", bytes: include_bytes!("page/layout.js") },
    Asset { name: "list.js", bytes: include_bytes!("page/list.js") },
    Asset { name: "overview.js", bytes: include_bytes!("page/overview.js") },
    Asset { name: "payload.js", bytes: include_bytes!("page/payload.js") },
    Asset { name: "pins.js", bytes: include_bytes!("page/pins.js") },
    Asset { name: "search.js", bytes: include_bytes!("page/search.js") },
    Asset { name: "status.js", bytes: include_bytes!("page/status.js") },
    Asset { name: "storage.js", bytes: include_bytes!("page/storage.js") },
    Asset { name: "store.js", bytes: include_bytes!("page/store.js") },
    Asset { name: "stream.js", bytes: include_bytes!("page/stream.js") },
    Asset { name: "style.css", bytes: include_bytes!("page/style.css") },
    Asset { name: "text.js", bytes: include_bytes!("page/text.js") },
    Asset { name: "times.js", bytes: include_bytes!("page/times.js") },
    Asset { name: "toolbar.js", bytes: include_bytes!("page/toolbar.js") },
    Asset { name: "tree.js", bytes: include_bytes!("page/tree.js") },
    Asset { name: "verdict.js", bytes: include_bytes!("page/verdict.js") },
    Asset { name: "virtual.js", bytes: include_bytes!("page/virtual.js") },
    Asset { name: "why.js", bytes: include_bytes!("page/why.js") },
    Asset { name: "vendor/hooks.mjs", bytes: include_bytes!("page/vendor/hooks.mjs") },
    Asset { name: "vendor/htm.mjs", bytes: include_bytes!("page/vendor/htm.mjs") },
    Asset { name: "vendor/LICENSE-htm.txt", bytes: include_bytes!("page/vendor/LICENSE-htm.txt") },
    Asset { name: "vendor/LICENSE-preact.txt", bytes: include_bytes!("page/vendor/LICENSE-preact.txt") },
    Asset { name: "vendor/LICENSE-uplot.txt", bytes: include_bytes!("page/vendor/LICENSE-uplot.txt") },
    Asset { name: "vendor/manifest.json", bytes: include_bytes!("page/vendor/manifest.json") },
    Asset { name: "vendor/preact.mjs", bytes: include_bytes!("page/vendor/preact.mjs") },
    Asset { name: "vendor/uPlot.iife.min.js", bytes: include_bytes!("page/vendor/uPlot.iife.min.js") },
    Asset { name: "vendor/uPlot.min.css", bytes: include_bytes!("page/vendor/uPlot.min.css") },
];

impl Asset {
    /// The file of this name below `/assets/`.
    pub fn find(name: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|asset| asset.name == name)
    }

    /// Its media type, by its extension.
    pub fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "html")) => "text/html; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js" | "mjs")) => "text/javascript; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            Some((_, "png")) => "image/png",
            _ => "text/plain; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/net/inspector/page");
        let entries = walkdir::WalkDir::new(&page).sort_by_file_name().into_iter().map(Result::unwrap);
        for entry in entries.filter(|entry| entry.file_type().is_file()) {
            let name = entry.path().strip_prefix(&page).unwrap().to_str().unwrap().replace('\\', "/");
            let asset = Some(&INDEX).filter(|index| index.name == name).or_else(|| Asset::find(&name));
            let asset = asset.unwrap_or_else(|| panic!("add {name} to ASSETS"));
            assert_eq!(asset.bytes, fs::read(entry.path()).unwrap(), "{name}");
        }
    }

    #[test]
    fn scripts_have_a_media_type_that_browsers_run_as_modules() {
        let media = |name| Asset { name, bytes: b"" }.media_type();
        assert_eq!(media("vendor/preact.mjs"), "text/javascript; charset=utf-8");
        assert_eq!([media("a.css"), media("LICENSE")], ["text/css; charset=utf-8", "text/plain; charset=utf-8"]);
    }
}
