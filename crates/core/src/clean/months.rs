//! Months by name, in the languages of European newsrooms.

/// Beginnings of the names of each month, January first. A name is that of the longest beginning that it has.
const BEGINNINGS: [&[&str]; 12] = [
    &["jan", "ene", "gen", "янв", "stycz", "ocak", "ledna", "leden", "січ", "ιαν", "tammik"],
    &["feb", "fév", "fev", "фев", "luty", "lutego", "şubat", "úno", "лют", "φεβ", "helmik"],
    &["mar", "mär", "mrt", "maart", "мар", "бер", "bře", "μαρ", "már", "maalisk"],
    &["apr", "avr", "abr", "kwie", "nisan", "апр", "dubna", "duben", "кві", "απρ", "huhtik", "ápr"],
    &["may", "mai", "mag", "mei", "maj", "май", "мая", "kvě", "трав", "μαΐ", "μάι", "toukok", "máj"],
    &["jun", "juin", "giu", "июн", "czerw", "haziran", "červn", "черв", "ιουν", "kesäk", "jún"],
    &["jul", "juil", "lug", "июл", "lipiec", "lipca", "temmuz", "července", "лип", "ιουλ", "heinäk", "júl"],
    &["aug", "aoû", "aou", "ago", "авг", "sierp", "ağu", "srp", "серп", "αυγ", "elok"],
    &["sep", "set", "wrze", "eylül", "сен", "září", "верес", "σεπ", "syysk", "szept"],
    &["oct", "okt", "ott", "out", "paźd", "ekim", "окт", "říj", "жовт", "οκτ", "lokak"],
    &["nov", "listop", "kasım", "ноя", "νοε", "marrask"],
    &["dec", "dez", "déc", "dic", "des", "grud", "aralık", "дек", "prosin", "груд", "δεκ", "jouluk"],
];

/// Returns the month, 1 to 12, that a word in lower case names.
pub fn by_name(word: &str) -> Option<i8> {
    let known = |beginning: &str| word.starts_with(beginning);
    let found = BEGINNINGS.iter().zip(1..).filter_map(|(all, month)| {
        let longest = all.iter().filter(|b| known(b)).map(|b| b.len()).max()?;
        Some((longest, month))
    });
    found.max().map(|(_, month)| month)
}

/// Returns the beginnings, as alternatives of a regex.
pub fn alternatives() -> String {
    BEGINNINGS.concat().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (word, month) in [
            ("january", 1),
            ("marraskuuta", 11),
            ("mars", 3),
            ("juin", 6),
            ("juillet", 7),
            ("августа", 8),
            ("июня", 6),
            ("czerwca", 6),
            ("kasım", 11),
            ("července", 7),
            ("maart", 3),
            ("mei", 5),
            ("dezembro", 12),
        ] {
            assert_eq!(by_name(word), Some(month), "{word}");
        }
        assert_eq!(by_name("version"), None);
    }
}
