"""The made-up customers of the examples: names in several scripts, addresses, e-mail at domains
that nobody owns."""

import unicodedata
from random import Random
from typing import Any, Final, NamedTuple


class Culture(NamedTuple):
    """Names are (as written, in Latin letters for the e-mail). `places`: city, state, post code,
    street."""

    weight: int
    country: str
    code: str
    utc_offset_hours: int
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]
    places: tuple[tuple[str, str, str, str], ...]


def _plain(text: str) -> tuple[tuple[str, str], ...]:
    """Latin names: the e-mail takes them in lower case, without marks."""
    return tuple((name, _latin(name)) for name in text.split(","))


def _latin(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name.lower().replace("ł", "l").replace("ß", "ss"))
    return "".join(c for c in bare if c.isascii() and c.isalpha())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Other scripts: `王芳=fang,…`."""
    return tuple((one.partition("=")[0], one.partition("=")[2]) for one in text.split(","))


_US_PLACES: Final = (
    ("Austin", "TX", "73301", "Elm Street"), ("Portland", "OR", "97205", "Alder Street"),
    ("Chicago", "IL", "60614", "Clark Street"), ("Denver", "CO", "80203", "Pearl Street"),
    ("Atlanta", "GA", "30309", "Peachtree Walk"), ("Boston", "MA", "02116", "Marlborough Street"),
    ("San Jose", "CA", "95112", "Julian Street"), ("Columbus", "OH", "43215", "Front Street"),
)  # fmt: skip

CULTURES: Final = (
    Culture(
        44,
        "United States",
        "US",
        -6,
        _plain(
            "Ana,Marcus,Emily,Jordan,Olivia,Tyler,Grace,Ethan,"
            "Denise,Caleb,Monica,Trevor,Hannah,Malik,Paula,Owen"
        ),
        _plain(
            "Roe,Whitfield,Okafor,Lindgren,Castle,Pruitt,Mbeki,"
            "Sandoval,O'Hara,Kessler,Tran,Boyd,Fields,Novak,Reyes"
        ),
        _US_PLACES,
    ),
    Culture(
        10,
        "United States",
        "US",
        -8,
        _plain("José,Lucía,Mateo,Camila,Andrés,Inés,Joaquín,Noemí,Ramón,Belén"),
        _plain("Núñez,García,Peña,Ibáñez,Muñoz,Sáenz,Vélez,Córdova,Ordóñez"),
        _US_PLACES,
    ),
    Culture(
        7,
        "United States",
        "US",
        -8,
        _pairs(
            "芳=fang,伟=wei,秀英=xiuying,娜=na,敏=min,静=jing,强=qiang,磊=lei,洋=yang,子涵=zihan"
        ),
        _pairs(
            "王=wang,李=li,张=zhang,刘=liu,陈=chen,杨=yang,黄=huang,赵=zhao,周=zhou,欧阳=ouyang"
        ),
        _US_PLACES,
    ),
    Culture(
        6,
        "United Arab Emirates",
        "AE",
        4,
        _pairs(
            "محمد=mohammed,فاطمة=fatima,أحمد=ahmed,مريم=maryam,"
            "عمر=omar,ليلى=layla,يوسف=yousef,نور=noor,خالد=khalid"
        ),
        _pairs(
            "الفارسي=alfarsi,حداد=haddad,المنصوري=almansoori,خليل=khalil,العلي=alali,درويش=darwish"
        ),
        (("Dubai", "", "00000", "Al Wasl Road"), ("Abu Dhabi", "", "00000", "Corniche Road")),
    ),
    Culture(
        4,
        "Kuwait",
        "KW",
        3,
        _pairs("سارة=sara,عبدالله=abdullah,هند=hind,فيصل=faisal,دانة=dana"),
        _pairs("الصباح=alsabah,العنزي=alenezi,الرشيد=alrasheed,المطيري=almutairi"),
        (("Kuwait City", "", "13001", "Fahad Al-Salem Street"),),
    ),
    Culture(
        6,
        "Japan",
        "JP",
        9,
        _pairs("結衣=yui,翔太=shota,さくら=sakura,健太=kenta,陽菜=hina,大輔=daisuke,美咲=misaki"),
        _pairs("佐藤=sato,鈴木=suzuki,高橋=takahashi,田中=tanaka,渡辺=watanabe,伊藤=ito"),
        (("東京", "東京都", "150-0001", "神宮前"), ("大阪市", "大阪府", "530-0001", "梅田")),
    ),
    Culture(
        8,
        "Germany",
        "DE",
        1,
        _plain("Jürgen,Änne,Sören,Lena,Björn,Käthe,Matthias,Frauke"),
        _plain("Müller,Groß,Schäfer,Böhm,Weiß,Krüger,Vogt,Jäger"),
        (("München", "", "80331", "Sendlinger Straße"), ("Köln", "", "50667", "Breite Straße")),
    ),
    Culture(
        4,
        "France",
        "FR",
        1,
        _plain("Chloé,Étienne,Zoé,François,Noël,Hélène,Rémi"),
        _plain("Lefèvre,Garçon,Bénard,Château,Delaunay,Forêt"),
        (("Lyon", "", "69002", "rue Mercière"), ("Nantes", "", "44000", "rue Crébillon")),
    ),
    Culture(
        3,
        "Poland",
        "PL",
        1,
        _plain("Łukasz,Małgorzata,Paweł,Agnieszka,Zbigniew"),
        _plain("Wójcik,Kowalczyk,Żak,Świątek,Dąbrowski"),
        (("Kraków", "", "31-001", "ulica Grodzka"),),
    ),
    Culture(
        3,
        "Greece",
        "GR",
        2,
        _pairs("Γιώργος=giorgos,Ελένη=eleni,Νίκος=nikos,Σοφία=sofia"),
        _pairs("Παπαδόπουλος=papadopoulos,Οικονόμου=oikonomou,Νικολάου=nikolaou"),
        (("Αθήνα", "", "105 57", "Ερμού"),),
    ),
    Culture(
        3,
        "India",
        "IN",
        5,
        _pairs("प्रिया=priya,अर्जुन=arjun,अनन्या=ananya,रोहन=rohan"),
        _pairs("शर्मा=sharma,पटेल=patel,सिंह=singh,अय्यर=iyer"),
        (("Pune", "MH", "411001", "MG Road"),),
    ),
    Culture(
        2,
        "South Korea",
        "KR",
        9,
        _pairs("민준=minjun,서연=seoyeon,지훈=jihoon,수빈=subin"),
        _pairs("김=kim,이=lee,박=park,최=choi"),
        (("서울", "", "04524", "세종대로"),),
    ),
)
_DOMAINS: Final = ("example.com", "example.org", "example.net", "mail.example", "post.example")


class Person(NamedTuple):
    payer_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    utc_offset_hours: int
    address: dict[str, Any]

    @property
    def holder(self) -> str:
        return f"{self.first_name} {self.last_name}"


def person(random: Random, number: int, country: str | None = None) -> Person:
    """Customer `number`; of one country where it is given."""
    pool = [c for c in CULTURES if country in (None, c.code)]
    culture = random.choices(pool, [c.weight for c in pool])[0]
    given, given_latin = random.choice(culture.given)
    family, family_latin = random.choice(culture.family)
    city, state, zipcode, street = random.choice(culture.places)
    mail = f"{given_latin}.{family_latin}{number % 97}@{random.choice(_DOMAINS)}"
    address = {
        "country": culture.country,
        "countryCode": culture.code,
        "addressLine1": f"{random.randrange(1, 240)} {street}",
        "city": city,
        "state": state,
        "zipcode": zipcode,
    }
    phone = f"+1 555 01{random.randrange(100):02d} {random.randrange(1000):03d}"
    return Person(
        f"cust-{number}",
        given,
        family,
        mail,
        phone,
        culture.utc_offset_hours,
        {k: v for k, v in address.items() if v},
    )
