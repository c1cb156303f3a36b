//! That a message makes sense, before any list is read.

use std::{collections::BTreeMap, path::Path};

use super::{EmptyPolicy, MAX_VARIANTS, MessageOptions, OneOrMany, Share, TextKey, VariantOptions};
use crate::{
    options::{AudienceOptions, FileError, nearest, place_in_text},
    text::{CompiledText, Locale},
};

/// Where an error belongs, and what it is.
struct Wrong(&'static str, String);

impl MessageOptions {
    pub(crate) fn check(&self, audience: &AudienceOptions, path: &Path, file: &str) -> Result<(), FileError> {
        self.check_variants(audience).map_err(|Wrong(key, what)| FileError::new(path, what).at_key(file, key))?;
        let mut used: Vec<String> = Vec::new();
        for (source, at) in self.texts().zip(0_usize..).filter(|(source, at)| *at > 0 || !source.is_empty()) {
            let key = at.checked_sub(1).map_or(TextKey::Message, TextKey::Variant);
            let name = at.checked_sub(1).and_then(|index| self.variants.get(index)).map(VariantOptions::title);
            let of = name.map(|name| format!(" of variant `{name}`")).unwrap_or_default();
            let text = CompiledText::compile(source).map_err(|error| {
                let mut wrong = FileError::new(path, format!("`text`{of}: {}", error.message)).at_key(file, "text");
                if let Some(octet) = place_in_text(file, key, error.at) {
                    wrong = wrong.at_octet(file, octet);
                }
                error.hint.into_iter().fold(wrong, FileError::with_hint)
            })?;
            used.extend(text.columns().iter().cloned());
        }
        self.check_columns(&used).map_err(|Wrong(key, what)| FileError::new(path, what).at_key(file, key))
    }

    fn check_variants(&self, audience: &AudienceOptions) -> Result<(), Wrong> {
        if self.variants.is_empty() {
            if self.text.trim().is_empty() {
                return Err(Wrong("text", "`text` is empty".to_owned()));
            }
        } else if self.text.trim().is_empty() && !self.text.is_empty() {
            return Err(Wrong("text", "`text` is blank: leave it out, or write what the others get".to_owned()));
        }
        if self.variants.len() > MAX_VARIANTS {
            let n = self.variants.len();
            return Err(Wrong("[message.variant]", format!("{n} variants: {MAX_VARIANTS} are the most")));
        }
        if let Some(locale) = self.locale.as_deref().filter(|locale| Locale::find(locale).is_none()) {
            let known = Locale::tags().collect::<Vec<_>>().join(", ");
            let what = format!("no formats are known for the locale `{locale}`: {known} are");
            return Err(Wrong("locale", what));
        }
        let mut names: Vec<String> = Vec::new();
        for variant in &self.variants {
            let name = variant.title();
            let is_name = |c: char| c.is_alphanumeric() || "-_".contains(c);
            if name.is_empty() || name.chars().count() > 32 || !name.chars().all(is_name) {
                let what = format!("a variant's `name` is `{name}`: use 1 to 32 letters, digits, - and _");
                return Err(Wrong("name", what));
            }
            if names.contains(&name) || ["default", "hold-out"].contains(&name.as_str()) {
                return Err(Wrong("name", format!("`{name}` can't be a variant's name: it is taken")));
            }
            if variant.text.trim().is_empty() {
                return Err(Wrong("text", format!("`text` of variant `{name}` is empty")));
            }
            self.check_when(variant, audience)?;
            names.push(name);
        }
        self.check_shares()
    }

    fn check_when(&self, variant: &VariantOptions, audience: &AudienceOptions) -> Result<(), Wrong> {
        let name = variant.title();
        let is_alone = self.variants.len() == 1 && variant.share.is_none();
        if variant.when.is_empty() && variant.share.is_none() && (is_alone || !self.is_last_of_shares(variant)) {
            let what =
                format!("variant `{name}` is for everyone: say for whom with `when`, or for how many with `share`");
            return Err(Wrong("[message.variant]", what));
        }
        for (column, values) in &variant.when {
            let is_blank = values.iter().next().is_none() || values.iter().any(|value| value.trim().is_empty());
            if is_blank {
                return Err(Wrong("when", format!("`when` of variant `{name}` has no value for `{column}`")));
            }
            if column == "locale" && audience.locale_column.is_none() {
                let what = "`when` asks for the locale, and `locale-column` under [audience] doesn't say where it is";
                return Err(Wrong("when", what.to_owned()));
            }
        }
        Ok(())
    }

    /// Whether a variant without a share gets what others with the same conditions leave.
    fn is_last_of_shares(&self, variant: &VariantOptions) -> bool {
        let same = || self.variants.iter().filter(|other| other.when == variant.when);
        same().next_back().is_some_and(|last| std::ptr::eq(last, variant)) && same().any(|other| other.share.is_some())
    }

    fn check_shares(&self) -> Result<(), Wrong> {
        let held = self.hold_out.map_or(0, |share| share.0);
        if held == Share::WHOLE.0 {
            return Err(Wrong("hold-out", "`hold-out` is everyone: nobody would get anything".to_owned()));
        }
        let mut groups: Vec<(&BTreeMap<String, OneOrMany>, Vec<&VariantOptions>)> = Vec::new();
        for variant in &self.variants {
            match groups.iter_mut().find(|(when, _)| *when == &variant.when) {
                Some((_, members)) => members.push(variant),
                None => groups.push((&variant.when, vec![variant])),
            }
        }
        for (at, (when, members)) in groups.iter().enumerate() {
            let open = members.iter().filter(|variant| variant.share.is_none()).count();
            if open > 1 || (open == 1 && members.last().is_none_or(|last| last.share.is_some())) {
                let names = members.iter().map(|variant| variant.title()).collect::<Vec<_>>().join(", ");
                let what = format!("variants {names} are for the same rows: give each its `share`");
                return Err(Wrong("[message.variant]", what));
            }
            let total = u64::from(held)
                + members.iter().filter_map(|variant| variant.share).map(|share| u64::from(share.0)).sum::<u64>();
            let whole = u64::from(Share::WHOLE.0);
            let in_words = |total: u64| total as f64 / f64::from(Share::WHOLE.0);
            if total > whole + u64::from(Share::SLACK) || (open == 1 && total >= whole) {
                let what = format!("shares and `hold-out` add up to {}: 1 is all there is", in_words(total));
                return Err(Wrong("share", what));
            }
            let leaves = open == 0 && total + u64::from(Share::SLACK) < whole;
            if leaves && self.text.is_empty() {
                let what = format!(
                    "shares and `hold-out` add up to {}: `text` is missing, which the other rows get",
                    in_words(total)
                );
                return Err(Wrong("share", what));
            }
            if when.is_empty() && at + 1 < groups.len() {
                let what = "variants without `when` come last: those behind them would never be reached".to_owned();
                return Err(Wrong("[message.variant]", what));
            }
        }
        Ok(())
    }

    fn check_columns(&self, used: &[String]) -> Result<(), Wrong> {
        let unused = |key: &'static str, column: &String| {
            let nearest = nearest(column, used.iter().map(String::as_str));
            let hint = nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
            Wrong(key, format!("`{key}` names the column `{column}`, which the text doesn't use{hint}"))
        };
        if let Some(column) = self.keep.iter().find(|column| !used.contains(column)) {
            return Err(unused("keep", column));
        }
        if let Some(column) = self.empty.keys().find(|column| !used.contains(column)) {
            return Err(unused("empty", column));
        }
        let blank = |(_, policy): &(&String, &EmptyPolicy)| match policy {
            EmptyPolicy::Default(text) => text.trim().is_empty() && !text.is_empty(),
            EmptyPolicy::Skip | EmptyPolicy::Stop => false,
        };
        if let Some((column, _)) = self.empty.iter().find(blank) {
            let what = format!("`empty`: the default for `{column}` is blank: write \"\" for nothing at all");
            return Err(Wrong("empty", what));
        }
        Ok(())
    }
}
