//! Countries, by the two letters of ISO 3166-1. Kosovo has XK, as in most lists. A code is added every few years.

const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// For each first letter the second letters, a bit for each.
const SECOND_LETTERS: [u32; 26] = second_letters();

pub(super) fn is_country_code(text: &str) -> bool {
    let [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] = text.as_bytes() else {
        return false;
    };
    SECOND_LETTERS[usize::from(first - b'A')] & (1 << (second - b'A')) != 0
}

const fn second_letters() -> [u32; 26] {
    let codes = CODES.as_bytes();
    let mut letters = [0; 26];
    let mut at = 0;
    while at < codes.len() {
        letters[(codes[at] - b'A') as usize] |= 1 << (codes[at + 1] - b'A');
        at += "AD ".len();
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_two_capital_letters_and_they_are_in_order() {
        let codes: Vec<_> = CODES.split(' ').collect();
        assert_eq!(codes.len(), 250);
        assert!(codes.is_sorted_by(|one, next| one < next));
        let is_code = |code: &&str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
        assert!(codes.iter().all(is_code));
        let pairs =
            (b'A'..=b'Z').flat_map(|first| (b'A'..=b'Z').map(move |second| [first, second]));
        let found = pairs.filter(|pair| str::from_utf8(pair).is_ok_and(is_country_code));
        assert_eq!(found.count(), codes.len());
        assert!(codes.iter().all(|code| is_country_code(code)));
        assert!(is_country_code("ID") && !is_country_code("XX") && !is_country_code("id"));
        assert!(!is_country_code("") && !is_country_code("AD AE"));
    }
}
