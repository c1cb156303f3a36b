//! `volley init`: files to begin with.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use volley_engine::{
    Proposal, Role,
    generate::{GenerateOptions, generate},
    propose_columns,
};

use crate::{
    args::InitArgs,
    failure::{Code, Failure},
    output::print,
};

const CAMPAIGN: &str = include_str!("init/campaign.toml");
const CARRIERS: &str = include_str!("init/carriers.toml");
const LIST: &str = "recipients.csv";
/// Rows of the sample list: broken ones and copies among them, as in real exports.
const SAMPLE_ROWS: u64 = 200;

pub(crate) fn init(args: &InitArgs) -> Result<Code, Failure> {
    let list = match &args.from {
        Some(list) => Audience::of(list, args.country.as_deref())?,
        None => Audience::sample(),
    };
    let mut files = vec![("campaign.toml", campaign(&args.dir, &list).into_bytes())];
    files.push(("carriers.toml", CARRIERS.into()));
    if args.from.is_none() {
        let mut rows = Vec::new();
        let options = GenerateOptions { rows: SAMPLE_ROWS, seed: 7, clean: false };
        generate(&options, &mut rows).map_err(Failure::io("can't make a list"))?;
        files.push((LIST, rows));
    }
    let files: Vec<_> = files.into_iter().map(|(name, text)| (args.dir.join(name), text)).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::Usage {
            message: format!("{} is there already: nothing was written", path.display()),
            hint: Some("name another folder: `volley init DIR`".to_owned()),
        });
    }
    fs::create_dir_all(&args.dir).map_err(Failure::io(format!("can't make {}", args.dir.display())))?;
    for (path, text) in &files {
        let file = fs::File::create_new(path);
        let written = file.and_then(|mut file| file.write_all(text));
        written.map_err(Failure::io(format!("can't write {}", path.display())))?;
    }
    print(&told(&args.dir, &files, &list))?;
    Ok(Code::Clean)
}

/// What was written, and what comes next.
fn told(dir: &Path, files: &[(PathBuf, Vec<u8>)], list: &Audience) -> String {
    let mut out = String::new();
    for (path, _) in files {
        out.push_str(&format!("wrote {}\n", path.display()));
    }
    for found in &list.found {
        out.push_str(&format!("  {found}\n"));
    }
    let campaign = dir.join("campaign.toml");
    let campaign = campaign.display();
    out.push_str(&format!(
        "\nNext:\n  volley sample {campaign}           finished messages of some rows\n  \
         volley run {campaign} --dry-run    checks the whole list, sends nothing\n  \
         volley run {campaign}              asks, then sends through a simulated carrier\n"
    ));
    out
}

/// What the campaign file says of its list.
struct Audience {
    /// As it stands in the file.
    list: String,
    /// Lines of `[audience]` below the list.
    keys: Vec<String>,
    text: String,
    /// For people.
    found: Vec<String>,
}

impl Audience {
    fn sample() -> Self {
        Self {
            list: LIST.to_owned(),
            keys: vec![
                "to = \"phone\"                             # the column with the number".to_owned(),
                "default-country = \"DE\"                   # of numbers without a country code".to_owned(),
            ],
            text: "Hi {{ first_name }}, 20 % off until Sunday with {{ code }}. Reply STOP to opt out.".to_owned(),
            found: Vec::new(),
        }
    }

    /// Looks at a person's own list.
    fn of(path: &Path, country: Option<&str>) -> Result<Self, Failure> {
        let proposal = propose_columns(path, country).map_err(volley_engine::Error::from)?;
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let Some(number) = proposal.column(Role::Number) else {
            let columns = proposal.header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(Failure::Usage {
                message: format!("no column of {} looks like phone numbers; there are {columns}", path.display()),
                hint: Some("numbers without a country code need --country, such as --country DE".to_owned()),
            });
        };
        let to = number.column.clone();
        let mut keys = vec![format!("to = {}", quoted(&to))];
        keys.push(match country {
            Some(country) => format!("default-country = {}", quoted(country)),
            None => "# default-country = \"DE\"                 # of numbers without a country code".to_owned(),
        });
        for role in [Role::Country, Role::TimeZone, Role::Locale, Role::Consent, Role::Validity] {
            if let (Some(key), Some(found)) = (role.key(), proposal.column(role)) {
                keys.push(format!("{key} = {}", quoted(&found.column)));
            }
        }
        let mut found = vec![format!("{} is read as {}", path.display(), proposal.form)];
        found.extend(
            proposal
                .columns
                .iter()
                .map(|column| format!("column `{}` holds {}: {}", column.column, column.role.name(), column.reason)),
        );
        Ok(Self { list: absolute.display().to_string(), keys, text: greeting(&proposal), found })
    }
}

/// A text with a column that is there, if one holds names.
fn greeting(proposal: &Proposal) -> String {
    match proposal.column(Role::Name) {
        Some(name) => format!("Hi {{{{ {} }}}}, 20 % off until Sunday. Reply STOP to opt out.", name.column),
        None => "20 % off until Sunday. Reply STOP to opt out.".to_owned(),
    }
}

fn campaign(dir: &Path, list: &Audience) -> String {
    let text = CAMPAIGN.replace("@NAME@", &name_of(dir));
    let text = text.replace("@LIST@", &quoted(&list.list)).replace("@AUDIENCE@", &list.keys.join("\n"));
    text.replace("@TEXT@", &quoted(&list.text))
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The campaign's name: the folder's, as far as it can be one.
fn name_of(dir: &Path) -> String {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let folder = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fits = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    let name: String = folder.chars().map(fits).take(64).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "campaign".to_owned() } else { name.to_owned() }
}
