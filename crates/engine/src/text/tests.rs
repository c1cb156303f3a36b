//! Texts against rows: what is written, what is refused, and where.

use volley_core::Msisdn;
use volley_smpp::text::SegmentOptions;

use super::*;
use crate::options::CampaignOptions;

const HEAD: &str = "name = \"test\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\nlocale-column = \"lang\"\n";
const TAIL: &str = "\n[[route]]\ncarrier = \"north\"\n";

/// A campaign with these lines under `[message]`.
fn campaign(message: &str) -> Result<CampaignOptions, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("campaign.toml");
    std::fs::write(&path, format!("{HEAD}[message]\nsender = \"ACME\"\n{message}{TAIL}")).unwrap();
    CampaignOptions::load(&path).map_err(|error| {
        let hint = error.hint().map(|hint| format!(" | {hint}")).unwrap_or_default();
        let shown = format!("{error}{hint}");
        shown.replace(&dir.path().display().to_string(), "").trim_start_matches('/').to_owned()
    })
}

fn format_of(message: &str) -> MessageFormat {
    let options = campaign(message).unwrap();
    MessageFormat::new(&options, SegmentOptions { max_segments: 9, ..SegmentOptions::default() }).unwrap()
}

fn value<'a>(format: &MessageFormat, row: &[(&str, &'a str)], index: usize) -> &'a str {
    let name = &format.columns()[index];
    row.iter().find(|(column, _)| column == name).map_or("", |(_, value)| value)
}

/// What a row gets, on the path of a check.
fn made(format: &MessageFormat, number: u64, row: &[(&str, &str)]) -> Result<String, Unmade> {
    let value = |index: usize| value(format, row, index);
    let variant = format.variant(Msisdn::from_u64(number).unwrap(), value)?;
    format.check_fields(variant, value)?;
    let mut composed = Composed::default();
    format.compose(variant, value, &mut composed)?;
    composed.check_not_blank(variant)?;
    Ok(composed.segments.text(&composed.text).to_owned())
}

#[track_caller]
fn check(text: &str, row: &[(&str, &str)], expected: &str) {
    let format = format_of(&format!("text = '''{text}'''"));
    assert_eq!(made(&format, 4_915_112_345_678, row).as_deref(), Ok(expected), "{text}");
}

#[track_caller]
fn refused(text: &str, row: &[(&str, &str)], expected: &str) {
    let format = format_of(&format!("text = '''{text}'''"));
    match made(&format, 4_915_112_345_678, row) {
        Err(Unmade::Failed(what)) => assert!(what.contains(expected), "{text}: {what}"),
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn wrong(message: &str, expected: &str) {
    let error = campaign(message).unwrap_err();
    assert!(error.contains(expected), "{message}\n  says: {error}");
}

#[test]
fn filters_write_what_people_would() {
    let row = [
        ("name", "jean-LUC o'neil"),
        ("nick", ""),
        ("family", "👨‍👩‍👧‍👦 Straßer"),
        ("due", "2026-12-24"),
        ("sum", "1234.5"),
        ("points", "120"),
    ];
    check("Hi {{ name | title }}!", &row, "Hi Jean-Luc O'Neil!");
    check("{{ nick | default('you') }} {{ name|trim|upper }}", &row, "you JEAN-LUC O'NEIL");
    check("{{ nick or name | lower }}", &row, "jean-luc o'neil");
    check("{% if nick %}{{ nick }}{% else %}friend{% endif %}", &row, "friend");
    check("{{ family | truncate(3, end='') }}|{{ family|truncate(8) }}", &row, "👨‍👩‍👧‍👦 S|👨‍👩‍👧‍👦 Str...");
    check("{{ family | truncate(9) }} {{ family | upper }}", &row, "👨‍👩‍👧‍👦 Straßer 👨‍👩‍👧‍👦 STRASSER");
    check(
        "{{ due | date('long', locale='de') }}, {{ due|date('%a %d.%m.', locale='fr') }}",
        &row,
        "24. Dezember 2026, jeu. 24.12.",
    );
    check("{{ sum | currency }} {{ sum | currency('USD', locale='de-AT', digits=0) }}", &row, "€1,234.50 $ 1.235");
    check("{{ sum | number(1, locale='fr') }} {{ points | number }}", &row, "1 234,5 120");
    check("{% if points | int >= 100 %}gold{% endif %} {{ (points | int * 2) | number }}", &row, "gold 240");
    check("a{# no #}b {{ '{{ name }}' }}\n", &row, "ab {{ name }}\n");
    check("{% if nick is defined %}x{% else %}{{ name is defined }}{% endif %}", &row, "True");
}

#[test]
fn languages_come_from_the_row_then_from_the_campaign() {
    let format = format_of("locale = \"de\"\ntext = '{{ d | date(\"long\") }} {{ n | upper }} {{ s | currency }}'");
    let text = |lang| made(&format, 1_234_567_890, &[("d", "1.3.2026"), ("n", "i"), ("s", "9,90"), ("lang", lang)]);
    assert_eq!(text("").unwrap(), "1. März 2026 I 9,90 €");
    assert_eq!(text("pt_BR").unwrap(), "1 de março de 2026 I € 9,90");
    assert_eq!(text("tr-TR").unwrap(), "1 Mart 2026 İ €9,90");
    assert_eq!(text("ja").unwrap(), "1. März 2026 I 9,90 €", "no formats are known for it");
}

#[test]
fn values_are_never_read_as_templates() {
    let long = "é".repeat(32 << 10);
    for hostile in ["{{ name }}", "{% for x in y %}", "{#", "}}", "\u{7}\u{1b}[2J", "\u{202E}abc", "%Y", "\\", "'\""] {
        check("Hi {{ name }}", &[("name", hostile)], &format!("Hi {hostile}"));
        check("{{ name | default('x') }}", &[("name", hostile)], hostile);
        let row = [("name", hostile), ("n", hostile)];
        refused("{{ name | number }}{{ n|date }}", &row, "is no number");
        refused("{{ name | date }}", &row, "is no date");
    }
    let format = format_of("text = '{{ name }}{{ name }}{% if name %}{{ name }}{% endif %}'");
    assert_eq!(
        made(&format, 1_234_567_890, &[("name", &long)]),
        Err(Unmade::Failed(format!("it gets longer than {} octets", logic::MAX_TEXT_OCTETS)))
    );
    let format = format_of("text = '{{ name | upper }}'");
    assert!(matches!(made(&format, 1_234_567_890, &[("name", &long)]), Err(Unmade::TooManySegments(_))));
    let escapes = super::shown("\u{1b}[2J\n");
    assert!(!escapes.contains('\u{1b}') && !escapes.contains('\n'));
}

#[test]
fn limits_have_names() {
    refused(
        "{% for a in x %}{% for b in x %}{% for c in x %}{{ d }}{% endfor %}{% endfor %}{% endfor %}",
        &[("x", &"x".repeat(99)), ("d", "d")],
        "steps",
    );
}

#[test]
fn texts_in_many_scripts_stay_what_they_are() {
    for name in ["Łukasz", "Đặng", "Αλέξανδρος", "Владимир", "شيماء", "नेहा", "李雷", "김민준", "👩🏽‍🚀", "ẞtraße", "ﬁn"]
    {
        let row = [("name", name)];
        check("Hi {{ name }}, {{ name | trim }}", &row, &format!("Hi {name}, {name}"));
        check("{{ name | truncate(99) }}", &row, name);
        let format = format_of("text = '{{ name | title }}{{ name | upper }}{{ name | lower }}'");
        made(&format, 1_234_567_890, &row).unwrap();
    }
}

#[test]
fn empty_fields_do_what_the_campaign_says() {
    let format = format_of(
        "text = \"Hi {{ a }}{{ b }}{{ c }}{{ d }}\"\n[message.empty]\na = { default = \"there\" }\nb = \"skip\"\nc = \"stop\"",
    );
    let row = |a, b, c, d| made(&format, 1_234_567_890, &[("a", a), ("b", b), ("c", c), ("d", d)]);
    let empty = |column, stops| Err(Unmade::Empty { column: Some(column), stops });
    assert_eq!(row(" ", "b", "c", "d").unwrap(), "Hi therebcd");
    assert_eq!(row("a", "", "c", "d"), empty(1, false));
    assert_eq!(row("a", "b", "\t", "d"), empty(2, true));
    assert_eq!(row("a", "b", "c", ""), empty(3, false), "as without a word about it");
    let format = format_of("text = \"{{ x | upper }}{% if y %}{{ y }}{% endif %}\"\n[message.empty]\ny = \"skip\"");
    let row = |x, y| made(&format, 1_234_567_890, &[("x", x), ("y", y)]);
    assert_eq!(row("", "y"), empty(0, false));
    assert_eq!(row("x", ""), empty(1, false));
    let format = format_of("text = \"{{ x | default('') }}\"");
    assert_eq!(made(&format, 1_234_567_890, &[]), Err(Unmade::Blank));
}

#[test]
fn variants_go_by_column_then_by_share() {
    let format = format_of(
        "text = 'Hi'\n[[message.variant]]\nwhen = { locale = \"de\" }\ntext = 'Hallo {{ name }}'\n\
         [[message.variant]]\nname = \"south\"\nwhen = { country = [\"it\", \"ES\"], vip = \"yes\" }\ntext = 'Ciao'\n",
    );
    let text = |row: &[(&str, &str)]| made(&format, 1_234_567_890, row);
    assert_eq!(text(&[("lang", "de-AT"), ("name", "Zoë")]).unwrap(), "Hallo Zoë");
    assert_eq!(text(&[("lang", "den")]).unwrap(), "Hi", "not a tag of that language");
    assert_eq!(text(&[("country", "IT"), ("vip", "Yes ")]).unwrap(), "Ciao");
    assert_eq!(text(&[("country", "IT-1"), ("vip", "yes")]).unwrap(), "Hi");
    assert_eq!(text(&[("lang", "DE")]), Err(Unmade::Empty { column: Some(0), stops: false }));
    let format = format_of("[[message.variant]]\nwhen = { locale = \"de\" }\ntext = 'Hallo'\n");
    assert_eq!(made(&format, 1_234_567_890, &[("lang", "fr")]), Err(Unmade::NoText));
}

const A_B: &str = "hold-out = 0.1\n[[message.variant]]\nname = \"a\"\nshare = 0.45\ntext = 'A'\n\
                   [[message.variant]]\nname = \"b\"\nshare = 0.45\ntext = 'B'\n";

#[test]
fn shares_are_met_and_the_same_everywhere() {
    let format = format_of(A_B);
    let mut counts = [0_u32; 256];
    for n in 0..100_000 {
        let number = Msisdn::from_u64(4_915_100_000_000 + n * 37).unwrap();
        let variant = format.variant(number, |_| "").unwrap();
        assert_eq!(format.clone().variant(number, |_| ""), Ok(variant));
        counts[usize::from(variant)] += 1;
    }
    let share = |variant: u8| f64::from(counts[usize::from(variant)]) / 100_000.0;
    assert!((share(1) - 0.45).abs() < 0.01 && (share(2) - 0.45).abs() < 0.01, "{} {}", share(1), share(2));
    assert!((share(HOLD_OUT) - 0.1).abs() < 0.01, "{}", share(HOLD_OUT));
    assert_eq!(share(0), 0.0);
    // The formula is a promise: another version must give the same people the same texts.
    let golden = [4_915_112_345_678, 4_915_112_345_679, 12_025_550_143, 33_612_345_678, 393_331_234_567];
    let variants = golden.map(|number| format.variant(Msisdn::from_u64(number).unwrap(), |_| "").unwrap());
    assert_eq!(variants, [HOLD_OUT, 1, 2, 2, 2]);
}

#[test]
fn mistakes_in_texts_are_told_with_place_and_nearest_name() {
    wrong("text = \"Hü {{ name | uper }}\"", "campaign.toml:8:22: `text`: no filter is called `uper`");
    wrong("text = \"Hü {{ name | uper }}\"", "did you mean `upper`?");
    wrong(
        "text = \"\"\"\nHi\n{% if a is defind %}x{% endif %}\"\"\"",
        "campaign.toml:10:12: `text`: no test is called `defind`",
    );
    wrong("text = 'a {{ b | upper }'", "campaign.toml:8:11: `text`: text, character 3: `{{` is never closed");
    wrong("text = 'a {% if b %}'", "campaign.toml:8:");
    wrong("text = 'a {{ first name | upper }}'", "rename it in the list");
    wrong("text = '{{ d | date(\"longish\") }}'", "campaign.toml:8:");
    wrong("text = '{{ d | date(\"longish\") }}'", "no form of dates is called `longish`");
    wrong("text = '{{ d | date(\"long\", locale=\"xx\") }}'", "no formats are known for the locale `xx`");
    wrong("text = '{{ d | currency(\"euro\") }}'", "three capital letters");
    wrong("text = '{{ d | truncate }}'", "campaign.toml:8:");
    wrong("text = '{{ d | date(form=\"long\") }}'", "form");
    wrong("text = '{% include \"x\" %}'", "campaign.toml:8:");
    wrong(
        "[[message.variant]]\nwhen = { x = \"1\" }\ntext = \"\\n{{ a | titel }}\"\n[[message.variant]]\nname = \"a\"\nshare = 1\ntext = \"ok\"\n",
        "campaign.toml:10:18: `text` of variant `1`: no filter is called `titel`",
    );
}

#[test]
fn mistakes_in_variants_are_told() {
    let variant = |lines: &str| format!("[[message.variant]]\ntext = 'x'\n{lines}\n");
    let share = |name: &str, share: &str| variant(&format!("name = \"{name}\"\nshare = {share}"));
    wrong("", "`text` is empty");
    wrong(&variant("name = \"a\""), "is for everyone");
    wrong(&variant("name = \"a b\"\nshare = 0.5"), "use 1 to 32 letters");
    wrong(&share("default", "0.5"), "it is taken");
    wrong(&[share("a", "0.5"), share("a", "0.5")].concat(), "it is taken");
    wrong(&[share("a", "0.5"), share("b", "0.4")].concat(), "add up to 0.9: `text` is missing");
    wrong(&[share("a", "0.7"), share("b", "0.4")].concat(), "add up to 1.1");
    wrong(&share("a", "0"), "is no share");
    wrong(&share("a", "1.5"), "is no share");
    wrong("hold-out = 1\ntext = 'x'", "nobody would get anything");
    wrong(&[share("a", "1.0"), variant("when = { x = \"1\" }")].concat(), "come last");
    wrong(
        &[variant("when = { x = \"1\" }"), variant("name = \"y\"\nwhen = { x = \"1\" }")].concat(),
        "give each its `share`",
    );
    wrong(&variant("when = { x = [] }\nname = \"a\""), "has no value for `x`");
    wrong(&(0..17).map(|n| variant(&format!("when = {{ x = \"{n}\" }}"))).collect::<String>(), "16 are the most");
    wrong("text = 'x'\nlocale = \"klingon\"", "no formats are known");
    wrong("text = '{{ a }}'\n[message.empty]\nb = \"skip\"", "`empty` names the column `b`");
    wrong("text = '{{ a }}'\n[message.empty]\na = \"sKip\"", "unknown variant");
    campaign(&[share("a", "0.333"), share("b", "0.333"), share("c", "0.333")].concat()).unwrap();
    campaign(&["hold-out = 0.1\n".to_owned(), share("a", "0.45"), variant("name = \"rest\"")].concat()).unwrap();
}
