//! Puts the style sheets of the built page into one file: a browser that has to fetch one shows the page sooner.
//!
//! They cannot stand in the HTML, as the page's Content-Security-Policy forbids that.

use anyhow::{Context, Result, bail};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::path::Path;

/// Joins the sheets that `dist/index.html` refers to, in their order. Gives back the name of the file.
pub fn join(dist: &Path) -> Result<String> {
    let index = dist.join("index.html");
    let mut html = fs::read_to_string(&index).context("trunk left no dist/index.html")?;
    let links = links(&html);
    let mut sheet = String::new();
    for (_, name) in &links {
        let file = dist.join(name);
        sheet += &fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        sheet.push('\n');
        fs::remove_file(file)?;
    }
    let Some(((first, _), others)) = links.split_first() else {
        bail!("dist/index.html refers to no style sheet");
    };
    let mut hasher = DefaultHasher::new();
    sheet.hash(&mut hasher);
    let name = format!("style-{:016x}.css", hasher.finish());
    fs::write(dist.join(&name), sheet)?;
    // From the end, so that what was found stays where it is.
    for (place, _) in others.iter().rev() {
        html.replace_range(place.clone(), "");
    }
    let link = format!("<link rel=\"stylesheet\" href=\"./{name}\">");
    html.replace_range(first.clone(), &link);
    fs::write(index, html)?;
    Ok(name)
}

/// Where the links to style sheets stand, and the names of their files.
fn links(html: &str) -> Vec<(Range<usize>, String)> {
    let starts = html.match_indices("<link ");
    let tags = starts.filter_map(|(start, _)| {
        let end = start + html[start..].find('>')? + 1;
        Some((start..end, &html[start..end]))
    });
    tags.filter(|(_, tag)| tag.contains("stylesheet"))
        .filter_map(|(place, tag)| {
            let (_, address) = tag.split_once("href=")?;
            let address = address.trim_start_matches(['"', '\'']);
            let end = address.find(['"', '\'', ' ', '>'])?;
            Some((place, address[..end].trim_start_matches("./").to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::join;
    use std::fs;

    #[test]
    fn sheets_become_one_in_their_order() {
        let dist = std::env::temp_dir().join(format!("effusion-sheets-{}", std::process::id()));
        fs::create_dir_all(&dist).unwrap();
        fs::write(dist.join("b-1.css"), "b{}").unwrap();
        fs::write(dist.join("a-2.css"), "a{}").unwrap();
        let html = "<head><link rel=\"stylesheet\" href=\"./b-1.css\" integrity=\"x\"/><link rel=icon href=i.svg>\
            <link href=./a-2.css rel=stylesheet></head>";
        fs::write(dist.join("index.html"), html).unwrap();
        join(&dist).unwrap();
        let html = fs::read_to_string(dist.join("index.html")).unwrap();
        let (before, rest) = html.split_once("./style-").unwrap();
        let (hash, after) = rest.split_once(".css").unwrap();
        assert_eq!(before, "<head><link rel=\"stylesheet\" href=\"");
        assert_eq!(after, "\"><link rel=icon href=i.svg></head>");
        let sheet = fs::read_to_string(dist.join(format!("style-{hash}.css"))).unwrap();
        assert_eq!(sheet, "b{}\na{}\n");
        let files = fs::read_dir(&dist).unwrap().count();
        fs::remove_dir_all(&dist).unwrap();
        assert_eq!(files, 2, "the old sheets are gone");
    }
}
