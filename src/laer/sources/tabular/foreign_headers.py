"""German, French, Spanish and Dutch headers, and what a header of ours would say. Accents and umlauts may be missing in a file."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_BY_ENGLISH = {  # header of ours -> whole headers of others, separated by `|`
    "customer": "kunde|kunden|auftraggeber|vertragspartner|mandant|client|cliente|klant|clients|clientes|clienti|kund|kunder|asiakas|klient|azienda cliente",
    "customer name": (
        "kundenname|name des kunden|name 1|debitorname|nom du client|nom client|nombre del cliente|nombre cliente|klantnaam|raison sociale"
        "|razón social|nome cliente|nome do cliente|ragione sociale|razão social|kundnamn|nazwa klienta"
    ),
    "customer id": (
        "kundennummer|kundennr|kunden nr|kunden nummer|kunden id|debitor|debitorennummer|debitorennr|debitor nr|mandantennummer|numéro client"
        "|numéro de client|n client|no client|code client|id client|identifiant client|número de cliente|id cliente|código cliente|código de cliente"
        "|nº cliente|klantnummer|klant id|codice cliente|id do cliente|código do cliente|kundnummer|kundenummer"
    ),
    "company": "firma|firmenname|unternehmen|unternehmensname|société|entreprise|empresa|compañía|bedrijf|azienda|società|företag|virksomhed|bedrijfsnaam",
    "start date": (
        "beginn|startdatum|anfang|gültig seit|date de début|date début|début|fecha de inicio|fecha inicio|inicio|begindatum|startdatum abo|abobeginn"
        "|abo beginn|ingangsdatum|aanvangsdatum|data inizio|data di inizio|inizio|decorrenza|data de início|data início|início|data inicial|startdato"
        "|data rozpoczęcia"
    ),
    "contract start": (
        "vertragsbeginn|vertragsstart|laufzeitbeginn|laufzeit von|beginn laufzeit|beginn vertrag|vertrag ab|début de contrat|début du contrat"
        "|début contrat|date de début de contrat|date de début du contrat|inicio de contrato|inicio del contrato|inicio contrato"
        "|fecha de inicio de contrato|fecha de inicio del contrato|contractstart|fecha inicio contrato|date début contrat|begindatum contract"
        "|startdatum contract|ingangsdatum contract|aanvang contract|inizio contratto|data inizio contratto|início do contrato|início contrato"
        "|avtalsstart|kontraktstart"
    ),
    "valid from": "gültig ab|gültig von|valable à partir du",
    "end date": (
        "ende|enddatum|date de fin|date fin|fecha de fin|fecha fin|einddatum|data fine|data di fine|scadenza|data de fim|data fim|fim|término"
        "|data de término|data final|slutdatum|slutdato|fin"
    ),
    "contract end": (
        "vertragsende|laufzeitende|laufzeit bis|ende laufzeit|ende der laufzeit|ende vertrag|vertrag bis|vertragslaufzeit bis|ablaufdatum"
        "|vertragsablauf|fin de contrat|fin du contrat|fin contrat|date de fin de contrat|date de fin du contrat|date d échéance|échéance"
        "|échéance du contrat|fin de contrato|fin del contrato|fin contrato|fecha de fin de contrato|fecha fin de contrato|vencimiento"
        "|fecha de vencimiento|contracteinde|einde contract|einddatum contract|fecha fin contrato|date fin contrat|fine contratto|scadenza contratto"
        "|data fine contratto|data scadenza|fim do contrato|fim contrato|término do contrato|vencimento|avtalsslut"
    ),
    "valid to": "gültig bis",
    "renewal date": (
        "verlängerung|verlängerung am|verlängerungsdatum|vertragsverlängerung|nächste verlängerung|renewal am|verlängert am|renouvellement"
        "|date de renouvellement|prochain renouvellement|renovación|fecha de renovación|próxima renovación|verlenging|verlengingsdatum|rinnovo"
        "|data rinnovo|data di rinnovo|prossimo rinnovo|renovação|data de renovação|próxima renovação|förnyelse|förnyelsedatum|fornyelse"
    ),
    "notice date": (
        "kündigungsfrist|kündigungsfrist bis|kündigungstermin|kündbar bis|kündbar zum|date de préavis|préavis|fecha de preaviso|preaviso|opzegdatum"
    ),
    "contract term": (
        "laufzeit|laufzeit monate|laufzeit in monaten|vertragslaufzeit|durée|durée du contrat|duración|duración del contrato|looptijd|durata"
        "|durata mesi|durata in mesi|duração|duração meses|prazo meses"
    ),
    "cancellation date": "kündigungsdatum|gekündigt zum|gekündigt per|kündigung zum|date de résiliation|fecha de baja|fecha de cancelación",
    "signed on": "unterschrieben am|unterzeichnet am|vertragsdatum|abschlussdatum|date de signature|signé le|fecha de firma|getekend op",
    "auto renew": (
        "automatische verlängerung|auto verlängerung|tacite reconduction|renovación automática|automatische verlenging|rinnovo automatico"
        "|tacito rinnovo|renovação automática"
    ),
    "contract id": (
        "vertragsnummer|vertragsnr|vertrag nr|vertrags nr|vertrags id|numéro de contrat|n contrat|número de contrato|contractnummer|n de contrat"
        "|nº de contrato|nº contrato|n de contrato|n contrato|contractnr|contract nr|numero contratto|número do contrato|avtalsnummer"
    ),
    "amount": "betrag|montant|importe|bedrag|importo|valore|valor|belopp|beløb|kwota",
    "revenue": "umsatz|erlös|ingresos|chiffre d affaires|fatturato|receita|intäkt|omzet",
    "net amount": "nettobetrag|netto|betrag netto|montant ht|montant net|importe neto",
    "contract value": (
        "vertragswert|auftragswert|vertragsvolumen|auftragsvolumen|vertragssumme|valeur du contrat|valor del contrato|contractwaarde|valore contratto"
        "|valore del contratto|valor do contrato|avtalsvärde"
    ),
    "monthly revenue": (
        "umsatz monat|umsatz pro monat|umsatz je monat|umsatz p m|umsatz im monat|monatsumsatz|monatlicher umsatz|revenu mensuel|ca mensuel"
        "|chiffre d affaires mensuel|ingresos mensuales|ingreso mensual|ingresos al mes|omzet per maand|maandomzet"
    ),
    "monthly amount": (
        "monatsbetrag|monatlich|monatlicher betrag|betrag pro monat|betrag monat|monatsrate|monatsgebühr|monatspreis|preis pro monat|preis monat"
        "|gebühr monat|mensualité|montant mensuel|par mois|abonnement mensuel|cuota mensual|importe mensual|mensualidad|al mes|maandbedrag|per maand"
        "|canone mensile|importo mensile|mensile|valor mensal|mensalidade|mensal|månadsbelopp|per månad|månadsavgift"
        "|monatsbeitrag|monatliche gebühr|monatliche rate|monatl betrag|mtl betrag|monatlicher beitrag|abogebühr monat|redevance mensuelle"
    ),
    "annual amount": (
        "jahresbetrag|jährlich|jährlicher betrag|betrag pro jahr|betrag jahr|jahresgebühr|jahrespreis|preis pro jahr|jahreswert|jahresvertragswert"
        "|jahresvolumen|montant annuel|par an|abonnement annuel|cuota anual|importe anual|al año|jaarbedrag|per jaar|canone annuo|canone annuale"
        "|importo annuo|importo annuale|annuo|valor anual|anuidade|anual|årsbelopp|per år|årsavgift"
        "|jahresbeitrag|jährliche gebühr|jährliche rate|jährlicher beitrag|redevance annuelle|loyer annuel"
    ),
    "annual recurring revenue": (
        "umsatz jahr|umsatz pro jahr|umsatz je jahr|umsatz p a|jährlicher umsatz|revenu annuel récurrent|ingresos anuales recurrentes"
        "|ricavi ricorrenti annuali|ricavo ricorrente annuo|receita recorrente anual|wiederkehrender jahresumsatz|jahresumsatz wiederkehrend"
        "|jährlich wiederkehrender umsatz|jährlich wiederkehrende umsätze|ingreso recurrente anual|ingresos recurrentes anuales"
        "|revenus récurrents annuels|revenu récurrent annuel|jaarlijks terugkerende omzet"
    ),
    "annual revenue": "jahresumsatz|revenu annuel|ca annuel|chiffre d affaires annuel|ingresos anuales|facturación anual|jaaromzet",
    "price": "preis|prix|precio|prijs",
    "unit price": "einzelpreis|stückpreis|preis pro lizenz|prix unitaire|precio unitario|stukprijs|prezzo unitario|preço unitário",
    "total": "gesamtpreis|gesamtbetrag",
    "quantity": "menge|anzahl|quantité|cantidad|aantal|quantità|quantidade|antal",
    "seats": (
        "lizenzen|anzahl lizenzen|nutzer|anzahl nutzer|arbeitsplätze|licences|nombre de licences|utilisateurs|licencias|usuarios|gebruikers|licenties"
        "|licenze|utenti|licenças|usuários|användare|lizenzanzahl"
    ),
    "currency": "währung|waehrung|währg|waehrg|wkz|devise|monnaie|moneda|divisa|valuta|moeda|valutakod",
    "billing interval": (
        "abrechnungsintervall|abrechnung|abrechnungszeitraum|zahlweise|zahlungsweise|turnus|facturation|périodicité|facturación|periodicidad"
        "|facturatie|fatturazione|frequenza di fatturazione|periodicità|periodicidade|faturamento|frequência"
        "|intervall|zahlungsintervall|zahlungsrhythmus|abrechnungsrhythmus|fréquence de facturation|frecuencia de facturación|facturatiefrequentie"
    ),
    "plan": "tarif|paket|formule|forfait|offre|tarifa|pakket|piano|plano",
    "product": "produkt|artikel|produit|producto|prodotto|produto",
    "status": "statut|état|estado|vertragsstatus|kundenstatus|stato|situação",
    "industry": "branche|secteur|secteur d activité|sector|industria|sector de actividad|settore|setor",
    "country": "land|pays|país|paese|nazione",
    "region": "gebiet|vertriebsgebiet|région|región|regio",
    "segment": "kundensegment|segmento|segmentierung",
    "employees": "mitarbeiter|mitarbeiterzahl|anzahl mitarbeiter|effectif|effectifs|nombre d employés|empleados|número de empleados|medewerkers",
    "website": "webseite|internetseite|homepage|domäne|site web|site internet|sitio web|página web",
    "customer since": "kunde seit|client depuis|cliente desde|klant sinds",
    "account owner": (
        "betreuer|betreut von|kundenbetreuer|kundenbetreuung|verantwortlicher|verantwortliche|zuständig|zuständiger|responsable compte"
        "|responsable du compte|responsable|responsable client|chargé de compte|gestionnaire|gestor|gestor de cuenta|responsable de cuenta"
        "|accountbeheerder|referente|responsabile|gestore|responsável|gerente de conta|kundansvarig|accountmanager"
    ),
    "owner": "verantwortlich|inhaber|propriétaire|propietario",
    "health": (
        "ampel|ampelstatus|status ampel|gesundheit|kundengesundheit|zufriedenheit|santé|santé client|santé du client|météo|salud|salud del cliente"
        "|semáforo|gezondheid|salute|saúde|hälsa"
    ),
    "main contact": (
        "ansprechpartner|ansprechpartnerin|hauptansprechpartner|kontakt|kontaktperson|interlocuteur|contact principal|contacto|contacto principal"
        "|contactpersoon"
    ),
    "main contact email": (
        "e mail ansprechpartner|email ansprechpartner|mail ansprechpartner|ansprechpartner e mail|ansprechpartner email|ansprechpartner mail"
        "|kontakt e mail|kontakt email|kontakt mail|e mail kontakt|email du contact|e mail du contact|mail du contact|email contact"
        "|courriel du contact|correo del contacto|correo contacto"
    ),
    "email": "e mail adresse|mailadresse|courriel|adresse e mail|correo|correo electrónico|posta elettronica|e post",
    "phone": "telefon|telefonnummer|téléphone|teléfono|telefoon",
    "notes": (
        "notiz|notizen|bemerkung|bemerkungen|kommentar|anmerkung|anmerkungen|commentaire|commentaires|remarque|remarques|notas|comentarios"
        "|observaciones|opmerkingen|observações|anteckningar"
    ),
    "churn date": "abgang am|abgangsdatum|verloren am|gekündigt am|date de départ|opgezegd op|data abbandono|data disdetta|data de cancelamento",
    "monthly recurring revenue": (
        "ricavi ricorrenti mensili|ricavo ricorrente mensile|receita recorrente mensal|monatlich wiederkehrender umsatz"
        "|monatlich wiederkehrende umsätze|wiederkehrender monatsumsatz|monatsumsatz wiederkehrend|ingreso recurrente mensual"
        "|ingresos recurrentes mensuales|revenus récurrents mensuels|revenu récurrent mensuel|maandelijks terugkerende omzet"
    ),
}  # fmt: skip
_GROUPS = {"kunde": "customer", "kunden": "customer", "vertrag": "contract", "abo": "subscription", "contrat": "contract", "contrato": "contract"}


def plain_letters(text: str) -> str:
    """Without accents: `début` and `debut`, `Kündigung` and `Kundigung` are one; `ue` for `ü` stays."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _spellings(name: str) -> set[str]:
    spelled_out = name
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        spelled_out = spelled_out.replace(umlaut, letters)
    return {plain_letters(name), plain_letters(spelled_out)}


_ENGLISH = {spelling: english for english, names in _BY_ENGLISH.items() for name in names.split("|") for spelling in _spellings(name)}


@lru_cache(maxsize=20_000)
def in_english(words: str) -> str:
    """The words of a header, in English where they are those of another language. A group above it (`Kunde` over `Kundennummer`) is left out."""
    plain = plain_letters(words)
    if plain in _ENGLISH:
        return _ENGLISH[plain]
    group, _, name = plain.partition(" ")
    if group in _GROUPS:
        return _ENGLISH.get(name) or (f"{_GROUPS[group]} {name}".strip())
    return words
