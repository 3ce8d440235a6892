"""Word lists and the names made from them: accounts, people at accounts, domains. Invented, and under `.example`."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Country:
    """code, weight among the accounts, sales region, naming culture, legal form that some names carry, hours ahead of UTC."""

    code: str
    weight: int
    region: str
    culture: str
    legal: str
    utc: int


COUNTRIES = (
    Country("US", 33, "North America", "english", "Inc", -6),
    Country("CA", 6, "North America", "english", "Ltd", -5),
    Country("GB", 11, "EMEA", "english", "Ltd", 0),
    Country("DE", 9, "EMEA", "german", "GmbH", 1),
    Country("AT", 2, "EMEA", "german", "GmbH", 1),
    Country("FR", 6, "EMEA", "french", "SAS", 1),
    Country("NL", 4, "EMEA", "dutch", "BV", 1),
    Country("SE", 4, "EMEA", "nordic", "AB", 1),
    Country("DK", 3, "EMEA", "nordic", "ApS", 1),
    Country("ES", 4, "EMEA", "spanish", "SL", 1),
    Country("IT", 3, "EMEA", "italian", "Srl", 1),
    Country("PL", 3, "EMEA", "polish", "Sp. z o.o.", 1),
    Country("ZA", 2, "EMEA", "english", "Pty", 2),
    Country("AU", 5, "APAC", "english", "Pty", 10),
    Country("IN", 4, "APAC", "indian", "Pvt Ltd", 5),
    Country("JP", 2, "APAC", "japanese", "KK", 9),
    Country("BR", 3, "LATAM", "portuguese", "Ltda", -3),
    Country("MX", 2, "LATAM", "spanish", "SA de CV", -6),
)

GIVEN = {
    "english": "Amelia Oliver Grace Nathan Chloe Spencer Harriet Dean Paige Curtis Megan Russell Leah Trevor Joanna Elliot Bethany Craig Naomi Gareth Keisha Andre Tasha Malik",
    "german": "Annika Bernd Carolin Dirk Friederike Gernot Heike Jochen Katrin Lennart Miriam Norbert Silke Torsten Ulrike Volker",
    "french": "Aurélie Bastien Clémence Damien Élodie Fabrice Gaëlle Hugo Justine Loïc Margaux Nicolas Océane Quentin Solène Thibault",
    "dutch": "Anouk Bram Femke Joris Lieke Maarten Noor Pieter Roos Sander Tessa Wouter",
    "nordic": "Astrid Björn Ebba Fredrik Gunilla Henrik Ingrid Jesper Karin Linnea Mads Nanna Oskar Pernille Rasmus Sigrid",
    "spanish": "Alejandra Borja Carmen Diego Elena Gonzalo Irene Javier Lucía Mateo Nuria Óscar Pilar Rodrigo Teresa Ximena",
    "italian": "Alessia Bruno Chiara Davide Elisa Fabio Giorgia Lorenzo Martina Paolo Silvia Tommaso",
    "polish": "Agnieszka Bartosz Dorota Grzegorz Kinga Łukasz Magda Paweł Renata Szymon Urszula Wojciech",
    "indian": "Aarti Bhavesh Deepa Harish Ishita Kiran Lakshmi Manoj Neha Rohan Shreya Vikram",
    "japanese": "Aiko Daisuke Emi Haruto Kaori Makoto Naoko Ren Sakura Takumi Yumi Shinji",
    "portuguese": "Beatriz Caio Débora Felipe Isabela João Larissa Murilo Natália Rafael Tatiana Vinícius",
}
SURNAMES = {
    "english": "Ashdown Bramley Cotterill Dunmore Ellery Fairclough Garrick Hathersage Inskip Kettering Lomas Marwood Netherby Pemberly Quarles Ridgewell Stanhill Thackeray Underhay "
    "Wetherby Yardley Boateng Dlamini-Cole Oyelaran Delacroix Castellan",
    "german": "Achterberg Brennecke Dietzel Eberling Finkbeiner Grothaus Hollstein Kirchhofer Lindemuth Mehnert Niederau Oberhauser Pfannstiel Reinhold Schallert Wiesenthau",
    "french": "Aubertin Beaumanoir Chastel Delorme Esnault Fontvieille Garnier-Roy Hautecoeur Jourdain Lamarque Maréchaux Noirot Peyrac Rochebrune Sauvageot Vauclair",
    "dutch": "Achterhuis Boersma Dijkhuizen Haverkamp Kuipers Meulenbelt Noordhof Ploegstra Roosenboom Terpstra Veldkamp Zijlmans",
    "nordic": "Almkvist Bergsten Dahlgaard Ekelund Fjellström Grönvall Hedlund Isaksen Kjærgaard Lindholt Mårtensson Nyborg Rosenlund Sjögren Tofte Wester",
    "spanish": "Aldecoa Barrientos Cifuentes Echevarría Fuenmayor Gallardo Iturbe Larrañaga Montalvo Noriega Olavide Quintanilla Rebolledo Saavedra Urrutia Villaseñor",
    "italian": "Albertazzi Bonfante Cavallari Donadoni Fiorentin Gherardi Locatelli Montefusco Pellegrin Rinaldini Salvatori Zambelli",
    "polish": "Adamczak Borkowska Cieślik Dąbrowiecki Gajewicz Jabłoński Krawczak Lisiecka Maliniak Olszowy Rutka Zawadka",
    "indian": "Acharekar Bhattarai Chinnappa Deshmane Gokhale Iyengar Jaganathan Kulkarni Mahajan Nambiar Rastogi Venkatesan",
    "japanese": "Aizawa Fujimori Hasegawa Inagaki Katayama Kuroda Mizushima Nakahara Okumura Shimada Takemoto Yoshinaga",
    "portuguese": "Albuquerque Bittencourt Cavalheiro Drummond Fagundes Guimarães Lacerda Mascarenhas Nogueira Pimentel Queiroga Siqueira",
}

# Industry -> what firms of it call themselves.
INDUSTRIES = {
    "Manufacturing": "Components Industries Fabrication Castings Instruments Packaging Machinery",
    "Logistics": "Freight Logistics Haulage Shipping Cold_Chain Supply Distribution",
    "Healthcare": "Health Clinics Care_Group Diagnostics Hospitals Medical",
    "Construction": "Builders Construction Contracting Civils Roofing Homes",
    "Retail": "Stores Outfitters Markets Grocers Homeware Retail",
    "Hospitality": "Hotels Resorts Kitchens Catering Leisure Taverns",
    "Energy": "Power Renewables Grid_Services Utilities Solar Energy",
    "Food and beverage": "Foods Dairy Bakeries Brewing Provisions Mills",
    "Facilities": "Facilities Cleaning_Services Property_Care Security Estates Maintenance",
    "Professional services": "Advisory Associates Consulting Engineers Surveyors Partners",
    "Education": "Academies Learning College_Trust Schools Training",
    "Software": "Labs Robotics Systems Software Data Analytics",
}
LOCAL = {
    "german": {
        "Manufacturing": "Maschinenbau Werkzeuge",
        "Logistics": "Spedition Logistik",
        "Construction": "Hochbau Bau",
        "Energy": "Stadtwerke Energietechnik",
        "Healthcare": "Kliniken Pflege",
    },
    "french": {
        "Manufacturing": "Mécanique Emballages",
        "Logistics": "Transports Logistique",
        "Construction": "Bâtiment Travaux",
        "Food and beverage": "Laiteries Boulangeries",
    },
    "dutch": {"Logistics": "Transport Vervoer", "Construction": "Bouw Installatie", "Food and beverage": "Zuivel Kwekerijen"},
    "nordic": {"Manufacturing": "Verkstad Mekaniska", "Construction": "Bygg Entreprenad", "Energy": "Vindkraft Fjärrvärme"},
    "spanish": {
        "Manufacturing": "Industrias Envases",
        "Construction": "Obras Construcciones",
        "Hospitality": "Hoteles Restauración",
        "Food and beverage": "Conservas Aceites",
    },
    "italian": {"Manufacturing": "Meccanica Ceramiche", "Hospitality": "Alberghi Ristorazione", "Food and beverage": "Alimentari Pastificio"},
    "polish": {"Manufacturing": "Zakłady Odlewnia", "Logistics": "Spedycja Transport", "Construction": "Budownictwo"},
    "portuguese": {"Logistics": "Transportes Logística", "Food and beverage": "Alimentos Laticínios", "Construction": "Engenharia Obras"},
}
HEADS = (
    "Alder Ash Beck Bracken Briar Calder Cinder Copper Dun Elder Esk Fallow Fen Gorse Hazel Heron Holm Juniper Kestrel Larch Linden Marl Moss Otter Plover Quarry Raven Rowan Sable Sedge "
    "Slate Sorrel Tarn Thorn Timber Wester Whin Wren Yarrow"
).split()
TAILS = "wick mere holm fell haven moor gate ford field bridge croft ridge brook stead well combe thorpe march dale".split()
COINED_HEADS = "Nimbar Velqu Orund Tassel Klemov Zembar Fynd Quorr Syntar Jovand Mirron Pellan Raxim Umbrel Vexar Yond Drovar Hulm Ostr Pravin".split()
COINED_TAILS = "ora exa iva ento oza estra aris ane ith ide una".split()
# What the part of a group in that country is called.
ABROAD = {
    "US": "Midwest",
    "CA": "Canada",
    "GB": "UK",
    "DE": "Deutschland",
    "AT": "Austria",
    "FR": "France",
    "NL": "Benelux",
    "SE": "Nordics",
    "DK": "Nordics",
    "ES": "Iberia",
    "IT": "Italia",
    "PL": "Polska",
    "ZA": "South Africa",
    "AU": "Australia",
    "IN": "India",
    "JP": "Japan",
    "BR": "Brasil",
    "MX": "México",
}
PLAIN = str.maketrans({"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae", "Æ": "Ae", "đ": "d"})


def plain(text: str) -> str:
    """The text in lower-case ASCII letters, digits and single hyphens, as a domain or mailbox would have it."""
    flat = unicodedata.normalize("NFKD", text.translate(PLAIN)).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(c for c in word if c.isalnum()) for word in flat.replace("-", " ").split() if any(c.isalnum() for c in word))


def person_name(rng: Random, culture: str) -> str:
    return f"{rng.choice(GIVEN[culture].split())} {rng.choice(SURNAMES[culture].split())}"


def stem(name: str, legal: str) -> str:
    """The name without its legal form, as one word: no two accounts share it, so that no two share a domain."""
    return plain(name.removesuffix(f" {legal}")).replace("-", "").replace(" ", "")


def account_name(rng: Random, country: Country, industry: str, segment: str) -> str:
    """One name as a firm of that country, trade and size might carry it; the caller sees to it that none comes twice."""
    local = LOCAL.get(country.culture, {}).get(industry)
    noun = rng.choice((local if local and rng.random() < 0.6 else INDUSTRIES[industry]).split()).replace("_", " ")
    surname = rng.choice(SURNAMES[country.culture].split())
    head = rng.choice(HEADS)
    place = head + rng.choice([tail for tail in TAILS if tail[0] != head[-1]])
    coined = rng.choice(COINED_HEADS) + rng.choice(COINED_TAILS)
    draw = rng.random()
    if segment == "Startup" and draw < 0.75:
        return coined if draw < 0.3 else f"{coined} {noun}"
    if country.culture in ("indian", "japanese"):
        return f"{surname} {noun}" if draw < 0.6 else f"{surname} {noun} {country.legal}"
    if country.culture != "english":
        return f"{surname} {noun} {country.legal}" if draw < 0.45 else f"{surname} {noun}" if draw < 0.9 else f"{coined} {noun}"
    if industry == "Professional services" and draw < 0.5:
        partner = rng.choice([other for other in SURNAMES["english"].split() if other != surname])
        return f"{surname} {partner} {noun}" if draw < 0.2 else f"{surname} & {partner}"
    if segment == "Enterprise" and draw < 0.35:
        return f"{place} {noun} {'Group' if draw < 0.2 else 'Holdings'}"
    if draw < 0.15:
        return f"{surname} {rng.choice(('Brothers', '& Sons', '& Daughters', 'Family'))} {noun}"
    return f"{place} {noun}" if draw < 0.72 else f"{surname} {noun}" if draw < 0.88 else f"{place} {noun} {country.legal}"
