"""Tables to mappings: which record type, which column, how sure, and what whole columns decide."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from laer.sources.tabular.ends import end_evidence
from laer.sources.tabular.headers import header_words, match_columns
from laer.sources.tabular.mapping import Mapping, MappingFault, all_from_yaml, fingerprint, from_yaml, slug_of, to_yaml
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.recognise import SURE, recognise

RAVENSTACK = Path(__file__).parents[3] / "shared" / "data" / "ravenstack"


@pytest.fixture
def table(tmp_path):
    def make(text, name="export.csv"):
        path = tmp_path / name
        path.write_text(text)
        (one,) = open_tables(path)
        return one

    return make


RAVENSTACK_COLUMNS = {
    "accounts": {"account_id": "account_id", "account_name": "name", "signup_date": "signed_up_on", "referral_source": "lead_source", "plan_tier": "custom.plan_tier",
                 "seats": "custom.seats", "is_trial": "custom.is_trial", "churn_flag": "churn_flag", "industry": "industry", "country": "country"},
    "subscriptions": {"subscription_id": "subscription_id", "account_id": "account_id", "start_date": "start_on", "end_date": "end_on", "plan_tier": "plan", "seats": "seats",
                      "mrr_amount": "mrr", "arr_amount": "arr", "is_trial": "is_trial", "upgrade_flag": "custom.upgrade_flag", "downgrade_flag": "custom.downgrade_flag",
                      "churn_flag": "churn_flag", "billing_frequency": "interval", "auto_renew_flag": "auto_renews"},
    "feature_usage": {"usage_id": "row_id", "subscription_id": "subscription_id", "usage_date": "day", "feature_name": "feature", "usage_count": "count",
                      "usage_duration_secs": "seconds", "error_count": "errors", "is_beta_feature": "custom.is_beta_feature"},
    "support_tickets": {"ticket_id": "ticket_id", "account_id": "account_id", "submitted_at": "opened_at", "closed_at": "closed_at", "resolution_time_hours": "resolution_hours",
                        "priority": "priority", "first_response_time_minutes": "first_response_minutes", "satisfaction_score": "satisfaction", "escalation_flag": "escalated"},
    "churn_events": {"churn_event_id": "churn_event_id", "account_id": "account_id", "churn_date": "effective_on", "reason_code": "reason",
                     "refund_amount_usd": "custom.refund_amount_usd", "preceding_upgrade_flag": "custom.preceding_upgrade_flag",
                     "preceding_downgrade_flag": "custom.preceding_downgrade_flag", "is_reactivation": "is_reactivation", "feedback_text": "text"},
}  # fmt: skip
RAVENSTACK_RECORDS = {
    "accounts": "accounts",
    "subscriptions": "subscription_lines",
    "feature_usage": "usage_days",
    "support_tickets": "tickets",
    "churn_events": "churn_events",
}


@pytest.mark.skipif(not RAVENSTACK.is_dir(), reason="the folder of foreign data is not here")
@pytest.mark.parametrize("name", RAVENSTACK_COLUMNS)
def test_ravenstack_needs_no_hints(name):
    (one,) = open_tables(RAVENSTACK / f"ravenstack_{name}.csv")
    found = recognise(one)
    assert found.record == RAVENSTACK_RECORDS[name]
    assert found.columns == RAVENSTACK_COLUMNS[name]
    assert found.date_order == "dmy"
    assert found.sure >= SURE


@pytest.mark.skipif(not RAVENSTACK.is_dir(), reason="the folder of foreign data is not here")
def test_ravenstack_custom_fields_are_typed_and_its_ends_say_nothing():
    accounts = recognise(next(open_tables(RAVENSTACK / "ravenstack_accounts.csv")))
    assert accounts.custom == {"plan_tier": "text", "seats": "integer", "is_trial": "boolean"}
    lines = recognise(next(open_tables(RAVENSTACK / "ravenstack_subscriptions.csv")))
    assert lines.end is None
    assert "does not say" in lines.end_evidence.sentence


EXPORTS = {
    "Salesforce accounts": (
        "report1700000.csv", "accounts",
        "Account ID,Account Name,Type,Industry,Billing Country,Annual Revenue,Number of Employees,Account Owner,Created Date,Website,Parent Account ID\n"
        "0015g00000XYZabAAA,Acme Ltd,Customer,Media,Germany,\"$1,200,000\",250,Ann Lee,1/31/2023,www.acme.com,\n"
        "0015g00000XYZabBBB,Bolt SA,Customer,Retail,France,\"$900,000\",40,Bob Ray,2/14/2023,bolt.fr,0015g00000XYZabAAA\n",
        {"Account ID": "account_id", "Account Name": "name", "Billing Country": "country", "Number of Employees": "employees", "Account Owner": "owner",
         "Created Date": "signed_up_on", "Website": "domain", "Parent Account ID": "parent_id", "Annual Revenue": "custom.annual_revenue", "Type": "custom.type"},
    ),
    "HubSpot companies": (
        "hubspot-crm-exports-all-companies-2024-05-01.csv", "accounts",
        "Record ID,Company name,Company owner,Create Date,Phone Number,City,Country/Region,Industry,Company Domain Name,Number of Employees,Lifecycle Stage\n"
        "123,Acme,Ann Lee,2024-01-05 10:30,+49 30 123,Berlin,Germany,Media,acme.com,250,Customer\n",
        {"Record ID": "account_id", "Company name": "name", "Company owner": "owner", "Create Date": "signed_up_on", "Country/Region": "country", "Industry": "industry",
         "Company Domain Name": "domain", "Number of Employees": "employees", "Phone Number": "custom.phone_number"},
    ),
    "HubSpot contacts": (
        "hubspot-crm-exports-contacts.csv", "contacts",
        "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Job Title,Company ID,Lead Status\n1,Ann,Lee,ann@acme.com,030 1,Bob Ray,CTO,123,Open\n",
        {"Record ID": "contact_id", "First Name": "first_name", "Last Name": "last_name", "Email": "email", "Job Title": "title", "Company ID": "account_id"},
    ),
    "Stripe subscriptions": (
        "subscriptions.csv", "subscription_lines",
        "id,Customer ID,Customer Email,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),Start (UTC),Current Period Start (UTC),Current Period End (UTC),Ended At (UTC)\n"
        "sub_1,cus_1,a@b.c,price_1,5,usd,month,49.00,active,2024-01-05 10:00,2024-01-05 10:00,2024-03-05 10:00,2024-04-05 10:00,\n"
        "sub_2,cus_2,b@b.c,price_2,1,usd,year,490.00,canceled,2023-01-05 10:00,2023-01-05 10:00,2023-01-05 10:00,2024-01-05 10:00,2024-01-05 10:00\n",
        {"id": "subscription_id", "Customer ID": "account_id", "Plan": "plan", "Quantity": "quantity", "Currency": "currency", "Interval": "interval", "Amount": "amount",
         "Status": "status", "Start (UTC)": "start_on", "Ended At (UTC)": "end_on", "Created (UTC)": "custom.created_utc"},
    ),
    "Chargebee subscriptions": (
        "Subscriptions.csv", "subscription_lines",
        "Subscription Id,Customer Id,Plan Id,Plan Quantity,Status,Started At,Cancelled At,MRR,Currency Code,Billing Period\n"
        "AzZ1,cust_9,pro-usd,3,Active,05-Jan-2024 10:00,,147.00,USD,monthly\n",
        {"Subscription Id": "subscription_id", "Customer Id": "account_id", "Plan Id": "plan", "Status": "status", "Started At": "start_on", "Cancelled At": "end_on",
         "MRR": "mrr", "Currency Code": "currency", "Billing Period": "interval", "Plan Quantity": "quantity"},
    ),
    "Zendesk tickets": (
        "zendesk_export.csv", "tickets",
        "Id,Subject,Status,Priority,Organization,Requester,Created at,Updated at,Solved at,Satisfaction Score\n"
        "1,Cannot log in,solved,high,Acme,Ann,2024-01-05 10:00:00,2024-01-06 10:00:00,2024-01-06 09:00:00,good\n2,Slow,open,low,Bolt,Bob,2024-02-05 10:00:00,,,offered\n",
        {"Id": "ticket_id", "Subject": "subject", "Organization": "account_id", "Created at": "opened_at", "Solved at": "closed_at", "Satisfaction Score": "custom.satisfaction_score"},
    ),
    "Salesforce cases": (
        "cases.csv", "tickets",
        "Case Number,Account ID,Subject,Priority,Status,Date/Time Opened,Date/Time Closed,Case Owner\n00001001,001A,Broken,High,Closed,1/31/2024 10:00 AM,2/1/2024 4:00 PM,Ann\n",
        {"Case Number": "ticket_id", "Account ID": "account_id", "Date/Time Opened": "opened_at", "Date/Time Closed": "closed_at", "Case Owner": "custom.case_owner"},
    ),
    "NPS answers": (
        "nps-2024.csv", "survey_responses",
        "Response ID,Company ID,Email,Score,Comment,Responded at\nr1,123,a@b.c,9,Great,2024-01-05\nr2,124,b@b.c,3,Meh,2024-01-06\n",
        {"Response ID": "response_id", "Company ID": "account_id", "Score": "score", "Comment": "comment", "Responded at": "answered_on", "Email": "custom.email"},
    ),
    "products": (
        "price book.csv", "products",
        "SKU,Product Name,Product Family,List Price,Currency,Active\nP-1,Core,Platform,\"1.200,00 €\",EUR,ja\nP-2,Add-on,Extras,\"99,50 €\",EUR,nein\n",
        {"SKU": "product_id", "Product Name": "name", "Product Family": "family", "List Price": "list_price", "Currency": "currency", "Active": "custom.active"},
    ),
    "contracts": (
        "contracts.csv", "contracts",
        "Contract Number,Account ID,Contract Start Date,Contract End Date,Contract Term (months),Auto Renew,Status\n"
        "C-1,001A,01.01.2024,31.12.2024,12,yes,Activated\nC-2,001B,15.03.2024,14.03.2025,12,no,Draft\n",
        {"Contract Number": "contract_id", "Account ID": "account_id", "Contract Start Date": "start_on", "Contract End Date": "end_on", "Contract Term (months)": "term_months",
         "Auto Renew": "auto_renews", "Status": "status"},
    ),
    "usage": (
        "events.tsv", "usage_days",
        "account_id\tuser_id\tdate\tevent_name\tcount\nA1\tu1\t2024-01-05\tlogin\t3\nA2\tu2\t2024-01-05\texport\t1\n",
        {"account_id": "account_id", "user_id": "user_id", "date": "day", "event_name": "feature", "count": "count"},
    ),
    "owners": (
        "csm assignments.csv", "assignments",
        "Account ID,Owner Email,Role,Start Date\nA1,ann@us.com,csm,2024-01-01\nA2,bob@us.com,ae,2024-01-01\n",
        {"Account ID": "account_id", "Owner Email": "person_id", "Role": "job", "Start Date": "from_on"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("export", EXPORTS)
def test_exports_of_well_known_systems_are_recognised(table, export):
    name, record, text, columns = EXPORTS[export]
    found = recognise(table(text, name))
    assert found.record == record, found.why
    assert {header: found.columns[header] for header in columns} == columns
    assert set(found.columns) == set(found.confidence) == set(found.reasons)


def test_no_column_is_used_twice(table):
    found = recognise(table("account_id,customer_id,start_date,start,mrr,mrr_amount\nA,B,2024-01-01,2024-01-02,1,2\n"))
    targets = [target for target in found.columns.values() if target]
    assert len(targets) == len(set(targets))
    assert found.columns["customer_id"] == "custom.customer_id"


def test_a_file_about_something_else_is_not_forced_into_a_type(table):
    found = recognise(table("colour,weather,mood\nred,rain,good\n", "diary.csv"))
    assert found.record is None
    assert "No record type fits" in found.why
    assert found.sure < SURE


def test_values_can_refuse_what_a_name_promises(table):
    found = recognise(table("account_id,account_name,signup date\nA1,Acme,a while ago\nA2,Bolt,last year\n", "accounts.csv"))
    assert found.columns["signup date"] == "custom.signup_date"
    assert found.custom["signup_date"] == "text"


def test_the_whole_column_decides_not_the_sample(table):
    rows = "".join(f"A{i},Acme {i},05/01/2024,1\n" for i in range(3000))
    found = recognise(table("account_id,account_name,signup_date,weight\n" + rows + "A9999,Late,31/12/2024,heavy\n"))
    assert found.date_order == "dmy"
    assert found.custom["weight"] == "text"


def test_an_undecidable_order_is_asked_for_and_can_be_given(table):
    text = "account_id,account_name,signup_date\nA1,Acme,05/01/2024\nA2,Bolt,06/02/2024\n"
    found = recognise(table(text))
    assert found.date_order is None
    assert found.undecided == ("signup_date",)
    assert "day or month" in found.date_why
    told = recognise(table(text), date_order="mdy")
    assert told.date_order == "mdy"
    assert told.undecided == ()


def test_custom_fields_are_typed_without_losing_anything(table):
    found = recognise(
        table(
            "account_id,account_name,n,d,flag,when,code,money,mixed,phone,empty,seen,size\n"
            'A1,Acme,1,1.5,yes,2024-01-05,007,$5,$5,+49 30,,2024-01-05 10:00,S\nA2,Bolt,20,2,no,2024-01-06,008,"$1,200",5 EUR,030,,2024-01-06 00:00,S\n'
        )
    )
    assert found.custom == {
        "seen": "text",
        "size": "text",
        "n": "integer",
        "d": "decimal",
        "flag": "boolean",
        "when": "date",
        "code": "text",
        "money": "decimal",
        "mixed": "text",
        "phone": "text",
    }
    assert found.columns["empty"] is None
    assert found.reasons["empty"] == "every cell is empty"


def test_a_column_of_decimal_commas_is_read_as_such(table):
    found = recognise(table("account_id;start_date;mrr\nA1;2024-01-01;1.234\nA2;2024-01-01;1.200,50\n", "mrr.csv"))
    assert found.number_styles == {"mrr": "comma"}


def test_the_type_can_be_given(table):
    found = recognise(table("name,day\nAcme,2024-01-05\n"), record="churn_events")
    assert found.record == "churn_events"
    assert "effective_on" in found.missing


# --- header names


def test_headers_match_whatever_their_case_spacing_and_hyphens():
    assert header_words("AccountID") == header_words("account-id") == header_words(" Account_Id ") == "account id"
    assert header_words("Start_Date__c") == "start date"


def test_columns_of_a_known_type_are_matched_by_name_alone():
    assert match_columns(["Customer ID", "StartDate", "end-date", "MRR (USD)", "Billing Interval", "discount_amount", "Sub. No", "notes"], "subscription_lines") == {
        "Customer ID": "account_id", "StartDate": "start_on", "end-date": "end_on", "MRR (USD)": "mrr", "Billing Interval": "interval", "Sub. No": "subscription_id",
        "discount_amount": "discount_amount",
    }  # fmt: skip


def test_a_word_that_changes_the_meaning_prevents_a_match():
    for header in ("previous mrr", "discounted amount", "refund_amount", "mrr growth", "target mrr", "parent account id"):
        assert match_columns([header], "subscription_lines") == {}


# --- saved mappings


def test_a_mapping_survives_saving(table):
    found = recognise(table("account_id;account_name;signup_date;score;empty\nA1;Acme;31/12/2024;1,5;\n"))
    again = from_yaml(to_yaml(found))
    for part in ("record", "columns", "custom", "date_order", "number_styles", "end", "fingerprint"):
        assert getattr(again, part) == getattr(found, part)
    assert [m.record for m in all_from_yaml(to_yaml(found) + "---\n" + to_yaml(found))] == ["accounts", "accounts"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("record: clients\ncolumns: {a: name}", "there are people, accounts"), ("record: accounts\ncolumns: {a: nom}", "it has account_id, name"),
     ("record: accounts\ncolumns: {a: name, b: name}", "mapped twice"), ("record: accounts\ncolumns: {a: name}\ndate_order: ydm", "there are dmy, mdy, ymd"),
     ("record: accounts\ncolumns: {a: custom.x}\ncustom: {x: float}", "there are text, integer"), ("record: accounts\ncolumns: {a: name}\nend: never", "exclusive, inclusive"),
     ("record: accounts\ncolumns: {a: name}\ncolour: red", "has no 'colour'"), ("- a", "needs `record`"), ("a: [", "no YAML"), ("record: accounts\ncolumns: {a: custom.A B}", "no name for a custom field")],
)  # fmt: skip
def test_a_saved_mapping_that_names_what_does_not_exist_says_what_does(text, said):
    with pytest.raises(MappingFault, match=said):
        from_yaml(text)


def test_a_fingerprint_ignores_order_case_and_spacing():
    assert fingerprint(["Account ID", "name"]) == fingerprint(["name", "account_id"]) != fingerprint(["name"])


def test_custom_fields_get_names_of_their_own():
    assert slug_of("Größe (cm)!", ()) == "grosse_cm"
    assert slug_of("A b", ("a_b",)) == "a_b_2"
    assert slug_of("///") == "field"


def test_a_mapping_turned_round_gives_the_headers():
    assert Mapping("accounts", {"ID": "account_id", "x": None}).headers == {"account_id": "ID"}


# --- what an end means (rule 1)


def lines(first_end, next_start, count=10):
    for i in range(count):
        yield f"A{i}", date(2024, 1, 1), first_end
        yield f"A{i}", next_start, None


def test_successors_on_the_day_after_make_the_end_the_last_paid_day():
    evidence = end_evidence(lines(date(2024, 12, 31), date(2025, 1, 1)))
    assert evidence.decided == "inclusive"
    assert (evidence.share_day_after, evidence.share_on_end, evidence.share_month_end) == (1.0, 0.0, 1.0)
    assert "10 are followed on the day after" in evidence.sentence


def test_successors_on_the_end_make_it_the_first_unpaid_day():
    assert end_evidence(lines(date(2024, 12, 31), date(2024, 12, 31))).decided == "exclusive"


def test_without_successors_the_edge_of_the_month_speaks():
    assert end_evidence([(f"A{i}", date(2024, 1, 1), date(2024, 12, 31)) for i in range(5)]).decided == "inclusive"
    assert end_evidence([(f"A{i}", date(2024, 1, 1), date(2025, 1, 1)) for i in range(5)]).decided == "exclusive"


def test_mixed_or_missing_evidence_is_left_to_be_asked():
    mixed = [*lines(date(2024, 6, 14), date(2024, 6, 15), 5), *(("B" + a, s, e) for a, s, e in lines(date(2024, 6, 15), date(2024, 6, 15), 5))]
    assert end_evidence(mixed).decided is None
    assert end_evidence([]).decided is None
    scattered = [(f"A{i}", date(2024, 1, 1), date(2024, 1, 3) + timedelta(days=i * 7 % 25)) for i in range(40)]
    assert end_evidence(scattered).decided is None


def test_a_recognised_file_of_terms_says_what_its_end_means(table):
    text = "subscription_id,account_id,start_date,end_date,mrr\n" + "".join(
        f"S{i},A{i},2024-01-01,2024-12-31,10\nT{i},A{i},2025-01-01,,10\n" for i in range(10)
    )
    found = recognise(table(text))
    assert found.end == "inclusive"
    assert "last paid day" in found.end_evidence.sentence
