"""A sheet with a row per customer feeds several records: the account, its owner, a line, a contract, a contact, a pulse, a note.

Each part is a mapping of its own over the same table, so that everything behind (preview, quarantine, undo) knows nothing
of sheets. The account's column stands in every part; any other column goes to one part, said by its header.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from laer.records.record import record_type
from laer.sources.tabular import hints
from laer.sources.tabular.cells import spelled
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.guess import SURE, Guess, fitting, reasons_of
from laer.sources.tabular.headers import BARE_ID, Match, header_words, likeness
from laer.sources.tabular.mapping import CUSTOM, Mapping
from laer.sources.tabular.profile import Sample
from laer.sources.tabular.recognise import SAMPLE, mapping_of, recognise
from laer.sources.tabular.scales import bare
from laer.sources.tabular.serials import is_shortened
from laer.sources.tabular.table import Table
from laer.sources.tabular.term_ends import WithEnds
from laer.sources.tabular.untaken import say_untaken
from laer.sources.tabular.values import STATED, normal_words

ONE_EACH = 0.98  # share of distinct names from which a sheet has a row per customer
MOSTLY = 0.5  # the same of one with amounts as of its date: who stands in it twice is set aside there, not lost with all amounts
NAMED = 0.9  # share of rows that name one
CLOSE = 0.9  # how like a header must be to leave the account for another record
REVENUE = ("mrr", "arr")
PRICED = (*REVENUE, "amount")  # what a list of contracts may say that each comes to: what an amount is, is weighed and asked
VALUE_OF = frozenset(spelled("acv tcv"))
OWN_REVENUE, MILLION = "annual revenue", 1_000_000
SHEETS = (None, "accounts", "products", "contracts", "subscription_lines", "contacts", "pulses", "notes", "assignments")  # what such a sheet may look like
TERMS = frozenset(spelled("renewal renews renew contract term auto autorenew notice signed expiry expiration expires agreement"))
OF_ACCOUNTS = ("name", "owner", "domain", "industry", "country", "region", "segment", "employees", "lead_source", "churn_flag", "parent_id", "signed_up_on")
WITH_LINE = ("plan", "product_id", "seats", "quantity", "currency", "interval", "is_trial")
OF_DAYS = (  # of a line that has a start
    "start_on", "end_on", "list_amount", "discount_percent", "discount_amount", "discount_duration", "discount_until_on", "past_due_on", "trial_ends_on",
    "paused_on", "resumed_on",
)  # fmt: skip
RENEWS = frozenset(spelled("renewal renews renew"))
CHAMPION = frozenset(spelled("champion sponsor"))
LEFT = hints.LEFT | {"ended", "expired"}
THERE = frozenset(  # words of a status that say no more than that a customer is there
    spelled(
        "at risk healthy happy ok good great onboarding onboarded implementation implementing adoption adopting live customer client current existing "
        "renewed renewing renewal expansion expanding growth growing green amber yellow red active aktiv kunde bestandskunde gefährdet verlängerung actif"
    )
)
PERSON = CHAMPION | {"contact"}
OF_CUSTOMERS = frozenset(spelled("status customer account client company lifecycle current"))
CHURNED_ON = frozenset(spelled("churn churned"))


def recognise_all(table: Table, *, sample: int = SAMPLE, status: frozenset[str] = frozenset()) -> list[Mapping]:
    """The mappings of a table as `parts_of` finds them, with a note on amounts of money that none of them takes as revenue."""
    parts = parts_of(table, sample=sample, status=status)
    say_untaken(table, parts, sample)
    return parts


def parts_of(table: Table, *, sample: int = SAMPLE, status: frozenset[str] = frozenset()) -> list[Mapping]:
    """The mappings of a table: several for a sheet of customers, else one. The first is what the sheet is about.

    In     status  the words that a line's status may have; a status with other words is the account's own affair
    """
    whole = recognise(table, sample=sample)
    seen = Sample(table, sample)
    if table.hint == hints.CHURNED and whole.record in ("accounts", "churn_events"):
        return _paid_until(table, seen, departed(table, whole, seen))
    if table.known:
        return _with_accounts(table, whole, seen)
    if isinstance(table, WithEnds) and not table.due and (parts := priced_contracts(table, recognise(table, sample=sample, record="contracts"), seen)):
        return parts  # each row is a term
    parts = (_of_contracts(whole) and priced_contracts(table, whole, seen)) or customer_sheet(table, whole, seen, status)
    lines = fitting("subscription_lines", table.header, seen) if parts is None and whole.record in (None, "products") else {}
    if _by_item(lines) and any(m.column == "account_id" for m in lines.values()):
        return [recognise(table, sample=sample, record="subscription_lines")]  # a price list names no customers
    parts = parts or priced_contracts(table, whole, seen) or _ending_with_contracts(table, whole, seen)
    return parts or _dated_amounts(table, whole, seen) or _named_lines(table, whole, seen)


def _ending_with_contracts(table: Table, whole: Mapping, seen: Sample) -> list[Mapping] | None:
    """The contracts and lines of a list of lines with a start whose only end is a `contract end`; None where it is no such list."""
    if whole.record != "subscription_lines" or table.known or {"line_id", "subscription_id"} & whole.headers.keys():
        return None
    if "end_on" in whole.headers:  # `Contract Start Date` and `Contract End Date`: both days are the contract's
        days = [in_english(header_words(whole.headers[column])).split() for column in ("start_on", "end_on") if column in whole.headers]
        of_contracts = len(days) == 2 and all("contract" in words for words in days)
        return priced_contracts(table, recognise(table, record="contracts"), seen) if of_contracts else None
    ends = {h for h, m in fitting("contracts", table.header, seen).items() if m.column == "end_on" and m.likeness >= CLOSE}
    if "start_on" not in whole.headers or not any("end" in in_english(header_words(h)).split() for h in ends):
        return None
    return priced_contracts(table, recognise(table, record="contracts"), seen)


def _dated_amounts(table: Table, whole: Mapping, seen: Sample) -> list[Mapping] | None:
    """The lines of a list of amounts from day to day that also tells of the accounts, which made it look like neither; None where it is none."""
    bare = whole.record == "subscription_lines" and not {"line_id", "subscription_id"} & whole.headers.keys()
    if table.known or not (bare or whole.record in (None, "accounts")):
        return None
    lines = fitting("subscription_lines", table.header, seen)
    sure = {m.column: h for h, m in lines.items() if m.likeness >= CLOSE}
    priced = next((sure[c] for c in PRICED if c in sure and not _own_revenue(seen, sure[c])), None)
    if priced is None or not {"account_id", "start_on"} <= sure.keys():
        return None
    if {"contract", "tcv"} & set(in_english(header_words(priced)).split()) and "end_on" in sure:
        return priced_contracts(table, recognise(table, record="contracts"), seen)
    return _with_accounts(table, recognise(table, record="subscription_lines"), seen)


def departed(table: Table, whole: Mapping, seen: Sample) -> list[Mapping]:
    """The parts of a list of accounts that left: the accounts, flagged as churned, and their departures where it says when."""
    left = {"churn_flag": "true"}
    if whole.record == "accounts":
        return [whole if "churn_flag" in whole.headers else replace(whole, fixed=left)]
    if "churn_event_id" in whole.headers:  # a table of events with ids of its own: who came back since has left once, too
        return [whole]
    named = whole.headers["account_id"]
    free = {h for h, target in whole.columns.items() if not target or target.startswith(CUSTOM)}
    accounts = {h: m for h, m in fitting("accounts", table.header, seen).items() if h == named or h in free}
    if named not in accounts or accounts[named].column not in ("account_id", "name"):
        return [whole]
    taken = {h: "churn_events" for h in whole.columns if h not in free and h != named}
    first = replace(_part(table, seen, "accounts", accounts, taken), fixed=left)
    columns = {h: None if h in free else target for h, target in whole.columns.items()}
    events = replace(whole, columns=columns, custom={}, reasons=whole.reasons | dict.fromkeys(free, "goes to the account"), sheet=True)
    return [first, events]


def _paid_until(table: Table, seen: Sample, parts: list[Mapping]) -> list[Mapping]:
    """The parts of a list of who left, and what they paid from their start to the day on which they left, where it says all three."""
    lines = {m.column: (h, m) for h, m in fitting("subscription_lines", table.header, seen).items() if m.likeness >= CLOSE}
    day = next((p.headers["effective_on"] for p in parts if "effective_on" in p.headers), None)
    if "end_on" not in lines and day:
        lines["end_on"] = (day, Match(1.0, day, "end_on", ""))
    paid = next((lines[c][0] for c in REVENUE if c in lines), None)
    if table.known or paid is None or not {"account_id", "start_on", "end_on"} <= lines.keys():
        return parts
    found = {h: m for c, (h, m) in lines.items() if h == paid or c in ("account_id", "start_on", "end_on", "subscription_id", *WITH_LINE)}
    line = _part(table, seen, "subscription_lines", found, None)
    if line.headers["end_on"] == day and CHURNED_ON & set(in_english(header_words(day)).split()):
        line = replace(line, end="exclusive", end_evidence=None)  # who left on a day does not pay for it
    return [*(_without(part, found) for part in parts), line]


def _without(part: Mapping, found: dict[str, Match]) -> Mapping:
    """A part that leaves to the line what it would only have kept as fields of its own."""
    gone = [h for h, target in part.columns.items() if h in found and (target or "").startswith(CUSTOM)]
    columns = part.columns | dict.fromkeys(gone)
    custom = {slug: kind for slug, kind in part.custom.items() if f"{CUSTOM}{slug}" in columns.values()}
    return replace(part, columns=columns, custom=custom, reasons=part.reasons | dict.fromkeys(gone, "goes to the subscription line"), sheet=True)


def _of_contracts(whole: Mapping) -> bool:
    """Whether a list with a row per customer is one of contracts all the same: they have ids or a contract's value, and run from a day to a day."""
    if whole.record != "contracts" or not {"start_on", "end_on"} <= whole.headers.keys():
        return False
    return "contract_id" in whole.headers or any(set(header_words(h).split()) & VALUE_OF for h in whole.columns)


def priced_contracts(table: Table, whole: Mapping, seen: Sample) -> list[Mapping] | None:
    """The contracts of a list that says what each comes to, and the lines under them; None where it says no amount.

    A line runs from its contract's start to its end; `undated.stated` links the two where the contract has no id of its own.
    """
    if whole.record == "subscription_lines" and not table.known and not {"line_id", "subscription_id"} & whole.headers.keys():
        named = whole.headers.get("contract_id")
        whole = recognise(table, record="contracts") if named and _one_each(seen, named) else whole  # a row for each contract
    there = {column: header for column, header in whole.headers.items() if not column.startswith(CUSTOM)}
    if whole.record != "contracts" or table.known or not {"account_id", "start_on", "end_on"} <= there.keys():
        return None
    lines = {h: m for h, m in fitting("subscription_lines", table.header, seen).items() if h not in there.values() and not _own_revenue(seen, h)}
    sure = {m.column for m in lines.values() if m.likeness >= CLOSE}
    priced = (*PRICED, "unit_price") if sure & {"seats", "quantity"} else PRICED
    revenue = [h for h, m in lines.items() if m.column in priced and m.likeness >= CLOSE]
    if not revenue:
        return None
    found = {h: m for h, m in lines.items() if h in revenue or (m.likeness >= CLOSE and m.column in WITH_LINE)}
    for column in ("account_id", "contract_id", "start_on", "end_on"):
        if column in there:
            found[there[column]] = Match(whole.confidence[there[column]], there[column], column, "")
    line = _part(table, seen, "subscription_lines", found, None)
    accounts = _told_of_accounts(table, seen, there, found)
    gone = dict.fromkeys((h for h in found if h in lines), "subscription line") | dict.fromkeys(set(accounts) - {there["account_id"]}, "account")
    columns = {h: None if h in gone else target for h, target in whole.columns.items()}
    custom = {slug: kind for slug, kind in whole.custom.items() if f"{CUSTOM}{slug}" in columns.values()}
    reasons = whole.reasons | {h: f"goes to the {noun}" for h, noun in gone.items()}
    contract = replace(whole, columns=columns, custom=custom, reasons=reasons, end=line.end, end_evidence=line.end_evidence, sheet=True)
    return [*([_part(table, seen, "accounts", accounts, None)] if accounts else []), contract, line]


def _with_accounts(table: Table, whole: Mapping, seen: Sample) -> list[Mapping]:
    """The lines of a grid, and before them what its columns beside the months tell of the accounts."""
    accounts = _told_of_accounts(table, seen, {column: h for column, h in whole.headers.items() if not column.startswith(CUSTOM)}, {})
    gone = set(accounts) - {whole.headers["account_id"]}
    if not gone:
        return [whole]
    columns = {h: None if h in gone else target for h, target in whole.columns.items()}
    custom = {slug: kind for slug, kind in whole.custom.items() if f"{CUSTOM}{slug}" in columns.values()}
    line = replace(whole, columns=columns, custom=custom, reasons=whole.reasons | dict.fromkeys(gone, "goes to the account"), sheet=True)
    return [_part(table, seen, "accounts", accounts, None), line]


def _named_lines(table: Table, whole: Mapping, seen: Sample) -> list[Mapping]:
    """A list of lines; where it names customers by an id, the accounts before it with the names that stand beside: else they were called by their ids."""
    if whole.record != "subscription_lines" or "account_id" not in whole.headers:
        return [whole]
    parts = _with_accounts(table, whole, seen)
    return parts if {"account_id", "name"} <= parts[0].headers.keys() and parts[0].record == "accounts" else [whole]


def _told_of_accounts(table: Table, seen: Sample, there: dict[str, str], taken: dict[str, Match]) -> dict[str, Match]:
    """Columns of a list of contracts that say the same in every row of an account, and the account's own: it is what they tell of."""
    fits = fitting("accounts", table.header, seen)
    named = there["account_id"]
    of = table.header.index(named)
    if named not in fits or fits[named].column not in ("account_id", "name"):
        return {}
    found = {}
    for header, match in fits.items():
        if header != named and header not in taken and header not in there.values() and match.column in OF_ACCOUNTS and match.likeness >= CLOSE:
            at = table.header.index(header)
            pairs = {(cells[of].strip(), text) for cells in seen.rows if (text := cells[at].strip())}
            if pairs and len({account for account, _ in pairs}) == len(pairs):
                found[header] = match
    return {named: fits[named], **found} if found else {}


def customer_sheet(table: Table, whole: Mapping, seen: Sample, status: frozenset[str]) -> list[Mapping] | None:
    """The parts of a sheet with a row per customer; None where the table is no such sheet."""
    if table.known or whole.record not in SHEETS or not seen.size:
        return None
    accounts = fitting("accounts", table.header, seen)
    by_name = next((h for h, m in accounts.items() if m.column == "name"), None)
    named = next((h for h, m in accounts.items() if m.column == "account_id"), None) or by_name
    lost = named if named and by_name and _one_each(seen, by_name) and any(map(is_shortened, seen.values(named))) else None
    if lost:  # a spread-sheet made numbers of the ids: the names tell the customers apart
        accounts.pop(lost)
        named = by_name
    if named is None:
        return None
    lines = {h: m for h, m in fitting("subscription_lines", table.header, seen).items() if h != named}
    lines = {h: m for h, m in lines.items() if not _own_revenue(seen, h)} | _status_of_customers(table, seen, lines)
    revenue = [h for h, m in lines.items() if m.column in REVENUE and _surely(h, m)]
    some_twice = revenue and not any(m.column == "start_on" for m in lines.values()) and _one_each(seen, named, MOSTLY)
    if not _one_each(seen, named) and not _by_item(lines) and not some_twice:
        return None
    if some_twice and not _one_each(seen, named) and {"start_on", "end_on"} <= _surely_there("contracts", table, seen):
        return priced_contracts(table, recognise(table, record="contracts"), seen)  # who stands twice has two terms, each with its days
    pulse = _pick(fitting("pulses", table.header, seen), "colour", "reason")
    if not revenue and not any(m.column == "colour" for m in pulse.values()):
        return None
    beside = {column for column, header in whole.headers.items() if header_words(header) not in BARE_ID}  # `ID` beside a name is the account's, if anybody's
    renewals = whole.record == "contracts" and revenue and not {"contract_id", "start_on"} & beside  # whose contracts are but a date
    renewals = renewals or (whole.record == "subscription_lines" and bool(revenue) and _renewing(table, seen, lines, whole))
    if whole.record not in (None, "accounts") and not renewals and len([1 for h, m in accounts.items() if m.column in OF_ACCOUNTS and m.likeness >= CLOSE]) < 2:
        return None  # nothing of an account beside its name: a plain file of lines, contracts or people
    dated = any(m.column == "start_on" and m.likeness >= CLOSE for m in lines.values())
    terms = TERMS if dated else TERMS | {"end"}  # an end beside no start is the contract's
    contract = {h: m for h, m in fitting("contracts", table.header, seen).items() if set(in_english(header_words(h)).split()) & terms and _surely(h, m)}
    contract = contract if any(m.column == "end_on" for m in contract.values()) else {}
    line = _line(lines, revenue, contract, dated, seen, status)
    left = _left(table, seen) if revenue and "end_on" not in {m.column for m in line.values()} else {}
    line |= left
    contact = _contact(fitting("contacts", table.header, seen), named, line)
    note = _pick(fitting("notes", table.header, seen), "text")
    parts = {"subscription_lines": line if revenue else {}, "contracts": contract, "contacts": contact, "pulses": pulse, "notes": note}
    taken: dict[str, str] = {}
    for record, found in parts.items():
        for header in list(found):
            if header == named or (header in taken and not (record == "contracts" and found[header].column in ("start_on", "end_on"))):
                del found[header]
            else:
                taken.setdefault(header, record)
    kept = {h: m for h, m in accounts.items() if h == named or h not in taken}
    for header in left:
        del taken[header]  # the account says it, too
    mappings = [_part(table, seen, "accounts", kept, taken)]
    account = accounts[named]
    for record, found in parts.items():
        if not found or (record == "contacts" and not any(m.column in ("email", "name") for m in found.values())):
            continue
        told = {named: Match(account.likeness, named, "account_id", account.synonym), **found}
        made = _part(table, seen, record, told, None)
        if record == "contacts" and any(set(header_words(h).split()) & CHAMPION for h in found):
            made = replace(made, fixed={"role": "champion"})
        mappings.append(made)
    if len(mappings) < 2:
        return None
    if lost:
        mappings = [_by_name_instead(each, lost, named) for each in mappings]
        table.note(f"ids {lost}", f"Ids in {lost} lost their last digits in a spread-sheet: that column is left out, and customers go by {named}.", anew=True)
    return [with_status(each, seen, status) for each in mappings]


def _renewing(table: Table, seen: Sample, lines: dict[str, Match], whole: Mapping) -> bool:
    """Whether a list of lines with a row per customer says beside their start when they renew, and no end: that day is their contract's."""
    if {"line_id", "subscription_id", "contract_id"} & whole.headers.keys() or any(m.column == "end_on" and m.likeness >= CLOSE for m in lines.values()):
        return False
    ends = [h for h, m in fitting("contracts", table.header, seen).items() if m.column == "end_on" and _surely(h, m)]
    return any(RENEWS & set(in_english(header_words(h)).split()) for h in ends)


def _by_name_instead(mapping: Mapping, lost: str, named: str) -> Mapping:
    """A part without the column of ids that lost their digits."""
    columns = mapping.columns | {lost: None}
    custom = {slug: kind for slug, kind in mapping.custom.items() if f"{CUSTOM}{slug}" in columns.values()}
    reasons = mapping.reasons | {lost: f"left out: its ids lost their last digits; customers go by {named}"}
    return replace(mapping, columns=columns, custom=custom, reasons=reasons)


def with_status(mapping: Mapping, seen: Sample, status: frozenset[str]) -> Mapping:
    """The lines of a sheet with what its status words plainly mean: who left, and who is there. Of other words it is asked (rule 5)."""
    header = mapping.headers.get("status")
    if mapping.record != "subscription_lines" or header is None:
        return mapping
    words = {normal_words(text) for text in seen.values(header)} - status
    meaning = {word: "churned" if LEFT & set(word.split()) else "active" for word in words if LEFT & set(word.split()) or set(word.split()) <= THERE}
    return replace(mapping, status=meaning | mapping.status)


def _status_of_customers(table: Table, seen: Sample, lines: dict[str, Match]) -> dict[str, Match]:
    """A `Customer status` that says of some that they left: what they paid is not counted, as under `Status`."""
    if any(m.column == "status" for m in lines.values()):
        return {}
    for header in table.header:
        words = set(in_english(header_words(header)).split())
        if "status" in words and words <= OF_CUSTOMERS and any(LEFT & set(normal_words(text).split()) for text in seen.values(header)):
            return {header: Match(1.0, header, "status", "status")}
    return {}


def _surely_there(record: str, table: Table, seen: Sample) -> set[str]:
    """Columns of a record that the table's headers say plainly."""
    return {m.column for m in fitting(record, table.header, seen).values() if m.likeness >= CLOSE}


def _surely(header: str, match: Match) -> bool:
    """Whether a header says what its column is: cells that cannot be read are set aside one by one, and take the column no meaning."""
    return match.likeness >= CLOSE or likeness(in_english(header_words(bare(header))), match.synonym) >= CLOSE


def _own_revenue(seen: Sample, header: str) -> bool:
    """Whether `Annual Revenue` is what the customer itself turns over, as CRM exports have it, and not what it pays: half are a million or more."""
    if header_words(header) != OWN_REVENUE:
        return False
    amounts = sorted(value for text in seen.values(header).elements() if isinstance(value := STATED["decimal"](text), Decimal))
    return bool(amounts) and amounts[len(amounts) // 2] >= MILLION


def _one_each(seen: Sample, header: str, share: float = ONE_EACH) -> bool:
    values = seen.values(header)
    return values.total() >= max(1, min(NAMED * seen.size, seen.size - 1)) and len(values) >= share * values.total()


def _by_item(lines: dict[str, Match]) -> bool:
    """Whether a sheet has a row for each product or plan of a customer, as of its date: then a customer may stand in it more than once."""
    there = {m.column for m in lines.values() if m.likeness >= CLOSE}
    return bool(there & {"product_id", "plan"}) and bool(there & set(REVENUE)) and "start_on" not in there and "subscription_id" not in there


def _pick(found: dict[str, Match], *columns: str) -> dict[str, Match]:
    return {h: m for h, m in found.items() if m.column in columns and m.likeness >= CLOSE * 0.9}


def _line(lines: dict[str, Match], revenue: list[str], contract: dict[str, Match], dated: bool, seen: Sample, status: frozenset[str]) -> dict[str, Match]:
    """The columns of the line: its revenue, what it buys, and its dates where a start is stated."""
    kept = {h: lines[h] for h in revenue}
    for header, match in lines.items():
        if match.likeness >= CLOSE and (match.column in WITH_LINE or (dated and match.column in OF_DAYS)):
            if match.column == "end_on" and header in contract:
                continue  # a renewal date ends the contract, not what is paid
            kept[header] = match
        said = {normal_words(text) for text in seen.values(header)} if match.column == "status" else set()
        if said and (said <= status or any(LEFT & set(words.split()) for words in said)):
            kept[header] = match
    return kept


def _left(table: Table, seen: Sample) -> dict[str, Match]:
    """The column that says when a customer left: the end of what it paid."""
    found = fitting("churn_events", table.header, seen)
    return {h: m._replace(column="end_on") for h, m in found.items() if m.column == "effective_on" and CHURNED_ON & set(in_english(header_words(h)).split())}


def _contact(contacts: dict[str, Match], named: str, line: dict[str, Match]) -> dict[str, Match]:
    """A person of the customer: told by an e-mail or as a contact by name, with title and phone beside it."""
    wanted = {
        h: m for h, m in contacts.items() if h != named and h not in line and m.column in ("email", "name", "first_name", "last_name", "title", "phone", "role")
    }
    known = any(m.column == "email" or (m.column == "name" and PERSON & set(in_english(header_words(h)).split())) for h, m in wanted.items())
    return {h: m for h, m in wanted.items() if m.likeness >= CLOSE} if known else {}


def _part(table: Table, seen: Sample, record: str, found: dict[str, Match], elsewhere: dict[str, str] | None) -> Mapping:
    """One part as a mapping: `elsewhere` says where headers went; None leaves all others out (another part has them)."""
    noun = record_type(record).info.noun
    why = f"one row per customer: {len(found)} of {len(table.header)} columns go to the {noun}."
    made = mapping_of(table, seen, Guess(record, found, reasons_of(record, found, seen), 1.0, why), None)
    rest = {h: f"goes to the {record_type(elsewhere[h]).info.noun}" for h in table.header if h not in found and h in elsewhere} if elsewhere is not None else {}
    if elsewhere is None:
        rest = {h: "goes to another record" for h in table.header if h not in found}
    columns = made.columns | dict.fromkeys(rest)
    custom = {slug: kind for slug, kind in made.custom.items() if f"custom.{slug}" in columns.values()}
    return replace(
        made,
        columns=columns,
        custom=custom,
        reasons=made.reasons | rest,
        confidence=made.confidence | dict.fromkeys(rest, 1.0),
        sure=max(SURE, made.sure),
        sheet=True,
    )
