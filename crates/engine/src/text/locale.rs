//! How languages write dates, numbers and amounts: what CLDR 47 says, with one difference. Where it
//! has a narrow or no-break space, a plain one stands here: neither is in the GSM alphabet, and one
//! of them would make every message UCS-2. For the same reason Swiss thousands have a straight
//! apostrophe.

/// One language as written in one region.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Locale {
    /// Such as `de` or `pt-PT`.
    pub(crate) tag: &'static str,
    /// Between whole and broken part.
    pub(crate) decimal: char,
    /// Between groups of three digits.
    pub(crate) group: char,
    /// Digits from which on groups are made: 4 or 5.
    pub(crate) grouped_from: usize,
    pub(crate) currency: CurrencyPlace,
    pub(crate) dates: DateForms,
    pub(crate) names: &'static Names,
}

/// Where the currency stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CurrencyPlace {
    /// €5
    Before,
    /// € 5
    BeforeSpaced,
    /// 5 €
    After,
}

/// As strftime writes them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DateForms {
    pub(crate) short: &'static str,
    pub(crate) medium: &'static str,
    pub(crate) long: &'static str,
    pub(crate) full: &'static str,
}

/// Months and days as they stand in a date; Monday is the first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) months: [&'static str; 12],
    pub(crate) short_months: [&'static str; 12],
    pub(crate) days: [&'static str; 7],
    pub(crate) short_days: [&'static str; 7],
}

impl Locale {
    /// The formats for a tag such as `de`, `pt-BR` or `de_CH`: of that region, else of its language.
    pub(crate) fn find(tag: &str) -> Option<&'static Self> {
        let is = |locale: &&Self, tag: &str| {
            let ours = locale.tag.bytes().map(|c| if c == b'_' { b'-' } else { c.to_ascii_lowercase() });
            ours.eq(tag.bytes().map(|c| if c == b'_' { b'-' } else { c.to_ascii_lowercase() }))
        };
        let mut tag = tag.trim();
        loop {
            let alias = match tag.to_ascii_lowercase().as_str() {
                "en-us" => "en",
                "pt-br" => "pt",
                "en-au" | "en-nz" | "en-ie" | "en-za" => "en-GB",
                _ => tag,
            };
            if let Some(found) = LOCALES.iter().find(|locale| is(locale, alias)) {
                return Some(found);
            }
            tag = tag.rsplit_once(['-', '_'])?.0;
        }
    }

    /// What is taken where nothing is said.
    pub(crate) const fn fallback() -> &'static Self {
        &EN
    }

    /// All tags.
    pub(crate) fn tags() -> impl Iterator<Item = &'static str> {
        LOCALES.iter().map(|locale| locale.tag)
    }
}

const fn forms(short: &'static str, medium: &'static str, long: &'static str, full: &'static str) -> DateForms {
    DateForms { short, medium, long, full }
}

const fn locale(
    tag: &'static str,
    (decimal, group, grouped_from): (char, char, usize),
    currency: CurrencyPlace,
    dates: DateForms,
    names: &'static Names,
) -> Locale {
    Locale { tag, decimal, group, grouped_from, currency, dates, names }
}

use CurrencyPlace::{After, Before, BeforeSpaced};

const GERMAN: DateForms = forms("%d.%m.%y", "%d.%m.%Y", "%-d. %B %Y", "%A, %-d. %B %Y");
const SPANISH: DateForms = forms("%-d/%-m/%y", "%-d %b %Y", "%-d de %B de %Y", "%A, %-d de %B de %Y");
const FRENCH: DateForms = forms("%d/%m/%Y", "%-d %b %Y", "%-d %B %Y", "%A %-d %B %Y");

static EN: Locale = locale(
    "en",
    ('.', ',', 4),
    Before,
    forms("%-m/%-d/%y", "%b %-d, %Y", "%B %-d, %Y", "%A, %B %-d, %Y"),
    &ENGLISH_NAMES,
);

static LOCALES: [&Locale; 18] = [
    &EN,
    &locale(
        "en-GB",
        ('.', ',', 4),
        Before,
        forms("%d/%m/%Y", "%-d %b %Y", "%-d %B %Y", "%A %-d %B %Y"),
        &ENGLISH_NAMES,
    ),
    &locale("de", (',', '.', 4), After, GERMAN, &GERMAN_NAMES),
    &locale("de-AT", (',', '.', 4), BeforeSpaced, GERMAN, &AUSTRIAN_NAMES),
    &locale("de-CH", ('.', '\'', 4), BeforeSpaced, GERMAN, &GERMAN_NAMES),
    &locale("es", (',', '.', 5), After, SPANISH, &SPANISH_NAMES),
    &locale(
        "es-MX",
        ('.', ',', 4),
        Before,
        forms("%d/%m/%y", "%-d %b %Y", "%-d de %B de %Y", "%A, %-d de %B de %Y"),
        &SPANISH_NAMES,
    ),
    &locale("fr", (',', ' ', 4), After, FRENCH, &FRENCH_NAMES),
    &locale("fr-CH", ('.', ' ', 4), After, forms("%d.%m.%y", "%-d %b %Y", "%-d %B %Y", "%A, %-d %B %Y"), &FRENCH_NAMES),
    &locale("it", (',', '.', 5), After, forms("%d/%m/%y", "%-d %b %Y", "%-d %B %Y", "%A %-d %B %Y"), &ITALIAN_NAMES),
    &locale(
        "nl",
        (',', '.', 4),
        BeforeSpaced,
        forms("%d-%m-%Y", "%-d %b %Y", "%-d %B %Y", "%A %-d %B %Y"),
        &DUTCH_NAMES,
    ),
    &locale("pl", (',', ' ', 5), After, forms("%-d.%m.%Y", "%-d %b %Y", "%-d %B %Y", "%A, %-d %B %Y"), &POLISH_NAMES),
    &locale(
        "pt",
        (',', '.', 4),
        BeforeSpaced,
        forms("%d/%m/%Y", "%-d de %b de %Y", "%-d de %B de %Y", "%A, %-d de %B de %Y"),
        &PORTUGUESE_NAMES,
    ),
    &locale(
        "pt-PT",
        (',', ' ', 5),
        After,
        forms("%d/%m/%y", "%d/%m/%Y", "%-d de %B de %Y", "%A, %-d de %B de %Y"),
        &PORTUGUESE_NAMES,
    ),
    &locale("sv", (',', ' ', 4), After, forms("%Y-%m-%d", "%-d %b %Y", "%-d %B %Y", "%A %-d %B %Y"), &SWEDISH_NAMES),
    &locale(
        "da",
        (',', '.', 4),
        After,
        forms("%d.%m.%Y", "%-d. %b %Y", "%-d. %B %Y", "%A den %-d. %B %Y"),
        &DANISH_NAMES,
    ),
    &locale("tr", (',', '.', 4), Before, forms("%-d.%m.%Y", "%-d %b %Y", "%-d %B %Y", "%-d %B %Y %A"), &TURKISH_NAMES),
    &locale("cs", (',', ' ', 4), After, forms("%d.%m.%y", "%-d. %-m. %Y", "%-d. %B %Y", "%A %-d. %B %Y"), &CZECH_NAMES),
];

static ENGLISH_NAMES: Names = Names {
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    short_months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    short_days: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
};

static GERMAN_NAMES: Names = Names {
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    short_months: ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
    days: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    short_days: ["Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."],
};

static AUSTRIAN_NAMES: Names = Names {
    months: [
        "Jänner",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    short_months: ["Jän.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sep.", "Okt.", "Nov.", "Dez."],
    days: GERMAN_NAMES.days,
    short_days: GERMAN_NAMES.short_days,
};

static SPANISH_NAMES: Names = Names {
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    short_months: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"],
    days: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    short_days: ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"],
};

static FRENCH_NAMES: Names = Names {
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    short_months: ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    days: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    short_days: ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
};

static ITALIAN_NAMES: Names = Names {
    months: [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ],
    short_months: ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
    days: ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"],
    short_days: ["lun", "mar", "mer", "gio", "ven", "sab", "dom"],
};

static DUTCH_NAMES: Names = Names {
    months: [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    short_months: ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
    days: ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"],
    short_days: ["ma", "di", "wo", "do", "vr", "za", "zo"],
};

static POLISH_NAMES: Names = Names {
    months: [
        "stycznia",
        "lutego",
        "marca",
        "kwietnia",
        "maja",
        "czerwca",
        "lipca",
        "sierpnia",
        "września",
        "października",
        "listopada",
        "grudnia",
    ],
    short_months: ["sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru"],
    days: ["poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"],
    short_days: ["pon.", "wt.", "śr.", "czw.", "pt.", "sob.", "niedz."],
};

static PORTUGUESE_NAMES: Names = Names {
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    short_months: ["jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."],
    days: ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
    short_days: ["seg.", "ter.", "qua.", "qui.", "sex.", "sáb.", "dom."],
};

static SWEDISH_NAMES: Names = Names {
    months: [
        "januari",
        "februari",
        "mars",
        "april",
        "maj",
        "juni",
        "juli",
        "augusti",
        "september",
        "oktober",
        "november",
        "december",
    ],
    short_months: ["jan.", "feb.", "mars", "apr.", "maj", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "dec."],
    days: ["måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"],
    short_days: ["mån", "tis", "ons", "tors", "fre", "lör", "sön"],
};

static DANISH_NAMES: Names = Names {
    months: [
        "januar",
        "februar",
        "marts",
        "april",
        "maj",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "december",
    ],
    short_months: ["jan.", "feb.", "mar.", "apr.", "maj", "jun.", "jul.", "aug.", "sep.", "okt.", "nov.", "dec."],
    days: ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"],
    short_days: ["man.", "tirs.", "ons.", "tors.", "fre.", "lør.", "søn."],
};

static TURKISH_NAMES: Names = Names {
    months: [
        "Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık",
    ],
    short_months: ["Oca", "Şub", "Mar", "Nis", "May", "Haz", "Tem", "Ağu", "Eyl", "Eki", "Kas", "Ara"],
    days: ["Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar"],
    short_days: ["Pzt", "Sal", "Çar", "Per", "Cum", "Cmt", "Paz"],
};

static CZECH_NAMES: Names = Names {
    months: [
        "ledna",
        "února",
        "března",
        "dubna",
        "května",
        "června",
        "července",
        "srpna",
        "září",
        "října",
        "listopadu",
        "prosince",
    ],
    short_months: ["led", "úno", "bře", "dub", "kvě", "čvn", "čvc", "srp", "zář", "říj", "lis", "pro"],
    days: ["pondělí", "úterý", "středa", "čtvrtek", "pátek", "sobota", "neděle"],
    short_days: ["po", "út", "st", "čt", "pá", "so", "ne"],
};
