//! Times in PDUs (SMPP 3.4, 7.1.1; HANDBOOK B.3).

/// An absolute time in UTC as `YYMMDDhhmmsstnnp`, from seconds since 1970. UTC is the one form
/// that all SMSCs read alike.
#[must_use]
pub fn absolute_utc(unix_s: u64) -> [u8; 16] {
    let (days, of_day) = (unix_s / 86_400, unix_s % 86_400);
    let (year, month, day) = civil_from_days(days);
    let fields = [year % 100, month, day, of_day / 3_600, of_day / 60 % 60, of_day % 60];
    let mut out = *b"000000000000000+";
    for (place, value) in out.chunks_exact_mut(2).zip(fields) {
        if let [tens, ones] = place {
            *tens = b'0' + (value / 10 % 10) as u8;
            *ones = b'0' + (value % 10) as u8;
        }
    }
    out
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar; after
/// H. Hinnant's "chrono-compatible low-level date algorithms".
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_times_are_utc() {
        for (unix_s, expected) in [
            (1_795_521_600, b"261124120000000+"),
            (951_782_399, b"000228235959000+"),
            (951_782_400, b"000229000000000+"),
            (0, b"700101000000000+"),
        ] {
            assert_eq!(std::str::from_utf8(&absolute_utc(unix_s)), std::str::from_utf8(expected));
        }
    }
}
