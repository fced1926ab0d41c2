//! Invented people: Indonesian names for the `fake` crate, which has no Indonesian locale.

use fake::Fake as _;
use fake::faker::name::raw::{FirstName, LastName};
use fake::locales::Data;
use serde_json::{Value, json};

use crate::base::Dice;

/// Common given and family names of Indonesia. A drawn pair means no real person.
#[derive(Clone, Copy)]
pub(crate) struct Indonesian;

impl Data for Indonesian {
    const NAME_FIRST_NAME: &'static [&'static str] = &[
        "Adi", "Agus", "Ahmad", "Aisyah", "Anita", "Arif", "Bambang", "Bayu", "Budi", "Citra",
        "Dedi", "Dewi", "Dian", "Dimas", "Eka", "Endang", "Fajar", "Farah", "Fitri", "Galih",
        "Hadi", "Hendra", "Indah", "Intan", "Kartika", "Lestari", "Lina", "Made", "Maya", "Nanda",
        "Nia", "Novi", "Nur", "Oki", "Putri", "Rahmat", "Ratna", "Reza", "Rina", "Rizki", "Sari",
        "Sinta", "Slamet", "Sri", "Surya", "Taufan", "Teguh", "Tri", "Udin", "Wahyu", "Wayan",
        "Widya", "Wulan", "Yanti", "Yoga", "Yusuf", "Zahra",
    ];
    const NAME_LAST_NAME: &'static [&'static str] = &[
        "Anggraini",
        "Ardiansyah",
        "Firmansyah",
        "Gunawan",
        "Hakim",
        "Handayani",
        "Harahap",
        "Hartono",
        "Hidayat",
        "Iskandar",
        "Kurniawan",
        "Kusuma",
        "Lubis",
        "Maharani",
        "Mahendra",
        "Maulana",
        "Nasution",
        "Nugroho",
        "Pangestu",
        "Permana",
        "Pertiwi",
        "Pranata",
        "Pratama",
        "Purnomo",
        "Rahayu",
        "Ramadhan",
        "Safitri",
        "Santoso",
        "Saputra",
        "Setiawan",
        "Siregar",
        "Situmorang",
        "Sudirja",
        "Suharti",
        "Susanti",
        "Sutanto",
        "Suwandi",
        "Syahputra",
        "Utami",
        "Wibowo",
        "Wicaksono",
        "Wijaya",
        "Wulandari",
        "Yulianti",
    ];
}

/// A person's name in upper case, as banks print it: `FIRA DIYANKA`.
pub(crate) fn account_holder(dice: &mut Dice) -> String {
    let first: &str = FirstName(Indonesian).fake_with_rng(dice.rng());
    let last: &str = LastName(Indonesian).fake_with_rng(dice.rng());
    format!("{first} {last}").to_uppercase()
}

/// A named fake that a reply may refer to as `{{fake.NAME}}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fake(usize);

type Draw = fn(&mut Dice) -> Value;

type Schema = fn() -> Value;

/// The name of each fake, its draw, and its JSON Schema.
const FAKES: [(&str, Draw, Schema); 4] = [
    (
        "full_name",
        |dice| account_holder(dice).into(),
        || json!({"type": "string", "description": "A name in upper case."}),
    ),
    (
        "uuid",
        |dice| dice.uuid().to_string().into(),
        || json!({"type": "string", "format": "uuid"}),
    ),
    (
        "percent",
        |dice| dice.between(0..101).into(),
        || json!({"type": "integer", "minimum": 0, "maximum": 100}),
    ),
    (
        "date",
        |dice| date(dice).into(),
        || json!({"type": "string", "format": "date"}),
    ),
];

impl Fake {
    pub(crate) fn named(name: &str) -> Option<Self> {
        FAKES
            .iter()
            .position(|(known, ..)| *known == name)
            .map(Self)
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        FAKES.iter().map(|(name, ..)| *name)
    }

    pub(crate) fn draw(self, dice: &mut Dice) -> Value {
        FAKES[self.0].1(dice)
    }

    /// The JSON Schema of the drawn value.
    pub(crate) fn schema(self) -> Value {
        FAKES[self.0].2()
    }
}

/// A date of birth of an adult: `1958-03-27`.
pub(crate) fn date(dice: &mut Dice) -> String {
    format!(
        "{}-{:02}-{:02}",
        dice.between(1940..2000),
        dice.between(1..13),
        dice.between(1..29)
    )
}
