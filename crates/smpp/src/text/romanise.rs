//! Other scripts in Latin letters, by published schemes: Cyrillic by ICAO Doc 9303 part 3,
//! section 6 B (as on passports), Greek by ELOT 743 / ISO 843 type 2 letter by letter.

/// Appends `c` in Latin letters; `false` when no scheme here has it. Letters of two keep one
/// capital: "Щука" becomes "Shchuka".
pub(super) fn romanise(c: char, out: &mut String) -> bool {
    let lower = c.to_lowercase().next().unwrap_or(c);
    let Some(latin) = cyrillic(lower).or_else(|| greek(lower)) else { return false };
    if lower == c {
        out.push_str(latin);
    } else {
        let mut letters = latin.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    true
}

const fn cyrillic(c: char) -> Option<&'static str> {
    Some(match c {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ґ' => "g",
        'д' => "d",
        'е' | 'ё' | 'э' => "e",
        'ж' => "zh",
        'з' => "z",
        'и' | 'й' | 'і' => "i",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "shch",
        'ъ' => "ie",
        'ы' => "y",
        'ь' => "",
        'ю' => "iu",
        'я' => "ia",
        'є' => "ie",
        'ї' => "i",
        'ў' => "u",
        'ѕ' => "dz",
        'ј' => "j",
        'љ' => "lj",
        'њ' => "nj",
        'ђ' => "d",
        'ћ' => "c",
        'ѓ' => "g",
        'ќ' => "k",
        'џ' => "dj",
        _ => return None,
    })
}

const fn greek(c: char) -> Option<&'static str> {
    Some(match c {
        'α' | 'ά' => "a",
        'β' => "v",
        'γ' => "g",
        'δ' => "d",
        'ε' | 'έ' => "e",
        'ζ' => "z",
        'η' | 'ή' | 'ι' | 'ί' | 'ϊ' | 'ΐ' => "i",
        'θ' => "th",
        'κ' => "k",
        'λ' => "l",
        'μ' => "m",
        'ν' => "n",
        'ξ' => "x",
        'ο' | 'ό' | 'ω' | 'ώ' => "o",
        'π' => "p",
        'ρ' => "r",
        'σ' | 'ς' => "s",
        'τ' => "t",
        'υ' | 'ύ' | 'ϋ' | 'ΰ' => "y",
        'φ' => "f",
        'χ' => "ch",
        'ψ' => "ps",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_spelled_as_the_schemes_say() {
        for (text, expected) in
            [("Привет", "Privet"), ("Щука", "Shchuka"), ("объявление", "obieiavlenie"), ("Αθήνα", "Athina"), ("漢", "")]
        {
            let mut out = String::new();
            text.chars().for_each(|c| {
                romanise(c, &mut out);
            });
            assert_eq!(out, expected);
        }
    }
}
