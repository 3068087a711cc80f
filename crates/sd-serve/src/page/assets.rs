use sha2::{Digest, Sha256};

/// A file of the page.
pub(super) struct Asset {
    pub name: &'static str,
    pub text: &'static str,
}

/// The page itself.
pub(super) const INDEX: Asset = Asset { name: "index.html", text: include_str!("index.html") };

/// What it loads, below `/page/`.
pub(super) const ASSETS: [Asset; 16] = [
    Asset { name: "app.css", text: include_str!("app.css") },
    Asset { name: "app.js", text: include_str!("app.js") },
    Asset { name: "dialogs.css", text: include_str!("dialogs.css") },
    Asset { name: "dom.js", text: include_str!("dom.js") },
    Asset { name: "drawing.js", text: include_str!("drawing.js") },
    Asset { name: "form.js", text: include_str!("form.js") },
    Asset { name: "gallery.js", text: include_str!("gallery.js") },
    Asset { name: "icon.svg", text: include_str!("icon.svg") },
    Asset { name: "opened.js", text: include_str!("opened.js") },
    Asset { name: "painter.js", text: include_str!("painter.js") },
    Asset { name: "pictures.js", text: include_str!("pictures.js") },
    Asset { name: "server.js", text: include_str!("server.js") },
    Asset { name: "settings.js", text: include_str!("settings.js") },
    Asset { name: "sizes.js", text: include_str!("sizes.js") },
    Asset { name: "theme.js", text: include_str!("theme.js") },
    Asset { name: "viewer.js", text: include_str!("viewer.js") },
];

impl Asset {
    /// The type of its content.
    pub(super) fn kind(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        }
    }

    /// The tag of its state: a browser asks with it whether it still has this file.
    pub(super) fn tag(&self) -> String {
        let hash = Sha256::digest(self.text);
        let digits: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("\"{digits}\"")
    }
}
