//! The page, its script and style, and the pages that need no script.

mod plain;

pub use plain::Plain;

const PAGE: &str = include_str!("../page/live.html");
/// Its script: one module, written in parts.
pub const SCRIPT: &str = concat!(
    include_str!("../page/script/1-basics.js"),
    "\n",
    include_str!("../page/script/2-address.js"),
    "\n",
    include_str!("../page/script/3-picture.js"),
    "\n",
    include_str!("../page/script/4-stream.js"),
    "\n",
    include_str!("../page/script/5-grid.js"),
    "\n",
    include_str!("../page/script/6-curves.js"),
    "\n",
    include_str!("../page/script/7-panels.js"),
    "\n",
    include_str!("../page/script/8-job.js"),
    "\n",
    include_str!("../page/script/9-timeline.js"),
    "\n",
    include_str!("../page/script/10-copy.js"),
    "\n",
    include_str!("../page/script/11-acts.js"),
    "\n",
    include_str!("../page/script/12-begin.js")
);
/// Its style, and that of the other pages.
pub const STYLE: &str = include_str!("../page/live.css");
/// The script of the page that asks for a token.
pub const SIGN_IN_SCRIPT: &str = include_str!("../page/sign-in.js");

/// The page, asked for with that query. All that it shows comes later, over the stream; a browser without script is led to the
/// table of the same sweep.
pub fn page(query: Option<&str>) -> String {
    let query = query.map_or(String::new(), |query| format!("?{}", escaped(query)));
    PAGE.replace("{{query}}", &query)
}

/// The page that asks for a token, and leads to `to` then.
pub fn sign_in(to: &str, why: &str) -> String {
    include_str!("../page/sign-in.html")
        .replace("{{why}}", &escaped(why))
        .replace("{{to}}", &escaped(to))
}

/// A page that says to come again, and does so by itself.
pub fn starting(why: &str) -> String {
    include_str!("../page/starting.html").replace("{{why}}", &escaped(why))
}

/// A text as it stands in HTML and in a quoted attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_is_told_is_text() {
        let page = sign_in("/live?sweep=\"><script>", "<b>no</b> {{to}}");
        assert!(!page.contains("<script>") && !page.contains("<b>"));
        assert!(page.contains("value=\"/live?sweep=&quot;&gt;&lt;script&gt;\""));
        assert!(starting("a & b").contains("a &amp; b"));
        let page = super::page(Some("sweep=a\"><script>"));
        assert!(
            page.contains("url=/live/plain?sweep=a&quot;&gt;&lt;script&gt;\""),
            "{page}"
        );
    }

    #[test]
    fn pages_name_their_files_and_nothing_elsewhere() {
        for page in [page(None), sign_in("/live", ""), starting("")] {
            assert!(page.contains("href=\"/live/page.css\""));
            for word in [
                "style=",
                "<style",
                "onclick=",
                "onload=",
                "onsubmit=",
                "onerror=",
            ] {
                assert!(!page.contains(word), "{word}");
            }
            for part in page
                .split("src=\"")
                .skip(1)
                .chain(page.split("href=\"").skip(1))
            {
                let is_ours = ["/", "#", "data:,"].iter().any(|own| part.starts_with(own));
                assert!(is_ours, "{part:.40}");
            }
        }
        for script in [SCRIPT, SIGN_IN_SCRIPT] {
            for word in [
                "innerHTML",
                "eval(",
                "https://",
                "document.write",
                "insertAdjacentHTML",
            ] {
                assert!(!script.contains(word), "{word}");
            }
        }
    }
}
