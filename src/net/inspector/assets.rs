//! The files of the page, which are part of the program.

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
    Asset { name: "app.js", bytes: include_bytes!("page/app.js") },
    Asset { name: "style.css", bytes: include_bytes!("page/style.css") },
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
