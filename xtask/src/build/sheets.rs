//! Puts the style sheets of the built page into two files: a browser that has to fetch one of them shows the page sooner, and
//! the other one comes with the first of the page's parts.
//!
//! They cannot stand in the HTML, as the page's Content-Security-Policy forbids that.

use anyhow::{Context, Result, bail};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::path::Path;

/// The sheets of what is there from the start, the first in the HTML. The others are of what parts show.
const FIRST: [&str; 5] = ["tokens", "base", "front", "chat", "messages"];

/// The names of the files.
#[derive(Debug, PartialEq, Eq)]
pub struct Sheets {
    /// What the HTML refers to.
    pub first: String,
    /// What is fetched along with any part, if there is something for it.
    pub later: Option<String>,
}

/// Joins the sheets that `dist/index.html` refers to, in their order.
pub fn join(dist: &Path) -> Result<Sheets> {
    let index = dist.join("index.html");
    let mut html = fs::read_to_string(&index).context("trunk left no dist/index.html")?;
    let links = links(&html);
    let (mut first, mut later) = (String::new(), String::new());
    for (_, name) in &links {
        let file = dist.join(name);
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let (stem, _) = name.rsplit_once('-').unwrap_or((name, ""));
        if !FIRST.contains(&stem) {
            later += &text;
            later.push('\n');
        } else if later.is_empty() {
            first += &text;
            first.push('\n');
        } else {
            bail!("the style sheet {stem} stands after one that is fetched later");
        }
        fs::remove_file(file)?;
    }
    let Some(((place, _), others)) = links.split_first() else {
        bail!("dist/index.html refers to no style sheet");
    };
    let sheets = Sheets {
        first: write(dist, "style", &first)?,
        later: match later.as_str() {
            "" => None,
            later => Some(write(dist, "later", later)?),
        },
    };
    // From the end, so that what was found stays where it is.
    for (place, _) in others.iter().rev() {
        html.replace_range(place.clone(), "");
    }
    let link = format!("<link rel=\"stylesheet\" href=\"./{}\">", sheets.first);
    html.replace_range(place.clone(), &link);
    fs::write(index, html)?;
    Ok(sheets)
}

/// Writes a sheet under a name that tells what is in it, and gives that back.
fn write(dist: &Path, name: &str, sheet: &str) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    sheet.hash(&mut hasher);
    let name = format!("{name}-{:016x}.css", hasher.finish());
    fs::write(dist.join(&name), sheet)?;
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
    use super::{Sheets, join};
    use std::fs;
    use std::path::PathBuf;

    fn built(name: &str, html: &str, sheets: &[&str]) -> PathBuf {
        let dist = std::env::temp_dir().join(format!("effusion-{name}-{}", std::process::id()));
        fs::create_dir_all(&dist).unwrap();
        for sheet in sheets {
            fs::write(dist.join(sheet), format!("{}{{}}", &sheet[..1])).unwrap();
        }
        fs::write(dist.join("index.html"), html).unwrap();
        dist
    }

    #[test]
    fn sheets_become_one_in_their_order() {
        let html = "<head><link rel=\"stylesheet\" href=\"./tokens-1.css\" integrity=\"x\"/><link rel=icon href=i.svg>\
            <link href=./base-2.css rel=stylesheet></head>";
        let dist = built("sheets", html, &["base-2.css", "tokens-1.css"]);
        let Sheets { first, later } = join(&dist).unwrap();
        let html = fs::read_to_string(dist.join("index.html")).unwrap();
        let link = format!("<link rel=\"stylesheet\" href=\"./{first}\">");
        assert_eq!(
            html,
            format!("<head>{link}<link rel=icon href=i.svg></head>")
        );
        let sheet = fs::read_to_string(dist.join(first)).unwrap();
        let files = fs::read_dir(&dist).unwrap().count();
        fs::remove_dir_all(&dist).unwrap();
        assert_eq!((sheet.as_str(), later), ("t{}\nb{}\n", None));
        assert_eq!(files, 2, "the old sheets are gone");
    }

    #[test]
    fn what_parts_show_comes_later() {
        let html = "<link rel=stylesheet href=base-1.css><link rel=stylesheet href=people-2.css><link rel=stylesheet href=inside-3.css>";
        let names = ["base-1.css", "people-2.css", "inside-3.css"];
        let dist = built("later", html, &names);
        let Sheets { first, later } = join(&dist).unwrap();
        let html = fs::read_to_string(dist.join("index.html")).unwrap();
        let later = fs::read_to_string(dist.join(later.unwrap())).unwrap();
        fs::remove_dir_all(&dist).unwrap();
        assert_eq!(
            html,
            format!("<link rel=\"stylesheet\" href=\"./{first}\">")
        );
        assert_eq!(later, "p{}\ni{}\n");
    }

    #[test]
    fn a_sheet_that_is_there_from_the_start_comes_before_the_others() {
        let html = "<link rel=stylesheet href=people-2.css><link rel=stylesheet href=base-1.css>";
        let dist = built("order", html, &["base-1.css", "people-2.css"]);
        let joined = join(&dist);
        fs::remove_dir_all(&dist).unwrap();
        assert!(joined.is_err());
    }
}
